package keys

import (
	"context"
	"errors"
	"path/filepath"
	"runtime"
	"testing"
	"testing/synctest"
	"time"
)

func TestAKeyEndsWithinASecondOfItsExpiry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBox(t)
		n := worker()
		n.Expires = time.Now().Add(time.Hour + time.Millisecond)
		_, forever := b.add(t, worker())
		time.Sleep(time.Microsecond)
		n.Expires = n.Expires.Add(time.Microsecond)
		k, secret := b.add(t, n)
		stop := b.running(t)
		_, ctx, _ := b.Check(secret)
		_, other, _ := b.Check(forever)
		time.Sleep(time.Hour)
		synctest.Wait()
		if _, _, ok := b.Check(secret); !ok || ctx.Err() != nil {
			t.Error("over a millisecond early")
		}
		time.Sleep(time.Second + time.Millisecond)
		synctest.Wait()
		if ctx.Err() == nil {
			t.Error("what runs under it goes on, a second after its expiry")
		}
		if _, _, ok := b.Check(secret); ok {
			t.Error("it opens after its expiry")
		}
		if other.Err() != nil {
			t.Error("another key went with it")
		}
		if list := b.List(); len(list) != 2 || list[1].ID != k.ID || !list[1].Expired || list[0].Expired {
			t.Errorf("list %+v, want the second expired", list)
		}
		if err := stop(); !errors.Is(err, context.Canceled) {
			t.Errorf("Run = %v, want context.Canceled", err)
		}
	})
}

func TestCheckRefusesAtTheExpiryWithoutRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBox(t)
		n := worker()
		n.Expires = time.Now().Add(time.Hour)
		_, secret := b.add(t, n)
		time.Sleep(time.Hour - time.Nanosecond)
		_, ctx, ok := b.Check(secret)
		if !ok {
			t.Error("over a nanosecond early")
		}
		time.Sleep(time.Nanosecond)
		if _, _, ok := b.Check(secret); ok || ctx.Err() == nil {
			t.Error("not over at its expiry")
		}
	})
}

// TestAnExpiredKeyStaysSoOnAClockInThePast: the box starts in 1970 again, or,
// as synctest's clock has it, in 2000.
func TestAnExpiredKeyStaysSoOnAClockInThePast(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	var secret, forever string
	synctest.Test(t, func(t *testing.T) {
		b := openBox(t, path)
		n := worker()
		n.Expires = time.Now().Add(time.Hour + 400*time.Millisecond)
		_, secret = b.add(t, n)
		_, forever = b.add(t, worker())
		b.running(t)
		time.Sleep(time.Hour + 500*time.Millisecond)
		b.List() // looking at it must not hide it from Run
		time.Sleep(time.Second)
		synctest.Wait() // no clean end: the power is cut
		b.db.Close()
	})
	synctest.Test(t, func(t *testing.T) {
		b := openBox(t, path)
		if _, ctx, ok := b.Check(secret); ok || ctx.Err() == nil {
			t.Error("it opens again")
		}
		before := b.commits(t)
		if _, _, ok := b.Check(forever); !ok {
			t.Error("another key went with it")
		}
		b.running(t)
		time.Sleep(time.Minute)
		synctest.Wait()
		if n := b.commits(t) - before; n != 0 {
			t.Errorf("%d transactions to say again that it has expired, want 0", n)
		}
	})
}

// TestWhatCouldNotBeStoredAtTheExpiryIsStoredLater: with the times of use.
func TestWhatCouldNotBeStoredAtTheExpiryIsStoredLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBox(t)
		n := worker()
		n.Expires = time.Now().Add(time.Minute)
		k, _ := b.add(t, n)
		time.Sleep(time.Minute)
		b.List()
		if err := b.flush(); err != nil {
			t.Fatal(err)
		}
		b.reopen(t)
		if !b.byID[k.ID].key.Expired {
			t.Error("not stored that it has expired")
		}
	})
}

func TestUseIsWrittenOnceAnHourInOneTransaction(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBox(t)
		var secrets []string
		for range 10 {
			_, secret := b.add(t, worker())
			secrets = append(secrets, secret)
		}
		before := b.commits(t)
		for range 1000 {
			for _, secret := range secrets {
				if _, _, ok := b.Check(secret); !ok {
					t.Fatal("refused")
				}
			}
			b.Check("vdt_nobody")
		}
		if n := b.commits(t) - before; n != 0 {
			t.Errorf("%d transactions by 10,000 checks, want 0", n)
		}
		stop := b.running(t)
		time.Sleep(59 * time.Minute)
		synctest.Wait()
		if n := b.commits(t) - before; n != 0 {
			t.Errorf("%d transactions within the hour, want 0", n)
		}
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		if n := b.commits(t) - before; n != 1 {
			t.Errorf("%d transactions for 10 keys after the hour, want 1", n)
		}
		time.Sleep(3 * time.Hour)
		synctest.Wait()
		if n := b.commits(t) - before; n != 1 {
			t.Errorf("%d transactions after three hours without use, want 1 still", n)
		}
		used := time.Now().UTC()
		b.Check(secrets[3])
		if err := stop(); !errors.Is(err, context.Canceled) {
			t.Errorf("Run = %v", err)
		}
		if n := b.commits(t) - before; n != 2 {
			t.Errorf("%d transactions at the end, want 2", n)
		}
		k, _, _ := b.Check(secrets[3])
		b.reopen(t)
		for _, l := range b.List() {
			if want := l.ID == k.ID; l.LastUsed.Equal(used) != want || l.LastUsed.IsZero() {
				t.Errorf("last used %v, want the time of its use", l.LastUsed)
			}
		}
	})
}

// TestADeadDiskIsNotAskedEverySecond: one line in the log for a key that
// expires, and one an hour after that.
func TestADeadDiskIsNotAskedEverySecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBox(t)
		n := worker()
		n.Expires = time.Now().Add(time.Minute)
		_, secret := b.add(t, n)
		_, ctx, _ := b.Check(secret)
		b.db.Close()
		stop := b.running(t)
		time.Sleep(2*time.Hour + 30*time.Minute)
		synctest.Wait()
		if ctx.Err() == nil {
			t.Error("what runs under the key goes on")
		}
		if n := len(lines(b.logged())); n != 3 {
			t.Errorf("%d lines in the log, want 3:\n%s", n, b.logged())
		}
		if err := stop(); err == nil || errors.Is(err, context.Canceled) {
			t.Errorf("Run = %v, want what could not be stored", err)
		}
	})
}

// TestNobodyWaitsForASlowCard: while a write hangs, keys open, and a removed
// one is over at once. The write that was under way does not bring it back.
func TestNobodyWaitsForASlowCard(t *testing.T) {
	b := newBox(t)
	k, secret := b.add(t, worker())
	_, other := b.add(t, worker())
	_, ctx, _ := b.Check(secret)
	tx, err := b.db.Bolt.Begin(true) // the card hangs
	if err != nil {
		t.Fatal(err)
	}
	flushed, removed := make(chan error, 1), make(chan error, 1)
	go func() { flushed <- b.flush() }()
	for b.disk.TryLock() { // until it has come as far as the card
		b.disk.Unlock()
		runtime.Gosched()
	}
	go func() { removed <- b.Remove(k.ID) }()
	select {
	case <-ctx.Done():
	case <-time.After(10 * time.Second):
		t.Error("the removed key goes on while the card hangs")
	}
	if _, _, ok := b.Check(secret); ok {
		t.Error("the removed key opens while the card hangs")
	}
	if _, _, ok := b.Check(other); !ok {
		t.Error("another key does not open while the card hangs")
	}
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(<-flushed, <-removed); err != nil {
		t.Fatal(err)
	}
	b.reopen(t)
	if _, _, ok := b.Check(secret); ok || len(b.List()) != 1 {
		t.Error("the write brought the removed key back")
	}
}

// TestWritesBringNoRemovedKeyBack removes keys while others of their writes
// run.
func TestWritesBringNoRemovedKeyBack(t *testing.T) {
	b := newBox(t)
	for range 200 {
		k, secret := b.add(t, worker())
		b.Check(secret)
		flushed := make(chan error, 1)
		go func() { flushed <- b.flush() }()
		if err := errors.Join(b.Remove(k.ID), <-flushed); err != nil {
			t.Fatal(err)
		}
	}
	if len(b.byHash) != 0 {
		t.Errorf("%d of 200 removed keys still take memory", len(b.byHash))
	}
	b.reopen(t)
	if n := len(b.List()); n != 0 {
		t.Errorf("%d of 200 removed keys are back after a restart", n)
	}
}

func TestAKeyHasItsShareOfRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBox(t)
		ordinary := worker()
		ordinary.Role = "relay"
		k, _ := b.add(t, ordinary)
		other, _ := b.add(t, ordinary)
		looking, _ := b.add(t, worker())
		admitted := func(tries int) (n int) {
			for range tries {
				if b.Admit(k.ID) == 0 {
					n++
				}
			}
			return n
		}
		if n := admitted(1000); n != 200 {
			t.Errorf("%d requests at once, want 200", n)
		}
		n := 0
		for b.Admit(looking.ID) == 0 {
			n++
		}
		if n != 2000 {
			t.Errorf("%d requests of a worker at once, want 2000: each picture is one", n)
		}
		if wait := b.Admit(k.ID); wait != 10*time.Millisecond {
			t.Errorf("wait %v, want 10ms", wait)
		}
		if wait := b.Admit(other.ID); wait != 0 {
			t.Errorf("another key waits %v", wait)
		}
		time.Sleep(10 * time.Millisecond)
		if n := admitted(3); n != 1 {
			t.Errorf("%d requests after 10 ms, want 1: those refused are not counted", n)
		}
		time.Sleep(time.Second)
		if n := admitted(1000); n != 100 {
			t.Errorf("%d requests after a second, want 100", n)
		}
		time.Sleep(time.Hour)
		if n := admitted(1000); n != 200 {
			t.Errorf("%d requests after an hour, want 200", n)
		}
		if wait := b.Admit("nobody"); wait != 0 {
			t.Errorf("a key that is gone waits %v", wait)
		}
	})
}
