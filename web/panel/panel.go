// Package panel owns the panel's websocket: it sends the state of the box as
// a snapshot and then what changes, and takes signalling and commands. It
// keeps no state of its own beyond what it last sent, and never lets a slow
// browser make a queue grow.
package panel

import (
	"context"
	"encoding/json"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"vedette/web/auth"
)

// Value is one part of the state.
type Value interface {
	// Snapshot returns the present value, ready for JSON. It is called often,
	// from one goroutine at a time, and must be quick.
	Snapshot() any
	// Changes returns a channel that is sent to, without blocking, or closed
	// after a change; changes may share one. It is called again before every
	// look. Nil means that the panel looks once a second.
	Changes() <-chan struct{}
}

// Cameras is the state of all cameras.
type Cameras interface {
	Snapshot() []Camera
	Changes() <-chan struct{} // as of Value
}

// Camera is one camera, ready for JSON in Data.
type Camera struct {
	ID   string
	Data any
}

// Events is the event log.
type Events interface {
	Latest(n int) ([]Event, error)                // ascending
	Since(seq uint64, limit int) ([]Event, error) // ascending, greater than seq
	Changes() <-chan struct{}                     // as of Value
}

// Event is one event, ready for JSON in Data.
type Event struct {
	Seq    uint64
	Camera string // empty: of the box
	// Operators says that it is for those alone who operate the box: who signed
	// in from where is nobody else's business.
	Operators bool
	Data      any
}

// Board takes what is pressed on the panel's picture of the board.
type Board interface {
	Press(ctx context.Context, button string, d time.Duration) error
}

// Options is what a Panel is made of. Cameras, System and Events are needed;
// the others may be nil.
type Options struct {
	Version string // of the program
	Boot    string // changes whenever the process starts
	Cameras Cameras
	System  Value
	Events  Events
	State   Value // of the board
	Board   Board
	Signal  Signaller
	// Origins are further origins whose pages may connect, beside the one
	// the box is reached by: https://nvr.example.org.
	Origins []string
	Log     *slog.Logger
}

const (
	maxSockets           = 64
	maxSocketsPerSession = 8
	shownEvents          = 50
	poll                 = time.Second
	calm                 = 100 * time.Millisecond // least distance of two looks at the state
)

// Panel serves the websocket. All methods may be called concurrently.
type Panel struct {
	o   Options
	log *slog.Logger
	wg  sync.WaitGroup // sockets

	alive atomic.Pointer[time.Time] // when Run last looked

	mu      sync.Mutex
	sockets map[*client]struct{}
	closed  bool
	state   state
	waiting map[string]Detections // by camera and type of task

	boxed chan struct{} // something waits
}

// state is what every socket that is up to date has been told.
type state struct {
	order   []string // ids of cameras
	cameras map[string]json.RawMessage
	system  json.RawMessage
	board   json.RawMessage
	events  []event // the last ones, ascending
	seq     uint64
}

type event struct {
	camera    string
	operators bool
	data      json.RawMessage
}

// seenBy reports whether who may see e.
func (e event) seenBy(who *auth.Principal) bool {
	return (e.camera == "" || who.Sees(e.camera)) && (!e.operators || who.Can(auth.Operate))
}

// New returns a Panel that nobody is connected to.
func New(o Options) *Panel {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Panel{o: o, log: o.Log, sockets: map[*client]struct{}{}, state: state{cameras: map[string]json.RawMessage{}},
		waiting: map[string]Detections{}, boxed: make(chan struct{}, 1)}
}

// Run sends changes to whoever is connected until ctx is done; then it closes
// every socket, waits for them and returns ctx's error.
func (p *Panel) Run(ctx context.Context) error {
	var boxes sync.WaitGroup
	boxes.Go(func() { p.sendBoxes(ctx) })
	defer boxes.Wait()
	tick := time.NewTicker(poll)
	defer tick.Stop()
	for {
		// The channels come before the look, so that no change falls between.
		cameras, system, events := p.o.Cameras.Changes(), p.o.System.Changes(), p.o.Events.Changes()
		var board <-chan struct{}
		if p.o.State != nil {
			board = p.o.State.Changes()
		}
		p.mu.Lock()
		if len(p.sockets) > 0 {
			p.refresh()
		}
		p.mu.Unlock()
		now := time.Now()
		p.alive.Store(&now)
		// What changes in bursts is sent once.
		select {
		case <-ctx.Done():
		case <-time.After(calm):
		}
		select {
		case <-ctx.Done():
			p.close()
			p.wg.Wait()
			return context.Cause(ctx)
		case <-tick.C:
		case <-cameras:
		case <-system:
		case <-events:
		case <-board:
		}
	}
}

// Alive returns when Run last looked at the state, zero before it runs. It never
// blocks.
func (p *Panel) Alive() time.Time {
	if t := p.alive.Load(); t != nil {
		return *t
	}
	return time.Time{}
}

func (p *Panel) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	for c := range p.sockets {
		c.end(closeGoingAway)
	}
}

// refresh looks at the sources and tells every socket what is different. The
// caller holds mu.
func (p *Panel) refresh() {
	p.refreshCameras()
	if data := p.marshal("system", p.o.System); data != nil && string(data) != string(p.state.system) {
		p.state.system = data
		p.tell(message{t: "system", key: "system", d: data}, "")
	}
	if p.o.State != nil {
		if data := p.marshal("board", p.o.State); data != nil && string(data) != string(p.state.board) {
			p.state.board = data
			p.tell(message{t: "board", key: "board", d: data}, "")
		}
	}
	p.refreshEvents()
}

func (p *Panel) marshal(name string, v Value) json.RawMessage {
	return p.encode(name, v.Snapshot())
}

// encode returns nil, and says so in the log, if v is not fit for JSON.
func (p *Panel) encode(name string, v any) json.RawMessage {
	data, err := json.Marshal(v)
	if err != nil {
		p.log.Error("panel state", "part", name, "err", err)
		return nil
	}
	return data
}

func (p *Panel) refreshCameras() {
	list := p.o.Cameras.Snapshot()
	now := make(map[string]json.RawMessage, len(list))
	p.state.order = p.state.order[:0]
	for _, c := range list {
		data := p.encode("camera", c.Data)
		if data == nil {
			continue
		}
		now[c.ID] = data
		p.state.order = append(p.state.order, c.ID)
		if string(p.state.cameras[c.ID]) != string(data) {
			p.tell(message{t: "camera", key: "camera " + c.ID, d: data}, c.ID)
		}
	}
	for id := range p.state.cameras {
		if _, left := now[id]; !left {
			d := p.encode("camera", struct {
				ID string `json:"id"`
			}{id})
			// The same key: it replaces a change that was not sent yet.
			p.tell(message{t: "camera.removed", key: "camera " + id, d: d}, id)
		}
	}
	p.state.cameras = now
}

func (p *Panel) refreshEvents() {
	first := p.state.seq == 0
	for {
		var list []Event
		var err error
		if first {
			list, err = p.o.Events.Latest(shownEvents)
		} else {
			list, err = p.o.Events.Since(p.state.seq, maxQueue)
		}
		if err != nil {
			p.log.Error("panel events", "err", err)
			return
		}
		for _, e := range list {
			p.state.seq = e.Seq
			data := p.encode("event", e.Data)
			if data == nil {
				continue
			}
			kept := event{e.Camera, e.Operators, data}
			p.state.events = append(p.state.events, kept)
			for c := range p.sockets {
				if kept.seenBy(c.who) {
					c.push(message{t: "event", d: data})
				}
			}
		}
		if n := len(p.state.events) - shownEvents; n > 0 {
			p.state.events = append([]event(nil), p.state.events[n:]...)
		}
		if first || len(list) < maxQueue {
			return
		}
	}
}

// tell queues m for every socket that may see the camera; an empty camera
// stands for the box, which everybody sees. The caller holds mu.
func (p *Panel) tell(m message, camera string) {
	for c := range p.sockets {
		if camera == "" || c.who.Sees(camera) {
			c.push(m)
		}
	}
}

// snapshot returns the whole state as who may see it. The caller holds mu.
func (p *Panel) snapshot(who *auth.Principal) message {
	d := struct {
		Cameras []json.RawMessage `json:"cameras"`
		System  json.RawMessage   `json:"system"`
		Board   json.RawMessage   `json:"board,omitempty"`
		Events  []json.RawMessage `json:"events"`
	}{Cameras: []json.RawMessage{}, System: p.state.system, Board: p.state.board, Events: []json.RawMessage{}}
	for _, id := range p.state.order {
		if who.Sees(id) {
			d.Cameras = append(d.Cameras, p.state.cameras[id])
		}
	}
	for _, e := range p.state.events {
		if e.seenBy(who) {
			d.Events = append(d.Events, e.data)
		}
	}
	return message{t: "snapshot", d: p.encode("snapshot", d)}
}
