package recorder

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"time"

	"vedette/recorder/index"
	"vedette/recorder/ingest"
	"vedette/recorder/media"
)

// ErrHeld is returned when footage under an evidence hold stands against a
// change.
var ErrHeld = errors.New("the camera holds evidence")

// maxCameras bounds the cameras of one box.
const maxCameras = 128

// CameraInput is a change to a camera: nil fields stay as they are. A URL
// that is the masked form of the stored one stays as it is too.
type CameraInput struct {
	ID, Name, Vendor, Address *string
	MainURL, SubURL           *string
	Username, Password        *string
	Record, Audio             *bool
	Volume, Mirror            *string // names of volumes; Mirror "" = none
	RecordMode                *string // ModeContinuous and so on
	Schedule                  *[]Window
	Preroll, Postroll         *int // seconds
	Priority                  *int
}

// CameraStatus is a camera with what is known of it. It holds no secrets.
type CameraStatus struct {
	Camera      // MainURL and SubURL as used, masked; no password; defaults filled in
	HasPassword bool
	State       string
	Reason      string
	Since       time.Time
	Run         *media.Run // of the main stream, nil if none is under way
	SubCodec    media.Codec
	HasSub      bool
	LastWritten time.Time // end of the newest footage on disk; zero if none since start
	Segments    int64     // closed since start

	BitsPerSecond int64  // written to disk, over about a minute; 0 if not recording
	Drops         uint64 // access units lost to a full queue since start
	Bytes         int64  // footage on disk
	HeldBytes     int64
	On            string // name of the volume that it is recorded to; empty if none
	MirrorOn      string // … and of its mirror
	RecordingNow  RecordingNow
}

func set[T any](dst *T, src *T) {
	if src != nil {
		*dst = *src
	}
}

// apply changes c as in says and checks the outcome.
func (in CameraInput) apply(c *Camera) error {
	main, sub := c.URLs()
	set(&c.Name, in.Name)
	set(&c.Vendor, in.Vendor)
	set(&c.Address, in.Address)
	if in.MainURL != nil && (*in.MainURL == "" || *in.MainURL != Mask(main)) {
		c.MainURL = *in.MainURL
	}
	if in.SubURL != nil && (*in.SubURL == "" || *in.SubURL != Mask(sub)) {
		c.SubURL = *in.SubURL
	}
	set(&c.Username, in.Username)
	set(&c.Password, in.Password)
	set(&c.Record, in.Record)
	set(&c.Audio, in.Audio)
	set(&c.Volume, in.Volume)
	set(&c.Mirror, in.Mirror)
	set(&c.RecordMode, in.RecordMode)
	if in.Schedule != nil {
		c.Schedule = nil
		for _, w := range *in.Schedule { // it is the caller's
			w.Days = slices.Clone(w.Days)
			c.Schedule = append(c.Schedule, w)
		}
	}
	set(&c.Preroll, in.Preroll)
	set(&c.Postroll, in.Postroll)
	set(&c.Priority, in.Priority)
	return c.normalise()
}

// applied is apply, and checks what it takes the box to know.
func (r *Recorder) applied(in CameraInput, c *Camera) error {
	if err := in.apply(c); err != nil {
		return err
	}
	if in.MainURL != nil || in.SubURL != nil || in.Address != nil || in.Vendor != nil {
		if err := r.checkAddresses(c); err != nil {
			return err
		}
	}
	return r.bays.check(c)
}

// checkAddresses refuses addresses that no connection will ever be made to. Those
// that only the network can tell of show in the state of the camera.
func (r *Recorder) checkAddresses(c *Camera) error {
	if r.o.CheckAddress == nil {
		return nil
	}
	main, sub := c.URLs()
	for _, at := range []struct{ field, own, url string }{{"main_url", c.MainURL, main}, {"sub_url", c.SubURL, sub}} {
		if at.url == "" {
			continue
		}
		name := at.field
		if at.own == "" {
			name = "address" // it was made of that
		}
		var refused interface {
			error
			Refused() string
		}
		if err := r.o.CheckAddress(at.url); errors.As(err, &refused) {
			return field(name, "is refused: %s", refused.Refused())
		} else if err != nil {
			return field(name, "is refused")
		}
	}
	return nil
}

// AddCamera stores a camera and starts it. Record and Audio default to true.
// It returns a *FieldError, or ErrCameraExists if in names an id that is
// taken; a name that is taken gets an id of its own.
func (r *Recorder) AddCamera(_ context.Context, in CameraInput) (CameraStatus, error) {
	cfg := Camera{Record: true, Audio: true, Created: r.o.Clock.Now().UTC()}
	set(&cfg.ID, in.ID)
	if err := r.applied(in, &cfg); err != nil {
		return CameraStatus{}, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.cameras) >= maxCameras {
		return CameraStatus{}, field("name", "cannot be added: there are %d cameras already", maxCameras)
	}
	if _, taken := r.cameras[cfg.ID]; taken {
		if in.ID != nil && *in.ID != "" {
			return CameraStatus{}, fmt.Errorf("%q: %w", cfg.ID, ErrCameraExists)
		}
		cfg.ID = r.freeID(cfg.ID)
	}
	if err := r.store.save(&cfg); err != nil {
		return CameraStatus{}, err
	}
	c := newCamera(r, cfg)
	c.ordinal = len(r.cameras)
	r.cameras[cfg.ID] = c
	if r.running != nil {
		c.start(r.running)
	}
	r.emit("camera_added", Info, cfg.ID, map[string]any{"name": cfg.Name})
	r.changes.notify()
	return c.status(), nil
}

// freeID returns id with a number behind it that is not taken; r.mu is held.
func (r *Recorder) freeID(id string) string {
	for n := 2; ; n++ {
		suffix := fmt.Sprintf("-%d", n)
		free := strings.TrimRight(id[:min(len(id), 48-len(suffix))], "-") + suffix
		if _, taken := r.cameras[free]; !taken {
			return free
		}
	}
}

// UpdateCamera changes a camera; it is restarted if something that matters
// for its streams changed. It returns a *FieldError or ErrNoCamera.
func (r *Recorder) UpdateCamera(_ context.Context, id string, in CameraInput) (CameraStatus, error) {
	c, done, err := r.change(id)
	if err != nil {
		return CameraStatus{}, err
	}
	defer done()
	if in.ID != nil && *in.ID != id {
		return CameraStatus{}, field("id", "cannot be changed")
	}
	old := c.config()
	cfg := old
	if err := r.applied(in, &cfg); err != nil {
		return CameraStatus{}, err
	}
	if in.Password == nil && old.Password != "" && cfg.Password == old.Password && !sameHosts(&old, &cfg) {
		return CameraStatus{}, field("password", "is needed again, because the address has changed")
	}
	if reflect.DeepEqual(cfg, old) {
		return c.status(), nil
	}
	if err := r.store.save(&cfg); err != nil {
		return CameraStatus{}, err
	}
	if sameStreams(old, cfg) {
		c.setConfig(cfg)
		c.setPreroll(r.prerollBytes(r.all()))
		c.attend()
	} else {
		c.stop()
		c.setConfig(cfg)
		r.mu.Lock()
		if r.running != nil && r.cameras[id] == c {
			c.start(r.running)
		}
		r.mu.Unlock()
	}
	r.changes.notify()
	return c.status(), nil
}

// sameStreams reports whether nothing differs between a and b for which the
// camera must be asked anew.
func sameStreams(a, b Camera) bool {
	a.Name, a.RecordMode, a.Schedule, a.Preroll, a.Postroll, a.Priority = b.Name, b.RecordMode, b.Schedule, b.Preroll, b.Postroll, b.Priority
	return reflect.DeepEqual(a, b)
}

// change returns a camera for one caller at a time to change or remove; done
// lets the next one in. It returns ErrNoCamera, also to who waited for a
// removal.
func (r *Recorder) change(id string) (c *camera, done func(), err error) {
	if c, err = r.get(id); err != nil {
		return nil, nil, err
	}
	c.changing.Lock()
	if now, err := r.get(id); err != nil || now != c {
		c.changing.Unlock()
		return nil, nil, fmt.Errorf("%q: %w", id, ErrNoCamera)
	}
	return c, c.changing.Unlock, nil
}

// sameHosts reports whether every stream of b is on a host that a stream of a
// is on too: a stored password is sent to no other.
func sameHosts(a, b *Camera) bool {
	known := map[string]bool{"": true}
	mainA, subA := a.URLs()
	known[hostOf(mainA)], known[hostOf(subA)] = true, true
	mainB, subB := b.URLs()
	return known[hostOf(mainB)] && known[hostOf(subB)]
}

func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Host
}

func (c *camera) setConfig(cfg Camera) {
	c.mu.Lock()
	c.cfg = cfg
	c.mu.Unlock()
	c.demand.configure(&cfg, c.r.o.Location)
}

// RemoveCamera stops and forgets a camera. Its footage stays until the floor
// needs its room, and comes back if the camera is added again. It returns
// ErrNoCamera, or ErrHeld while some of its footage is held.
func (r *Recorder) RemoveCamera(_ context.Context, id string) error {
	c, done, err := r.change(id)
	if err != nil {
		return err
	}
	defer done()
	if r.totals()[id].Held.Rows > 0 {
		return fmt.Errorf("remove camera %s: %w", id, ErrHeld)
	}
	if err := r.store.remove(id); err != nil {
		return err
	}
	c.stop() // before the id is free again: two writers of one camera must never be
	for _, h := range c.hubs {
		h.Close()
	}
	r.mu.Lock()
	delete(r.cameras, id)
	r.mu.Unlock()
	r.emit("camera_removed", Info, id, map[string]any{"name": c.config().Name})
	r.changes.notify()
	return nil
}

// TestCamera opens the camera's main stream and looks at it, for at most
// 12 s. A camera that does not answer is an *ingest.Failure with a sentence
// for people.
func (r *Recorder) TestCamera(ctx context.Context, id string) (ingest.ProbeResult, error) {
	c, err := r.get(id)
	if err != nil {
		return ingest.ProbeResult{}, err
	}
	cfg := c.config()
	url, _ := cfg.URLs()
	return ingest.Probe(ctx, ingest.Options{
		Camera: cfg.ID, URL: url, Username: cfg.Username, Password: cfg.Password, Audio: cfg.Audio,
		Clock: r.ingestClock(), Log: r.o.Log, Dial: r.o.Dial,
	})
}

// Cameras returns all cameras by id.
func (r *Recorder) Cameras() []CameraStatus {
	all, totals := r.all(), r.totals()
	out := make([]CameraStatus, 0, len(all))
	for _, c := range all {
		out = append(out, c.statusWith(totals))
	}
	slices.SortFunc(out, func(a, b CameraStatus) int { return strings.Compare(a.ID, b.ID) })
	return out
}

// Camera returns one camera or ErrNoCamera.
func (r *Recorder) Camera(id string) (CameraStatus, error) {
	c, err := r.get(id)
	if err != nil {
		return CameraStatus{}, err
	}
	return c.status(), nil
}

// Changed returns a channel that is closed when a camera or the footage
// changes next.
func (r *Recorder) Changed() <-chan struct{} { return r.changes.next() }

func (c *camera) status() CameraStatus { return c.statusWith(c.r.totals()) }

// statusWith is status with totals read beforehand: reading them copies those
// of every camera.
func (c *camera) statusWith(totals map[string]index.CameraTotals) CameraStatus {
	c.mu.Lock()
	defer c.mu.Unlock()
	total := totals[c.cfg.ID]
	s := CameraStatus{
		Camera: c.cfg, HasPassword: c.cfg.Password != "", State: c.state, Reason: c.reason, Since: c.since,
		Run: c.states[media.Main].Run, Bytes: total.Footage().Bytes, HeldBytes: total.Held.Bytes,
	}
	main, sub := c.cfg.URLs()
	s.RecordMode, s.RecordingNow = c.cfg.mode(), c.recordingNow()
	s.Preroll, s.Postroll = cmp.Or(s.Preroll, PrerollDefault), cmp.Or(s.Postroll, PostrollDefault)
	s.Priority = cmp.Or(s.Priority, PriorityDefault)
	s.MainURL, s.SubURL, s.Password, s.HasSub = Mask(main), Mask(sub), "", sub != ""
	if c.states[media.Main].Phase != ingest.Streaming {
		s.Run = nil
	}
	if run := c.states[media.Sub].Run; run != nil && run.Video() >= 0 {
		s.SubCodec = run.Tracks[run.Video()].Codec
	}
	if c.record {
		c.progressOf(&s)
	}
	return s
}

// progressOf adds what the copies on disk say. c.mu is held.
func (c *camera) progressOf(s *CameraStatus) {
	w, rate := c.main.figures()
	m, mirrorRate := c.mirror.figures()
	s.Segments, s.Drops = w.Segments, w.Dropped
	if c.state == StateRecording {
		s.BitsPerSecond = 8 * max(rate, mirrorRate)
	}
	if last := max(w.LastSample, m.LastSample); last > 0 {
		s.LastWritten = time.UnixMilli(last).UTC()
	}
	if p := c.main.place(); p != nil {
		s.On = p.bay.o.Name
	}
	if p := c.mirror.place(); p != nil {
		s.MirrorOn = p.bay.o.Name
	}
}
