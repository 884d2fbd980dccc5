// Package recorder is the facade of everything that records: it owns the
// cameras, their supervisors and the footage volume, and is all that web,
// perception and firmware see of the packages below it. It never imports
// hardware, web or the process.
package recorder
