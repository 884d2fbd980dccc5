// Package guest is what the first process of an emulated machine does in every
// lab: it shows what the kernel has, loads the modules it was given, and switches
// the machine off. It runs nowhere else.
package guest
