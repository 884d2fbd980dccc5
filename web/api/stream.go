package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"vedette/web/auth"
)

const (
	streamPage       = 256 // events read at a time
	heartbeat        = 15 * time.Second
	lookEvery        = time.Second // where nobody tells of changes
	maxStreams       = 64
	maxStreamsCaller = 8 // of one session or key
	maxEventTypes    = 64
)

// eventFilter reads what selects events, for who asks.
func eventFilter(r *http.Request) (EventFilter, error) {
	q, p := r.URL.Query(), auth.From(r.Context())
	f := EventFilter{Camera: q.Get("camera"), Least: q.Get("severity"), Sees: p.Sees, Operators: p.Can(auth.Operate)}
	if text := q.Get("type"); text != "" {
		f.Types = strings.Split(text, ",")
	}
	switch {
	case f.Camera != "" && !p.Sees(f.Camera):
		return f, errForbidden
	case !slices.Contains([]string{"", "info", "warning", "critical"}, f.Least):
		return f, badField("severity", "The severity must be info, warning or critical.")
	case len(f.Types) > maxEventTypes || slices.Contains(f.Types, ""):
		return f, badField("type", "The field must be 1 to %d types, with commas between them.", maxEventTypes)
	}
	return f, nil
}

// streams counts those who follow events.
type streams struct {
	mu  sync.Mutex
	all int
	by  map[string]int
}

func (s *streams) enter(via string) (leave func(), ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all >= maxStreams || s.by[via] >= maxStreamsCaller {
		return nil, false
	}
	if s.by == nil {
		s.by = map[string]int{}
	}
	s.all++
	s.by[via]++
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.all--
		if s.by[via]--; s.by[via] == 0 {
			delete(s.by, via)
		}
	}, true
}

// eventStream sends events as they come (Server-Sent Events), from the one after that
// which the client names, or from now on. It reads the log itself, at the pace of the
// client: nothing is left out, and nothing is kept for anybody.
func (s *server) eventStream(w http.ResponseWriter, r *http.Request) error {
	f, err := eventFilter(r)
	if err != nil {
		return err
	}
	last, err := s.streamStart(r)
	if err != nil {
		return err
	}
	leave, ok := s.streams.enter(auth.From(r.Context()).Via())
	if !ok {
		return errBusy
	}
	defer leave()
	w.Header().Set("Content-Type", "text/event-stream")
	if r.Method == http.MethodHead {
		return nil
	}
	if _, err := fmt.Fprint(w, "retry: 3000\n\n"); err != nil {
		return nil
	}
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	for {
		changed, every := s.eventsChanged()
		if last, err = s.sendEvents(w, r, last, f); err != nil {
			return err // the connection breaks, and the client goes on from its last number
		}
		if http.NewResponseController(w).Flush() != nil {
			return nil
		}
		select {
		case <-r.Context().Done():
			return nil
		case <-changed:
		case <-every:
		case <-beat.C:
			auth.From(r.Context()).Touch() // a page that is open is in use
			if _, err := fmt.Fprint(w, ":\n\n"); err != nil {
				return nil
			}
		}
	}
}

// eventsChanged returns a channel that tells of events, or a timer in its place.
func (s *server) eventsChanged() (changed <-chan struct{}, every <-chan time.Time) {
	if s.EventsChanged != nil {
		return s.EventsChanged(), nil
	}
	return nil, time.After(lookEvery)
}

// streamStart returns the number after which a stream begins.
func (s *server) streamStart(r *http.Request) (uint64, error) {
	// A browser that comes back names the last it has; the address is the first it had.
	for _, said := range []struct{ name, text string }{{"Last-Event-ID", r.Header.Get("Last-Event-ID")}, {"since_seq", r.URL.Query().Get("since_seq")}} {
		if said.text == "" {
			continue
		}
		seq, err := strconv.ParseUint(said.text, 10, 63)
		if err != nil {
			return 0, badField(said.name, "The number %s must be that of an event, or 0.", said.name)
		}
		return seq, nil
	}
	return s.newest()
}

// newest returns the number of the newest event there is.
func (s *server) newest() (uint64, error) {
	list, err := s.Events.Latest(1, EventFilter{Operators: true})
	if err != nil || len(list) == 0 {
		return 0, err
	}
	return list[0].Seq, nil
}

// sendEvents sends all there are behind last, and returns where to go on.
func (s *server) sendEvents(w http.ResponseWriter, r *http.Request, last uint64, f EventFilter) (uint64, error) {
	for r.Context().Err() == nil {
		newest, err := s.newest() // before the look: what comes between is for the next
		if err != nil {
			return last, err
		}
		list, err := s.Events.Since(last, streamPage, f)
		if err != nil {
			return last, err
		}
		for _, e := range list {
			data, err := json.Marshal(e)
			if err != nil {
				return last, fmt.Errorf("write event %d: %w", e.Seq, err)
			}
			if _, err := fmt.Fprintf(w, "id: %d\ndata: %s\n\n", e.Seq, data); err != nil {
				return last, context.Canceled // nobody reads this
			}
			last = e.Seq
		}
		if len(list) < streamPage {
			return max(last, newest), nil
		}
	}
	return last, nil
}
