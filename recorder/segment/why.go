package segment

import "vedette/recorder/media"

// Why says what footage was recorded for. It is stored in three bits of a row
// of the index. The greater is the stronger: a segment has the strongest that
// there was while it was open.
type Why byte

// What footage is recorded for. Numbers are part of the format: never reuse one.
const (
	Always    Why = iota // it is recorded all the time, or that is not known
	Scheduled            // its time of the week had come
	ByEvent              // something happened
	Manual               // somebody wanted it
)

// String returns the word the API uses, "" for Always.
func (y Why) String() string {
	switch y {
	case Scheduled:
		return "schedule"
	case ByEvent:
		return "event"
	case Manual:
		return "manual"
	}
	return ""
}

// SetWhy says what is recorded for from now on. The open segment counts as
// recorded for it too, if it is stronger than what that was for.
func (w *Writer) SetWhy(y Why) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.why = y
	if w.cur == nil {
		return
	}
	w.openMu.Lock()
	defer w.openMu.Unlock()
	w.cur.facts.Why = max(w.cur.facts.Why, y)
}

// Finish has Run end with the next key frame after what waits by now, so that whatever goes on from
// there continues without a seam: see Options.From. Where no segment is open Run
// ends at once.
func (w *Writer) Finish() {
	w.mu.Lock()
	defer w.unlock()
	w.finishing = true
	if w.reader != nil {
		w.take(false)
	}
}

// GoOn takes Finish back, and reports whether that was in time.
func (w *Writer) GoOn() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.finishing, w.ending = w.over, w.over
	return !w.over
}

// endIfIdle ends Run where nothing has to be ended. mu is held.
func (w *Writer) endIfIdle() {
	if w.ending && w.cur == nil {
		w.end()
	}
}

// end ends Run. mu is held.
func (w *Writer) end() {
	if !w.over {
		w.over = true
		close(w.ended)
	}
}

// endAt ends the open segment where the picture u begins, and Run with it.
func (w *Writer) endAt(u *media.AccessUnit) {
	w.leave(u)
	w.from = u.DTS
	w.end()
}
