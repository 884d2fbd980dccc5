package incidents

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/asdine/storm/v3"
	bolt "go.etcd.io/bbolt"

	"vedette/perception/events"
)

// The states of an incident.
const (
	Open   = "open"
	Closed = "closed"
)

// Bounds.
const (
	mostIncidents = 2000
	mostNotes     = 500 // of an incident; exports too
	mostTitle     = 120 // characters
	mostNote      = 2000
	mostCameras   = 256
)

// Incident is what belongs to one thing that happened.
type Incident struct {
	ID      string    `json:"id"`
	Title   string    `json:"title"`
	State   string    `json:"state"` // Open or Closed
	Cameras []string  `json:"cameras"`
	Created time.Time `json:"created"` // UTC
	By      string    `json:"by"`
	Notes   []Note    `json:"notes"`
	Exports []Export  `json:"exports"`
}

// Note is what somebody wrote down.
type Note struct {
	At   time.Time `json:"at"` // UTC
	By   string    `json:"by"`
	Text string    `json:"text"`
}

// Export is what was taken away.
type Export struct {
	At             time.Time `json:"at"` // UTC
	By             string    `json:"by"`
	Cameras        []string  `json:"cameras"`
	From           time.Time `json:"from"`
	To             time.Time `json:"to"`
	ManifestSHA256 string    `json:"manifest_sha256"`
	Bytes          int64     `json:"bytes"`
}

const incidentBucket = "incidents"

// Book keeps the incidents. All methods may be called concurrently.
type Book struct {
	db   *storm.DB
	now  func() time.Time
	emit func(events.Event)

	mu  sync.Mutex
	all []Incident // oldest first; an incident is replaced, never changed
}

// OpenBook returns the book in db, which stays the caller's to close. An incident that
// cannot be read is named in the log and left out; it stays on disk. emit takes
// incident_opened and incident_closed.
func OpenBook(db *storm.DB, now func() time.Time, emit func(events.Event), log *slog.Logger) (*Book, error) {
	b := &Book{db: db, now: now, emit: emit}
	err := each(db, incidentBucket, func(key, value []byte) {
		var in Incident
		if err := json.Unmarshal(value, &in); err != nil {
			log.Error("an incident cannot be read", "id", string(key), "err", err)
			return
		}
		b.all = append(b.all, in)
	})
	slices.SortStableFunc(b.all, func(a, c Incident) int { return a.Created.Compare(c.Created) })
	return b, err
}

// each calls fn for the rows of a bucket.
func each(db *storm.DB, bucket string, fn func(key, value []byte)) error {
	err := db.Bolt.View(func(tx *bolt.Tx) error {
		if b := db.GetBucket(tx, bucket); b != nil {
			c := b.Cursor()
			for k, v := c.First(); k != nil; k, v = c.Next() {
				if v != nil { // storm's own bucket has none
					fn(k, v)
				}
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("read %s: %w", bucket, err)
	}
	return nil
}

// List returns the incidents, the newest first.
func (b *Book) List() []Incident {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := slices.Clone(b.all)
	slices.Reverse(out)
	return out
}

// Get returns an incident, or ErrNoIncident.
func (b *Book) Get(id string) (Incident, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if i := b.find(id); i >= 0 {
		return b.all[i], nil
	}
	return Incident{}, ErrNoIncident
}

func (b *Book) find(id string) int {
	return slices.IndexFunc(b.all, func(in Incident) bool { return in.ID == id })
}

// Open begins an incident. It returns a *FieldError, or ErrTooMany.
func (b *Book) Open(title string, cameras []string, by string) (Incident, error) {
	return b.open("inc_"+random(), title, cameras, by)
}

// open is Open with an id; the incident that has it is returned as it is.
func (b *Book) open(id, title string, cameras []string, by string) (Incident, error) {
	title, err := text("title", title, mostTitle, false)
	if err != nil {
		return Incident{}, err
	}
	if len(cameras) > mostCameras {
		return Incident{}, wrong("cameras", "There must not be more than %d cameras.", mostCameras)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if i := b.find(id); i >= 0 {
		return b.all[i], nil
	}
	if len(b.all) >= mostIncidents {
		return Incident{}, ErrTooMany
	}
	in := Incident{ID: id, Title: title, State: Open, Cameras: sorted(cameras), Created: b.stamp(), By: by, Notes: []Note{}, Exports: []Export{}}
	if n := len(b.all); n > 0 && !in.Created.After(b.all[n-1].Created) {
		in.Created = b.all[n-1].Created.Add(time.Millisecond) // their order is that of their times
	}
	if err := b.put(in); err != nil {
		return Incident{}, err
	}
	b.all = append(b.all, in)
	b.tell("incident_opened", in, by)
	return in, nil
}

func sorted(cameras []string) []string {
	out := append([]string{}, cameras...)
	slices.Sort(out)
	return slices.Compact(out)
}

// Change is what Change changes; nil stays as it is.
type Change struct {
	Title, State *string
	Cameras      *[]string
}

// Change changes an incident. It returns ErrNoIncident or a *FieldError.
func (b *Book) Change(id string, c Change, by string) (Incident, error) {
	return b.change(id, by, func(in *Incident) (err error) {
		if c.Title != nil {
			if in.Title, err = text("title", *c.Title, mostTitle, false); err != nil {
				return err
			}
		}
		if c.State != nil {
			if *c.State != Open && *c.State != Closed {
				return wrong("state", "The state is open or closed.")
			}
			in.State = *c.State
		}
		if c.Cameras != nil {
			if len(*c.Cameras) > mostCameras {
				return wrong("cameras", "There must not be more than %d cameras.", mostCameras)
			}
			in.Cameras = sorted(*c.Cameras)
		}
		return nil
	})
}

// Note writes something down. It returns ErrNoIncident, a *FieldError or ErrTooMany.
func (b *Book) Note(id, note, by string) (Incident, error) {
	note, err := text("text", note, mostNote, true)
	if err != nil {
		return Incident{}, err
	}
	return b.change(id, by, func(in *Incident) error {
		if len(in.Notes) >= mostNotes {
			return ErrTooMany
		}
		in.Notes = append(slices.Clone(in.Notes), Note{b.stamp(), by, note})
		return nil
	})
}

// Exported notes what was taken away. Of more than 500 exports the oldest go. It
// returns ErrNoIncident.
func (b *Book) Exported(id string, x Export) error {
	_, err := b.change(id, x.By, func(in *Incident) error {
		in.Exports = append(slices.Clone(in.Exports[max(0, len(in.Exports)-mostNotes+1):]), x)
		return nil
	})
	return err
}

func (b *Book) change(id, by string, change func(*Incident) error) (Incident, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	i := b.find(id)
	if i < 0 {
		return Incident{}, ErrNoIncident
	}
	in := b.all[i]
	if err := change(&in); err != nil {
		return Incident{}, err
	}
	if err := b.put(in); err != nil {
		return Incident{}, err
	}
	before := b.all[i].State
	b.all[i] = in
	if in.State != before {
		b.tell(map[string]string{Open: "incident_opened", Closed: "incident_closed"}[in.State], in, by)
	}
	return in, nil
}

func (b *Book) put(in Incident) error {
	value, err := json.Marshal(in)
	if err == nil {
		err = b.db.SetBytes(incidentBucket, in.ID, value)
	}
	if err != nil {
		return fmt.Errorf("store incident %s: %w", in.ID, err)
	}
	return nil
}

func (b *Book) tell(kind string, in Incident, by string) {
	b.emit(events.Event{Type: kind, Payload: map[string]any{"incident": in.ID, "title": in.Title, "by": by}})
}

func (b *Book) stamp() time.Time { return b.now().UTC().Truncate(time.Millisecond) }
