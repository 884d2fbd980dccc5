package marker

import (
	"errors"
	"reflect"
	"testing"
	"time"
)

func example() *Marker {
	return &Marker{
		Number: 7, Wall: 1_795_464_000_123, Poll: 3, Control: 12, Phase: "recording",
		Cameras: []Camera{{ID: "c0", Windows: [][2]int64{{1, 2}, {3, 0}}, Closed: []int64{1, 5001}}},
	}
}

func TestAMarkerComesBack(t *testing.T) {
	b, err := Append(nil, example())
	if err != nil || len(b)%Sector != 0 {
		t.Fatalf("%d bytes, %v", len(b), err)
	}
	got, err := Parse(b)
	if err != nil || !reflect.DeepEqual(got, example()) {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestADamagedMarkerIsRefused(t *testing.T) {
	good, err := Append(nil, example())
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name string
		do   func(b []byte) []byte
	}{
		{"empty", func([]byte) []byte { return nil }},
		{"zeros", func(b []byte) []byte { return make([]byte, len(b)) }},
		{"half of it", func(b []byte) []byte { return b[:40] }},
		{"a byte of the body changed", func(b []byte) []byte { b[30]++; return b }},
		{"an absurd length", func(b []byte) []byte { b[11] = 0xff; return b }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if m, err := Parse(tt.do(append([]byte(nil), good...))); !errors.Is(err, ErrNotMarker) {
				t.Errorf("got %+v, %v", m, err)
			}
		})
	}
}

func TestAMarkerThatDoesNotFitIsRefused(t *testing.T) {
	m := example()
	m.Cameras[0].Closed = make([]int64, Region)
	if _, err := Append(nil, m); err == nil {
		t.Error("no error")
	}
}

func TestAWindowEndsWhereTheCameraWasLastSeen(t *testing.T) {
	var c Camera
	for i, on := range []bool{false, true, true, false, false, true} {
		c.Note(on, time.UnixMilli(int64(1000+i)))
	}
	if want := [][2]int64{{1001, 1002}, {1005, 0}}; !reflect.DeepEqual(c.Windows, want) {
		t.Errorf("windows %v, want %v", c.Windows, want)
	}
}
