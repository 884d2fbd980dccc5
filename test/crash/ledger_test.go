package crash

import (
	"sync"
	"time"

	"vedette/recorder/index"
	"vedette/recorder/volume"
)

// sent is a picture that a camera sent.
type sent struct {
	id   uint32
	wall int64         // UTC ms
	at   time.Duration // on the clock of the test
}

// ledger is what was promised. Everything in it may be asked for after a
// power cut.
type ledger struct {
	mu        sync.Mutex
	pictures  [][]sent           // by camera, in order, but for those that an earlier cut cost
	next      []uint32           // number of the next picture
	files     [][]*volume.File   // by camera: begun in this life
	held      map[index.Row]bool // evidence that somebody was told of
	condemned map[index.Row]bool // rows on their way out: their transaction is durable
	forgotten map[index.Row]bool // whose files are durably gone
	indexed   bool               // there was an index
}

func newLedger(cameras int) *ledger {
	return &ledger{
		pictures: make([][]sent, cameras), next: make([]uint32, cameras), files: make([][]*volume.File, cameras),
		held: map[index.Row]bool{}, condemned: map[index.Row]bool{}, forgotten: map[index.Row]bool{},
	}
}

// fileOf leaves of a row what its name says.
func fileOf(r index.Row) index.Row {
	return index.Row{Camera: r.Camera, Start: r.Start, Duration: r.Duration, Bytes: r.Bytes, Seq: r.Seq}
}

// span is a stretch of time, UTC ms.
type span struct{ from, to int64 }

// promise is the ledger at one moment.
type promise struct {
	now       time.Duration
	pictures  [][]sent
	durable   [][]span // by camera: what files said is durable
	held      []index.Row
	forgotten []index.Row
	condemned []index.Row
	indexed   bool
}

// before takes what must be kept of all that was promised up to now; to be
// called before the disk is looked at.
func (l *ledger) before(now time.Duration) *promise {
	l.mu.Lock()
	defer l.mu.Unlock()
	p := &promise{now: now, indexed: l.indexed}
	for c := range l.pictures {
		p.pictures = append(p.pictures, l.pictures[c][:len(l.pictures[c]):len(l.pictures[c])])
		var durable []span
		for _, f := range l.files[c] {
			if _, end := f.Durable(); end > 0 {
				durable = append(durable, span{f.Name().Start, end})
			}
		}
		p.durable = append(p.durable, durable)
	}
	for r := range l.held {
		p.held = append(p.held, r)
	}
	for r := range l.forgotten {
		p.forgotten = append(p.forgotten, r)
	}
	return p
}

// after takes what excuses footage that is gone; to be called after the disk
// was looked at.
func (l *ledger) after(p *promise) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for r := range l.condemned {
		p.condemned = append(p.condemned, r)
	}
}

func (l *ledger) note(set map[index.Row]bool, rows ...index.Row) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, r := range rows {
		set[fileOf(r)] = true
	}
}

// kept reports whether a file said that s is durable.
func (p *promise) kept(camera int, s sent) bool {
	for _, d := range p.durable[camera] {
		if d.from <= s.wall && s.wall < d.to {
			return true
		}
	}
	return false
}

// excused reports whether a picture of camera was in a file that was swept.
func (p *promise) excused(camera string, s sent) bool {
	for _, r := range p.condemned {
		if r.Camera == camera && r.Start <= s.wall && s.wall < r.End() {
			return true
		}
	}
	return false
}
