package api

import (
	"context"
	"encoding/json"
	"errors"
	"time"
)

// Errors of the workers' side, wrapped or not.
var (
	ErrBadTicket    = errors.New("not a ticket of this box")  // 401; one that is broken, or of before the restart
	ErrOldTicket    = errors.New("the ticket has expired")    // 401
	ErrForeign      = errors.New("the ticket is another's")   // 401
	ErrNoLease      = errors.New("no live lease on the task") // 401
	ErrTaskDisabled = errors.New("the task is disabled")      // 403
	ErrHeld         = errors.New("the lease is another's")    // 409
	ErrFull         = errors.New("no room for more reports")  // 503
	ErrNotNewer     = errors.New("there is no newer frame")   // 304
)

// Caller is a machine that asks: the key it came with, and what that may see.
type Caller struct {
	Key, Name string // the key's id and name
	Sees      func(camera string) bool
}

// Tasks is what the API needs of tasks, workers and leases. Methods that name a task
// return ErrNotFound if there is none; values that will not do are errors with a
// method Field() string. Every method may be called concurrently.
type Tasks interface {
	// Tasks returns those of a camera, in an order that stays.
	Tasks(ctx context.Context, camera string) ([]Task, error)
	Task(ctx context.Context, id string) (Task, error)
	// AddTask returns the task that is there, and false, where the camera has one
	// of the type and profile.
	AddTask(ctx context.Context, camera string, in TaskInput) (t Task, added bool, err error)
	// ChangeTask changes what is not nil in in.
	ChangeTask(ctx context.Context, id string, in TaskInput) (Task, error)
	RemoveTask(ctx context.Context, id string) error
	Workers(ctx context.Context) ([]Worker, error)
	Samplers(ctx context.Context) ([]Sampler, error)

	// Shard returns enabled tasks of enabled cameras that who sees: all of them, or
	// the shard of a worker, for which it is a heartbeat.
	Shard(ctx context.Context, who Caller, worker string) ([]Task, error)
	Acquire(ctx context.Context, who Caller, in LeaseRequest) (Lease, error)
	// Release returns how many tasks are free by that: 0 where there is no such
	// lease. ErrHeld if it is another key's.
	Release(ctx context.Context, who Caller, lease string) (int, error)

	// Ticket returns one for a frame of a task that who holds, "" for any reason not
	// to, as that the task is of another camera or profile. It is called for every
	// frame.
	Ticket(who Caller, task, camera, profile string, f *Frame) string
	// CheckTicket returns what a ticket says. The errors are ErrBadTicket,
	// ErrOldTicket, ErrForeign, ErrNoLease, ErrTaskDisabled and ErrHeld.
	CheckTicket(who Caller, ticket string) (Ticket, error)
	// Admit takes a token of a key and returns 0, or how long it has to wait; use is
	// one of the three below.
	Admit(key string, use Use) time.Duration
}

// Use is what a key takes a token for.
type Use uint8

// What tokens are taken for.
const (
	UseLease Use = iota // tasks and leases
	UseFrame
	UsePost
)

// Task is something that a worker is to look for.
type Task struct {
	ID       string          `json:"id"`
	Camera   string          `json:"camera_id"`
	Type     string          `json:"task_type"`
	Profile  string          `json:"stream_profile"` // sub main
	FPS      float64         `json:"fps"`
	Width    int             `json:"width"`
	Config   json.RawMessage `json:"config"` // an object
	Enabled  bool            `json:"enabled"`
	FrameURL string          `json:"frame_url"` // set by the API
}

// TaskInput is the body of POST and PATCH. Nil means: not said.
type TaskInput struct {
	Type    *string  `json:"task_type"`      // POST alone
	Profile *string  `json:"stream_profile"` // POST alone
	FPS     *float64 `json:"fps"`
	Width   *int     `json:"width"`
	Config  *Object  `json:"config"`
	Enabled *bool    `json:"enabled"`
}

// Worker is a worker that was seen lately.
type Worker struct {
	ID      string        `json:"worker_id"`
	Key     string        `json:"key_id"`
	KeyName string        `json:"key_name"`
	Seen    Timestamp     `json:"seen_at"`
	Live    bool          `json:"live"`
	Leases  []WorkerLease `json:"leases"`
}

// WorkerLease is what a worker holds.
type WorkerLease struct {
	ID      string    `json:"lease_id"`
	Tasks   []string  `json:"task_ids"`
	Expires Timestamp `json:"expires_at"`
}

// Sampler is what makes frames of one stream of a camera.
type Sampler struct {
	Camera    string     `json:"camera_id"`
	Profile   string     `json:"stream_profile"`
	State     string     `json:"state"` // connecting sampling offline error stopped budget_exhausted
	FPS       float64    `json:"fps"`
	Width     int        `json:"width"`
	Reason    string     `json:"reason,omitempty"`
	Frames    uint64     `json:"frames"`
	LastFrame *Timestamp `json:"last_frame_at,omitempty"`
	Restarts  uint64     `json:"restarts"`
}

// LeaseRequest is what a worker asks for. TTL is in seconds.
type LeaseRequest struct {
	Worker string
	Types  []string // empty = all
	Max    int      // tasks
	TTL    time.Duration
}

// Lease is what a worker holds.
type Lease struct {
	ID       string    `json:"lease_id"`
	Worker   string    `json:"worker_id"`
	Expires  Timestamp `json:"expires_at"`
	NextPoll int       `json:"next_poll_secs"`
	Tasks    []Task    `json:"tasks"`
}

// Ticket is what a ticket says, once it was found to be good.
type Ticket struct {
	Task, Camera, Type, Profile string
	FrameID                     string // the same for the same frame and task, and no other's
	FrameSeq                    uint64
	Captured                    time.Time
}

// Frames is what the API needs of the sampler.
type Frames interface {
	// Frame returns the newest frame whose number is greater than after; for that it
	// waits up to wait. ErrNotFound while there is none at all, ErrNotNewer if none came.
	// The frame is never written to again.
	Frame(ctx context.Context, camera, profile string, after uint64, wait time.Duration) (*Frame, error)
}

// Frame is one picture of a camera.
type Frame struct {
	JPEG          []byte
	Seq           uint64 // ascends as long as the process runs
	Captured      time.Time
	Width, Height int
}

// Detections is what the API needs of the log of what workers saw.
type Detections interface {
	// Append returns once the report is durable, or was there before. ErrFull if
	// the queue is, ErrUnavailable while no disk takes it.
	Append(ctx context.Context, r Report) (duplicate bool, err error)
	// Detections returns what q selects, newest first, and the cursor of the next
	// page, "" if there is none. A cursor that is none is an error of the field.
	Detections(ctx context.Context, q DetectionQuery) (list []Detection, next string, err error)
	// Outbox returns reports with a number greater than after that who sees, ascending.
	Outbox(ctx context.Context, who Caller, after uint64, limit int) ([]OutboxRow, error)
	// Acknowledge notes that who has all up to through, and needs them no more; it
	// returns what is acknowledged now.
	Acknowledge(ctx context.Context, who Caller, through uint64) (uint64, error)
}

// Report is a post of a worker that has passed all there is to check.
type Report struct {
	Camera, TaskType, Profile string
	Task                      string // id; "" if not known
	FrameID                   string // "" = never a duplicate
	FrameSeq                  uint64
	Time                      time.Time // of the frame; zero if nobody said
	Ticketed                  bool
	Key, KeyName              string       // whose report it is
	Detections                []Sighting   // empty: nothing is there; nil: the report is of an event alone
	Event                     *WorkerEvent // may be nil
}

// Sighting is one thing that a worker saw.
type Sighting struct {
	Label      string
	Confidence *float32    // nil if it is missing
	Box        *[4]float32 // x, y, width, height; nil if it is missing
	Track      string
	Attributes json.RawMessage // an object, without provenance, or nil
}

// WorkerEvent is an event that a worker reports.
type WorkerEvent struct {
	Type     string          `json:"event_type"`
	Severity string          `json:"severity"` // info warning
	Payload  json.RawMessage `json:"payload,omitempty"`
}

// DetectionQuery selects detections of a camera.
type DetectionQuery struct {
	Camera, Label string
	From, To      time.Time // zero = no limit
	MinConfidence float64
	Limit         int
	Cursor        string
}

// Detection is a Sighting as it is read back.
type Detection struct {
	ID         string          `json:"id"`
	Camera     string          `json:"camera_id"`
	TaskType   string          `json:"task_type"`
	Time       Timestamp       `json:"timestamp"`
	Label      string          `json:"label"`
	Confidence *float32        `json:"confidence"`
	Box        *[4]float32     `json:"bbox"`
	Track      string          `json:"track_id,omitempty"`
	Attributes json.RawMessage `json:"attributes"` // an object, or nil; the API adds By
	FrameID    string          `json:"frame_id,omitempty"`
	By         Provenance      `json:"-"`
}

// Provenance says where a detection came from, as the box knows it.
type Provenance struct {
	Key      string `json:"key"` // id
	Name     string `json:"name"`
	Task     string `json:"task,omitempty"`
	Ticketed bool   `json:"ticketed"`
}

// OutboxRow is one report as whoever forwards it reads it.
type OutboxRow struct {
	Seq        uint64       `json:"seq"`
	Received   Timestamp    `json:"received_at"`
	Camera     string       `json:"camera_id"`
	TaskType   string       `json:"task_type"`
	Time       Timestamp    `json:"timestamp"`
	FrameID    string       `json:"frame_id,omitempty"`
	Ticketed   bool         `json:"ticketed"`
	Detections []Detection  `json:"detections"`
	Event      *WorkerEvent `json:"event,omitempty"`
}
