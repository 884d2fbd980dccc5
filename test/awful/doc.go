// Package awful holds scripted cameras that do everything wrong, over real
// sockets, against the recorder's ingester, hub and segment writer. Each
// script has a stated outcome; none may cost more than 16 MiB of memory nor
// disturb the good camera beside it. docs/decisions/awful-cameras.md lists
// them.
package awful
