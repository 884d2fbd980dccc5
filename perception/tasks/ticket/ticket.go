// Package ticket owns frame tickets: what a worker gets with a frame, and shows
// when it reports what was in it. A ticket proves that the box itself gave this
// frame of this camera to this API key for this task, and no more than two
// minutes ago.
//
// Nothing is remembered of a ticket; whether its task is still leased is for
// perception/tasks to say. The package keeps its key in memory alone: after a
// restart no earlier ticket is good, and frame numbers begin anew.
package ticket

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"strconv"
	"strings"
	"time"
)

// What is wrong with a ticket.
var (
	ErrBadTicket = errors.New("the frame ticket is not one of this box, or was changed")
	ErrExpired   = errors.New("the frame ticket has expired")
	ErrForeign   = errors.New("the frame ticket was given to another API key")
)

const (
	// Life is how long a ticket is good.
	Life = 120 * time.Second

	version  = 1
	mostText = 1024 // characters; no ticket is longer
	mostName = 255  // bytes of a key, camera, task or profile
)

// encoding is strict: of one ticket there is one text.
var encoding = base64.RawURLEncoding.Strict()

// Frame is what a ticket says.
type Frame struct {
	Key, Camera, Task, Profile string
	Seq                        uint64    // of the sampler, within this boot
	Captured                   time.Time // UTC, to the millisecond
	// ID names the frame for a task: it is the same in every ticket of the
	// two, and no other has it, in this boot or any other. Only Check sets it.
	ID string
}

// Office issues tickets and checks them. All methods may be called
// concurrently.
type Office struct {
	key   [sha256.Size]byte
	boot  string
	start time.Time // times count from here, on the monotonic clock
}

// New returns an office with a key of its own: what another issued is no
// ticket here.
func New() *Office {
	o := &Office{start: time.Now()}
	var boot [6]byte
	rand.Read(o.key[:]) // never fails
	rand.Read(boot[:])
	o.boot = hex.EncodeToString(boot[:])
	return o
}

// Issue returns a ticket for f, good from now on. It returns "" if a name is
// empty or too long for one.
func (o *Office) Issue(f Frame) string {
	data := make([]byte, 0, 192)
	data = append(data, version)
	data = binary.BigEndian.AppendUint64(data, uint64((time.Since(o.start) + Life).Milliseconds()))
	data = binary.BigEndian.AppendUint64(data, uint64(f.Captured.UnixMilli()))
	data = binary.BigEndian.AppendUint64(data, f.Seq)
	for _, name := range []string{f.Key, f.Camera, f.Task, f.Profile} {
		if name == "" || len(name) > mostName {
			return ""
		}
		data = append(append(data, byte(len(name))), name...)
	}
	text := encoding.EncodeToString(append(data, o.mac(data)...))
	if len(text) > mostText {
		return ""
	}
	return text
}

// Check returns what a ticket says that key shows. It returns ErrBadTicket,
// ErrForeign or ErrExpired, and never anything of a ticket that is not good.
func (o *Office) Check(key, text string) (Frame, error) {
	if len(text) > mostText {
		return Frame{}, ErrBadTicket
	}
	data, err := encoding.DecodeString(text)
	// Line breaks are not the decoder's concern, but a ticket has none.
	if err != nil || len(data) <= sha256.Size || strings.ContainsAny(text, "\r\n") {
		return Frame{}, ErrBadTicket
	}
	data, sum := data[:len(data)-sha256.Size], data[len(data)-sha256.Size:]
	if !hmac.Equal(sum, o.mac(data)) {
		return Frame{}, ErrBadTicket
	}
	f, expires, ok := decode(data)
	switch {
	case !ok:
		return Frame{}, ErrBadTicket
	case !hmac.Equal([]byte(f.Key), []byte(key)):
		return Frame{}, ErrForeign
	case time.Since(o.start) >= expires:
		return Frame{}, ErrExpired
	}
	// The task stands for camera and profile, and no two tasks share an id.
	f.ID = o.boot + "." + strings.TrimPrefix(f.Task, "task_") + "." + strconv.FormatUint(f.Seq, 10)
	return f, nil
}

func (o *Office) mac(data []byte) []byte {
	h := hmac.New(sha256.New, o.key[:])
	h.Write(data)
	return h.Sum(nil)
}

// decode reads what Issue wrote. Only bytes whose MAC is right come here, but
// it trusts none of them.
func decode(data []byte) (f Frame, expires time.Duration, ok bool) {
	const fixed = 1 + 3*8
	if len(data) < fixed || data[0] != version {
		return Frame{}, 0, false
	}
	expires = time.Duration(binary.BigEndian.Uint64(data[1:])) * time.Millisecond
	f.Captured = time.UnixMilli(int64(binary.BigEndian.Uint64(data[9:]))).UTC()
	f.Seq = binary.BigEndian.Uint64(data[17:])
	data = data[fixed:]
	for _, name := range []*string{&f.Key, &f.Camera, &f.Task, &f.Profile} {
		if len(data) == 0 || len(data) < 1+int(data[0]) {
			return Frame{}, 0, false
		}
		*name = string(data[1 : 1+int(data[0])])
		data = data[1+len(*name):]
	}
	return f, expires, len(data) == 0
}
