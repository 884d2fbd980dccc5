package certs

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"time"
)

// State says how fetching a certificate goes.
type State string

// The states.
const (
	StatePending State = "pending" // asked for, and not yet begun; or the date is not known
	StateWorking State = "working" // an attempt is under way
	StateIssued  State = "issued"  // the certificate is there, and not due
	StateFailing State = "failing" // the last attempt failed; see ACMEInfo.NextTry
)

// backoff is how long to wait after each failed attempt in a row; the last stays.
// Let's Encrypt allows five failures an hour.
var backoff = [...]time.Duration{time.Minute, 10 * time.Minute, time.Hour, 4 * time.Hour, 12 * time.Hour, day}

const (
	// rateLimit is the least wait for a server that wants fewer attempts.
	rateLimit = 6 * time.Hour
	// askEvery is how often a server is asked when to renew.
	askEvery = 6 * time.Hour
)

// acmeState is what became of attempts. Times of it are of the system's clock, whose
// monotonic part no step of the wall clock moves.
type acmeState struct {
	gen    int // changes with the settings
	cancel context.CancelFunc
	tries  int
	next   time.Time // no attempt before that
	last   *failure
	ask    time.Time // no question for the time of renewal before that
	renew  renewal   // the last answer to it
}

// restart forgets what became of other settings, and ends an attempt for them.
func (a *acmeState) restart() {
	if a.cancel != nil {
		a.cancel()
	}
	*a = acmeState{gen: a.gen + 1}
}

// acmeInfo returns how it goes. m.mu is held.
func (m *Manager) acmeInfo() *ACMEInfo {
	now, dated := m.o.Now()
	info := &ACMEInfo{ACME: m.settings.ACME, State: StatePending}
	switch a := &m.acme; {
	case a.cancel != nil:
		info.State = StateWorking
	case a.last != nil:
		info.State = StateFailing
		info.NextTry = now.Add(max(0, time.Until(a.next))).UTC()
	case dated && !m.due(now):
		info.State = StateIssued
	}
	if last := m.acme.last; last != nil {
		info.Code, info.Error = last.Code, printable(last.Error())
	}
	return info
}

// due reports whether a certificate has to be fetched. m.mu is held.
func (m *Manager) due(now time.Time) bool {
	p := m.fetched
	return !m.fits() || ageDue(p.leaf.NotBefore, p.leaf.NotAfter, now) || !m.acme.renew.at.IsZero() && now.After(m.acme.renew.at)
}

// fits reports whether the fetched certificate is the one that is asked for. m.mu is held.
func (m *Manager) fits() bool {
	p, want := m.fetched, m.settings.ACME
	return p != nil && p.directory == want.Directory && p.leaf.VerifyHostname(want.Domain) == nil
}

// ageDue reports whether two thirds of a life are over.
func ageDue(from, to, now time.Time) bool { return !now.Before(from.Add(to.Sub(from) / 3 * 2)) }

// fetch makes an attempt to fetch a certificate if one is due.
func (m *Manager) fetch(ctx context.Context) {
	m.askWhen(ctx)
	m.mu.Lock()
	defer m.mu.Unlock()
	now, dated := m.o.Now()
	if m.settings.Mode != ModeACME || !dated || time.Now().Before(m.acme.next) || !m.due(now) {
		return
	}
	o, err := m.prepareOrder()
	gen := m.acme.gen
	var p *pair
	if err == nil {
		attempt, cancel := context.WithTimeout(ctx, attemptTime)
		defer cancel()
		m.acme.cancel = cancel
		err = m.outside(func() (err error) {
			p, err = m.order(attempt, o)
			return err
		})
	}
	if gen != m.acme.gen {
		return // there are other settings by now
	}
	m.acme.cancel = nil
	if ctx.Err() != nil {
		return
	}
	if err == nil {
		err = m.deliver(p)
	}
	if err != nil {
		m.failed(explain(err))
	}
}

// outside runs f without m.mu, which is held before and after, and makes an error of a
// panic: what strangers answer must not end a recorder.
func (m *Manager) outside(f func() error) (err error) {
	m.mu.Unlock()
	defer m.mu.Lock()
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	return f()
}

// prepareOrder collects what an attempt needs. Keys stay what they were. m.mu is held.
func (m *Manager) prepareOrder() (order, error) {
	o := order{ACME: m.settings.ACME}
	o.DNS.KeySecret = m.settings.Secret
	account, err := m.store.load(fileAccount)
	if err != nil {
		if !errors.Is(err, os.ErrNotExist) {
			m.o.Log.Warn("the key of the ACME account cannot be read; another account is made", "err", err)
		}
		if account, err = newKey(); err != nil {
			return o, err
		}
		if err := m.store.save(fileAccount, account); err != nil {
			return o, err
		}
	}
	o.account = account.key
	o.key, err = m.fetchedKey()
	if m.fetched != nil && !m.acme.renew.at.IsZero() {
		o.replaces = m.fetched.leaf
	}
	return o, err
}

func (m *Manager) fetchedKey() (crypto.Signer, error) {
	if m.fetched != nil {
		return m.fetched.key, nil
	}
	p, err := newKey()
	if err != nil {
		return nil, err
	}
	return p.key, nil
}

// deliver puts a fetched certificate in force. m.mu is held.
func (m *Manager) deliver(p *pair) error {
	if err := m.store.save(fileFetched, p); err != nil {
		return err
	}
	m.fetched, m.damage = p, ""
	// a server that wants every certificate renewed at once gets one order a day
	m.acme = acmeState{gen: m.acme.gen, ask: time.Now().Add(day)}
	if m.settings.Previous != "" {
		m.settings.Previous = ""
		if err := m.store.saveSettings(&m.settings); err != nil {
			m.o.Log.Warn("the settings of the certificate are not kept", "err", err) // the next delivery tries again
		}
	}
	m.publish(m.serving.Load().own)
	m.o.Log.Info("a certificate was fetched", "names", p.names(), "not_after", p.leaf.NotAfter)
	m.o.Emit("certificate_renewed", map[string]any{"mode": string(ModeACME), "names": p.names(), "not_after": p.leaf.NotAfter})
	return nil
}

// failed puts the next attempt off; the first failure in a row, and another kind of
// failure, are told. m.mu is held.
func (m *Manager) failed(f *failure) {
	a := &m.acme
	wait := backoff[min(a.tries, len(backoff)-1)]
	if f.Code == CodeRateLimited {
		wait = max(wait, rateLimit)
	}
	wait += rand.N(wait / 10)
	told := a.last != nil && a.last.Code == f.Code
	a.tries++
	a.next, a.last = time.Now().Add(wait), f
	m.o.Log.Warn("a certificate could not be fetched", "domain", m.settings.ACME.Domain, "code", f.Code, "err", f, "next_try_in", wait.Round(time.Second))
	if !told {
		m.o.Emit("certificate_failing", map[string]any{
			"mode": string(ModeACME), "names": []string{m.settings.ACME.Domain}, "code": string(f.Code), "error": printable(f.Error()),
		})
	}
}

// askWhen asks the server when the certificate should be renewed, now and then. A
// server that does not answer, or cannot, changes nothing.
func (m *Manager) askWhen(ctx context.Context) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now, dated := m.o.Now()
	if m.settings.Mode != ModeACME || !dated || time.Now().Before(m.acme.ask) || time.Now().Before(m.acme.next) || m.due(now) {
		return
	}
	m.acme.ask = time.Now().Add(askEvery)
	gen, a, leaf := m.acme.gen, m.settings.ACME, m.fetched.leaf
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	var r renewal
	err := m.outside(func() (err error) {
		r, err = m.ari(ctx, a, leaf)
		return err
	})
	if gen != m.acme.gen || err != nil {
		return
	}
	m.acme.renew = r
	m.acme.ask = time.Now().Add(min(max(r.again, askEvery), day))
}
