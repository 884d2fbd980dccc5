package ingest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
)

// guarded is an error of a guard that lets an address not through.
type guarded struct{}

func (guarded) Error() string   { return "refused" }
func (guarded) Refused() string { return "it is this recorder itself" }

func TestAnAddressThatIsNotLetThroughIsAFaultThatAPersonHasToMend(t *testing.T) {
	dials := 0
	_, err := Probe(t.Context(), Options{
		Camera: "yard", URL: "rtsp://me:canary@10.0.0.5/main",
		Dial: func(context.Context, string, string) (net.Conn, error) {
			dials++
			return nil, fmt.Errorf("dial: %w", guarded{})
		},
	})
	var f *Failure
	if !errors.As(err, &f) || f.Code != CodeAddress || !f.Code.needsPerson() || f.Reason != "the camera's address is refused: it is this recorder itself" || strings.Contains(f.Detail, "canary") {
		t.Errorf("%+v (%v)", f, err)
	}
	if dials == 0 {
		t.Error("the guard was not asked")
	}
}
