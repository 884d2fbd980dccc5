package box

import (
	"context"
	"os/signal"
	"syscall"
)

// UntilInterrupted calls f with a context that ends with SIGINT or SIGTERM, so
// that what f started is cleaned up, and returns f's error.
func UntilInterrupted(f func(context.Context) error) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	return f(ctx)
}
