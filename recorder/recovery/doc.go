// Package recovery makes a volume and its index agree again after anything
// that may have happened: at start it salvages open segments, sets aside what
// nobody can explain, and gives the index its missing rows; for fsck it reads
// every byte and says what is wrong.
//
// The disk is the truth. Recovery must never delete what could hold footage:
// it removes a file only if it is provably without any, and moves everything
// else that it cannot explain to quarantine, with the reason beside it. Every
// step leaves the volume in a state from which recovery can begin again, so a
// second run, or a power cut in the first, changes nothing.
package recovery

import (
	"fmt"
	"time"
)

// IndexName is the file of the index in the volume's directory.
const IndexName = "segments.db"

// Report says what Recover found and did.
type Report struct {
	Files       int           // closed segments on the disk, afterwards
	Salvaged    int           // open segments that became closed ones
	Tails       int           // of them, how many lost a torn tail
	TailBytes   int64         // in all
	Headers     int           // segments whose lost header was told from the one before
	Empty       int           // open segments without any footage, removed
	Quarantined int           // files that nobody can explain
	Restored    int           // evidence that had lost its name in footage
	Rebuilt     string        // why the index was built anew; "" if it was not
	Added       int           // rows for files that had none
	Dropped     int           // rows without a file
	Restamped   int           // segments that an interrupted re-stamping had left
	Problems    []string      // what could not be done; at most maxProblems
	Omitted     int           // problems beyond that
	Took        time.Duration // all of it
}

const maxProblems = 100

func (r *Report) problem(format string, args ...any) {
	if len(r.Problems) == maxProblems {
		r.Omitted++
		return
	}
	r.Problems = append(r.Problems, fmt.Sprintf(format, args...))
}

// Changed reports whether recovery had anything to do.
func (r *Report) Changed() bool {
	return r.Salvaged+r.Headers+r.Empty+r.Quarantined+r.Restored+r.Added+r.Dropped+r.Restamped > 0 || r.Rebuilt != ""
}

// String sums the report up in a line.
func (r *Report) String() string {
	s := fmt.Sprintf("%d files, %d salvaged (%d torn tails, %d bytes), %d empty removed, %d quarantined, %d evidence restored, %d rows added, %d dropped",
		r.Files, r.Salvaged, r.Tails, r.TailBytes, r.Empty, r.Quarantined, r.Restored, r.Added, r.Dropped)
	if r.Restamped > 0 {
		s += fmt.Sprintf(", %d stamped again", r.Restamped)
	}
	if r.Headers > 0 {
		s += fmt.Sprintf(", %d headers rebuilt", r.Headers)
	}
	if r.Rebuilt != "" {
		s += ", index rebuilt: " + r.Rebuilt
	}
	if n := len(r.Problems) + r.Omitted; n > 0 {
		s += fmt.Sprintf(", %d problems", n)
	}
	return s
}
