package api

import (
	"log/slog"
	"net/http"
	"time"
)

// NewServer returns a server for h with the limits that keep slow and greedy
// clients from holding it. It has no overall timeouts: the floor gives every
// route its own.
func NewServer(h http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 5 * time.Second,
		IdleTimeout:       60 * time.Second,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
}
