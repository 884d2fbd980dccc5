package main

import (
	"context"
	"errors"
	"testing"

	"vedette/web/api"
)

// TestExportsGoWhenMemoryIsShort: those that run are ended and told why, none begins until
// there is memory again, and what is over is not counted.
func TestExportsGoWhenMemoryIsShort(t *testing.T) {
	why := ""
	e := newExports(func() string { return why })
	over, end, err := e.begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	end()
	end()
	running, end, err := e.begin(t.Context())
	if err != nil || running.Err() != nil || over.Err() == nil {
		t.Fatalf("%v; running %v, over %v", err, running.Err(), over.Err())
	}
	why = "memory is short"
	if n := e.shed(); n != 1 || !errors.Is(context.Cause(running), errShed) {
		t.Errorf("%d ended, because %v; want 1, %v", n, context.Cause(running), errShed)
	}
	if n := e.shed(); n != 0 {
		t.Errorf("%d ended twice", n)
	}
	end()
	if _, _, err := e.begin(t.Context()); !errors.Is(err, api.ErrUnavailable) {
		t.Errorf("another begins: %v", err)
	}
	why = ""
	if _, end, err = e.begin(t.Context()); err != nil {
		t.Error(err)
	}
	end()
}
