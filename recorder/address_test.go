package recorder

import (
	"errors"
	"strings"
	"testing"
)

type guarded struct{}

func (guarded) Error() string   { return "refused" }
func (guarded) Refused() string { return "it is on the internet" }

func TestAnAddressThatIsNotLetThroughIsRefusedByItsField(t *testing.T) {
	r := &Recorder{o: Options{CheckAddress: func(url string) error {
		if strings.Contains(url, "8.8.8.8") {
			return guarded{}
		}
		return nil
	}}}
	for _, tt := range []struct {
		name  string
		c     Camera
		field string
	}{
		{"the main stream", Camera{MainURL: "rtsp://8.8.8.8/x"}, "main_url"},
		{"the sub stream", Camera{MainURL: "rtsp://10.0.0.5/x", SubURL: "rtsp://8.8.8.8/y"}, "sub_url"},
		{"the address of a vendor's camera", Camera{Vendor: "axis", Address: "8.8.8.8"}, "address"},
		{"one that is let through", Camera{MainURL: "rtsp://10.0.0.5/x"}, ""},
	} {
		err := r.checkAddresses(&tt.c)
		var f *FieldError
		if tt.field == "" && err == nil {
			continue
		}
		if !errors.As(err, &f) || f.Name != tt.field || f.Message != "is refused: it is on the internet" {
			t.Errorf("%s: %v, want field %q", tt.name, err, tt.field)
		}
	}
	if err := (&Recorder{}).checkAddresses(&Camera{MainURL: "rtsp://8.8.8.8/x"}); err != nil {
		t.Errorf("without a guard: %v", err)
	}
}
