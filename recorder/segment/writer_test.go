package segment

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"vedette/recorder/hub"
	"vedette/recorder/media"
	"vedette/recorder/volume"
)

// parts watches what reaches the disk: the sizes a file had, cycle by cycle.
func (r *rig) names() (names []volume.Name) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range r.closed {
		names = append(names, c.Name)
	}
	return names
}

func TestSegmentsAbutAndEndAtTheFirstKeyFrameAfterTheTarget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Options{Target: 10 * time.Second}, volume.Options{})
		c := newCamera(testRun(7, true), start)
		c.play(r.hub, 61*time.Second)
		r.stop()
		names := r.names()
		if len(names) < 5 {
			t.Fatalf("%d segments of 61 s with a target of 10 s: %v", len(names), names)
		}
		if names[0].Start != start/1000 {
			t.Errorf("the first begins at %d, want %d", names[0].Start, start/1000)
		}
		for i, n := range names {
			if n.Seq != uint32(i) || n.Camera != "door" {
				t.Errorf("segment %d is called %+v", i, n)
			}
			if fi, err := os.Stat(filepath.Join(r.dir, n.Path())); err != nil || fi.Size() != n.Bytes {
				t.Errorf("%s: %v", n.Path(), err)
			}
			if i == 0 {
				continue
			}
			if names[i-1].End() != n.Start {
				t.Errorf("segment %d begins %d ms after the one before", i, n.Start-names[i-1].End())
			}
			if (n.Start-names[0].Start)%2000 > 1 {
				t.Errorf("segment %d begins %d ms after the first key frame, which is none", i, n.Start-names[0].Start)
			}
			if i < len(names)-1 && (n.Duration < 8000 || n.Duration > 12000) {
				t.Errorf("segment %d has %d ms, want 10 s to within a group of pictures", i, n.Duration)
			}
		}
		if last := names[len(names)-1]; last.End() != start/1000+61000 {
			t.Errorf("the last ends at %d, want %d: its last picture has a duration", last.End(), start/1000+61000)
		}
		if len(r.gaps) != 0 {
			t.Errorf("gaps %v in a stream without any", r.gaps)
		}
		if s := r.State(); s.Writing || s.Segments != int64(len(names)) || s.LastSample != names[len(names)-1].End() || s.Bytes == 0 {
			t.Errorf("state %+v after the end", s)
		}
		if c := r.closed[0]; c.Codec != media.H264 || c.Width != 1920 || c.Height != 1080 || !c.Trusted || !c.Audio || c.Gap != None {
			t.Errorf("facts %+v", c)
		}
	})
}

func TestPartsAreAtMostASecondAndReachTheDiskInEveryCycle(t *testing.T) {
	for _, fps := range []int64{1, 7, 25, 30, 60} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, Options{}, volume.Options{})
			c := newCamera(testRun(7, false), start)
			c.fps, c.gop = fps, 0
			began := time.Now()
			for range 20 * fps {
				c.next(r.hub)
				time.Sleep(time.Second / time.Duration(fps))
				synctest.Wait()
				open := r.Open()
				shown := c.wall/1000 + time.Since(began).Milliseconds()
				if len(open) == 0 {
					if since := time.Since(began); since > 2*time.Second {
						t.Fatalf("nothing on disk after %v", since)
					}
					continue
				}
				if behind := shown - open[0].End; behind > 1500+1000/fps+250 {
					t.Fatalf("at %d fps the disk is %d ms behind", fps, behind)
				}
			}
		})
	}
}

func TestRecordingBeginsAtAKeyFrame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Options{}, volume.Options{})
		c := newCamera(testRun(7, true), start)
		c.frame = 10 // in the middle of a group
		c.play(r.hub, time.Second)
		synctest.Wait()
		if s := r.State(); s.Writing || len(r.opened) != 0 {
			t.Fatalf("writes without a key frame: %+v", s)
		}
		c.play(r.hub, 4*time.Second)
		if s := r.State(); !s.Writing || s.Since != start/1000+2000 || s.Current.Start != s.Since {
			t.Errorf("state %+v, want writing since the first key frame", s)
		}
		r.stop()
		if n := r.names(); len(n) != 1 || n[0].Start != start/1000+2000 || len(r.gaps) != 0 {
			t.Errorf("segments %v, gaps %v", n, r.gaps)
		}
	})
}

func TestARotationIsNoPauseInRecording(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Options{Target: 4 * time.Second}, volume.Options{})
		c := newCamera(testRun(1, true), start)
		c.play(r.hub, 3*time.Second)
		for range 25 * 20 {
			c.next(r.hub)
			time.Sleep(40 * time.Millisecond)
			synctest.Wait()
			if s := r.State(); !s.Writing || s.Since != start/1000 || s.Missing != None {
				t.Fatalf("state %+v in the middle of a run", s)
			}
		}
	})
}

func TestWhatIsMissingIsSaidWithItsReason(t *testing.T) {
	const s0 = start / 1000
	tests := []struct {
		name string
		o    Options
		play func(r *rig)
		want []gap
		mark []GapReason // stored in the segments
	}{
		{"a camera that was away", Options{}, func(r *rig) {
			newCamera(testRun(1, false), start).play(r.hub, 3*time.Second)
			r.hub.EndRun()
			time.Sleep(5 * time.Second)
			newCamera(testRun(2, false), start+8e6).play(r.hub, 3*time.Second)
		}, []gap{{s0 + 3000, s0 + 8000, Camera}}, []GapReason{None, Camera}},
		{"new parameters cost nothing worth a gap", Options{}, func(r *rig) {
			a := newCamera(testRun(1, false), start)
			a.play(r.hub, 3*time.Second)
			b := newCamera(testRun(2, false), start)
			b.frame, b.gop = a.frame+5, 20
			b.play(r.hub, 3*time.Second)
		}, nil, []GapReason{None, None}},
		{"a wall clock that stepped forward", Options{}, func(r *rig) {
			a := newCamera(testRun(1, false), start)
			a.play(r.hub, 2*time.Second)
			b := newCamera(testRun(2, false), start+3600e6)
			b.frame = a.frame
			b.play(r.hub, 2*time.Second)
		}, []gap{{s0 + 2000, s0 + 3602000, Clock}}, []GapReason{None, Clock}},
		{"a wall clock that stepped back", Options{}, func(r *rig) {
			a := newCamera(testRun(1, false), start)
			a.play(r.hub, 2*time.Second)
			b := newCamera(testRun(2, false), start-3600e6)
			b.frame = a.frame
			b.play(r.hub, 2*time.Second)
		}, nil, []GapReason{None, Clock}},
		{"a camera that stood still without hanging up", Options{}, func(r *rig) {
			c := newCamera(testRun(1, false), start)
			c.play(r.hub, 2*time.Second)
			c.frame += 25 * 20
			c.play(r.hub, 3*time.Second)
		}, []gap{{s0 + 2000, s0 + 22000, Camera}}, []GapReason{None, Camera}},
		{"the time before a restart", Options{LastEnd: s0 - 9000, Missing: Restart}, func(r *rig) {
			newCamera(testRun(1, false), start).play(r.hub, 2*time.Second)
		}, []gap{{s0 - 9000, s0, Restart}}, []GapReason{Restart}},
		{"nothing is missing before the first footage ever", Options{}, func(r *rig) {
			r.hub.EndRun()
			newCamera(testRun(1, false), start).play(r.hub, 2*time.Second)
		}, nil, []GapReason{None}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, tt.o, volume.Options{})
				tt.play(r)
				r.stop()
				if !slices.Equal(r.gaps, tt.want) {
					t.Errorf("gaps %v, want %v", r.gaps, tt.want)
				}
				var mark []GapReason
				for _, c := range r.closed {
					mark = append(mark, c.Gap)
				}
				if !slices.Equal(mark, tt.mark) {
					t.Errorf("segments say %v, want %v", mark, tt.mark)
				}
			})
		})
	}
}

func TestUnitsTheHubDroppedAreAnOverload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Options{QueueBytes: 3000, Batch: time.Second}, volume.Options{})
		c := newCamera(testRun(1, false), start)
		c.gop = 25
		c.play(r.hub, 200*time.Millisecond)
		for range 45 { // far more than the queue holds, between two looks
			c.next(r.hub)
		}
		c.play(r.hub, 10*time.Second)
		r.stop()
		if len(r.gaps) == 0 || r.gaps[0].cause != Overload {
			t.Fatalf("gaps %v, want an overload", r.gaps)
		}
		names := r.names()
		if len(names) < 2 || names[0].End() != r.gaps[0].start || names[1].Start != r.gaps[0].end || r.closed[1].Gap != Overload {
			t.Errorf("gap %v does not lie between %+v", r.gaps[0], names)
		}
	})
}

func TestAudioThatComesLateStaysInItsSegment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sizes := map[time.Duration]int64{}
		for _, late := range []time.Duration{0, 300 * time.Millisecond} {
			r := newRig(t, Options{Target: 10 * time.Second}, volume.Options{Cycle: 3700 * time.Millisecond})
			c := newCamera(testRun(1, true), start)
			c.late, c.gop = late, 25
			c.play(r.hub, 30*time.Second)
			for _, a := range c.audio(30*time.Second + late) {
				r.hub.Publish(a)
			}
			r.stop()
			for _, n := range r.names() {
				sizes[late] += n.Bytes
			}
		}
		// Frames lost at a rotation would show: each has 50 bytes. Parts differ
		// by the table of their samples alone.
		if d := sizes[0] - sizes[300*time.Millisecond]; d > 50*20 {
			t.Errorf("%d bytes less when audio comes late", d)
		}
	})
}

func TestAnEndlessGroupOfPicturesIsContinuedInAnotherFile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Options{Target: 2 * time.Second, Longest: 7 * time.Second}, volume.Options{})
		c := newCamera(testRun(1, false), start)
		c.gop = 0
		c.play(r.hub, 20*time.Second)
		r.stop()
		names := r.names()
		if len(names) != 3 || names[0].Duration != 7000 || names[1].Start != names[0].End() || len(r.gaps) != 0 {
			t.Errorf("segments %v, gaps %v; want 7 s, 7 s and 6 s without a gap", names, r.gaps)
		}
	})
}

func TestARunThatCannotBeStoredDoesNotEndTheWriter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Options{}, volume.Options{})
		bad := testRun(1, false)
		bad.Tracks[0].SPS = nil
		newCamera(bad, start).play(r.hub, 2*time.Second)
		silent := testRun(2, true)
		silent.Tracks = silent.Tracks[1:]
		r.hub.Publish(&media.AccessUnit{Run: silent, Random: true, Payloads: [][]byte{{1}}, Size: 1})
		time.Sleep(time.Second)
		if s := r.State(); s.Writing {
			t.Errorf("writes what it cannot: %+v", s)
		}
		newCamera(testRun(3, false), start+9e6).play(r.hub, 2*time.Second)
		r.stop()
		if n := r.names(); len(n) != 1 || n[0].Start != start/1000+9000 {
			t.Errorf("segments %v, want the good run", n)
		}
	})
}

func TestUnitsThatRunBackwardsAreLeftOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Options{}, volume.Options{})
		c := newCamera(testRun(1, false), start)
		c.play(r.hub, 3*time.Second)
		c.frame -= 30
		c.play(r.hub, 3*time.Second)
		r.stop()
		if n := r.names(); len(n) != 1 || n[0].Duration != 4800 {
			t.Errorf("segments %v, want one of 4.8 s", n)
		}
	})
}

func TestCamerasDoNotRotateTogether(t *testing.T) {
	const cameras = 16
	target := time.Minute.Microseconds()
	var at []int64
	for i := range cameras {
		w := New(Options{Ordinal: i, Hub: hub.New(hub.Options{})})
		for _, s := range []int64{start, start + 59e6, start - 1e6} {
			d := w.rotateAt(s) - s
			if d < target/2 || d >= target*3/2 {
				t.Errorf("a segment of %d µs", d)
			}
		}
		at = append(at, w.rotateAt(start)%target)
	}
	slices.Sort(at)
	for i := range at[1:] {
		if d := at[i+1] - at[i]; d < target/cameras-1 {
			t.Errorf("two cameras rotate %d µs apart", d)
		}
	}
}
