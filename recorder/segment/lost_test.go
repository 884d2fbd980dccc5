package segment

import (
	"testing"
	"testing/synctest"
	"time"

	"vedette/internal/faultfs"
	"vedette/recorder/volume"
)

func TestASegmentThatCannotBeClosedIsAGapAsAWhole(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := faultfs.New(faultfs.Options{})
		r := newRig(t, Options{}, volume.Options{FS: disk})
		c := newCamera(testRun(1, false), start)
		c.gop = 25
		c.play(r.hub, 10*time.Second)
		// A write fails, and what was durable before cannot be given its name.
		disk.SetReadOnly(true)
		c.play(r.hub, 3*time.Second)
		disk.Heal()
		c.play(r.hub, 10*time.Second)
		r.stop()
		names := r.names()
		if len(names) != 1 {
			t.Fatalf("segments %v, want one after the disk was well again", names)
		}
		for at := start / 1000; at < names[0].Start; at += 500 {
			told := false
			for _, g := range r.gaps {
				told = told || g.start <= at && at < g.end && g.cause == Disk
			}
			if !told {
				t.Errorf("%d ms after the start there is neither footage nor a gap: %v", at-start/1000, r.gaps)
			}
		}
	})
}
