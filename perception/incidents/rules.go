package incidents

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"

	"github.com/asdine/storm/v3"

	"vedette/perception/events"
)

const ruleBucket = "hold_rules"

// Bounds of rules.
const (
	mostRules   = 64
	mostTypes   = 64
	mostAround  = 3600 // seconds
	mostKept    = 3650 // days
	mostRuleTxt = 64   // characters of its name
)

// Rule says which events hold footage, and how much.
type Rule struct {
	ID           string          `json:"id"`
	Name         string          `json:"name"`
	Enabled      bool            `json:"enabled"`
	Types        []string        `json:"types"`   // of events; one that ends in * stands for all that begin so
	Cameras      []string        `json:"cameras"` // nil = all
	Zones        []string        `json:"zones"`   // ids; empty = all, and events of none
	MinSeverity  events.Severity `json:"min_severity"`
	Before       int             `json:"before_seconds"` // 0 to 3600
	After        int             `json:"after_seconds"`  // 0 to 3600
	KeepDays     int             `json:"keep_days"`      // 0 = until somebody releases it
	OpenIncident bool            `json:"open_incident"`
}

// DefaultRule returns a rule with everything set that need not be said.
func DefaultRule() Rule {
	return Rule{Enabled: true, Types: []string{"zone_*"}, MinSeverity: events.Info, Before: 60, After: 120, KeepDays: 30}
}

// own begins the types of events that holds and incidents make themselves: no rule
// may answer those.
var own = []string{"evidence_", "hold_", "incident_"}

// wants reports whether e holds footage by r: events of a camera alone do.
func (r *Rule) wants(e *events.Event) bool {
	if !r.Enabled || e.Camera == "" || e.Severity.Rank() < r.MinSeverity.Rank() ||
		slices.ContainsFunc(own, func(begin string) bool { return strings.HasPrefix(e.Type, begin) }) {
		return false
	}
	zone, _ := e.Payload["zone_id"].(string)
	return (r.Cameras == nil || slices.Contains(r.Cameras, e.Camera)) && (len(r.Zones) == 0 || slices.Contains(r.Zones, zone)) &&
		slices.ContainsFunc(r.Types, func(t string) bool { return events.MatchType(t, e.Type) })
}

// check returns a *FieldError for the first thing that is wrong with r.
func (r *Rule) check() (err error) {
	if r.Name, err = text("name", r.Name, mostRuleTxt, false); err != nil {
		return err
	}
	if len(r.Types) == 0 || len(r.Types) > mostTypes {
		return wrong("types", "There are 1 to %d types.", mostTypes)
	}
	for _, t := range r.Types {
		if name := strings.TrimSuffix(t, "*"); t == "" || len(t) > 64 || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789_") != "" {
			return wrong("types", "A type is written in small letters, digits and underscores; a * at its end stands for the rest.")
		}
	}
	if len(r.Cameras) > mostCameras || len(r.Zones) > mostCameras {
		return wrong("cameras", "There must not be more than %d cameras, or zones.", mostCameras)
	}
	if r.MinSeverity.Rank() == 0 && r.MinSeverity != events.Info {
		return wrong("min_severity", "The severity is info, warning or critical.")
	}
	for _, f := range []struct {
		name    string
		n, most int
	}{{"before_seconds", r.Before, mostAround}, {"after_seconds", r.After, mostAround}, {"keep_days", r.KeepDays, mostKept}} {
		if f.n < 0 || f.n > f.most {
			return wrong(f.name, "The number is 0 to %d.", f.most)
		}
	}
	if r.Before+r.After == 0 {
		return wrong("before_seconds", "Before and after must not both be 0.")
	}
	return nil
}

// Rules keeps the rules. All methods may be called concurrently.
type Rules struct {
	db *storm.DB

	mu  sync.Mutex
	all []Rule // by name
}

// OpenRules returns the rules in db, which stays the caller's to close. One that cannot
// be read is named in the log and left out; it stays on disk.
func OpenRules(db *storm.DB, log *slog.Logger) (*Rules, error) {
	s := &Rules{db: db}
	err := each(db, ruleBucket, func(key, value []byte) {
		var r Rule
		if err := json.Unmarshal(value, &r); err != nil {
			log.Error("a rule that holds footage cannot be read", "id", string(key), "err", err)
			return
		}
		s.all = append(s.all, r)
	})
	s.sort()
	return s, err
}

func (s *Rules) sort() {
	slices.SortStableFunc(s.all, func(a, b Rule) int { return strings.Compare(a.Name+"\x00"+a.ID, b.Name+"\x00"+b.ID) })
}

// List returns the rules by name.
func (s *Rules) List() []Rule {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.all)
}

// Get returns a rule, or ErrNoRule.
func (s *Rules) Get(id string) (Rule, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := s.find(id); i >= 0 {
		return s.all[i], nil
	}
	return Rule{}, ErrNoRule
}

func (s *Rules) find(id string) int {
	return slices.IndexFunc(s.all, func(r Rule) bool { return r.ID == id })
}

// Add keeps a new rule and returns it with its id, a *FieldError, or ErrTooMany.
func (s *Rules) Add(r Rule) (Rule, error) {
	if err := r.check(); err != nil {
		return Rule{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.all) >= mostRules {
		return Rule{}, ErrTooMany
	}
	r.ID = "rule_" + random()
	if err := s.put(r); err != nil {
		return Rule{}, err
	}
	s.all = append(s.all, r)
	s.sort()
	return r, nil
}

// Change lets change alter a rule and keeps what comes of it; its id stays. It
// returns ErrNoRule, or a *FieldError.
func (s *Rules) Change(id string, change func(*Rule)) (Rule, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := s.find(id)
	if i < 0 {
		return Rule{}, ErrNoRule
	}
	r := s.all[i]
	change(&r)
	r.ID = id
	if err := r.check(); err != nil {
		return Rule{}, err
	}
	if err := s.put(r); err != nil {
		return Rule{}, err
	}
	s.all[i] = r
	s.sort()
	return r, nil
}

// Remove forgets a rule; what it holds stays held. It returns ErrNoRule.
func (s *Rules) Remove(id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := s.find(id)
	if i < 0 {
		return ErrNoRule
	}
	if err := s.db.Delete(ruleBucket, id); err != nil && !errors.Is(err, storm.ErrNotFound) {
		return fmt.Errorf("remove rule %s: %w", id, err)
	}
	s.all = slices.Delete(s.all, i, i+1)
	return nil
}

func (s *Rules) put(r Rule) error {
	value, err := json.Marshal(r)
	if err == nil {
		err = s.db.SetBytes(ruleBucket, r.ID, value)
	}
	if err != nil {
		return fmt.Errorf("store rule %s: %w", r.ID, err)
	}
	return nil
}
