// Package api owns the HTTP surface: one router, built from one table, with
// one floor that every request passes. It turns requests into calls of the
// interfaces it declares, and their answers into JSON or media.
//
// It must never serve a route that is not in the table, trust anything a
// request says about who sends it but its session cookie or key, or hold footage in
// memory.
//
// DNS rebinding: a page of a stranger's domain that is made to resolve to
// this box has no session, because cookies belong to a host name; it could
// at most try to sign in. To take that away too, requests are answered only
// for host names that a local box plausibly has (addresses, single labels,
// the local domains) and for those that Options.Hosts adds.
package api

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"

	"github.com/VictoriaMetrics/metrics"

	"vedette/web/auth"
)

// Options is what the API is made of. Recorder, Auth, Events and System are
// needed; the others may be nil, and their routes then say that they are not
// there.
type Options struct {
	Recorder Recorder
	Disks    Disks // nil = no disk has a place here
	Auth     *auth.Service
	Events   Events
	System   System
	// Appliance is nil where the machine does not run our image.
	Appliance Appliance
	Journal   Journal // nil = whoever runs the process keeps its log
	Support   SupportWriter
	// What follows is nil where the box does not have it.
	Audit        Audit
	Certificates Certificates // nil = the panel is served without TLS
	Outgoing     Outgoing
	Secrets      Secrets
	Backups      Backups
	// What looks at pictures and tells of it; each nil where the box does not have it.
	Tasks         Tasks
	Frames        Frames
	Detections    Detections
	Zones         Zones
	Evidence      Evidence
	Triggers      Triggers // nil = Recorder, if that has it
	Notifications Notifications
	Relay         Relay
	HoldRules     HoldRules
	Incidents     Incidents
	Exports       Exports
	// Tickets is what is asked of posts: off, warn (which "" is too) or enforce.
	Tickets string
	// EventsChanged returns a channel that is closed or sent to when events come; it is
	// called again before every look. Nil = whoever follows looks once a second.
	EventsChanged func() <-chan struct{}
	// Live serves WHEP under /api/v1/cameras/{id}/whep. The caller is signed
	// in, may see the camera, and is in the request's context (auth.From);
	// the path values are "id" and "session".
	Live  http.Handler
	Panel http.Handler // the websocket
	UI    http.Handler // the panel's files; public
	// Metrics are written to /metrics one after the other.
	Metrics []MetricsWriter
	// Hosts are further host names the box is reached by; "*" allows any.
	Hosts []string
	// Origins are further origins whose pages may act for a signed-in user,
	// for a proxy that changes the scheme: https://nvr.example.org.
	Origins []string
	Log     *slog.Logger
}

// MetricsWriter writes metrics as Prometheus text.
type MetricsWriter interface{ WritePrometheus(w io.Writer) }

// System is what the API shows of the box itself.
type System interface {
	// System returns the present state; it is called often and must be quick.
	System(ctx context.Context) (SystemInfo, error)
	// Ready returns the names of what is not in order, nil if all is. The
	// names are public.
	Ready() []string
}

// Journal is the log of the process, line by line as text.
type Journal interface {
	// Lines returns the newest lines of level least and above, at most n, oldest
	// first.
	Lines(n int, least slog.Level) []string
	// Previous returns those that runs before this one left behind.
	Previous(n int, least slog.Level) ([]string, error)
}

// Events is the event log.
type Events interface {
	// Since returns events with a number greater than seq, ascending.
	Since(seq uint64, limit int, f EventFilter) ([]Event, error)
	// Latest returns the newest events, ascending.
	Latest(limit int, f EventFilter) ([]Event, error)
}

// clipJobs is how many clips are made at a time: whoever opens many of them
// must not starve the recording.
const clipJobs = 3

// server holds what the handlers need.
type server struct {
	Options
	Recorder scoper // hides the one of Options: nobody reaches it but through who asks
	metrics  *metrics.Set
	log      *slog.Logger
	clips    chan struct{}
	tests    chan struct{}
	warned   hourly // keys that report without tickets
	denied   hourly // machines that were refused, by route
	streams  streams
}

// New returns the handler of everything. It fails if a needed part is
// missing or the table contradicts itself.
func New(o Options) (http.Handler, error) {
	if o.Recorder == nil || o.Auth == nil || o.Events == nil || o.System == nil {
		return nil, errors.New("build api: recorder, auth, events and system are needed")
	}
	if !slices.Contains([]string{"", ticketsOff, ticketsWarn, ticketsEnforce}, o.Tickets) {
		return nil, fmt.Errorf("build api: there is no policy of tickets %q", o.Tickets)
	}
	if o.Disks == nil {
		o.Disks = noDisks{}
	}
	if o.Appliance == nil {
		o.Appliance = noAppliance{}
	}
	if o.Triggers == nil {
		o.Triggers, _ = o.Recorder.(Triggers)
	}
	s := &server{
		Options: o, Recorder: scoper{o.Recorder}, metrics: metrics.NewSet(), log: o.Log,
		clips: make(chan struct{}, clipJobs), tests: make(chan struct{}, 2),
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	return s.router(s.table())
}
