package recorder

import (
	"math"
	"testing"
	"testing/synctest"
	"time"
)

func TestDivideGivesTheRestToThoseWithoutALimit(t *testing.T) {
	const day = 24 * 3600.0
	inf := math.Inf(1)
	tests := []struct {
		name   string
		room   float64
		shares []share
		want   map[string]float64
		most   float64
	}{
		{"nobody records", 100, nil, nil, 0},
		{"all keep the same time, whatever their rate", 40 * day, []share{{"a", 1, inf}, {"b", 3, inf}}, map[string]float64{"a": 10, "b": 10}, 10},
		{"one is limited by its own rules", 40 * day, []share{{"a", 1, inf}, {"b", 3, 5 * day}}, map[string]float64{"a": 25, "b": 5}, 25},
		{"all are", 400 * day, []share{{"a", 1, 7 * day}, {"b", 3, 5 * day}}, map[string]float64{"a": 7, "b": 5}, 7},
		{"a limit beyond what there is room for", 40 * day, []share{{"a", 1, 30 * day}, {"b", 3, inf}}, map[string]float64{"a": 10, "b": 10}, 10},
		{"evidence takes all", -1, []share{{"a", 1, inf}}, map[string]float64{"a": 0}, 0},
	}
	for _, tt := range tests {
		f := divide(tt.room, tt.shares)
		if len(f.Cameras) != len(tt.want) || math.Abs(f.Days-tt.most) > 1e-9 {
			t.Errorf("%s: %+v, want %v, at most %v days", tt.name, f, tt.want, tt.most)
		}
		for id, days := range tt.want {
			if math.Abs(f.Cameras[id]-days) > 1e-9 {
				t.Errorf("%s: %s keeps %v days, want %v", tt.name, id, f.Cameras[id], days)
			}
		}
	}
}

// A volume tells how long it will last once it knows what cameras write.
func TestAVolumeTellsHowFarBackItWillReach(t *testing.T) {
	bubble(t, faultDB(t), func(r *faultRig) {
		if f := r.Volumes()[0].Forecast; f.Days != 0 {
			t.Errorf("after 12 s: %+v", f)
		}
		time.Sleep(20 * time.Minute)
		synctest.Wait()
		v := r.Volumes()[0]
		used := map[string]float64{}
		for _, id := range faultCameras {
			c, err := r.Camera(id)
			if err != nil {
				t.Fatal(err)
			}
			used[id] = v.Forecast.Cameras[id]
			if c.State != StateRecording || used[id] <= 0 {
				t.Errorf("%s is %s and keeps %v days", id, c.State, used[id])
			}
		}
		// Two cameras of about 7 KB/s on 64 MiB less a floor of 1.
		took := float64(v.Footage) / (20*60 + 12)
		want := float64(v.Free+v.Footage-v.Floor) / took / (24 * 3600)
		if math.Abs(v.Forecast.Days/want-1) > 0.1 {
			t.Errorf("%v days, want %v: %+v", v.Forecast.Days, want, v)
		}
	})
}
