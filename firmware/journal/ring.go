package journal

import (
	"bytes"
	"log/slog"
	"slices"
)

// ring keeps the newest bytes of lines that end with a newline.
type ring struct {
	buf   []byte
	total int64 // bytes ever written; the position of the next
}

// write puts a line in, which must be shorter than the ring.
func (r *ring) write(line []byte) {
	r.put(line)
	r.put([]byte{'\n'})
}

func (r *ring) put(p []byte) {
	for len(p) > 0 {
		n := copy(r.buf[r.total%int64(len(r.buf)):], p)
		r.total += int64(n)
		p = p[n:]
	}
}

// since returns a copy of all whole lines from position from on, where a line must
// begin, and the position of the first that is still there.
func (r *ring) since(from int64) (at int64, data []byte) {
	size := int64(len(r.buf))
	at = max(from, r.total-size)
	data = make([]byte, 0, r.total-at)
	for pos := at; pos < r.total; {
		start := pos % size
		end := min(size, start+r.total-pos)
		data = append(data, r.buf[start:end]...)
		pos += end - start
	}
	if at > from { // what is before is overwritten: the first line may be half
		cut := int64(bytes.IndexByte(data, '\n') + 1)
		at, data = at+cut, data[cut:]
	}
	return at, data
}

// levelOf reads the level of a line as slog's text handler writes it. Others are
// information.
func levelOf(line []byte) (level slog.Level) {
	if rest, timed := bytes.CutPrefix(line, []byte("time=")); timed {
		_, line, _ = bytes.Cut(rest, []byte{' '})
	}
	word, ok := bytes.CutPrefix(line, []byte("level="))
	word, _, _ = bytes.Cut(bytes.TrimRight(word, "\n"), []byte{' '})
	if !ok || level.UnmarshalText(word) != nil {
		return slog.LevelInfo
	}
	return level
}

// newest returns the last lines of data of a level, at most n, oldest first. What
// no newline ends is torn, and so is what holds a zero byte: a page that a power cut
// kept from the disk.
func newest(data []byte, n int, least slog.Level) []string {
	out := []string{}
	data = data[:bytes.LastIndexByte(data, '\n')+1]
	for len(data) > 0 && len(out) < n {
		data = data[:len(data)-1]
		at := bytes.LastIndexByte(data, '\n') + 1
		if line := data[at:]; levelOf(line) >= least && bytes.IndexByte(line, 0) < 0 {
			out = append(out, string(line))
		}
		data = data[:at]
	}
	slices.Reverse(out)
	return out
}
