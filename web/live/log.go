package live

import "github.com/pion/logging"

// silence is a logger factory and a logger that say nothing. The library logs
// per packet when a network is down, and what a session suffers shows in its
// state.
type silence struct{}

// NewLogger is part of logging.LoggerFactory.
func (silence) NewLogger(string) logging.LeveledLogger { return silence{} }

// Trace and the others are part of logging.LeveledLogger.
func (silence) Trace(string)          {}
func (silence) Tracef(string, ...any) {}
func (silence) Debug(string)          {}
func (silence) Debugf(string, ...any) {}
func (silence) Info(string)           {}
func (silence) Infof(string, ...any)  {}
func (silence) Warn(string)           {}
func (silence) Warnf(string, ...any)  {}
func (silence) Error(string)          {}
func (silence) Errorf(string, ...any) {}
