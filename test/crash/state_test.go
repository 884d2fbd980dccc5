package crash

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/asdine/storm/v3"
	bolt "go.etcd.io/bbolt"

	"vedette/internal/faultfs"
	"vedette/recorder"
	"vedette/recorder/index"
)

// stateName is the system database: cameras, volumes, holds that wait.
const stateName = "state.db"

// settled is what the system database holds after a transaction.
type settled struct {
	data    []byte
	content map[string]string // every key below its buckets
	call    string            // that returned after it
}

// settingsRig is a recorder whose system database is mirrored to a faultfs
// disk, transaction by transaction.
type settingsRig struct {
	t       *testing.T
	disk    *faultfs.Disk
	m       *mirror
	states  []settled         // after each transaction
	kept    int               // as many of them are durable
	asked   int               // as many of them were of calls that returned
	cameras []recorder.Camera // after the last of those
	cutting bool
	images  int
	cuts    int
}

// committed tells the rig of every transaction of bbolt, by way of its log:
// there is no other hook that sees them all.
type committed struct {
	bolt.Logger
	r *settingsRig
}

func (committed) Debug(...any)                     {}
func (committed) Info(...any)                      {}
func (committed) Infof(string, ...any)             {}
func (committed) Warning(...any)                   {}
func (committed) Warningf(string, ...any)          {}
func (c committed) Error(v ...any)                 { c.r.t.Error(v...) }
func (c committed) Errorf(format string, v ...any) { c.r.t.Errorf(format, v...) }

func (c committed) Debugf(format string, _ ...any) {
	if strings.HasPrefix(format, "Committing") && strings.HasSuffix(format, "successfully") {
		c.r.commit()
	}
}

// commit brings the disk up to date; the power is cut before every operation
// of it.
func (r *settingsRig) commit() {
	data, err := os.ReadFile(r.m.path)
	if err != nil {
		r.t.Error(err)
		return
	}
	content, err := contentOf(data)
	if err != nil {
		r.t.Error(err)
		return
	}
	r.states = append(r.states, settled{data: data, content: content})
	if err := r.m.sync(); err != nil {
		r.t.Error(err)
	}
	r.kept = len(r.states)
}

// cut looks at what could be left before op: the corners, and chance.
func (r *settingsRig) cut(op faultfs.Op) {
	if !op.Kind.Changes() || !r.cutting || r.t.Failed() {
		return
	}
	r.cuts++
	variants := uint64(12)
	if raced {
		variants = 5
	}
	for seed := range variants {
		if seed >= 4 {
			seed += uint64(op.Number) * 100
		}
		r.images++
		if err := r.judge(r.disk.Reboot(seed)); err != nil {
			r.t.Errorf("power cut before operation %d (%s %s), image %d, after %q: %v", op.Number, op.Kind, op.Path, seed, r.last(), err)
		}
	}
}

// last returns the last call that returned.
func (r *settingsRig) last() string {
	for _, s := range slices.Backward(r.states) {
		if s.call != "" {
			return s.call
		}
	}
	return ""
}

// judge asks that left holds what was durable, or the transaction under way,
// and nothing in between.
func (r *settingsRig) judge(left *faultfs.Disk) error {
	data, err := left.ReadFile(stateName)
	if err != nil {
		return fmt.Errorf("settings lost: %w", err)
	}
	got, err := contentOf(data)
	if err != nil {
		return fmt.Errorf("settings lost: %w", err)
	}
	for i := max(r.kept-1, 0); i < len(r.states); i++ {
		if maps.Equal(got, r.states[i].content) {
			return nil
		}
	}
	return fmt.Errorf("settings are neither those of transaction %d nor the next: %d keys", r.kept, len(got))
}

// returned is called when a call has come to its end: a recorder that starts
// with any of its transactions has the cameras from before it or after it.
func (r *settingsRig) returned(call string, now []recorder.Camera) {
	for i := r.asked; i < len(r.states); i++ {
		got, err := starts(r.states[i].data)
		last := i == len(r.states)-1
		if err != nil || !reflect.DeepEqual(got, now) && (last || !reflect.DeepEqual(got, r.cameras)) {
			r.t.Errorf("%s: after transaction %d a recorder has %d cameras (%v), neither those from before nor those from after", call, i+1, len(got), err)
		}
		r.states[i].data = nil
	}
	r.states[len(r.states)-1].call = call
	r.asked, r.cameras = len(r.states), now
}

// starts has a recorder begin with a database and returns its cameras.
func starts(data []byte) (cameras []recorder.Camera, err error) {
	dir, err := os.MkdirTemp(scratch(), "vedette-crash-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, stateName)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		return nil, err
	}
	db, err := storm.Open(path, storm.BoltOptions(0o600, &bolt.Options{NoSync: true, PageSize: boltPage}))
	if err != nil {
		return nil, err
	}
	rec, err := newRecorder(db, dir)
	if err == nil {
		cameras = camerasOf(rec)
		err = rec.Close()
	}
	return cameras, errors.Join(err, db.Close())
}

// contentOf verifies a database as the product does before it opens it, and
// reads every key of it.
func contentOf(data []byte) (map[string]string, error) {
	dir, err := os.MkdirTemp(scratch(), "vedette-crash-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, stateName)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		return nil, err
	}
	if err := index.VerifyPages(path); err != nil {
		return nil, err
	}
	db, err := bolt.Open(path, 0o600, &bolt.Options{ReadOnly: true})
	if err != nil {
		return nil, err
	}
	content := map[string]string{}
	err = db.View(func(tx *bolt.Tx) error {
		return tx.ForEach(func(name []byte, b *bolt.Bucket) error { return collect(content, string(name)+"/", b) })
	})
	return content, errors.Join(err, db.Close())
}

// collect puts every key of b into content, below at.
func collect(content map[string]string, at string, b *bolt.Bucket) error {
	return b.ForEach(func(k, v []byte) error {
		if v == nil {
			content[at+string(k)+"/"] = ""
			return collect(content, at+string(k)+"/", b.Bucket(k))
		}
		content[at+string(k)] = string(v)
		return nil
	})
}

// untroubled is a clock that everybody believes.
type untroubled struct{}

func (untroubled) Now() time.Time           { return epoch }
func (untroubled) Trusted() bool            { return true }
func (untroubled) SinceBoot() time.Duration { return time.Minute }
func (untroubled) BootID() [16]byte         { return [16]byte{1} }

func newRecorder(db storm.Node, dir string) (*recorder.Recorder, error) {
	return recorder.New(recorder.Options{
		State: db, Clock: untroubled{}, Log: quiet, Floor: 1 << 20,
		Volumes: []recorder.VolumeOptions{{Name: "disk", Dir: filepath.Join(dir, "volume"), FS: faultfs.New(faultfs.Options{})}},
	})
}

func camerasOf(r *recorder.Recorder) []recorder.Camera {
	out := []recorder.Camera{}
	for _, c := range r.Cameras() {
		out = append(out, c.Camera)
	}
	return out
}

// TestSettingsAreOldOrNew changes cameras and holds footage, and cuts the
// power before every operation of every transaction of the system database.
// What is left is what was there before or after, whole, and a recorder starts
// with it; what a call has returned from is not lost any more. How the file
// comes into being on the first start is not looked at.
func TestSettingsAreOldOrNew(t *testing.T) {
	disk := faultfs.New(faultfs.Options{})
	m, err := newMirror(disk)
	if err != nil {
		t.Fatal(err)
	}
	defer m.close()
	m.name, m.path = stateName, filepath.Join(m.dir, stateName)
	r := &settingsRig{t: t, disk: disk, m: m}
	db, err := storm.Open(m.path, storm.BoltOptions(0o600, &bolt.Options{PageSize: boltPage, Logger: committed{r: r}}))
	if err != nil {
		t.Fatal(err)
	}
	rec, err := newRecorder(db, m.dir)
	if err != nil {
		t.Fatal(err)
	}
	r.asked, r.cameras = len(r.states), camerasOf(rec)
	disk.Before(r.cut)
	r.cutting = true
	r.change(rec)
	if err := r.judge(disk.Reboot(faultfs.Nothing)); err != nil {
		t.Errorf("at the end: %v", err)
	}
	if err := errors.Join(rec.Close(), db.Close()); err != nil {
		t.Error(err)
	}
	if r.cuts < 100 {
		t.Errorf("only %d cuts: the mirror does not see the transactions", r.cuts)
	}
	t.Logf("%d transactions, %d cuts, %d images", len(r.states), r.cuts, r.images)
}

// change adds, changes and removes cameras, and holds in between.
func (r *settingsRig) change(rec *recorder.Recorder) {
	step := func(call string, err error) {
		if err != nil {
			r.t.Fatalf("%s: %v", call, err)
		}
		r.returned(call, camerasOf(rec))
	}
	text := func(s string) *string { return &s }
	for i := range 12 {
		name := fmt.Sprintf("Camera %d", i)
		_, err := rec.AddCamera(r.t.Context(), recorder.CameraInput{Name: &name, MainURL: text("rtsp://192.0.2.1/" + strings.Repeat("x", 150*i))})
		step("add "+name, err)
		if i%3 != 2 {
			continue
		}
		to := epoch.Add(time.Duration(i) * time.Second)
		_, err = rec.Hold(epoch.Add(-5*time.Minute), to)
		step(fmt.Sprintf("hold %d", i), err)
		if waits := r.states[r.kept-1].content["cameras/holds/pending"]; !strings.Contains(waits, fmt.Sprint(to.UnixMilli())) {
			r.t.Errorf("hold %d returned, and a power cut would forget what is open: %s", i, waits)
		}
	}
	for i := range 12 {
		id := fmt.Sprintf("camera-%d", i)
		if i%2 == 0 {
			step("remove "+id, rec.RemoveCamera(r.t.Context(), id))
			continue
		}
		_, err := rec.UpdateCamera(r.t.Context(), id, recorder.CameraInput{Name: text("Another name " + strings.Repeat("y", 4*i)), Password: text("secret")})
		step("update "+id, err)
	}
}
