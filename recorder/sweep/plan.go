package sweep

import "vedette/recorder/index"

// Reading is one measurement of a volume with the limits in force, in bytes.
type Reading struct {
	Total int64 // size of the file system
	Free  int64 // available to the recorder (statfs f_bavail)
	Limits
}

// Candidate is a segment that a sweep may choose.
type Candidate struct {
	Row  index.Row
	Held bool // evidence: never chosen
	Busy bool // being written or read: not chosen now
}

// Stop says why a plan ends where it does.
type Stop uint8

// The ends of a plan.
const (
	AboveFloor    Stop = iota // Free >= Floor: there is nothing to do
	Reached                   // the chosen rows suffice to reach High
	MoreNeeded                // all that may be chosen is; look at more candidates
	NothingLeft               // the same, and there are no more candidates
	Unsatisfiable             // Floor >= Total: deleting cannot help, so nothing is chosen
)

// String returns a word for log lines.
func (s Stop) String() string {
	return [...]string{"above floor", "reached", "more needed", "nothing left", "unsatisfiable"}[s]
}

// Decision is the outcome of Plan.
type Decision struct {
	Rows  []index.Row // to delete, in this order
	Bytes int64       // their sizes added up
	Stop  Stop
}

// Plan chooses which candidates to delete so that r.Free reaches r.High: the
// first ones that are neither held nor busy, and not one more than needed.
// Candidates must be sorted by start; complete says that there are no others.
// Plan keeps no reference to them.
//
// Nothing is chosen while r.Free >= r.Floor: exactly at the floor is enough.
func Plan(r Reading, candidates []Candidate, complete bool) Decision {
	switch {
	case r.Free >= r.Floor:
		return Decision{Stop: AboveFloor}
	case r.Floor >= r.Total:
		return Decision{Stop: Unsatisfiable}
	}
	return choose(r.High-r.Free, candidates, complete)
}

// choose takes candidates until their sizes add up to goal.
func choose(goal int64, candidates []Candidate, complete bool) Decision {
	d := Decision{Stop: MoreNeeded}
	if complete {
		d.Stop = NothingLeft
	}
	for _, c := range candidates {
		if d.Bytes >= goal {
			break
		}
		if c.Held || c.Busy {
			continue
		}
		d.Rows = append(d.Rows, c.Row)
		d.Bytes += c.Row.Bytes
	}
	if d.Bytes >= goal {
		d.Stop = Reached
	}
	return d
}
