package sampler

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"time"

	"vedette/recorder/media"
)

// Bounds of a child.
const (
	childMemory  = 96 << 20  // bytes of data, beside the pictures it works with
	pictureRoom  = 32        // pictures of the stream that it may hold decoded
	maxMemory    = 768 << 20 // bytes of data, whatever the stream says of itself
	mappings     = 512 << 20 // bytes of address space for its libraries
	maxWaiting   = 512       // units whose pictures have not come
	maxUnasked   = 8         // pictures in a row that answer no unit
	maxComplaint = 4 << 20   // bytes of messages from picture to picture
	maxLine      = 1 << 10   // bytes of one message that are read
	killPatience = 5 * time.Second
)

// decoder is a child at work. One goroutine uses it.
type decoder interface {
	// feed hands it one unit; copies more of it follow where the decoder would
	// otherwise hold it back.
	feed(u *media.AccessUnit, copies int) error
	// overdue returns for how long units have waited for a picture.
	overdue(now time.Time) time.Duration
	// failed returns why it is of no use any more, or nil.
	failed() error
	// end has it finish within grace what it was fed, then kills it, and waits.
	end(grace time.Duration)
}

// child is a running ffmpeg.
type child struct {
	p     plan
	feeds *feed
	cmd   *exec.Cmd
	stdin *os.File
	times chan int64    // of pictures that are about to come
	dead  chan struct{} // closed at the first failure and at the end
	gone  chan struct{} // closed when the process and its readers have ended

	forget func() bool // the end of the context that it was started for

	mu        sync.Mutex
	err       error // the first failure
	ending    bool
	waiting   []stamp // units without a picture, in order of pts
	since     time.Time
	unasked   int
	complaint string // what it said last
	said      int    // bytes it said since the last picture
}

// startChild starts ffmpeg for p and gives it the head of its input. The end of
// ctx kills it, so that nobody waits for it then.
func (s *Sampler) startChild(ctx context.Context, p plan) (decoder, error) {
	feeds, head, err := newFeed(p.track)
	if err != nil {
		return nil, err
	}
	c := &child{p: p, feeds: feeds, times: make(chan int64, 64), dead: make(chan struct{}), gone: make(chan struct{})}
	c.cmd = exec.Command(p.program, arguments(p)...)
	c.cmd.Env = []string{"LC_ALL=C", "PATH=/usr/bin:/bin", "AV_LOG_FORCE_NOCOLOR=1"}
	c.cmd.Dir = "/"
	c.cmd.SysProcAttr = separate(p.hardware != "")
	stdout, stderr, reaped, err := c.start()
	if err != nil {
		return nil, err
	}
	if err := restrain(c.cmd.Process.Pid, memory(p.track)); err != nil {
		// It runs with less restraint then; if it has ended already, that is
		// what its end will say.
		s.log.Debug("decoder is not restrained", "camera", p.camera, "err", err)
	}
	var readers sync.WaitGroup
	readers.Go(func() { c.readPictures(stdout) })
	readers.Go(func() { c.readTimes(stderr) })
	go func() {
		readers.Wait()
		<-reaped
		close(c.gone)
	}()
	c.forget = context.AfterFunc(ctx, func() { c.fail(context.Cause(ctx)) })
	if err := c.write(head); err != nil {
		c.end(0)
		return nil, err
	}
	return c, nil
}

// start starts the process on a goroutine that keeps its thread until it has
// ended, and returns what it writes. reaped is closed then.
func (c *child) start() (stdout, stderr *os.File, reaped <-chan struct{}, err error) {
	var ends []*os.File // the child's
	var ours []*os.File
	defer func() {
		for _, f := range ends {
			_ = f.Close() // the child has its own
		}
		if err != nil {
			for _, f := range ours {
				_ = f.Close()
			}
		}
	}()
	for range 3 {
		r, w, err := os.Pipe()
		if err != nil {
			return nil, nil, nil, fmt.Errorf("pipe to the decoder: %w", err)
		}
		if len(ours) == 0 {
			r, w = w, r // its input
		}
		ours, ends = append(ours, r), append(ends, w)
	}
	c.cmd.Stdin, c.cmd.Stdout, c.cmd.Stderr = ends[0], ends[1], ends[2]
	c.stdin, stdout, stderr = ours[0], ours[1], ours[2]
	started, over := make(chan error), make(chan struct{})
	go func() {
		defer close(over)
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := c.cmd.Start()
		started <- err
		if err != nil {
			return
		}
		err = c.cmd.Wait()
		killGroup(c.cmd.Process.Pid) // what it may have left
		c.ended(err)
	}()
	if err := <-started; err != nil {
		return nil, nil, nil, fmt.Errorf("start the decoder: %w", err)
	}
	return stdout, stderr, over, nil
}

// ended notes that the process has ended.
func (c *child) ended(err error) {
	c.mu.Lock()
	ending := c.ending
	c.mu.Unlock()
	switch {
	case err != nil:
		c.fail(fmt.Errorf("it ended: %w", err))
	case !ending:
		c.fail(errors.New("it ended by itself"))
	default:
		c.fail(io.EOF) // as it was told to
	}
}

// fail notes the first failure and kills the child.
func (c *child) fail(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return
	}
	c.err = err
	close(c.dead)
	killGroup(c.cmd.Process.Pid)
	_ = c.stdin.Close() // wakes whoever writes to it
}

func (c *child) failed() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil && c.complaint != "" {
		return fmt.Errorf("%w: %s", c.err, c.complaint)
	}
	return c.err
}

func (c *child) overdue(now time.Time) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.since.IsZero() {
		return 0
	}
	return now.Sub(c.since)
}

// maxCopies bounds how often a unit is fed again.
const maxCopies = 2

func (c *child) feed(u *media.AccessUnit, copies int) error {
	data, pts := c.feeds.fragment(u, 0)
	if data == nil {
		return nil
	}
	track := &c.p.track
	at := time.UnixMicro(u.Wall).Add(track.Duration(u.PTS - u.DTS))
	c.expect(stamp{pts, at.UTC().Truncate(time.Millisecond)})
	err := c.write(data)
	for i := range min(copies, maxCopies) {
		if err != nil {
			break
		}
		data, _ = c.feeds.fragment(u, int64(i+1))
		err = c.write(data)
	}
	return err
}

func (c *child) write(data []byte) error {
	err := c.stdin.SetWriteDeadline(time.Now().Add(c.p.patience))
	if err == nil {
		_, err = c.stdin.Write(data)
	}
	switch {
	case err == nil:
		return nil
	case errors.Is(err, os.ErrDeadlineExceeded):
		err = fmt.Errorf("it took no data for %v", c.p.patience)
	default:
		// It has ended: why is better said by its end than by its pipe.
		select {
		case <-c.gone:
		case <-time.After(time.Second):
		}
	}
	c.fail(err)
	return c.failed()
}

func (c *child) end(grace time.Duration) {
	c.mu.Lock()
	c.ending = true
	if c.err == nil {
		_ = c.stdin.Close() // the child sees the end of its input
	}
	c.mu.Unlock()
	if grace > 0 {
		select {
		case <-c.gone:
		case <-time.After(grace):
		}
	}
	c.fail(io.EOF)
	c.forget()
	select {
	case <-c.gone:
	case <-time.After(killPatience): // the kernel cannot kill it: it is left behind
	}
}
