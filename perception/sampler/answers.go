package sampler

import (
	"bufio"
	"errors"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// stamp is when the picture of a unit was captured.
type stamp struct {
	pts      int64
	captured time.Time
}

// expect notes a unit whose picture will come.
func (c *child) expect(s stamp) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.since.IsZero() {
		c.since = time.Now()
	}
	at := len(c.waiting)
	for at > 0 && c.waiting[at-1].pts > s.pts {
		at--
	}
	c.waiting = slices.Insert(c.waiting, at, s)
	if n := len(c.waiting) - maxWaiting; n > 0 {
		c.waiting = slices.Delete(c.waiting, 0, n)
	}
}

// readPictures takes the child's pictures until they end or are none.
func (c *child) readPictures(out *os.File) {
	defer out.Close()
	p := newPictures(out)
	for {
		data, width, height, err := p.next()
		if errors.Is(err, io.EOF) {
			<-c.dead // its end says more
			return
		}
		if err != nil {
			c.fail(err)
			return
		}
		var pts int64
		select {
		case pts = <-c.times:
		case <-c.dead:
			select { // the last pictures of an orderly end
			case pts = <-c.times:
			default:
				return
			}
		}
		captured, err := c.answer(pts)
		if err != nil {
			c.fail(err)
			return
		}
		if !captured.IsZero() {
			c.p.picture(&Frame{Captured: captured, Width: width, Height: height, JPEG: data})
		}
	}
}

// answer returns when the picture with this time was captured; zero if no unit
// waits for it.
func (c *child) answer(pts int64) (captured time.Time, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	at, found := slices.BinarySearchFunc(c.waiting, pts, func(s stamp, pts int64) int {
		return int(min(max(s.pts-pts, -1), 1))
	})
	if !found {
		if c.unasked++; c.unasked > maxUnasked {
			return time.Time{}, errors.New("it writes pictures that nobody asked for")
		}
		return time.Time{}, nil
	}
	captured = c.waiting[at].captured
	// Pictures come in order: those before are not coming.
	c.waiting = slices.Delete(c.waiting, 0, at+1)
	c.unasked, c.said, c.since, c.complaint = 0, 0, time.Time{}, ""
	return captured, nil
}

// readTimes reads the child's messages: times of pictures, and complaints.
func (c *child) readTimes(messages *os.File) {
	defer messages.Close()
	r := bufio.NewReaderSize(messages, maxLine)
	for {
		line, long, err := r.ReadLine()
		if err != nil {
			return
		}
		if pts, ok := parseTime(string(line)); ok && !long {
			select {
			case c.times <- pts: // waits while the pictures are not taken
			case <-c.dead:
				return
			}
			continue
		}
		c.mu.Lock()
		c.complaint = printable(string(line))
		c.said += len(line)
		flood := c.said > maxComplaint
		c.mu.Unlock()
		if flood {
			c.fail(errors.New("it floods its messages"))
			return
		}
	}
}

// parseTime reads what the filter prints for a picture: a number with six places,
// in some versions behind a name in brackets.
func parseTime(line string) (pts int64, ok bool) {
	if strings.HasPrefix(line, "[") {
		_, line, _ = strings.Cut(line, "] ")
	}
	whole, places, found := strings.Cut(line, ".")
	if !found || places != "000000" {
		return 0, false
	}
	pts, err := strconv.ParseInt(whole, 10, 64)
	if err != nil {
		return 0, false
	}
	return pts, true
}

// printable returns a message as people can be shown it.
func printable(line string) string {
	line = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == '�' {
			return -1
		}
		return r
	}, line)
	return line[:min(len(line), 200)]
}
