package clock

import (
	"context"
	"errors"
	"io/fs"
	"strconv"
	"testing"
	"testing/fstest"
	"time"
)

func TestParseBootIDTakesUUIDsAlone(t *testing.T) {
	id, err := parseBootID("0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0\n")
	if err != nil || id[0] != 0x0f || id[15] != 0xf0 {
		t.Errorf("got %x, %v", id, err)
	}
	for _, bad := range []string{"", "xyz", "0f1e", "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0ff"} {
		if _, err := parseBootID(bad); err == nil {
			t.Errorf("%q was taken for a boot id", bad)
		}
	}
}

func TestTheKernelAnswers(t *testing.T) {
	a, err := BootID()
	b, _ := BootID()
	if err != nil || a != b || a == [16]byte{} {
		t.Errorf("boot id %x then %x, %v", a, b, err)
	}
	if s := SinceBoot(); s <= 0 || SinceBoot() < s {
		t.Errorf("time since boot %v does not advance", s)
	}
	if _, err := Synchronised(); err != nil {
		t.Errorf("Synchronised: %v", err)
	}
}

func TestRTCIsTheOneThatSetTheTime(t *testing.T) {
	file := func(s string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(s)} }
	tests := []struct {
		name string
		sys  fstest.MapFS
		want int64 // seconds since 1970; 0 = none
		err  error
	}{
		{"none", fstest.MapFS{}, 0, fs.ErrNotExist},
		{"one that did not", fstest.MapFS{"class/rtc/rtc0/hctosys": file("0\n"), "class/rtc/rtc0/since_epoch": file("7\n")}, 0, fs.ErrNotExist},
		{"the second of two", fstest.MapFS{
			"class/rtc/rtc0/hctosys": file("0\n"), "class/rtc/rtc0/since_epoch": file("7\n"),
			"class/rtc/rtc1/hctosys": file("1\n"), "class/rtc/rtc1/since_epoch": file("1795464000\n"),
		}, 1795464000, nil},
		{"one that cannot be read", fstest.MapFS{"class/rtc/rtc0/hctosys": file("1\n"), "class/rtc/rtc0/since_epoch": file("soon\n")}, 0, strconv.ErrSyntax},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := RTC(tt.sys)
			if !errors.Is(err, tt.err) || tt.want != 0 && got.Unix() != tt.want {
				t.Errorf("got %v, %v; want %d, %v", got, err, tt.want, tt.err)
			}
		})
	}
}

// A real step is shown in test/board: no test may set the clock of the machine it
// runs on.
func TestAClockThatIsNotSetMakesNoStep(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		done <- Steps(ctx, func(by time.Duration) { t.Errorf("a step of %v", by) })
	}()
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestAnRTCThatIsNotThereIsNotSet(t *testing.T) {
	if err := SetRTC(fstest.MapFS{}, time.Now()); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}
