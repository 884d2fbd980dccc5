package recorder

import (
	"errors"
	"reflect"
	"testing"
	"time"
)

func number(v int64) *int64 { return &v }

func TestRetentionNamesTheWrongField(t *testing.T) {
	b := startRecorder(t, t.TempDir())
	b.add(t, "door", CameraInput{})
	volume := func(v VolumeRetention) Retention { return Retention{Volumes: map[string]VolumeRetention{"one": v}} }
	camera := func(c CameraRetention) Retention { return Retention{Cameras: map[string]CameraRetention{"door": c}} }
	tests := []struct {
		name  string
		set   Retention
		field string // "" = good
	}{
		{"nothing", Retention{}, ""},
		{"a volume that is not there", Retention{Volumes: map[string]VolumeRetention{"two": {}}}, "volumes.two"},
		{"a camera that is not there", Retention{Cameras: map[string]CameraRetention{"yard": {}}}, "cameras.yard"},
		{"limits in order", volume(VolumeRetention{number(4 << 20), number(5 << 20), number(1 << 20), number(1 << 30)}), ""},
		{"a floor of nothing", volume(VolumeRetention{Floor: number(0)}), "volumes.one.floor_bytes"},
		{"a high mark at the floor", volume(VolumeRetention{Floor: number(4 << 20), High: number(4 << 20)}), "volumes.one.high_bytes"},
		{"a reserve at the floor", volume(VolumeRetention{Floor: number(4 << 20), Reserve: number(4 << 20)}), "volumes.one.reserve_bytes"},
		{"a negative cap", volume(VolumeRetention{Cap: number(-1)}), "volumes.one.cap_bytes"},
		{"an hour", camera(CameraRetention{AgeHours: number(1)}), ""},
		{"less than an hour", camera(CameraRetention{AgeHours: number(0)}), "cameras.door.age_hours"},
		{"more years than a century", camera(CameraRetention{AgeHours: number(1 << 40)}), "cameras.door.age_hours"},
		{"a byte", camera(CameraRetention{Quota: number(1)}), "cameras.door.quota_bytes"},
		{"kept for longer than it may be", camera(CameraRetention{AgeHours: number(24), KeepHours: number(25)}), "cameras.door.keep_hours"},
	}
	for _, tt := range tests {
		err := b.SetRetention(tt.set, "owner")
		var fe *FieldError
		if tt.field == "" && err != nil || tt.field != "" && (!errors.As(err, &fe) || fe.Name != tt.field) {
			t.Errorf("%s: %v, want field %q", tt.name, err, tt.field)
		}
		if _, perr := b.PreviewRetention(t.Context(), tt.set); (perr == nil) != (err == nil) {
			t.Errorf("%s: the preview says %v", tt.name, perr)
		}
	}
	if got := b.Retention(); *got.Cameras["door"].AgeHours != 1 || got.Volumes["one"] != (VolumeRetention{}) {
		t.Errorf("after what was refused %+v is set, want the last that was not", got)
	}
}

func TestRetentionOutlivesARestart(t *testing.T) {
	dir := t.TempDir()
	b := startRecorder(t, dir)
	set := Retention{Volumes: map[string]VolumeRetention{"one": {Floor: number(7 << 20), Cap: number(9 << 20)}}}
	if err := b.SetRetention(set, "owner"); err != nil {
		t.Fatal(err)
	}
	if err := b.stop(); err != nil {
		t.Fatal(err)
	}
	b = startRecorder(t, dir)
	if got := b.Retention(); !reflect.DeepEqual(got.Volumes, set.Volumes) {
		t.Errorf("it is %+v, want %+v", got, set)
	}
	if v := b.Volumes()[0]; v.Cap != 9<<20 {
		t.Errorf("in force is %+v", v)
	}
}

// TestACapIsKeptWhileRecording, evidence beside it stays, and the preview told
// what would go.
func TestACapIsKeptWhileRecording(t *testing.T) {
	db := faultDB(t)
	bubble(t, db, func(r *faultRig) {
		if n, err := r.Hold(r.o.Clock.Now().Add(-6*time.Second), r.o.Clock.Now()); err != nil || n == 0 {
			t.Errorf("held %d, %v", n, err)
		}
		time.Sleep(4 * time.Minute)
		set := Retention{Volumes: map[string]VolumeRetention{"one": {Cap: number(1 << 20)}}}
		plans, err := r.PreviewRetention(t.Context(), set)
		if err != nil || len(plans) != 1 || plans[0].Deleted.Rows == 0 || plans[0].By["size_cap"] != plans[0].Deleted {
			t.Fatalf("the preview says %+v, %v", plans, err)
		}
		before := r.Volumes()[0]
		if err := r.SetRetention(set, "owner"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		after := r.Volumes()[0]
		if got := before.Footage - after.Footage; got < plans[0].Deleted.Bytes/2 || after.Footage > 1<<20+256<<10 {
			t.Errorf("%d bytes went, %d are left; the preview says %+v", got, after.Footage, plans[0])
		}
		if after.State != VolumeOK || after.Held == 0 || after.Held != before.Held {
			t.Errorf("the volume is %+v", after)
		}
		for id, at := range plans[0].Oldest {
			tl, err := r.Timeline(t.Context(), id, at.Add(-time.Hour), at.Add(time.Hour))
			if err != nil || len(tl.Ranges) == 0 || tl.Ranges[0].Start != at.UnixMilli() {
				t.Errorf("footage of %s begins at %v, the preview says %v", id, tl.Ranges[:1], at)
			}
		}
		time.Sleep(3 * time.Minute)
		if v := r.Volumes()[0]; v.Footage > 1<<20+512<<10 {
			t.Errorf("%d bytes of footage minutes later", v.Footage)
		}
	})
}

// TestRetentionOfARemovedCamera is named while its footage is there, so that who
// sends back what they got takes nothing away.
func TestRetentionOfARemovedCamera(t *testing.T) {
	db := faultDB(t)
	bubble(t, db, func(r *faultRig) {
		time.Sleep(2 * time.Minute)
		id := r.Cameras()[0].ID
		set := r.Retention()
		set.Cameras[id] = CameraRetention{AgeHours: number(24)}
		if err := r.SetRetention(set, "owner"); err != nil {
			t.Fatal(err)
		}
		if err := r.RemoveCamera(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		got := r.Retention()
		if age := got.Cameras[id].AgeHours; age == nil || *age != 24 {
			t.Errorf("after the camera was removed %+v is set", got)
		}
		if err := r.SetRetention(got, "owner"); err != nil {
			t.Errorf("what was got was refused: %v", err)
		}
	})
}

// TestRetentionWhileADiskIsAway takes nothing from cameras whose footage may be
// on it.
func TestRetentionWhileADiskIsAway(t *testing.T) {
	day, week := CameraRetention{AgeHours: number(24)}, CameraRetention{AgeHours: number(168)}
	old := Retention{Cameras: map[string]CameraRetention{"gone": day, "here": day, "both": day}}
	set := Retention{Cameras: map[string]CameraRetention{"both": week}}
	got := set.withUnheard(old, func(id string) bool { return id == "here" })
	if want := map[string]CameraRetention{"gone": day, "both": week}; !reflect.DeepEqual(got.Cameras, want) {
		t.Errorf("%+v, want %+v", got.Cameras, want)
	}
	if len(set.Cameras) != 1 {
		t.Error("what was handed in has changed")
	}
}
