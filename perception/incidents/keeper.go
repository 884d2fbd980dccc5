package incidents

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/asdine/storm/v3"

	"vedette/perception/events"
)

// Source is the event log, up to what a power cut does not take any more.
type Source interface {
	// Since returns at most limit events behind seq, ascending.
	Since(seq uint64, limit int, f events.Filter) ([]events.Event, error)
	// Last returns the highest number, or 0.
	Last() uint64
	// Changed returns a channel that is closed at the next event.
	Changed() <-chan struct{}
	// Follow keeps what is behind seen from being pruned.
	Follow(name string, seen uint64)
}

// Hold is footage of a camera that a rule has kept.
type Hold struct {
	ID       string
	Camera   string
	From, To time.Time
	Until    time.Time // zero = for good
	By       string    // of a rule: as Rule.by has it
	Reason   string
	Incident string
}

// Holder keeps footage. Its methods may be called from any goroutine.
type Holder interface {
	// Hold returns once the hold lasts; what it is of may still be to come.
	Hold(h Hold) (id string, err error)
	// Extend makes a hold longer: none of the times is earlier than before, From not
	// later. A zero Until stays as it is. An error of it or of Hold that has a method
	// Field is for good.
	Extend(id string, from, to, until time.Time) error
	// Holds returns those of rules.
	Holds() []Hold
}

// Options are what a Keeper works with.
type Options struct {
	State  *storm.DB
	Rules  *Rules
	Book   *Book
	Source Source
	Holder Holder
	Emit   func(events.Event) // takes hold_placed and hold_rule_limited
	Log    *slog.Logger
}

const (
	placeKey   = "place"
	placeEvery = 5 * time.Minute // how seldom a place is kept that nothing was held at
	readEvents = 256
	retryAfter = 5 * time.Second
	// longest is how long a hold gets by being extended: one of days would be no
	// moment any more.
	longest = time.Hour
	// hourly bounds what one rule holds anew in an hour.
	hourly   = 60
	follower = "hold rules"
)

// Keeper holds footage by the rules: for each event once, whatever crashes when.
// What it has done it knows by the holds there are, so its place need not be kept
// with each. Run is called once.
type Keeper struct {
	o     Options
	seq   uint64
	saved time.Time
	times map[string][]time.Time // by rule: when it held something, within an hour
	told  map[string]time.Time   // by rule: when it was said that it is limited
}

// NewKeeper returns a Keeper; Run starts it.
func NewKeeper(o Options) *Keeper {
	return &Keeper{o: o, times: map[string][]time.Time{}, told: map[string]time.Time{}}
}

// Run works until ctx is done and returns its cause. What fails is tried again.
// The first Run of a box begins with what happens from then on.
func (k *Keeper) Run(ctx context.Context) error {
	if err := k.begin(); err != nil {
		return err
	}
	for ctx.Err() == nil {
		changed := k.o.Source.Changed()
		n, err := k.step()
		wait := time.Hour
		if err != nil {
			k.o.Log.Error("rules that hold footage", "err", err)
			wait = retryAfter
		} else if n == readEvents {
			continue
		}
		t := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-changed:
			if err != nil { // and not at once: it would fail again
				select {
				case <-ctx.Done():
				case <-t.C:
				}
			}
		case <-t.C:
		}
		t.Stop()
	}
	return errors.Join(k.save(), context.Cause(ctx))
}

func (k *Keeper) begin() error {
	raw, err := k.o.State.GetBytes(ruleBucket+"_place", placeKey)
	switch {
	case errors.Is(err, storm.ErrNotFound), err == nil && len(raw) != 8:
		k.seq = k.o.Source.Last()
	case err != nil:
		return fmt.Errorf("read the place of hold rules: %w", err)
	default:
		k.seq = binary.BigEndian.Uint64(raw)
	}
	k.o.Source.Follow(follower, k.seq)
	return k.save()
}

func (k *Keeper) save() error {
	if err := k.o.State.SetBytes(ruleBucket+"_place", placeKey, binary.BigEndian.AppendUint64(nil, k.seq)); err != nil {
		return fmt.Errorf("keep the place of hold rules: %w", err)
	}
	k.saved = time.Now()
	return nil
}

// step takes some events and returns how many it looked at.
func (k *Keeper) step() (int, error) {
	list, err := k.o.Source.Since(k.seq, readEvents, events.Filter{})
	if err != nil {
		return 0, err
	}
	rules := k.o.Rules.List()
	for i := range list {
		for r := range rules {
			if rules[r].wants(&list[i]) {
				err := k.hold(&rules[r], &list[i])
				if refused := (interface{ Field() string })(nil); errors.As(err, &refused) {
					// Of a camera that is gone, or from long ago: no other try would do.
					k.o.Log.Warn("an event holds nothing", "rule", rules[r].ID, "event", list[i].Seq, "err", err)
					err = nil
				}
				if err != nil {
					return 0, fmt.Errorf("rule %s, event %d: %w", rules[r].ID, list[i].Seq, err)
				}
			}
		}
		k.seq = list[i].Seq
	}
	if len(list) > 0 {
		k.o.Source.Follow(follower, k.seq)
		if time.Since(k.saved) >= placeEvery {
			return len(list), k.save()
		}
	}
	return len(list), nil
}

// by names a rule as the one who holds.
func (r *Rule) by() string { return "rule:" + r.ID }

// hold keeps what r wants of e. What is kept already, by this rule, is not kept
// again: so it does not matter that an event may be looked at twice.
func (k *Keeper) hold(r *Rule, e *events.Event) error {
	h := Hold{
		Camera: e.Camera, By: r.by(), From: e.Time.Add(-time.Duration(r.Before) * time.Second),
		// Whole minutes, so that events that follow closely need no other.
		To: e.Time.Add(time.Duration(r.After)*time.Second + time.Minute - 1).Truncate(time.Minute),
	}
	if r.KeepDays > 0 {
		h.Until = h.To.Add(time.Duration(r.KeepDays) * 24 * time.Hour)
	}
	var near *Hold
	for _, old := range k.o.Holder.Holds() {
		if old.By != h.By || old.Camera != h.Camera || old.To.Before(h.From) || old.From.After(h.To) {
			continue
		}
		if !old.From.After(h.From) && !old.To.Before(h.To) {
			return nil
		}
		if later(old.To, h.To).Sub(earlier(old.From, h.From)) <= longest {
			near = &old
			break
		}
	}
	if near != nil {
		return k.o.Holder.Extend(near.ID, earlier(near.From, h.From), later(near.To, h.To), h.Until)
	}
	if !k.may(r) {
		return nil
	}
	return k.place(r, e, h)
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// place holds something new, with its incident if the rule opens one.
func (k *Keeper) place(r *Rule, e *events.Event, h Hold) error {
	h.Reason = fmt.Sprintf("%s: %s (event %d)", r.Name, e.Type, e.Seq)
	if r.OpenIncident {
		// The id is of the event, so that a second look finds the same incident.
		sum := sha256.Sum256(fmt.Appendf(nil, "%s %d", r.ID, e.Seq))
		id := "inc_" + strings.ToLower(base32.StdEncoding.EncodeToString(sum[:10]))
		in, err := k.o.Book.open(id, cut(fmt.Sprintf("%s: %s, %s", r.Name, e.Camera, e.Time.UTC().Format("2006-01-02 15:04 UTC"))), []string{e.Camera}, "rule "+r.Name)
		if err != nil && !errors.Is(err, ErrTooMany) { // footage matters more than its file
			return err
		}
		h.Incident = in.ID
	}
	id, err := k.o.Holder.Hold(h)
	if err != nil {
		return err
	}
	k.times[r.ID] = append(k.times[r.ID], time.Now())
	k.o.Emit(events.Event{Type: "hold_placed", Camera: e.Camera, Payload: map[string]any{
		"hold": id, "rule": r.ID, "rule_name": r.Name, "from": h.From.UTC(), "to": h.To.UTC(), "event_seq": e.Seq, "incident": h.Incident,
	}})
	return nil
}

// cut bounds a title.
func cut(s string) string {
	runes := []rune(s)
	return string(runes[:min(len(runes), mostTitle)])
}

// may reports whether a rule may hold something anew, and tells once an hour that
// it may not.
func (k *Keeper) may(r *Rule) bool {
	now := time.Now()
	k.times[r.ID] = slices.DeleteFunc(k.times[r.ID], func(at time.Time) bool { return now.Sub(at) >= time.Hour })
	if len(k.times[r.ID]) < hourly {
		return true
	}
	if at, told := k.told[r.ID]; !told || now.Sub(at) >= time.Hour {
		k.told[r.ID] = now
		k.o.Emit(events.Event{Type: "hold_rule_limited", Severity: events.Warning, Payload: map[string]any{"rule": r.ID, "rule_name": r.Name, "an_hour": hourly}})
	}
	return false
}
