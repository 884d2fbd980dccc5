package sampler

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestKeyFramesAloneAreDecodedWhereTheyAreEnough(t *testing.T) {
	for _, c := range []struct {
		name  string
		fps   float64
		gop   int // pictures, at 25 a second
		keys  bool
		least bool // the budget allows no more
		tries int  // decoders until it is known
	}{
		{"a key frame a second for one a second", 1, 25, true, false, 1},
		{"two key frames a second for one a second", 1, 12, true, false, 1},
		{"a key frame in two seconds is too few for one a second", 1, 50, false, false, 2},
		{"a key frame a second is too few for five", 5, 25, false, false, 1},
		{"five key frames a second are enough for five", 5, 5, true, false, 2},
		{"key frames have to do where the budget allows no more", 5, 100, true, true, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := Options{}
				if c.least {
					o.Budget = cost(floorFPS, 320)
				}
				st := perform(t, o, "door")
				st.Set([]Want{want("door", c.fps, 640, 0)})
				synctest.Wait()
				run := newRun("door")
				st.film("door", run, 0, 250, c.gop)
				st.film("door", run, 250, 500, c.gop)
				ds := st.decoders()
				last := ds[len(ds)-1]
				if last.keyOnly != c.keys || st.is(t, "door", Sampling).KeyOnly != c.keys {
					t.Errorf("key frames alone = %v, want %v", last.keyOnly, c.keys)
				}
				if len(ds) != c.tries || ds[0].count() > 5*c.gop && c.tries > 1 {
					t.Errorf("%d decoders were started, want %d; the first was fed %d units", len(ds), c.tries, ds[0].count())
				}
				last.mu.Lock()
				defer last.mu.Unlock()
				for i, u := range last.fed {
					if c.keys && !u.Random {
						t.Fatal("a picture between key frames was fed")
					}
					if i > 0 && c.keys && u.PTS-last.fed[i-1].PTS < int64(0.95*90_000/last.grantFPS(st)) {
						t.Errorf("key frames %d apart were fed", u.PTS-last.fed[i-1].PTS)
					}
				}
				if last.extra != 0 {
					t.Error("units of a stream in order were fed twice")
				}
			})
		})
	}
}

func (p *puppet) grantFPS(st *stage) float64 { return st.States()[0].FPS }

func TestKeyFramesThatBecomeFewAreNotEnoughAnyMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := perform(t, Options{}, "door")
		st.Set([]Want{want("door", 1, 640, 0)})
		synctest.Wait()
		run := newRun("door")
		st.film("door", run, 0, 250, 25)
		if !st.is(t, "door", Sampling).KeyOnly {
			t.Error("a key frame a second is not enough for one a second")
		}
		st.film("door", run, 300, 250, 100)
		if st.is(t, "door", Sampling).KeyOnly {
			t.Error("a key frame in four seconds is enough for one a second")
		}
	})
}

func TestKeyFramesOfAReorderedStreamAreFedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := perform(t, Options{}, "door")
		st.Set([]Want{want("door", 0.5, 640, 0)})
		synctest.Wait()
		run := newRun("door")
		for i := range 6 {
			u := picture(run, i*50, true)
			u.PTS += 3600
			st.hubs.get("door").Publish(u)
			time.Sleep(2 * time.Second)
		}
		synctest.Wait()
		if d := st.decoders()[0]; d.extra != maxCopies*len(d.fed) || len(d.fed) != 6 {
			t.Errorf("%d units, %d copies", len(d.fed), d.extra)
		}
	})
}
