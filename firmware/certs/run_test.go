package certs

import (
	"context"
	"crypto/x509"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// fakeACME issues what tests want, without a network.
type fakeACME struct {
	t         *testing.T
	mu        sync.Mutex
	authority *authority
	life      time.Duration
	err       error
	hang, mad bool
	orders    []order
	when      []time.Time
	renew     renewal
	asked     int
}

func (f *fakeACME) order(ctx context.Context, o order) (*pair, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.orders, f.when = append(f.orders, o), append(f.when, time.Now())
	if f.hang {
		f.mu.Unlock()
		defer f.mu.Lock()
		<-ctx.Done()
		return nil, context.Cause(ctx)
	}
	if f.mad {
		panic("index out of range")
	}
	if f.err != nil {
		return nil, f.err
	}
	now := time.Now()
	c := sign(f.t, &x509.Certificate{DNSNames: []string{o.Domain}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(f.life)}, f.authority.cert, o.key.Public(), f.authority.key)
	p := &pair{chain: [][]byte{c.Raw}, key: o.key, directory: o.Directory}
	return p, p.complete()
}

// acmeBox runs f with a manager that fetches from a, in a bubble; stop ends Run.
func acmeBox(t *testing.T, a *fakeACME, f func(b *box, m *Manager)) {
	synctest.Test(t, func(t *testing.T) {
		a.t, a.authority = t, newAuthority(t, nil)
		b := &box{called: []string{"vedette.local"}}
		m := b.open(t, Options{Roots: pool(a.authority.pem())})
		m.order = a.order
		m.ari = func(context.Context, ACME, *x509.Certificate) (renewal, error) {
			a.mu.Lock()
			defer a.mu.Unlock()
			a.asked++
			if a.renew == (renewal{}) {
				return renewal{}, errors.New("not offered")
			}
			return a.renew, nil
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- m.Run(ctx) }()
		f(b, m)
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("Run = %v", err)
		}
	})
}

// after lets time pass until all is quiet. Fields of a may be used between calls: the
// bubble's clock alone would not order that before or after order.
func (a *fakeACME) after(d time.Duration) {
	a.edge()
	time.Sleep(d)
	synctest.Wait()
	a.edge()
}

func (a *fakeACME) edge() {
	a.mu.Lock()
	defer a.mu.Unlock()
}

func setACME(t *testing.T, m *Manager, domain string) {
	t.Helper()
	if err := m.Set(t.Context(), Settings{Mode: ModeACME, ACME: ACME{Domain: domain, Challenge: HTTP01}}); err != nil {
		t.Error(err)
	}
}

func TestACertificateIsFetchedAtOnceAndRenewedInTime(t *testing.T) {
	a := &fakeACME{life: 90 * day}
	acmeBox(t, a, func(b *box, m *Manager) {
		setACME(t, m, "nvr.example.org")
		a.after(time.Second)
		first := m.Info()
		if len(a.orders) != 1 || first.ACME.State != StateIssued || !first.PubliclyTrusted || first.Names[0] != "nvr.example.org" {
			t.Fatalf("%d orders, %+v", len(a.orders), first)
		}
		if got := b.told(); !slices.Equal(got, []string{"certificate_renewed"}) {
			t.Errorf("told %v", got)
		}
		a.after(59 * day)
		if len(a.orders) != 1 {
			t.Errorf("%d orders after 59 days", len(a.orders))
		}
		a.after(2 * day)
		second := m.Info()
		if len(a.orders) != 2 || second.Certificate == first.Certificate || second.Fingerprint != first.Fingerprint {
			t.Errorf("%d orders after 61 days, %+v", len(a.orders), second)
		}
		if !samePublic(a.orders[0].account.Public(), a.orders[1].account.Public()) {
			t.Error("another account")
		}
		if a.asked < 200 || a.asked > 250 { // every six hours
			t.Errorf("asked %d times when to renew", a.asked)
		}
	})
}

func TestAFailureIsToldOnceAndTriedLaterAndLater(t *testing.T) {
	a := &fakeACME{life: 90 * day, err: &failure{CodeDNSKey, "No key.", errors.New("answer NOTAUTH")}}
	acmeBox(t, a, func(b *box, m *Manager) {
		start := time.Now()
		setACME(t, m, "nvr.example.org")
		a.after(time.Second)
		info := m.Info()
		if info.ACME.State != StateFailing || info.ACME.Code != CodeDNSKey || info.ACME.Error != "No key. (answer NOTAUTH)" {
			t.Errorf("%+v", info.ACME)
		}
		if wait := info.ACME.NextTry.Sub(start); wait < time.Minute || wait > 67*time.Second {
			t.Errorf("the next try in %v", wait)
		}
		if info.Names[0] != "vedette.local" || info.PubliclyTrusted {
			t.Errorf("the certificate from before is not there: %+v", info)
		}
		a.after(4 * day)
		if n := len(a.orders); n < 7 || n > 9 {
			t.Errorf("%d attempts in four days", n)
		}
		for i := 1; i < len(a.when); i++ {
			wait, least := a.when[i].Sub(a.when[i-1]), backoff[min(i-1, len(backoff)-1)]
			if wait < least || wait > least+least/10+look {
				t.Errorf("attempt %d after %v, want %v", i, wait, least)
			}
		}
		if got := b.told(); !slices.Equal(got, []string{"certificate_failing"}) {
			t.Errorf("told %v", got)
		}
		a.err = errors.New("something else")
		a.after(day + 4*time.Hour)
		if got := b.told(); !slices.Equal(got, []string{"certificate_failing"}) || m.Info().ACME.Code != CodeFailed {
			t.Errorf("another kind of failure: told %v, %+v", got, m.Info().ACME)
		}
		a.err = nil
		setACME(t, m, "nvr.example.org") // a person tries at once
		a.after(time.Second)
		if got := m.Info().ACME; got.State != StateIssued || got.Error != "" || !got.NextTry.IsZero() {
			t.Errorf("%+v", got)
		}
	})
}

func TestAServerThatWantsFewerAttemptsGetsFewer(t *testing.T) {
	a := &fakeACME{err: &failure{CodeRateLimited, "Slow down.", nil}}
	acmeBox(t, a, func(_ *box, m *Manager) {
		setACME(t, m, "nvr.example.org")
		a.after(rateLimit - time.Minute)
		if len(a.orders) != 1 {
			t.Errorf("%d attempts in six hours", len(a.orders))
		}
	})
}

func TestAnotherServerMeansAnotherCertificate(t *testing.T) {
	a := &fakeACME{life: 90 * day}
	acmeBox(t, a, func(_ *box, m *Manager) {
		setACME(t, m, "nvr.example.org")
		a.after(time.Second)
		staging := ACME{Domain: "nvr.example.org", Challenge: HTTP01, Directory: "https://ca.example.org/dir"}
		if err := m.Set(t.Context(), Settings{Mode: ModeACME, ACME: staging}); err != nil {
			t.Fatal(err)
		}
		a.after(time.Second)
		if len(a.orders) != 2 {
			t.Errorf("%d orders", len(a.orders))
		}
	})
}

func TestAMadAnswerEndsTheAttemptAlone(t *testing.T) {
	a := &fakeACME{life: 90 * day, mad: true}
	acmeBox(t, a, func(_ *box, m *Manager) {
		setACME(t, m, "nvr.example.org")
		a.after(time.Second)
		if got := m.Info().ACME; got.Code != CodeFailed || got.State != StateFailing {
			t.Errorf("%+v", got)
		}
	})
}

func TestOtherSettingsEndAnAttempt(t *testing.T) {
	a := &fakeACME{life: 90 * day, hang: true}
	acmeBox(t, a, func(_ *box, m *Manager) {
		setACME(t, m, "old.example.org")
		a.after(time.Second)
		if got := m.Info().ACME.State; got != StateWorking {
			t.Errorf("%s", got)
		}
		a.hang = false
		setACME(t, m, "new.example.org")
		a.after(time.Second)
		if got := m.Info(); got.Names[0] != "new.example.org" || len(a.orders) != 2 {
			t.Errorf("%d orders, %+v", len(a.orders), got)
		}
		a.hang = true
		setACME(t, m, "newer.example.org") // the previous domain stays meanwhile
		a.after(attemptTime - time.Minute)
		if got := m.Info(); got.Names[0] != "new.example.org" || got.ACME.State != StateWorking {
			t.Errorf("%+v", got)
		}
		a.after(2 * time.Minute)
		if got := m.Info().ACME.State; got != StateFailing {
			t.Errorf("an attempt without end: %s", got)
		}
	})
}

func TestAGivenCertificateStaysUntilACMEDelivers(t *testing.T) {
	a := &fakeACME{life: 90 * day, err: errors.New("not yet")}
	acmeBox(t, a, func(b *box, m *Manager) {
		key := ecKey(t)
		given := a.authority.certify(t, key, func(c *x509.Certificate) { c.DNSNames = []string{"given.example.org"} })
		if err := m.Set(t.Context(), Settings{Mode: ModeGiven, Certificate: given, Key: keyPEM(t, key)}); err != nil {
			t.Fatal(err)
		}
		setACME(t, m, "nvr.example.org")
		a.after(time.Second)
		for _, m := range []*Manager{m, b.open(t, Options{Dir: m.o.Dir})} {
			if got := m.Info().Names[0]; got != "given.example.org" {
				t.Errorf("%s is served", got)
			}
		}
		a.err = nil
		a.after(2 * time.Minute)
		for _, m := range []*Manager{m, b.open(t, Options{Dir: m.o.Dir})} {
			if got := m.Info().Names[0]; got != "nvr.example.org" {
				t.Errorf("%s is served", got)
			}
		}
		a.err = errors.New("not yet")
		setACME(t, m, "other.example.org")
		a.after(time.Second)
		if got := m.Info().Names[0]; got != "nvr.example.org" {
			t.Errorf("%s is served instead of the last one fetched", got)
		}
		if err := m.Set(t.Context(), Settings{Mode: ModeOwn}); err != nil {
			t.Fatal(err)
		}
		setACME(t, m, "third.example.org")
		a.after(time.Second)
		if got := m.Info().Names[0]; got != "vedette.local" {
			t.Errorf("%s is served instead of the box's own", got)
		}
	})
}

func TestNothingIsFetchedWithoutADate(t *testing.T) {
	a := &fakeACME{life: 90 * day}
	acmeBox(t, a, func(b *box, m *Manager) {
		b.set(time.Time{}, false)
		setACME(t, m, "nvr.example.org")
		a.after(time.Hour)
		if len(a.orders) != 0 || m.Info().ACME.State != StatePending {
			t.Errorf("%d orders, %+v", len(a.orders), m.Info().ACME)
		}
		b.set(time.Time{}, true)
		a.after(time.Minute)
		if len(a.orders) != 1 {
			t.Error("not fetched once the date is known")
		}
	})
}

func TestAnAuthorityThatRevokesIsObeyed(t *testing.T) {
	a := &fakeACME{life: 90 * day}
	acmeBox(t, a, func(_ *box, m *Manager) {
		a.renew = renewal{at: time.Now().Add(70 * day), again: 20 * time.Hour}
		setACME(t, m, "nvr.example.org")
		a.after(5 * day)
		if len(a.orders) != 1 || a.orders[0].replaces != nil || a.asked != 5 { // after a day, then every 20 h
			t.Fatalf("%d orders, asked %d times", len(a.orders), a.asked)
		}
		a.renew.again = time.Minute // no server needs that
		a.after(day)
		if a.asked > 9 {
			t.Errorf("asked %d times", a.asked)
		}
		a.renew.at = time.Now()
		a.after(askEvery + 2*time.Minute)
		if len(a.orders) != 2 || a.orders[1].replaces == nil {
			t.Errorf("%d orders", len(a.orders))
		}
	})
}

func TestTheEndOfAGivenCertificateIsToldFourTimes(t *testing.T) {
	a := &fakeACME{}
	acmeBox(t, a, func(b *box, m *Manager) {
		root, key := newAuthority(t, nil), ecKey(t)
		if err := m.Set(t.Context(), Settings{Mode: ModeGiven, Certificate: root.certify(t, key, nil), Key: keyPEM(t, key)}); err != nil {
			t.Fatal(err)
		}
		b.set(time.Now().Add(80*day), false) // a date that nobody believes
		a.after(2 * time.Minute)
		if got := b.told(); len(got) != 0 {
			t.Errorf("told %v without a date", got)
		}
		b.set(time.Time{}, true)
		a.after(day - 2*time.Minute)
		var days []int
		for day := range 100 {
			a.after(24 * time.Hour)
			if n := len(b.told()); n > 0 {
				days = append(days, 90-day-2)
			}
		}
		if !slices.Equal(days, []int{30, 14, 7, 1}) {
			t.Errorf("told at %v days", days)
		}
		if got := b.detail[1]["days"]; got != 14 {
			t.Errorf("days %v", got)
		}
	})
}

func TestTheEndOfAFetchedCertificateIsToldIfItCannotBeRenewed(t *testing.T) {
	a := &fakeACME{life: 90 * day}
	acmeBox(t, a, func(b *box, m *Manager) {
		setACME(t, m, "nvr.example.org")
		a.after(59 * day)
		b.told()
		a.after(20 * day) // renewed at 60
		if got := b.told(); !slices.Equal(got, []string{"certificate_renewed"}) {
			t.Errorf("told %v", got)
		}
		a.err = errors.New("broken")
		a.after(75 * day)
		got := b.told()
		slices.Sort(got)
		if got = slices.Compact(got); !slices.Equal(got, []string{"certificate_expiring", "certificate_failing"}) {
			t.Errorf("told %v", got)
		}
		if m.Info().Names[0] != "nvr.example.org" {
			t.Error("the certificate is no longer served")
		}
	})
}

func TestAShortLifeIsNoEnd(t *testing.T) {
	a := &fakeACME{life: 6 * day}
	acmeBox(t, a, func(b *box, m *Manager) {
		setACME(t, m, "nvr.example.org")
		a.after(20 * day)
		got := b.told()
		if slices.Contains(got, "certificate_expiring") || len(got) < 4 {
			t.Errorf("told %v", got)
		}
	})
}

func TestRunRenewsTheOwnCertificateAndSeesNewNames(t *testing.T) {
	a := &fakeACME{}
	acmeBox(t, a, func(b *box, m *Manager) {
		before := m.Info()
		a.after(time.Minute + time.Second)
		b.call("vedette.local", "192.168.1.5")
		a.after(time.Minute)
		b.call("vedette.local", "192.168.1.6") // it does not settle
		a.after(time.Minute)
		if got := m.Info().Names; len(got) != 1 {
			t.Errorf("names %v", got)
		}
		a.after(time.Minute)
		if got := m.Info().Names; !slices.Equal(got, []string{"vedette.local", "192.168.1.6"}) {
			t.Errorf("names %v", got)
		}
		cert := m.Info().Certificate
		b.call("vedette.local") // a cable that is out for a while is no reason
		a.after(5 * time.Minute)
		if m.Info().Certificate != cert {
			t.Error("issued again for fewer names")
		}
		if got := b.told(); len(got) != 0 {
			t.Errorf("told %v", got)
		}
		a.after(270 * day)
		if got := b.told(); !slices.Equal(got, []string{"certificate_renewed"}) || m.Info().Fingerprint != before.Fingerprint {
			t.Errorf("told %v", got)
		}
	})
}
