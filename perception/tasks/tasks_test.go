package tasks

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/asdine/storm/v3"
	bolt "go.etcd.io/bbolt"
)

func openDB(t testing.TB, path string) *storm.DB {
	t.Helper()
	db, err := storm.Open(path, storm.BoltOptions(0o600, &bolt.Options{Timeout: time.Second, NoSync: true}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func openStore(t testing.TB) *Store {
	t.Helper()
	s, err := Open(openDB(t, filepath.Join(t.TempDir(), "state.db")), nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func add(t testing.TB, s *Store, camera, typ, profile string) Task {
	t.Helper()
	task, created, err := s.Add(camera, typ, profile, Settings{})
	if err != nil || !created {
		t.Fatalf("Add(%s, %s, %s) = created %v, %v", camera, typ, profile, created, err)
	}
	return task
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

func TestATaskIsChecked(t *testing.T) {
	f, i := func(v float64) *float64 { return &v }, func(v int) *int { return &v }
	object := func(n int) json.RawMessage { // of n bytes
		return json.RawMessage(`{"a":"` + strings.Repeat("x", n-8) + `"}`)
	}
	tests := []struct {
		name              string
		camera, typ, prof string
		set               Settings
		field             string // that is refused; "" = none
	}{
		{"the least will do", "door", "detection", "", Settings{}, ""},
		{"a camera is needed", "", "detection", "sub", Settings{}, "camera_id"},
		{"a type is needed", "door", "", "sub", Settings{}, "task_type"},
		{"64 bytes of type will do", "door", strings.Repeat("a", 64), "sub", Settings{}, ""},
		{"65 bytes of type are too many", "door", strings.Repeat("a", 65), "sub", Settings{}, "task_type"},
		{"a type has signs within", "door", "anpr:v2.eu-1_b", "sub", Settings{}, ""},
		{"a type begins with no sign", "door", "-anpr", "sub", Settings{}, "task_type"},
		{"a type has no line break", "door", "anpr\n", "sub", Settings{}, "task_type"},
		{"main is a profile", "door", "detection", "main", Settings{}, ""},
		{"third is no profile", "door", "detection", "third", Settings{}, "stream_profile"},
		{"the slowest", "door", "detection", "sub", Settings{FPS: f(0.1)}, ""},
		{"slower than the slowest", "door", "detection", "sub", Settings{FPS: f(0.09)}, "fps"},
		{"no frame at all", "door", "detection", "sub", Settings{FPS: f(0)}, "fps"},
		{"the fastest", "door", "detection", "sub", Settings{FPS: f(30)}, ""},
		{"faster than the fastest", "door", "detection", "sub", Settings{FPS: f(30.01)}, "fps"},
		{"a rate that is no number", "door", "detection", "sub", Settings{FPS: f(math.NaN())}, "fps"},
		{"the narrowest", "door", "detection", "sub", Settings{Width: i(160)}, ""},
		{"narrower than the narrowest", "door", "detection", "sub", Settings{Width: i(159)}, "width"},
		{"the widest", "door", "detection", "sub", Settings{Width: i(3840)}, ""},
		{"wider than the widest", "door", "detection", "sub", Settings{Width: i(3841)}, "width"},
		{"4 KiB of config", "door", "detection", "sub", Settings{Config: object(4096)}, ""},
		{"more than 4 KiB of config", "door", "detection", "sub", Settings{Config: object(4097)}, "config"},
		{"much more than 4 KiB of config, as blanks", "door", "detection", "sub", Settings{Config: json.RawMessage("{" + strings.Repeat(" ", 20000) + "}")}, "config"},
		{"a config that is a list", "door", "detection", "sub", Settings{Config: json.RawMessage(`[]`)}, "config"},
		{"a config that is null", "door", "detection", "sub", Settings{Config: json.RawMessage(`null`)}, "config"},
		{"a config that is no JSON", "door", "detection", "sub", Settings{Config: json.RawMessage(`{"a":}`)}, "config"},
		{"a config that is empty", "door", "detection", "sub", Settings{Config: json.RawMessage{}}, "config"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := openStore(t)
			task, created, err := s.Add(tt.camera, tt.typ, tt.prof, tt.set)
			if tt.field == "" {
				if err != nil || !created || len(s.List()) != 1 {
					t.Fatalf("Add = %+v, %v, %v", task, created, err)
				}
				return
			}
			var fe interface{ Field() string }
			if !errors.As(err, &fe) || fe.Field() != tt.field {
				t.Errorf("Add = %v, want an error of %s", err, tt.field)
			}
			if len(s.List()) != 0 {
				t.Error("it was added all the same")
			}
		})
	}
}

func TestATaskComesBackAsItWas(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	db := openDB(t, path)
	s, err := Open(db, nil)
	if err != nil {
		t.Fatal(err)
	}
	fps, width, off := 0.5, 1920, false
	want, _, err := s.Add("door", "anpr", Main, Settings{FPS: &fps, Width: &width, Config: json.RawMessage(` { "a" : [ 1 ] } `), Enabled: &off})
	if err != nil {
		t.Fatal(err)
	}
	add(t, s, "yard", "anpr", Main)
	faster := 2.0
	if want, err = s.Change(want.ID, Settings{FPS: &faster}); err != nil {
		t.Fatal(err)
	}
	gone := add(t, s, "gone", "anpr", Main)
	if err := s.Remove(gone.ID); err != nil {
		t.Fatal(err)
	}
	db.Close()
	if s, err = Open(openDB(t, path), nil); err != nil {
		t.Fatal(err)
	}
	got, err := s.Get(want.ID)
	if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("came back as %+v, %v\nwant %+v", got, err, want)
	}
	if string(got.Config) != `{"a":[1]}` || got.FPS != 2 || got.Width != 1920 || got.Enabled || got.Profile != "main" {
		t.Errorf("came back as %+v", got)
	}
	if n := len(s.List()); n != 2 {
		t.Errorf("%d tasks came back, want 2", n)
	}
}

func TestADamagedTaskIsLeftOutAndSaid(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	db := openDB(t, path)
	s, _ := Open(db, nil)
	whole := add(t, s, "door", "detection", Sub)
	for id, v := range map[string]string{"task_torn": `{"camera":"do`, "task_odd": `{"camera":"door","type":"x","profile":"sub","fps":1e9,"width":640,"config":{}}`} {
		if err := db.SetBytes(bucket, []byte(id), []byte(v)); err != nil {
			t.Fatal(err)
		}
	}
	db.Close()
	var said strings.Builder
	s, err := Open(openDB(t, path), slog.New(slog.NewTextHandler(&said, nil)))
	if err != nil {
		t.Fatal(err)
	}
	if all := s.List(); len(all) != 1 || all[0].ID != whole.ID {
		t.Errorf("tasks are %+v, want the whole one", all)
	}
	if !strings.Contains(said.String(), "task_torn") || !strings.Contains(said.String(), "task_odd") {
		t.Errorf("log says %q", said.String())
	}
}

func TestThereIsOneTaskOfACameraATypeAndAProfile(t *testing.T) {
	s := openStore(t)
	one := add(t, s, "door", "detection", Sub)
	fps := 30.0
	again, created, err := s.Add("door", "detection", "sub", Settings{FPS: &fps})
	if err != nil || created || again.ID != one.ID || again.FPS != one.FPS {
		t.Errorf("the second is %+v, created %v, %v; want the first as it is", again, created, err)
	}
	add(t, s, "door", "detection", Main)
	add(t, s, "door", "anpr", Sub)
	add(t, s, "yard", "detection", Sub)
}

func TestAChangeIsSeen(t *testing.T) {
	s := openStore(t)
	one := add(t, s, "door", "detection", Sub)
	off, none := false, 0
	changed := s.Changed()
	if _, err := s.Change(one.ID, Settings{Width: &none}); err == nil {
		t.Error("a width of 0 was taken")
	}
	if got, err := s.Change(one.ID, Settings{Width: &one.Width}); err != nil || got.ID != one.ID {
		t.Errorf("a change to the same = %v, %v", got, err)
	}
	if isClosed(changed) {
		t.Error("what changed nothing was announced")
	}
	before := s.List()
	if got, err := s.Change(one.ID, Settings{Enabled: &off}); err != nil || got.Enabled {
		t.Errorf("Change = %+v, %v", got, err)
	}
	if !isClosed(changed) || isClosed(s.Changed()) {
		t.Error("the change was not announced once")
	}
	if !before[0].Enabled {
		t.Error("a list that was taken before has changed")
	}
	if got, _ := s.Get(one.ID); got.Enabled || got.FPS != one.FPS {
		t.Errorf("after the change: %+v", got)
	}
	if _, err := s.Change("task_none", Settings{}); !errors.Is(err, ErrNoTask) {
		t.Errorf("Change of none = %v", err)
	}
	if err := s.Remove("task_none"); !errors.Is(err, ErrNoTask) {
		t.Errorf("Remove of none = %v", err)
	}
}

func TestACameraTakesItsTasksWithIt(t *testing.T) {
	s := openStore(t)
	add(t, s, "door", "detection", Sub)
	add(t, s, "door", "anpr", Main)
	yard := add(t, s, "yard", "detection", Sub)
	changed := s.Changed()
	if n, err := s.RemoveCamera("door"); n != 2 || err != nil {
		t.Errorf("RemoveCamera = %d, %v", n, err)
	}
	if !isClosed(changed) {
		t.Error("nobody was told")
	}
	if n, err := s.RemoveCamera("door"); n != 0 || err != nil {
		t.Errorf("RemoveCamera again = %d, %v", n, err)
	}
	if all := s.List(); len(all) != 1 || all[0].ID != yard.ID {
		t.Errorf("left are %+v", all)
	}
}

func TestThereAre512TasksAtMost(t *testing.T) {
	s := openStore(t)
	for i := range maxTasks {
		add(t, s, fmt.Sprint("cam", i), "detection", Sub)
	}
	if _, _, err := s.Add("door", "detection", Sub, Settings{}); !errors.Is(err, ErrFull) {
		t.Errorf("task 513: %v", err)
	}
	if _, created, err := s.Add("cam7", "detection", Sub, Settings{}); created || err != nil {
		t.Errorf("one that is there: created %v, %v", created, err)
	}
	if !slices.IsSortedFunc(s.List(), func(a, b Task) int { return strings.Compare(a.ID, b.ID) }) {
		t.Error("they are not in order")
	}
}

func TestDemandIsTheMostOfAnyEnabledTask(t *testing.T) {
	s := openStore(t)
	set := func(camera, typ, profile string, fps float64, width int, on bool) {
		if _, _, err := s.Add(camera, typ, profile, Settings{FPS: &fps, Width: &width, Enabled: &on}); err != nil {
			t.Fatal(err)
		}
	}
	set("yard", "a", Sub, 5, 640, true)
	set("door", "a", Sub, 5, 320, true)
	set("door", "b", Sub, 1, 1280, true)
	set("door", "c", Sub, 30, 3840, false)
	set("door", "a", Main, 2, 1920, true)
	set("off", "a", Main, 2, 1920, false)
	want := []Demand{{"door", Main, 2, 1920}, {"door", Sub, 5, 1280}, {"yard", Sub, 5, 640}}
	if got := s.Demand(); !slices.Equal(got, want) {
		t.Errorf("Demand = %v, want %v", got, want)
	}
}

func TestADiskThatRefusesChangesNothing(t *testing.T) {
	db := openDB(t, filepath.Join(t.TempDir(), "state.db"))
	s, _ := Open(db, nil)
	one := add(t, s, "door", "detection", Sub)
	db.Close()
	changed, off := s.Changed(), false
	if _, _, err := s.Add("yard", "detection", Sub, Settings{}); err == nil {
		t.Error("Add on a closed database is no error")
	}
	if _, err := s.Change(one.ID, Settings{Enabled: &off}); err == nil {
		t.Error("Change on a closed database is no error")
	}
	if _, err := s.RemoveCamera("door"); err == nil {
		t.Error("RemoveCamera on a closed database is no error")
	}
	if all := s.List(); len(all) != 1 || !all[0].Enabled || isClosed(changed) {
		t.Errorf("tasks are %+v", all)
	}
}
