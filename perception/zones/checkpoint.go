package zones

import (
	"errors"
	"fmt"
	"time"
)

// ErrCheckpoint is a checkpoint that is not whole, or of a later version.
var ErrCheckpoint = errors.New("the checkpoint of zones cannot be read")

// Checkpoint is a place in the log and the engine's state there.
type Checkpoint struct {
	// Number ascends with every checkpoint: it tells whether one was committed
	// that the caller heard an error of.
	Number uint64
	Store  string        // id of the log's store
	Seq    uint64        // of the last batch in State
	Skew   time.Duration // the engine's time less the wall clock, in ms
	State  []byte        // Engine.Snapshot
}

const (
	checkpointVersion = 1
	mostState         = 64 << 20 // bytes
	mostSkew          = 1 << 43  // ms; 278 years, which a duration holds
)

// Encode returns cp as bytes; docs/format/zones.md.
func (cp *Checkpoint) Encode() []byte {
	w := &writer{b: make([]byte, 0, len(cp.State)+64)}
	w.byte(checkpointVersion)
	w.uint(cp.Number)
	w.text(cp.Store)
	w.uint(cp.Seq)
	w.int(cp.Skew.Milliseconds())
	w.text(string(cp.State))
	return w.sum()
}

// DecodeCheckpoint undoes Encode. Anything else is ErrCheckpoint.
func DecodeCheckpoint(data []byte) (Checkpoint, error) {
	r := checked(data)
	if v := r.byte(); !r.bad && v != checkpointVersion {
		return Checkpoint{}, fmt.Errorf("%w: version %d", ErrCheckpoint, v)
	}
	cp := Checkpoint{Number: r.uint(), Store: r.text(mostStoredID), Seq: r.uint()}
	skew := r.int()
	if skew < -mostSkew || skew > mostSkew {
		skew = 0 // more than a duration holds: no clock was ever so wrong
	}
	cp.Skew = time.Duration(skew) * time.Millisecond
	cp.State = r.take(r.count(mostState, 1))
	if r.bad || len(r.b) > 0 {
		return Checkpoint{}, ErrCheckpoint
	}
	return cp, nil
}
