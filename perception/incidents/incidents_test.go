package incidents

import (
	"errors"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/asdine/storm/v3"
	bolt "go.etcd.io/bbolt"

	"vedette/perception/events"
)

var discard = slog.New(slog.DiscardHandler)

func openDB(t *testing.T, path string) *storm.DB {
	t.Helper()
	db, err := storm.Open(path, storm.BoltOptions(0o600, &bolt.Options{Timeout: time.Second, NoSync: true}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// shelf is a Book with what it told.
type shelf struct {
	*Book
	db   *storm.DB
	told []string
}

func newShelf(t *testing.T) *shelf {
	t.Helper()
	s := &shelf{db: openDB(t, filepath.Join(t.TempDir(), "state.db"))}
	s.reopen(t)
	return s
}

func (s *shelf) reopen(t *testing.T) {
	t.Helper()
	b, err := OpenBook(s.db, time.Now, func(e events.Event) { s.told = append(s.told, e.Type) }, discard)
	if err != nil {
		t.Fatal(err)
	}
	s.Book = b
}

func TestAnIncidentKeepsWhatBelongsToIt(t *testing.T) {
	s := newShelf(t)
	in, err := s.Open("  Broken window ", []string{"yard", "door", "yard"}, "owner")
	if err != nil || in.Title != "Broken window" || in.State != Open || !slices.Equal(in.Cameras, []string{"door", "yard"}) {
		t.Fatalf("opened %+v, %v", in, err)
	}
	if _, err := s.Note(in.ID, "Two men,\na van", "ann"); err != nil {
		t.Fatal(err)
	}
	if err := s.Exported(in.ID, Export{By: "ann", Cameras: []string{"door"}, ManifestSHA256: "abc", Bytes: 5}); err != nil {
		t.Fatal(err)
	}
	closed := Closed
	if _, err := s.Change(in.ID, Change{State: &closed}, "owner"); err != nil {
		t.Fatal(err)
	}
	second, err := s.Open("Another", nil, "owner")
	if err != nil {
		t.Fatal(err)
	}
	s.reopen(t)
	all := s.List()
	if len(all) != 2 || all[0].ID != second.ID {
		t.Fatalf("after a restart: %+v, want the newest first", all)
	}
	got := all[1]
	if got.State != Closed || len(got.Notes) != 1 || got.Notes[0].Text != "Two men,\na van" || got.Notes[0].By != "ann" || len(got.Exports) != 1 || got.Exports[0].ManifestSHA256 != "abc" {
		t.Errorf("after a restart: %+v", got)
	}
	if want := []string{"incident_opened", "incident_closed", "incident_opened"}; !slices.Equal(s.told, want) {
		t.Errorf("told %v, want %v", s.told, want)
	}
}

func TestWhatIsWrongWithAnIncidentIsNamed(t *testing.T) {
	s := newShelf(t)
	in, err := s.Open("x", nil, "owner")
	if err != nil {
		t.Fatal(err)
	}
	half := "half"
	many := make([]string, mostCameras+1)
	tests := []struct {
		name, field string
		do          func() error
	}{
		{"no title", "title", func() error { _, err := s.Open(" ", nil, "o"); return err }},
		{"a title that is a novel", "title", func() error { _, err := s.Open(strings.Repeat("x", mostTitle+1), nil, "o"); return err }},
		{"a title of two lines", "title", func() error { _, err := s.Open("a\nb", nil, "o"); return err }},
		{"too many cameras", "cameras", func() error { _, err := s.Open("x", many, "o"); return err }},
		{"too many cameras later", "cameras", func() error { _, err := s.Change(in.ID, Change{Cameras: &many}, "o"); return err }},
		{"a note of control", "text", func() error { _, err := s.Note(in.ID, "a\x1bb", "o"); return err }},
		{"another state", "state", func() error { _, err := s.Change(in.ID, Change{State: &half}, "o"); return err }},
	}
	for _, tt := range tests {
		var fe *FieldError
		if err := tt.do(); !errors.As(err, &fe) || fe.Field() != tt.field {
			t.Errorf("%s: %v, want field %s", tt.name, err, tt.field)
		}
	}
	for name, err := range map[string]error{
		"get":    second(s.Get("none")),
		"change": second(s.Change("none", Change{}, "o")),
		"note":   second(s.Note("none", "x", "o")),
		"export": s.Exported("none", Export{}),
	} {
		if !errors.Is(err, ErrNoIncident) {
			t.Errorf("%s of none: %v", name, err)
		}
	}
}

func second[T any](_ T, err error) error { return err }

func TestNotesAndExportsAreBounded(t *testing.T) {
	s := newShelf(t)
	in, err := s.Open("x", nil, "owner")
	if err != nil {
		t.Fatal(err)
	}
	for range mostNotes {
		if _, err := s.Note(in.ID, "x", "o"); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Note(in.ID, "x", "o"); !errors.Is(err, ErrTooMany) {
		t.Errorf("one note more: %v", err)
	}
	for i := range mostNotes + 1 {
		if err := s.Exported(in.ID, Export{Bytes: int64(i)}); err != nil {
			t.Fatal(err)
		}
	}
	if got, _ := s.Get(in.ID); len(got.Exports) != mostNotes || got.Exports[0].Bytes != 1 {
		t.Errorf("%d exports from %d on, want %d from 1 on", len(got.Exports), got.Exports[0].Bytes, mostNotes)
	}
}

func TestRulesNameTheWrongField(t *testing.T) {
	rules, err := OpenRules(openDB(t, filepath.Join(t.TempDir(), "state.db")), discard)
	if err != nil {
		t.Fatal(err)
	}
	for field, spoil := range map[string]func(*Rule){
		"":               func(*Rule) {},
		"name":           func(r *Rule) { r.Name = "" },
		"types":          func(r *Rule) { r.Types = []string{"Zone"} },
		"min_severity":   func(r *Rule) { r.MinSeverity = "loud" },
		"before_seconds": func(r *Rule) { r.Before = mostAround + 1 },
		"after_seconds":  func(r *Rule) { r.After = -1 },
		"keep_days":      func(r *Rule) { r.KeepDays = mostKept + 1 },
		"cameras":        func(r *Rule) { r.Cameras = make([]string, mostCameras+1) },
	} {
		r := DefaultRule()
		r.Name = "Zones"
		spoil(&r)
		_, err := rules.Add(r)
		var fe *FieldError
		if field == "" && err != nil || field != "" && (!errors.As(err, &fe) || fe.Field() != field) {
			t.Errorf("%s: %v", field, err)
		}
	}
	r := DefaultRule()
	r.Name, r.Before, r.After = "Nothing", 0, 0
	if _, err := rules.Add(r); err == nil {
		t.Error("a rule that holds nothing was taken")
	}
	one := rules.List()[0]
	if _, err := rules.Change(one.ID, func(r *Rule) { r.Types = nil }); err == nil {
		t.Error("a change that will not do was taken")
	}
	changed, err := rules.Change(one.ID, func(r *Rule) { r.KeepDays, r.ID = 7, "another" })
	if err != nil || changed.KeepDays != 7 || changed.ID != one.ID {
		t.Errorf("changed to %+v, %v", changed, err)
	}
	again, err := OpenRules(rules.db, discard)
	if err != nil || len(again.List()) != 1 || again.List()[0].KeepDays != 7 {
		t.Errorf("after a restart: %+v, %v", again.List(), err)
	}
	if err := errors.Join(rules.Remove(one.ID)); err != nil || !errors.Is(rules.Remove(one.ID), ErrNoRule) {
		t.Errorf("removed: %v", err)
	}
	if again, err = OpenRules(rules.db, discard); err != nil || len(again.List()) != 0 {
		t.Errorf("after its removal and a restart: %+v, %v", again.List(), err)
	}
}
