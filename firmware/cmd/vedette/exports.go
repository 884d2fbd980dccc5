package main

import (
	"context"
	"errors"
	"io"
	"sync"

	"vedette/web/api"
)

// errShed ends an export for want of memory.
var errShed = errors.New("memory is short")

// exports are the clips that are being read. They go when memory is short: footage is
// there for another try, and what is recorded is not.
type exports struct {
	busy func() string // why none may begin; "" = one may

	mu  sync.Mutex
	all map[*context.CancelCauseFunc]struct{}
}

func newExports(busy func() string) *exports {
	return &exports{busy: busy, all: map[*context.CancelCauseFunc]struct{}{}}
}

// begin returns the context of an export, which ends with ctx, and what to call once it is
// over, as often as one likes. The error is api.ErrUnavailable while none may begin.
func (e *exports) begin(ctx context.Context) (context.Context, func(), error) {
	if e.busy() != "" {
		return nil, nil, api.ErrUnavailable
	}
	ctx, cancel := context.WithCancelCause(ctx)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.all[&cancel] = struct{}{}
	return ctx, func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		delete(e.all, &cancel)
		cancel(nil)
	}, nil
}

// shed ends all that are under way, and returns how many.
func (e *exports) shed() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	n := len(e.all)
	for cancel := range e.all {
		(*cancel)(errShed)
	}
	clear(e.all)
	return n
}

// closing closes what was read and then calls end.
type closing struct {
	io.Closer
	end func()
}

func (c closing) Close() error {
	defer c.end()
	return c.Closer.Close()
}
