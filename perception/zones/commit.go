package zones

import "time"

// commitDue returns when the next commit is to be made, on the clock that is
// never set; false if there is nothing to commit.
func (c *Consumer) commitDue() (time.Duration, bool) {
	switch {
	case c.attempt != nil:
		return c.retryAt, true
	case c.urgent || len(c.pending) >= mostPending:
		return c.o.Mono(), true
	case len(c.pending) > 0:
		return c.commits + c.o.CommitEvery, true
	case c.dirty:
		return c.commits + c.o.CheckpointEvery, true
	}
	return 0, false
}

// commit makes what is pending durable, if that is due; now says that it is.
// It returns whether the sink took it. What it did not take is tried again as
// it is, and what came meanwhile waits behind it.
func (c *Consumer) commit(now bool) bool {
	at, due := c.commitDue()
	if !due || !now && at > c.o.Mono() {
		return false
	}
	if c.attempt == nil {
		c.attempt = c.prepare()
	}
	err := c.o.Sink.Commit(c.attempt.events, c.attempt.cp)
	if err != nil && !c.happened() {
		c.retry = min(max(2*c.retry, retryFirst), retryMost)
		c.retryAt = c.o.Mono() + c.retry
		if !c.saidSink {
			c.o.Log.Error("zone events cannot be kept", "err", err)
		}
		c.saidSink = true
		return false
	}
	c.number = c.attempt.cp.Number
	c.attempt, c.retry, c.saidSink = nil, 0, false
	c.commits = c.o.Mono()
	return true
}

// prepare makes an attempt of all that is pending.
func (c *Consumer) prepare() *attempt {
	c.mu.Lock()
	defer c.mu.Unlock()
	a := &attempt{events: c.pending, cp: Checkpoint{
		Number: c.number + 1, Store: c.store, Seq: c.seq, Skew: c.clock.skew, State: c.engine.Snapshot(),
	}}
	c.pending, c.dirty, c.urgent = nil, false, false
	return a
}

// happened reports whether the attempt was committed although the sink said
// otherwise: a disk may fail after it has written.
func (c *Consumer) happened() bool {
	cp, found, err := c.o.Sink.Load()
	return err == nil && found && cp.Number == c.attempt.cp.Number
}

// finish commits what is left when Run ends. What a failing sink does not take
// comes again from the log at the next start.
func (c *Consumer) finish() {
	for c.attempt != nil || len(c.pending) > 0 || c.dirty {
		if !c.commit(true) {
			return
		}
	}
}
