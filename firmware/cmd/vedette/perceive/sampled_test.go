package perceive

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/asdine/storm/v3"

	"vedette/perception/events"
	"vedette/perception/sampler"
)

func TestTroubleOfTheSamplerIsToldOnceItLasts(t *testing.T) {
	db, err := storm.Open(filepath.Join(t.TempDir(), "state.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	log, err := events.Open(db, events.Options{})
	if err != nil {
		t.Fatal(err)
	}
	p, known := &Perception{o: Options{Events: log}}, map[string]*trouble{}
	now := time.Unix(1e9, 0)
	look := func(after time.Duration, state string) (told int) {
		t.Helper()
		now = now.Add(after)
		before := log.Last()
		p.lookAtSampler(known, []sampler.State{{Camera: "door", Profile: "sub", State: state, Reason: "why"}}, now)
		list, err := log.Since(before, 10, events.Filter{})
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range list {
			if e.Type != "sampler_"+state || e.Camera != "door" || e.Payload["reason"] != "why" {
				t.Errorf("told %+v", e)
			}
		}
		return len(list)
	}
	steps := []struct {
		after time.Duration
		state string
		want  int
	}{
		{0, sampler.Error, 0},
		{10 * time.Second, sampler.Error, 0},
		{time.Second, sampler.Sampling, 0}, // it was begun anew
		{time.Second, sampler.Error, 0},
		{30 * time.Second, sampler.Error, 1},
		{time.Hour, sampler.Error, 0},
		{time.Second, sampler.BudgetExhausted, 0},
		{30 * time.Second, sampler.BudgetExhausted, 1},
		{time.Second, sampler.Offline, 0},
		{time.Hour, sampler.Offline, 0},
		{time.Second, sampler.Error, 0},
		{31 * time.Second, sampler.Error, 1},
	}
	for i, s := range steps {
		if got := look(s.after, s.state); got != s.want {
			t.Errorf("step %d, %s: told %d times, want %d", i, s.state, got, s.want)
		}
	}
}
