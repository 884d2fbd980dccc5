package relay

import "time"

// window are the messages in flight, and those behind which one still is.
type window struct {
	entries []entry
	first   uint64 // token of entries[0]
	open    int    // entries that are not done
}

type entry struct {
	seq  uint64 // of the batch; of several that are left out, the last
	sent time.Time
	done bool
}

// add appends a batch and returns the token that its answer comes with.
func (w *window) add(seq uint64, now time.Time) (token uint64) {
	w.entries = append(w.entries, entry{seq: seq, sent: now})
	w.open++
	return w.first + uint64(len(w.entries)) - 1
}

// pass appends a batch that is done with as it is.
func (w *window) pass(seq uint64) { w.entries = append(w.entries, entry{seq: seq, done: true}) }

// done notes the answer to token; false if nothing is known of it.
func (w *window) done(token uint64) (entry, bool) {
	i := token - w.first
	if token < w.first || i >= uint64(len(w.entries)) || w.entries[i].done {
		return entry{}, false
	}
	w.entries[i].done = true
	w.open--
	return w.entries[i], true
}

// settle forgets what is done, up to the first that is not, and returns the number
// of the last, or 0, and how many they were.
func (w *window) settle() (seq uint64, n int) {
	for n < len(w.entries) && w.entries[n].done {
		seq = w.entries[n].seq
		n++
	}
	w.entries = append(w.entries[:0], w.entries[n:]...)
	w.first += uint64(n)
	return seq, n
}

// oldest returns when the first that is in flight was sent. settle was called.
func (w *window) oldest() (time.Time, bool) {
	if len(w.entries) == 0 {
		return time.Time{}, false
	}
	return w.entries[0].sent, true
}
