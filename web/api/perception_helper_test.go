package api

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// fakeTasks has the task "task_1" of the camera yard and "task_2" of the door. Tickets
// are texts that say what they are: "good", or an error.
type fakeTasks struct {
	mu    sync.Mutex
	tasks []Task
	wait  time.Duration // of Admit
	uses  []Use
	asked LeaseRequest
	beat  string
}

func newTasks() *fakeTasks {
	return &fakeTasks{tasks: []Task{
		{ID: "task_1", Camera: "yard", Type: "detection", Profile: "sub", FPS: 5, Width: 640, Enabled: true},
		{ID: "task_2", Camera: "door", Type: "detection", Profile: "sub", FPS: 5, Width: 640, Enabled: true},
		{ID: "task_3", Camera: "yard", Type: "anpr", Profile: "main", FPS: 1, Width: 1920},
	}}
}

func (f *fakeTasks) Tasks(_ context.Context, camera string) (out []Task, _ error) {
	for _, t := range f.tasks {
		if t.Camera == camera {
			out = append(out, t)
		}
	}
	return out, nil
}

func (f *fakeTasks) Task(_ context.Context, id string) (Task, error) {
	for _, t := range f.tasks {
		if t.ID == id {
			return t, nil
		}
	}
	return Task{}, fmt.Errorf("task %s: %w", id, ErrNotFound)
}

func (f *fakeTasks) AddTask(_ context.Context, camera string, in TaskInput) (Task, bool, error) {
	if in.FPS != nil && (*in.FPS < 0.1 || *in.FPS > 30) {
		return Task{}, false, &FieldError{"fps", "must be from 0.1 to 30"}
	}
	for _, t := range f.tasks {
		if t.Camera == camera && t.Type == *in.Type {
			return t, false, nil
		}
	}
	return Task{ID: "task_9", Camera: camera, Type: *in.Type, Profile: "sub"}, true, nil
}

func (f *fakeTasks) ChangeTask(ctx context.Context, id string, in TaskInput) (Task, error) {
	t, err := f.Task(ctx, id)
	if in.Config != nil {
		t.Config = json.RawMessage(*in.Config)
	}
	return t, err
}

func (f *fakeTasks) RemoveTask(ctx context.Context, id string) error {
	_, err := f.Task(ctx, id)
	return err
}

func (f *fakeTasks) Workers(context.Context) ([]Worker, error) {
	return []Worker{{ID: "w1", Leases: []WorkerLease{{ID: "l1", Tasks: []string{"task_1", "task_2"}}}}, {ID: "w2", Leases: []WorkerLease{{ID: "l2", Tasks: []string{"task_2"}}}}, {ID: "idle"}}, nil
}

func (f *fakeTasks) Samplers(context.Context) ([]Sampler, error) {
	return []Sampler{{Camera: "yard", Profile: "sub", State: "sampling"}, {Camera: "door", Profile: "sub", State: "error", Reason: "no decoder"}}, nil
}

func (f *fakeTasks) Shard(_ context.Context, who Caller, worker string) (out []Task, _ error) {
	f.beat = who.Name + "/" + worker
	for _, t := range f.tasks {
		if t.Enabled && who.Sees(t.Camera) {
			out = append(out, t)
		}
	}
	return out, nil
}

func (f *fakeTasks) Acquire(ctx context.Context, who Caller, in LeaseRequest) (Lease, error) {
	f.asked = in
	tasks, err := f.Shard(ctx, who, in.Worker)
	return Lease{ID: "lease_1", Worker: in.Worker, Expires: Timestamp(start), NextPoll: 20, Tasks: tasks}, err
}

func (f *fakeTasks) Release(_ context.Context, _ Caller, lease string) (int, error) {
	switch lease {
	case "lease_1":
		return 2, nil
	case "foreign":
		return 0, fmt.Errorf("release: %w", ErrHeld)
	}
	return 0, nil
}

func (f *fakeTasks) Ticket(who Caller, task, camera, profile string, fr *Frame) string {
	if t, err := f.Task(context.Background(), task); err != nil || t.Camera != camera || t.Profile != profile || !who.Sees(camera) {
		return ""
	}
	return fmt.Sprint("ticket-", task, "-", fr.Seq)
}

func (f *fakeTasks) CheckTicket(_ Caller, ticket string) (Ticket, error) {
	for _, err := range []error{ErrBadTicket, ErrOldTicket, ErrForeign, ErrNoLease, ErrTaskDisabled, ErrHeld} {
		if ticket == err.Error() {
			return Ticket{}, fmt.Errorf("check: %w", err)
		}
	}
	camera, _, _ := strings.Cut(ticket, "-")
	return Ticket{Task: "task_1", Camera: camera, Type: "detection", Profile: "sub", FrameID: "frame-7", FrameSeq: 7, Captured: start}, nil
}

func (f *fakeTasks) Admit(_ string, use Use) time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.uses = append(f.uses, use)
	return f.wait
}

// fakeFrames keeps one frame of yard/sub, and wakes who waits for the next.
type fakeFrames struct {
	mu   sync.Mutex
	now  *Frame
	next chan struct{}
}

func (f *fakeFrames) put(fr *Frame) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.now = fr
	if f.next != nil {
		close(f.next)
		f.next = nil
	}
}

func (f *fakeFrames) Frame(ctx context.Context, camera, profile string, after uint64, wait time.Duration) (*Frame, error) {
	over := time.NewTimer(wait)
	defer over.Stop()
	for {
		f.mu.Lock()
		now := f.now
		if f.next == nil {
			f.next = make(chan struct{})
		}
		next := f.next
		f.mu.Unlock()
		if camera != "yard" || profile != "sub" {
			now = nil
		}
		if now != nil && now.Seq > after {
			return now, nil
		}
		select {
		case <-next:
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-over.C:
			if now == nil {
				return nil, ErrNotFound
			}
			return nil, ErrNotNewer
		}
	}
}

// fakeDetections keeps what is appended; a frame id is a duplicate the second time.
type fakeDetections struct {
	mu      sync.Mutex
	err     error
	reports []Report
	query   DetectionQuery
	who     Caller
	through uint64
}

func (f *fakeDetections) Append(_ context.Context, r Report) (bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err != nil {
		return false, f.err
	}
	for _, o := range f.reports {
		if r.FrameID != "" && o.FrameID == r.FrameID && o.Camera == r.Camera && o.TaskType == r.TaskType {
			return true, nil
		}
	}
	f.reports = append(f.reports, r)
	return false, nil
}

// last returns the newest report.
func (f *fakeDetections) last() Report {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.reports[len(f.reports)-1]
}

func (f *fakeDetections) detections() []Detection {
	return []Detection{{ID: "1-0", Camera: "yard", TaskType: "detection", Time: Timestamp(start), Label: "person",
		Attributes: json.RawMessage(`{"hat":true,"source":"a lie","_prov":"another"}`), By: Provenance{Key: "k1", Name: "pull", Ticketed: true}}, {ID: "1-1", Camera: "yard"}}
}

func (f *fakeDetections) Detections(_ context.Context, q DetectionQuery) ([]Detection, string, error) {
	f.query = q
	if q.Cursor == "none" {
		return nil, "", &FieldError{"cursor", "is none"}
	}
	return f.detections(), "17", nil
}

func (f *fakeDetections) Outbox(_ context.Context, who Caller, after uint64, limit int) ([]OutboxRow, error) {
	f.who = who
	return []OutboxRow{{Seq: after + 1, Camera: "yard", Detections: f.detections()[:min(limit, 1)]}}, nil
}

func (f *fakeDetections) Acknowledge(_ context.Context, who Caller, through uint64) (uint64, error) {
	f.who, f.through = who, through
	return through, nil
}

// fakeZones has zone_1 of yard and zone_2 of door.
type fakeZones struct{ in ZoneInput }

func (f *fakeZones) Zones(_ context.Context, camera string) ([]Zone, error) {
	if camera == "yard" {
		return []Zone{{ID: "zone_1", Camera: "yard", Kind: "polygon"}}, nil
	}
	return nil, nil
}

func (f *fakeZones) Zone(_ context.Context, id string) (Zone, error) {
	camera := map[string]string{"zone_1": "yard", "zone_2": "door"}[id]
	if camera == "" {
		return Zone{}, ErrNotFound
	}
	return Zone{ID: id, Camera: camera}, nil
}

func (f *fakeZones) AddZone(_ context.Context, camera string, in ZoneInput) (Zone, error) {
	f.in = in
	if len(*in.Points) < 3 {
		return Zone{}, &FieldError{"points", "must be at least 3"}
	}
	return Zone{ID: "zone_9", Camera: camera, Points: *in.Points}, nil
}

func (f *fakeZones) ChangeZone(ctx context.Context, id string, in ZoneInput) (Zone, error) {
	f.in = in
	return f.Zone(ctx, id)
}
func (f *fakeZones) RemoveZone(context.Context, string) error { return nil }
func (f *fakeZones) Occupancy(_ context.Context, camera string) ([]ZoneOccupancy, error) {
	return []ZoneOccupancy{{Zone: "zone_1", Name: camera, Total: 1}}, nil
}

func (f *fakeZones) Evidence(_ context.Context, camera, name string) ([]byte, error) {
	if camera != "yard" || name != "e1.jpg" {
		return nil, ErrNotFound
	}
	return []byte("\xff\xd8jpeg"), nil
}

// fakeFollow is what tells others of events.
type fakeFollow struct {
	sub   SubscriptionInput
	relay RelayInput
	limit int
}

func (f *fakeFollow) Subscriptions(context.Context) ([]Subscription, error) {
	return []Subscription{{ID: "sub_1", Kind: "mail", Mail: &Mail{}, SecretSet: true}}, nil
}

func (f *fakeFollow) one(id string) error {
	if id != "sub_1" {
		return ErrNotFound
	}
	return nil
}

func (f *fakeFollow) AddSubscription(_ context.Context, in SubscriptionInput) (Subscription, error) {
	f.sub = in
	if in.Webhook == nil || in.Webhook.URL == nil {
		return Subscription{}, &FieldError{"webhook.url", "is missing"}
	}
	return Subscription{ID: "sub_9", Kind: *in.Kind, Webhook: &Webhook{URL: *in.Webhook.URL}}, nil
}

func (f *fakeFollow) ChangeSubscription(_ context.Context, id string, in SubscriptionInput) (Subscription, error) {
	f.sub = in
	return Subscription{ID: id}, f.one(id)
}
func (f *fakeFollow) RemoveSubscription(_ context.Context, id string) error { return f.one(id) }
func (f *fakeFollow) TestSubscription(_ context.Context, id string) (Delivery, error) {
	return Delivery{Result: "failed", Error: "refused"}, f.one(id)
}

func (f *fakeFollow) Deliveries(_ context.Context, id string, limit int) ([]Delivery, error) {
	f.limit = limit
	return nil, f.one(id)
}

func (f *fakeFollow) Relay(context.Context) (RelayInfo, error) {
	return RelayInfo{URL: "nats://nas.lan", SecretSet: f.relay.Token != nil}, nil
}

func (f *fakeFollow) SetRelay(ctx context.Context, in RelayInput) (RelayInfo, error) {
	f.relay = in
	return f.Relay(ctx)
}

// fakeCases has rules, incidents and exports: of yard (1), of door (2), and of all (3).
type fakeCases struct {
	mu       sync.Mutex
	rule     HoldRuleInput
	incident IncidentInput
	by       string
	export   Export
	err      error // of Export, after these bytes
	first    string
}

func cameraOf(n int) []string { return [][]string{nil, {"yard"}, {"door"}, nil}[n] }

func (f *fakeCases) Rules(context.Context) (out []HoldRule, _ error) {
	for n := 1; n <= 3; n++ {
		out = append(out, HoldRule{ID: fmt.Sprint("rule_", n), Cameras: cameraOf(n)})
	}
	return out, nil
}

func (f *fakeCases) AddRule(_ context.Context, in HoldRuleInput) (HoldRule, error) {
	f.rule = in
	return HoldRule{ID: "rule_9", Name: *in.Name, Cameras: in.Cameras.IDs}, nil
}

func (f *fakeCases) ChangeRule(_ context.Context, id string, in HoldRuleInput) (HoldRule, error) {
	f.rule = in
	return HoldRule{ID: id}, nil
}
func (f *fakeCases) RemoveRule(context.Context, string) error { return nil }

func (f *fakeCases) Incidents(context.Context) (out []Incident, _ error) {
	for n := 1; n <= 3; n++ {
		out = append(out, Incident{ID: fmt.Sprint("incident_", n), Cameras: cameraOf(n)})
	}
	return out, nil
}

func (f *fakeCases) Incident(ctx context.Context, id string) (Incident, error) {
	all, _ := f.Incidents(ctx)
	if i := slices.IndexFunc(all, func(x Incident) bool { return x.ID == id }); i >= 0 {
		return all[i], nil
	}
	return Incident{}, ErrNotFound
}

func (f *fakeCases) OpenIncident(_ context.Context, in IncidentInput, by string) (Incident, error) {
	f.incident, f.by = in, by
	return Incident{ID: "incident_9", Title: *in.Title, State: "open", Cameras: *in.Cameras, By: by}, nil
}

func (f *fakeCases) ChangeIncident(ctx context.Context, id string, in IncidentInput, by string) (Incident, error) {
	f.incident, f.by = in, by
	return f.Incident(ctx, id)
}

func (f *fakeCases) AddNote(ctx context.Context, id, text, by string) (Incident, error) {
	x, err := f.Incident(ctx, id)
	x.Notes = append(x.Notes, Note{By: by, Text: text})
	return x, err
}

func (f *fakeCases) Export(_ context.Context, w io.Writer, x Export) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.export = x
	if f.first != "" {
		_, _ = io.WriteString(w, f.first)
	}
	return f.err
}

func (f *fakeCases) SigningKey(context.Context) (SigningKey, error) {
	return SigningKey{ID: "0a1b", Public: "AAAA"}, nil
}

// fakeTriggers notes what triggers.
type fakeTriggers struct {
	camera string
	asked  Trigger
}

func (f *fakeTriggers) Trigger(_ context.Context, camera string, t Trigger) (time.Time, error) {
	if camera != "yard" {
		return time.Time{}, ErrNotFound
	}
	f.camera, f.asked = camera, t
	return start.Add(t.For), nil
}

// perceived is all of it.
type perceived struct {
	tasks      *fakeTasks
	frames     *fakeFrames
	detections *fakeDetections
	zones      *fakeZones
	follow     *fakeFollow
	cases      *fakeCases
	triggers   *fakeTriggers
}

func newPerceived() perceived {
	return perceived{newTasks(), &fakeFrames{}, &fakeDetections{}, &fakeZones{}, &fakeFollow{}, &fakeCases{}, &fakeTriggers{}}
}

func (p perceived) into(o *Options) {
	o.Tasks, o.Frames, o.Detections, o.Zones, o.Evidence = p.tasks, p.frames, p.detections, p.zones, p.zones
	o.Notifications, o.Relay, o.HoldRules, o.Incidents, o.Exports, o.Triggers = p.follow, p.follow, p.cases, p.cases, p.cases, p.triggers
}

// worker returns the header of a key of a worker that sees cameras; none = all.
func (b *box) worker(t testing.TB, cameras ...string) string {
	t.Helper()
	return "X-API-Key: " + b.key(t, "worker", cameras, time.Time{})
}
