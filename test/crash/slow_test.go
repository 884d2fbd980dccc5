package crash

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"vedette/internal/faultfs"
	"vedette/recorder/segment"
)

// TestASlowDiskLosesNothing has syncs take long, always or once. What cameras
// send in the meantime waits in memory.
func TestASlowDiskLosesNothing(t *testing.T) {
	tests := []struct {
		name  string
		fault faultfs.Fault
	}{
		{"each sync takes half a second", faultfs.Fault{Delay: 500 * time.Millisecond, Sticky: true}},
		{"one sync takes five seconds", faultfs.Fault{Delay: 5 * time.Second}},
		{"one sync takes half a minute", faultfs.Fault{Delay: 30 * time.Second}},
	}
	for _, sc := range scenarios {
		for _, tt := range tests {
			t.Run(sc.name+", "+tt.name, func(t *testing.T) {
				o := &oracle{inspector: newInspector(), cameras: cameraNames}
				disk, led := faultfs.New(sc.options), newLedger(len(cameraNames))
				var r *rig
				synctest.Test(t, func(t *testing.T) {
					r = live(t, disk, led, plan{seed: 3, length: 70 * time.Second, clean: true, sick: func(context.Context, *rig) {
						f := tt.fault
						f.Kinds, f.At = []faultfs.Kind{faultfs.SyncFS, faultfs.Sync}, disk.Ops()+60
						disk.Inject(f)
					}})
				})
				p := led.before(time.Hour) // nothing is too young to be missed
				led.after(p)
				f, problems := o.look(disk)
				_, more := o.missing(f, p)
				for _, text := range append(problems, more...) {
					t.Error(text)
				}
				for _, g := range r.gaps {
					if g.cause != segment.Camera {
						t.Errorf("gap %+v", g)
					}
				}
			})
		}
	}
}
