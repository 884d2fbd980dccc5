// Package worker is a client for AI workers: it leases tasks of a Vedette box,
// pulls the newest frame of each, hands it to a function, and reports what that
// saw. Renewal, sharing among several workers, long polls, tickets, retries and
// the end are its business; what is in a picture is not.
//
// It speaks the worker contract over HTTP, shares no code with the box, and
// needs the standard library alone.
//
//	err := worker.Run(ctx, worker.Options{
//		URL: "https://vedette.local", Key: os.Getenv("VEDETTE_KEY"), TaskTypes: []string{"detection"},
//		Handle: func(ctx context.Context, f worker.Frame) ([]worker.Detection, *worker.Event, error) {
//			return detect(f.JPEG), nil, nil
//		},
//	})
package worker

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"time"
)

// ErrRefused is what Run ends with when the box does not take the key: it is
// wrong, over, or not one of a worker.
var ErrRefused = errors.New("the box refuses the API key")

// Options says what to work on and how. URL, Key and Handle are needed.
type Options struct {
	URL string // of the box: https://vedette.local
	Key string // an API key with the role worker
	// WorkerID names this worker, and no other of the same key; the default is
	// the name of the host and the number of the process.
	WorkerID  string
	TaskTypes []string // to take; empty = all
	MaxTasks  int      // to hold at once, 1 to 512; 0 = as many as there are
	// TTL is how long the box holds tasks for a worker that it does not hear of:
	// 15 s to 300 s; default 60 s.
	TTL time.Duration
	// Parallel is how many frames Handle is given at once; default 1. Frames of
	// one task come one after the other in any case.
	Parallel int
	// HTTPClient, if not nil, speaks to the box: for certificates of its own.
	// Its Timeout must be longer than 15 s, or none.
	HTTPClient *http.Client
	// Handle returns what is in a frame. No detections say that nothing is
	// there, and that is reported too; an error says that nobody knows, and is
	// logged. Its ctx ends when the task is another's, and with Run's.
	Handle func(ctx context.Context, f Frame) ([]Detection, *Event, error)
	Log    *slog.Logger // default: discard
}

// Task is what a worker is to do, as the box says it.
type Task struct {
	ID       string          `json:"id"`
	Camera   string          `json:"camera_id"`
	Type     string          `json:"task_type"`
	Profile  string          `json:"stream_profile"` // main or sub
	FPS      float64         `json:"fps"`            // frames a second, at most
	Width    int             `json:"width"`          // pixels; a frame may be smaller
	Config   json.RawMessage `json:"config"`         // an object
	FrameURL string          `json:"frame_url"`
}

// Frame is one picture of a task's camera.
type Frame struct {
	Task     Task
	JPEG     []byte
	Seq      uint64    // ascends, with gaps
	Captured time.Time // UTC, by the clock of the box
	// Age is how old it was when the box sent it.
	Age           time.Duration
	Width, Height int // pixels

	ticket string
}

// Detection is one thing that was seen.
type Detection struct {
	Label      string   `json:"label,omitempty"`
	Confidence *float64 `json:"confidence,omitempty"` // 0 to 1
	// Box is x, y, width and height as parts of the picture, 0 to 1, from its
	// upper left corner.
	Box *[4]float64 `json:"bbox,omitempty"`
	// Track is the same for the same thing in the frames of a task. Zones need
	// it.
	Track      string         `json:"track_id,omitempty"`
	Attributes map[string]any `json:"attributes,omitempty"`
}

// Event is something that happened, for the event log of the box.
type Event struct {
	Type     string         `json:"event_type"`         // a-z, 0-9 and _
	Severity string         `json:"severity,omitempty"` // info or warning
	Payload  map[string]any `json:"payload,omitempty"`
}

// Run works until ctx is done, gives back what it holds, and returns ctx's
// error. It goes on through everything that passes: a box that restarts, a
// network that is gone, a camera without a picture. It returns at once if the
// options will not do, and with ErrRefused when the box does not take the key.
//
// When Run returns, no Handle is running.
func Run(ctx context.Context, o Options) error {
	c, err := newClient(&o)
	if err != nil {
		return fmt.Errorf("worker: %w", err)
	}
	r := &runner{o: o, client: c, slots: make(chan struct{}, o.Parallel), kick: make(chan struct{}, 1), running: map[string]*running{},
		ending: map[string]chan struct{}{}}
	return r.run(ctx)
}

// normalise puts in the defaults, and says what is missing.
func (o *Options) normalise() error {
	switch {
	case o.Handle == nil:
		return errors.New("there is no Handle to give frames to")
	case o.Key == "":
		return errors.New("there is no API key")
	case o.MaxTasks < 0 || o.MaxTasks > 512:
		return errors.New("MaxTasks must be 1 to 512, or 0 for all")
	}
	o.TTL = cmp.Or(o.TTL, time.Minute)
	if o.TTL < 15*time.Second || o.TTL > 300*time.Second {
		return errors.New("TTL must be 15 s to 300 s")
	}
	o.Parallel = max(o.Parallel, 1)
	if o.WorkerID == "" {
		host, err := os.Hostname()
		if err != nil {
			return fmt.Errorf("find a name for the worker: %w", err)
		}
		o.WorkerID = fmt.Sprintf("%.96s-%d", host, os.Getpid())
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return nil
}
