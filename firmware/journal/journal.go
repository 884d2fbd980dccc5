// Package journal owns the log of the process on a machine that has no log
// daemon: each line goes to standard error and to a ring in memory, and what a
// person looks for after a crash or a power cut goes to a bounded tail on disk,
// in batches, so that flash is spared.
//
// It must never hold a line up for the disk, nor write more than its bounds,
// whatever is logged. It takes what it is given: whoever logs leaves secrets out.
package journal

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"strconv"
	"sync"
	"time"
	"unicode/utf8"
)

const (
	defaultBytes = 512 << 10
	defaultEvery = time.Minute
	// lineBytes is the most of one line that is kept.
	lineBytes = 16 << 10
	// stopBytes is how much of what is not worth a warning is kept at a clean stop.
	stopBytes = 16 << 10
	// batchBytes is the most that is written at a time: of a storm of warnings the
	// newest are kept.
	batchBytes = 64 << 10
	// urgent is how soon an error is on disk.
	urgent = 5 * time.Second
	// burst is how many such writes there may be in a row; after those there is one
	// more in each Every, so that a lasting error does not wear flash out.
	burst = 10
)

// Options describe a journal.
type Options struct {
	Dir   string        // of the tail, made if it is not there; "" = none
	Out   io.Writer     // gets each line at once; nil = nobody
	Ring  int           // bytes of the newest lines kept in memory; 0 = 512 KiB
	Tail  int           // bytes that the tail takes at most; 0 = 512 KiB
	Every time.Duration // least time between two writes of the tail; 0 = 60 s
}

// Journal is a log. Its methods may be called concurrently, Run once.
type Journal struct {
	every time.Duration
	line  int // bytes of one line at most
	batch int // bytes of one write to the tail at most
	wake  chan struct{}

	outMu sync.Mutex
	out   io.Writer

	mu      sync.Mutex
	ring    ring
	written int64     // position in the ring up to which the tail has all warnings
	covered int64     // … and up to which it has what a clean stop leaves
	writing int       // writes of the tail that are under way
	due     time.Time // when the tail is to be written; zero = nothing to write
	paid    time.Time // urgent writes are paid for up to then
	failing bool      // the tail could not be written last

	tail *tail // nil = none
}

// New returns a journal that keeps lines in memory; Run writes the tail.
func New(o Options) *Journal {
	if o.Ring <= 0 {
		o.Ring = defaultBytes
	}
	if o.Tail <= 0 {
		o.Tail = defaultBytes
	}
	if o.Every <= 0 {
		o.Every = defaultEvery
	}
	j := &Journal{
		every: o.Every, out: o.Out, wake: make(chan struct{}, 1),
		line: min(lineBytes, o.Ring/4, o.Tail/8), batch: min(batchBytes, o.Tail/4),
		ring: ring{buf: make([]byte, o.Ring)},
	}
	if o.Dir != "" {
		j.tail = &tail{dir: folder(o.Dir), half: int64(o.Tail / 2)}
	}
	return j
}

// Handler returns a handler that writes records of least and above as text lines
// into the journal; nil is slog.LevelInfo.
func (j *Journal) Handler(least slog.Leveler) slog.Handler {
	return slog.NewTextHandler(j, &slog.HandlerOptions{Level: least})
}

// Write takes whole lines, those of Handler or any others; a line that does not
// tell its level counts as information. The error is that of Options.Out.
func (j *Journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	for line := range bytes.Lines(p) {
		j.keep(bytes.TrimRight(line, "\r\n"))
	}
	j.mu.Unlock()
	if j.out == nil {
		return len(p), nil
	}
	j.outMu.Lock()
	defer j.outMu.Unlock()
	return j.out.Write(p)
}

// keep puts a line into the ring and says when it must be on disk.
func (j *Journal) keep(line []byte) {
	level, at := levelOf(line), j.ring.total
	if len(line) >= j.line {
		line = shorten(line, j.line-1)
	}
	j.ring.write(line)
	if j.tail == nil || level < slog.LevelWarn {
		return
	}
	if j.due.IsZero() && j.writing == 0 {
		j.written = at // no warning waits: nobody misses what the ring drops before this one
	}
	now := time.Now()
	due := now.Add(j.every)
	soon := now.Add(urgent)
	if level >= slog.LevelError && soon.Before(due) && (j.due.IsZero() || soon.Before(j.due)) && j.paid.Before(now.Add(burst*j.every)) {
		due = soon
		if j.paid.Before(now) {
			j.paid = now
		}
		j.paid = j.paid.Add(j.every)
	}
	if j.due.IsZero() || due.Before(j.due) {
		j.due = due
		select {
		case j.wake <- struct{}{}:
		default: // Run is being told already
		}
	}
}

// shorten cuts a line to n bytes at most and marks that.
func shorten(line []byte, n int) []byte {
	const mark = "…"
	n = max(0, n-len(mark))
	for n > 0 && !utf8.RuneStart(line[n]) {
		n--
	}
	return append(line[:n:n], mark...)
}

// Lines returns the newest lines of this run of level least and above, at most n,
// oldest first.
func (j *Journal) Lines(n int, least slog.Level) []string {
	j.mu.Lock()
	_, data := j.ring.since(0)
	j.mu.Unlock()
	return newest(data, n, least)
}

// Previous returns the newest lines of level least and above that runs before this
// one left on disk, at most n, oldest first. There is nothing without a Dir.
func (j *Journal) Previous(n int, least slog.Level) ([]string, error) {
	if j.tail == nil {
		return nil, nil
	}
	data, err := j.tail.previous()
	return newest(data, n, least), err
}

// Run writes the tail until ctx is done, then all that a clean stop leaves, and
// returns ctx's cause. What is logged after that is not on disk: run it longer than
// whatever logs. A disk that fails is logged, and tried again after Options.Every.
func (j *Journal) Run(ctx context.Context) error {
	timer := time.NewTimer(j.every)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			_ = j.Flush() // it is in the log, where there is still somebody to read it
			return context.Cause(ctx)
		case <-j.wake:
		case <-timer.C:
		}
		j.mu.Lock()
		due := j.due
		j.mu.Unlock()
		switch wait := time.Until(due); {
		case due.IsZero():
			timer.Stop()
		case wait > 0:
			timer.Reset(wait)
		default:
			_ = j.flush(false)
			timer.Reset(0) // to look when the next is due
		}
	}
}

// Flush writes at once what a clean stop leaves on disk: what Run has not written
// yet, and the last 16 KiB of whatever level.
func (j *Journal) Flush() error { return j.flush(true) }

func (j *Journal) flush(all bool) error {
	if j.tail == nil {
		return nil
	}
	err := j.tail.append(func() ([]byte, func()) { return j.next(all) })
	j.mu.Lock()
	changed := j.failing != (err != nil)
	j.failing = err != nil
	j.writing--
	if err != nil && j.due.IsZero() {
		j.due = time.Now().Add(j.every)
	}
	j.mu.Unlock()
	if changed && err != nil {
		slog.New(j.Handler(nil)).Warn("the log cannot be kept on disk", "err", err)
	}
	return err
}

// next returns what is to be appended to the tail; done must be called once that
// is durable.
func (j *Journal) next(all bool) (data []byte, done func()) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.due = time.Time{}
	j.writing++
	end, from := j.ring.total, j.written
	if all {
		from = 0
	}
	at, kept := j.ring.since(from)
	lost := max(0, at-j.written) // overwritten before it was on disk
	for line := range bytes.Lines(kept) {
		warns := levelOf(line) >= slog.LevelWarn
		isNew := at >= j.written
		if isNew && warns || all && !warns && at >= max(end-stopBytes, j.covered) {
			data = append(data, line...)
		}
		at += int64(len(line))
	}
	if cut := len(data) - j.batch; cut > 0 {
		cut += bytes.IndexByte(data[cut:], '\n') + 1
		lost += int64(cut)
		data = data[cut:]
	}
	if lost > 0 {
		data = append(leftOut(lost), data...)
	}
	return data, func() {
		j.mu.Lock()
		j.written = max(j.written, end)
		if all {
			j.covered = end
		}
		j.mu.Unlock()
	}
}

// leftOut is the line that stands for n bytes that are not on disk.
func leftOut(n int64) []byte {
	line := time.Now().AppendFormat([]byte("time="), "2006-01-02T15:04:05.000Z07:00")
	line = append(line, ` level=WARN msg="more was logged than is kept on disk" bytes=`...)
	return append(strconv.AppendInt(line, n, 10), '\n')
}
