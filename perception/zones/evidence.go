package zones

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"regexp"
	"sync"
	"time"
)

// Errors a caller may test for.
var (
	// ErrAway means that no volume is attached.
	ErrAway = errors.New("the volume of evidence is away")
	// ErrNoPicture is also for a name that never was one, a picture of another
	// camera, and one that a power cut left torn.
	ErrNoPicture = errors.New("no such picture")
)

// EvidenceOptions bound an Evidence. Every zero value means the default.
type EvidenceOptions struct {
	MaxBytes int64 // of all pictures; default 1 GiB; beyond it the oldest go
	Log      *slog.Logger
}

const (
	mostPicture = 4 << 20 // bytes
	trimFiles   = 16      // pictures that one Put removes at most
	dayFormat   = "2006-01-02"
	suffix      = ".jpg"
	unfinished  = ".new"
)

// pictureName is what Put gives: day, time, chance, and a mark of the camera.
var pictureName = regexp.MustCompile(`^([0-9]{4})([0-9]{2})([0-9]{2})-[0-9]{9}-[0-9a-f]{20}-[0-9a-f]{8}$`)

// dayName is a directory of pictures.
var dayName = regexp.MustCompile(`^[0-9]{4}-[0-9]{2}-[0-9]{2}$`)

// Evidence keeps the pictures that events show, as DIR/<day>/<name>.jpg on the
// volume that is attached. All methods may be called concurrently.
//
// A picture is written under another name and renamed, and never synced: events
// must not wait for the disk that footage is written to. A power cut can cost
// the pictures of the last seconds (of the filesystem's commit interval, 5 s
// with ext4's default); their events stay, and a torn picture is none.
type Evidence struct {
	o EvidenceOptions

	mu   sync.Mutex
	root *os.Root // nil = away

	work    sync.Mutex // one writer or remover at a time
	days    map[string]int64
	total   int64    // bytes
	doomed  []string // pictures of the oldest day, the oldest first
	refused bool     // the last Put failed
}

// NewEvidence returns a store without a volume.
func NewEvidence(o EvidenceOptions) *Evidence {
	if o.MaxBytes <= 0 {
		o.MaxBytes = 1 << 30
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Evidence{o: o}
}

// Attach keeps pictures in dir, which it makes if need be, until ctx is done; it
// returns ctx's cause, or why dir cannot be used. Only one Attach may be running.
func (v *Evidence) Attach(ctx context.Context, dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("evidence: %w", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return fmt.Errorf("evidence: %w", err)
	}
	defer root.Close() // only read and closed names; nothing to lose
	v.work.Lock()
	err = v.count(ctx, root)
	v.work.Unlock()
	if err != nil {
		return fmt.Errorf("count evidence: %w", err)
	}
	v.use(root)
	<-ctx.Done()
	v.use(nil)
	v.work.Lock() // whoever still writes
	defer v.work.Unlock()
	return context.Cause(ctx)
}

func (v *Evidence) use(root *os.Root) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.root = root
}

func (v *Evidence) attached() (*os.Root, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.root == nil {
		return nil, ErrAway
	}
	return v.root, nil
}

// Put keeps a picture of a camera and returns its name. A volume that is away is
// ErrAway; what is no JPEG, or too large, is refused.
func (v *Evidence) Put(camera string, at time.Time, jpeg []byte) (string, error) {
	if len(jpeg) > mostPicture || !whole(jpeg) {
		return "", errors.New("keep picture: this is no JPEG of a usual size")
	}
	v.work.Lock()
	defer v.work.Unlock()
	root, err := v.attached()
	if err != nil {
		return "", err
	}
	day, name := newName(camera, at.UTC())
	if err := write(root, day, name, jpeg); err != nil {
		if !v.refused {
			v.o.Log.Warn("a picture cannot be kept", "err", err)
		}
		v.refused = true
		return "", fmt.Errorf("keep picture: %w", err)
	}
	v.refused = false
	v.days[day] += int64(len(jpeg))
	v.total += int64(len(jpeg))
	for n := 0; n < trimFiles && v.total > v.o.MaxBytes; n++ {
		if !v.dropOldest(root) {
			break
		}
	}
	return name, nil
}

func write(root *os.Root, day, name string, jpeg []byte) error {
	if err := root.Mkdir(day, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	temporary := day + "/" + name + unfinished
	f, err := root.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(jpeg)
	if err = errors.Join(err, f.Close()); err == nil {
		err = root.Rename(temporary, day+"/"+name+suffix)
	}
	if err != nil {
		// What is left of it goes at the next Attach, if not now.
		_ = root.Remove(temporary)
	}
	return err
}

// Read returns a picture of a camera, or ErrNoPicture, or ErrAway.
func (v *Evidence) Read(camera, name string) ([]byte, error) {
	parts := pictureName.FindStringSubmatch(name)
	if parts == nil || name[len(name)-8:] != mark(camera, name[:len(name)-8]) {
		return nil, ErrNoPicture
	}
	root, err := v.attached()
	if err != nil {
		return nil, err
	}
	path := parts[1] + "-" + parts[2] + "-" + parts[3] + "/" + name + suffix
	st, err := root.Lstat(path)
	if err == nil && (!st.Mode().IsRegular() || st.Size() > mostPicture) {
		return nil, ErrNoPicture
	}
	var data []byte
	if err == nil {
		data, err = root.ReadFile(path)
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, ErrNoPicture
	case errors.Is(err, os.ErrClosed):
		return nil, ErrAway
	case err != nil:
		return nil, fmt.Errorf("read picture: %w", err)
	case !whole(data):
		return nil, ErrNoPicture
	}
	return data, nil
}

// newName returns the day and the name of a new picture. Names of one day
// ascend with time.
func newName(camera string, at time.Time) (day, name string) {
	var chance [10]byte
	rand.Read(chance[:])
	name = at.Format("20060102-150405") + fmt.Sprintf("%03d-", at.Nanosecond()/1e6) + hex.EncodeToString(chance[:]) + "-"
	return at.Format(dayFormat), name + mark(camera, name)
}

// mark says in a name which camera the picture is of, so that whoever may see
// one camera cannot read another's.
func mark(camera, name string) string {
	sum := sha256.Sum256([]byte(name + camera))
	return hex.EncodeToString(sum[:4])
}

// whole reports whether data begins and ends as a JPEG does.
func whole(data []byte) bool {
	return len(data) >= 4 && bytes.HasPrefix(data, []byte{0xff, 0xd8}) && bytes.HasSuffix(data, []byte{0xff, 0xd9})
}
