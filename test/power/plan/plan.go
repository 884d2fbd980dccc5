// Package plan is what the host tells the guest of the power-cut lab to do,
// and how the guest answers on the console. It holds no behaviour.
package plan

import "time"

// File is where the guest finds its plan, as JSON.
const File = "/plan.json"

// Program is where the guest finds the product.
const Program = "/vedette"

// What the guest prints last, at the beginning of a line.
const (
	Done   = "POWER-LAB-DONE"
	Failed = "POWER-LAB-FAILED"
)

// People of the box that the guest claims.
const (
	User     = "owner"
	Password = "correct horse battery"
)

// Plan is one life of a guest.
type Plan struct {
	Now          time.Time     // what to set the clock to
	Limit        time.Duration // after which the guest gives up
	MountOptions string        // of ext4, beyond the default
	DiskSize     int64         // of the file system, bytes; markers are written behind it
	Cameras      []string      // their names, which become their ids
	Config       string        // vedette.toml
	Lives        []Life        // of the product, one after the other
}

// Life is one run of the product: how long it records with every camera, and
// how it ends.
type Life struct {
	Record time.Duration
	Kill   bool // SIGKILL instead of SIGTERM; the last life ends with the machine
}
