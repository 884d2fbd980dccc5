package clock

import "testing"

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
