// Package perceive puts perception together: tasks and their workers, the
// sampler, the log of what workers saw, zones, and who is told; and translates
// between them, the recorder and the API. It decides nothing of its own.
package perceive

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"sync"
	"time"

	"github.com/asdine/storm/v3"
	bolt "go.etcd.io/bbolt"
	"golang.org/x/sync/errgroup"

	"vedette/perception/detections"
	"vedette/perception/events"
	"vedette/perception/incidents"
	"vedette/perception/notify"
	"vedette/perception/notify/delivery"
	"vedette/perception/relay"
	"vedette/perception/sampler"
	"vedette/perception/tasks"
	"vedette/perception/tasks/ticket"
	"vedette/perception/zones"
	"vedette/recorder"
	"vedette/recorder/media"
	"vedette/web/panel"
)

// Sealer keeps secrets of the database unreadable without the device key.
type Sealer interface {
	SealText(table, id, field, plain string) (string, error)
	OpenText(table, id, field, text string) (string, error)
}

// Options is what perception is made of. All but Show and FFmpeg are needed.
type Options struct {
	State    *storm.DB
	Events   *events.Log
	Recorder *recorder.Recorder
	Seal     Sealer
	Box      string // what the box is called
	BoxID    string // what tells it from others, for ever
	Version  string
	FFmpeg   string  // program; "" = the one in PATH, none
	Budget   float64 // millions of pixels a second
	// DetectionBytes and EvidenceBytes are the room of both on the disk.
	DetectionBytes, EvidenceBytes int64
	// Dial and HTTP connect to whatever people have the box send to.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	HTTP *http.Client
	// Reach returns an error in words for people for a host that Dial refuses.
	Reach func(host string, port int) error
	Now   func() time.Time
	// KeyName returns what an API key is called, "" if there is none.
	KeyName func(id string) string
	Show    func(panel.Detections) // what was seen, to who watches the camera
	Log     *slog.Logger
}

// Perception is all of it. All methods may be called concurrently.
type Perception struct {
	o        Options
	tasks    *tasks.Store
	leases   *tasks.Leases
	tickets  *ticket.Office
	sampler  *sampler.Sampler
	log      *detections.Log
	zones    *zones.Store
	evidence *zones.Evidence
	watcher  *zones.Consumer
	notify   *notify.Service
	around   *surroundings
	book     *incidents.Book
	rules    *incidents.Rules
	keeper   *incidents.Keeper
	relay    *relay.Relay

	leaseLimit, frameLimit, postLimit *tasks.Limiter

	mu    sync.Mutex
	acked map[string]uint64 // by key: up to where it took the outbox
}

// New reads what is stored and starts nothing.
func New(o Options) (p *Perception, err error) {
	p = &Perception{
		o: o, tickets: ticket.New(), acked: map[string]uint64{},
		leaseLimit: tasks.NewLimiter(leaseRate, leaseBurst), frameLimit: tasks.NewLimiter(frameRate, frameBurst), postLimit: tasks.NewLimiter(postRate, postBurst),
	}
	if p.tasks, err = tasks.Open(o.State, o.Log); err != nil {
		return nil, err
	}
	p.leases = tasks.NewLeases(p.tasks, p.cameraExists)
	p.sampler = sampler.New(sampler.Options{Streams: streams{o.Recorder}, FFmpeg: o.FFmpeg, Budget: o.Budget, Hardware: []string{"h264_v4l2m2m", "hevc_v4l2m2m"}, Log: o.Log})
	p.log = detections.New(detections.Options{MaxBytes: o.DetectionBytes, Now: o.Now, Log: o.Log, Keep: p.kept, Dropped: p.dropped})
	if p.zones, err = zones.Open(o.State, o.Log); err != nil {
		return nil, err
	}
	p.evidence = zones.NewEvidence(zones.EvidenceOptions{MaxBytes: o.EvidenceBytes, Log: o.Log})
	p.watcher = zones.New(zones.Options{
		Zones: p.zones, Source: source{p.log}, Sink: sink{p}, Frame: p.picture, Evidence: p.evidence, Now: o.Now, Log: o.Log,
	})
	p.around = &surroundings{Perception: p, changed: make(chan struct{})}
	p.notify, err = notify.Open(o.State, notify.Options{
		Source: o.Events, Seal: o.Seal, HTTP: o.HTTP, Dial: o.Dial, Check: o.Reach, State: p.around, Log: o.Log,
		Box: func() delivery.Box { return delivery.Box{ID: o.BoxID, Name: o.Box} }, Emit: func(e events.Event) { o.Events.Emit(e) },
	})
	if err != nil {
		return nil, err
	}
	emit := func(e events.Event) { o.Events.Emit(e) }
	if p.book, err = incidents.OpenBook(o.State, o.Now, emit, o.Log); err != nil {
		return nil, err
	}
	if p.rules, err = incidents.OpenRules(o.State, o.Log); err != nil {
		return nil, err
	}
	p.keeper = incidents.NewKeeper(incidents.Options{
		State: o.State, Rules: p.rules, Book: p.book, Source: lasting{o.Events}, Holder: holder{o.Recorder}, Emit: emit, Log: o.Log,
	})
	p.relay, err = relay.Open(o.State, relay.Options{Source: p.log, Seal: o.Seal, Box: o.BoxID, Dial: o.Dial, Check: o.Reach, Emit: emit, Log: o.Log})
	return p, err
}

// BoxID returns what tells the box from others, for ever.
func (p *Perception) BoxID() string { return p.o.BoxID }

// BoxName returns what the box is called, "" if it has no name.
func (p *Perception) BoxName() string { return p.o.Box }

// Run works until ctx is done. Nothing that goes wrong in it ends it.
func (p *Perception) Run(ctx context.Context) error {
	var all errgroup.Group
	for name, run := range map[string]func(context.Context) error{
		"sampler": p.sampler.Run, "zones": p.watcher.Run, "events of workers": p.tellWorkers, "tasks": p.follow, "notifications": p.notify.Run, "surroundings": p.around.watch, "hold rules": p.keeper.Run, "relay": p.relay.Run, "states of the sampler": p.watchSampler,
	} {
		all.Go(func() error {
			if err := run(ctx); err != nil && ctx.Err() == nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			return nil
		})
	}
	return all.Wait()
}

// Beside keeps what belongs on the primary volume there, until ctx is done.
func (p *Perception) Beside(ctx context.Context, volume, dir string) {
	dir = filepath.Join(dir, "perception")
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var both sync.WaitGroup
	for name, attach := range map[string]func(context.Context, string) error{"detections": p.log.Attach, "evidence": p.evidence.Attach} {
		both.Go(func() {
			defer stop() // the other one is begun anew with it
			if err := attach(ctx, filepath.Join(dir, name)); err != nil && ctx.Err() == nil {
				p.o.Log.Error("perception on the footage volume", "volume", volume, "what", name, "err", err)
				p.o.Events.Emit(events.Event{Type: "detections_failed", Severity: events.Warning, Payload: map[string]any{"volume": volume, "what": name, "reason": err.Error()}})
			}
		})
	}
	both.Wait()
}

// follow has the sampler make what the tasks of the cameras there are ask for.
func (p *Perception) follow(ctx context.Context) error {
	for ctx.Err() == nil {
		tasked, cameras := p.tasks.Changed(), p.o.Recorder.Changed()
		p.forget()
		p.sampler.Set(p.wants())
		select {
		case <-ctx.Done():
		case <-tasked:
		case <-cameras:
			// States of cameras change often, what is wanted does not.
			select {
			case <-ctx.Done():
			case <-time.After(time.Second):
			}
		}
	}
	return context.Cause(ctx)
}

// wants returns what the tasks there are ask of the sampler.
func (p *Perception) wants() (out []sampler.Want) {
	priority := map[string]int{}
	for _, c := range p.o.Recorder.Cameras() {
		priority[c.ID] = c.Priority
	}
	for _, d := range p.tasks.Demand() {
		if of, known := priority[d.Camera]; known {
			out = append(out, sampler.Want{Camera: d.Camera, Profile: media.StreamName(d.Profile), FPS: d.FPS, Width: d.Width, Priority: of})
		}
	}
	return out
}

// streams lets the sampler read what the recorder receives.
type streams struct{ *recorder.Recorder }

// Subscribe reads the main stream of a camera that has no sub stream, whichever
// is asked for.
func (s streams) Subscribe(camera string, stream media.StreamName) (sampler.Reader, error) {
	if !s.HasStream(camera, stream) {
		stream = media.Main
	}
	return s.Recorder.Subscribe(camera, stream)
}

// forget removes what belongs to cameras that were removed.
func (p *Perception) forget() {
	gone := map[string]bool{}
	for _, t := range p.tasks.List() {
		gone[t.Camera] = true
	}
	for _, z := range p.zones.All() {
		gone[z.Camera] = true
	}
	for _, c := range p.o.Recorder.Cameras() {
		delete(gone, c.ID)
	}
	for camera := range gone {
		_, err := p.tasks.RemoveCamera(camera)
		if err := errors.Join(err, p.zones.RemoveCamera(camera)); err != nil {
			p.o.Log.Error("what belonged to a removed camera stays", "camera", camera, "err", err)
		}
	}
}

// dropped tells of reports that went before whoever takes the outbox had them.
func (p *Perception) dropped(first, last uint64, why string) {
	if p.kept() == 0 {
		return // nobody takes it
	}
	p.o.Events.Emit(events.Event{Type: "detections_dropped", Severity: events.Warning, Payload: map[string]any{"first_seq": first, "last_seq": last, "reason": why}})
}

// PruneDetections deletes what is older than before, for housekeeping.
func (p *Perception) PruneDetections(ctx context.Context, before time.Time, limit int) (int, error) {
	n, err := p.log.PruneBefore(ctx, before, limit)
	if errors.Is(err, detections.ErrAway) {
		return 0, nil
	}
	return n, err
}

// PruneEvidence deletes pictures that are older than before.
func (p *Perception) PruneEvidence(ctx context.Context, before time.Time, limit int) (int, error) {
	return p.evidence.PruneBefore(ctx, before, limit)
}

// PruneDeliveries deletes what is known of deliveries that are older than before.
func (p *Perception) PruneDeliveries(ctx context.Context, before time.Time, limit int) (int, error) {
	return p.notify.PruneBefore(ctx, before, limit)
}

// Reseal seals the secrets of who is told of events, and of the relay, anew, inside of tx.
func (p *Perception) Reseal(tx *bolt.Tx, change func(table, id, field, stored string) (string, error)) (int, error) {
	told, err := p.notify.Reseal(tx, change)
	if err != nil {
		return 0, err
	}
	relayed, err := p.relay.Reseal(tx, change)
	return told + relayed, err
}

// EndKey forgets what workers with an API key that is gone hold.
func (p *Perception) EndKey(id string) {
	p.leases.EndKey(id)
	for _, l := range []*tasks.Limiter{p.leaseLimit, p.frameLimit, p.postLimit} {
		l.EndKey(id)
	}
}
