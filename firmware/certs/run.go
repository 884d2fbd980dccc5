package certs

import (
	"context"
	"crypto"
	"fmt"
	"slices"
	"time"
)

// look is how often everything is looked at, and how long names must stay as they are
// before they are certified.
const look = time.Minute

// warnDays are the days before the end of a certificate at which it is told.
var warnDays = [...]int{30, 14, 7, 1}

// Run renews what is due, and fetches what is asked for, until ctx is done; it
// returns ctx's cause. What fails is logged, and tried again later.
func (m *Manager) Run(ctx context.Context) error {
	warned := warned{}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-m.wake:
		case <-timer.C:
			m.own()
			timer.Reset(look)
		}
		m.warn(&warned)
		m.fetch(ctx)
	}
}

// nudge lets Run look at once.
func (m *Manager) nudge() {
	select {
	case m.wake <- struct{}{}:
	default: // it is being told already
	}
}

// own issues the box's own certificate again if it is due or lacks a name, once the
// box has been called the same at two looks: a network that comes up brings one
// address after the other.
func (m *Manager) own() {
	m.mu.Lock()
	defer m.mu.Unlock()
	own, names := m.serving.Load().own, m.names()
	missing := slices.ContainsFunc(names, func(name string) bool { return own.leaf.VerifyHostname(name) != nil })
	steady := slices.Equal(names, m.pending)
	m.pending = names
	now, dated := m.o.Now()
	aged := dated && m.ownDue(now)
	if !steady || !aged && !missing {
		return
	}
	if err := m.renewAuthority(now, dated); err != nil {
		m.o.Log.Error("the authority cannot be renewed", "err", err)
		return
	}
	p, err := m.issue(own.key)
	if err != nil {
		m.o.Log.Error("the box's own certificate cannot be renewed", "err", err)
		return
	}
	m.publish(p)
	m.o.Log.Info("the box's own certificate is renewed", "names", names, "not_after", p.leaf.NotAfter)
	if aged && !own.leaf.NotBefore.Equal(unsetFrom) {
		m.o.Emit("certificate_renewed", map[string]any{"mode": string(ModeOwn), "names": names, "not_after": p.leaf.NotAfter})
	}
}

// ownDue reports whether the box's own certificate has to be issued again, because of
// the date: also if it was made without one, or the date went back. m.mu is held.
func (m *Manager) ownDue(now time.Time) bool {
	leaf := m.serving.Load().own.leaf
	return leaf.NotBefore.Equal(unsetFrom) || now.Before(leaf.NotBefore) || ageDue(leaf.NotBefore, leaf.NotAfter, now)
}

// renewAuthority lets the authority sign itself again when it would not outlive what
// it is about to issue. m.mu is held.
func (m *Manager) renewAuthority(now time.Time, dated bool) error {
	if !dated || now.Add(leafLife).Before(m.ca.leaf.NotAfter) {
		return nil
	}
	ca, err := renewCA(m.ca, now)
	if err != nil {
		return err
	}
	if err := m.store.save(fileCA, ca); err != nil {
		return err
	}
	m.ca = ca
	return nil
}

// issue certifies key for the present names, and keeps that. m.mu is held.
func (m *Manager) issue(key crypto.Signer) (*pair, error) {
	now, dated := m.o.Now()
	from, to := unsetFrom, m.ca.leaf.NotAfter
	if dated {
		from = now.Add(-early)
		if end := from.Add(leafLife); end.Before(to) {
			to = end
		}
	}
	p, err := newLeaf(m.ca, key, m.names(), from, to)
	if err != nil {
		return nil, err
	}
	if err := m.store.save(fileOwn, p); err != nil {
		return nil, fmt.Errorf("keep the certificate: %w", err)
	}
	return p, nil
}

// warned is the last warning that a certificate ends.
type warned struct {
	cert string // its serial number
	days int    // before its end
}

// warn tells at 30, 14, 7 and 1 days before its end that a certificate ends which
// nobody renews: a given one, or one that cannot be fetched.
func (m *Manager) warn(last *warned) {
	m.mu.Lock()
	defer m.mu.Unlock()
	p := m.serving.Load().public
	now, dated := m.o.Now()
	if p == nil || !dated || m.settings.Mode == ModeACME && m.acme.last == nil && p == m.fetched {
		return
	}
	left := p.leaf.NotAfter.Sub(now)
	days := 0 // the smallest that is reached
	for _, d := range warnDays {
		if left <= time.Duration(d)*day {
			days = d
		}
	}
	serial := p.leaf.SerialNumber.String()
	if days == 0 || last.cert == serial && last.days <= days {
		return
	}
	*last = warned{serial, days}
	m.o.Log.Warn("the certificate of the panel ends soon", "not_after", p.leaf.NotAfter)
	m.o.Emit("certificate_expiring", map[string]any{
		"mode": string(m.settings.Mode), "names": p.names(), "not_after": p.leaf.NotAfter, "days": max(0, int(left/day)),
	})
}
