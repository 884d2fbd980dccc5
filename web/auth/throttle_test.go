package auth

import (
	"errors"
	"fmt"
	"runtime"
	"testing"
	"testing/synctest"
	"time"
)

func TestAnAddressIsSlowedAfterFiveFailures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		th := newThrottle()
		var waits []time.Duration
		for i := range 14 {
			user := fmt.Sprint("u", i) // one guess each
			_, wait := th.admit("10.0.0.1:1", user)
			waits = append(waits, wait)
			if wait > 0 {
				time.Sleep(wait)
				if _, again := th.admit("10.0.0.1:2", user); again != 0 {
					t.Fatalf("attempt %d refused after the wait it was told", i)
				}
			}
		}
		want := []time.Duration{0, 0, 0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 60, 60}
		for i := range want {
			if waits[i] != want[i]*time.Second {
				t.Errorf("waits = %v, want %v seconds", waits, want)
				break
			}
		}
	})
}

func TestRefusedAttemptsDoNotProlongTheWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		th := newThrottle()
		for range freePerAddress + 1 {
			th.admit("10.0.0.1:1", "owner")
		}
		for range 1000 {
			if _, wait := th.admit("10.0.0.1:1", "owner"); wait <= 0 {
				t.Fatal("admitted during the wait")
			}
		}
		time.Sleep(time.Second)
		if _, wait := th.admit("10.0.0.1:1", "owner"); wait != 0 {
			t.Errorf("wait = %v after a second, want none", wait)
		}
	})
}

func TestSuccessTakesTheAttemptBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		th := newThrottle()
		for range 50 {
			success, wait := th.admit("10.0.0.1:1", "owner")
			if wait > 0 {
				t.Fatalf("a user with the right password waits %v", wait)
			}
			success()
		}
	})
}

func TestQuietAddressesAreForgottenAndTheTableIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		th := newThrottle()
		for range 6 {
			th.admit("10.0.0.1:1", "owner")
		}
		for i := range 3 * maxLanes {
			th.admit(fmt.Sprintf("[2001:db8:%x:%x::1]:1", i>>8, i&255), fmt.Sprint(i))
		}
		if len(th.lanes) > maxLanes+1 {
			t.Errorf("%d lanes, want at most %d", len(th.lanes), maxLanes)
		}
		if th.lanes["a:10.0.0.1"] == nil {
			t.Error("the address with the most failures was put out by strangers")
		}
		time.Sleep(forgetAfter)
		if _, wait := th.admit("10.0.0.1:1", "owner"); wait != 0 {
			t.Errorf("wait = %v after half an hour, want none", wait)
		}
	})
}

func TestAddressesOfOneNetworkCountTogether(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"IPv4 with its port", "10.0.0.1:99", "10.0.0.1"},
		{"IPv4 written as IPv6", "[::ffff:10.0.0.1]:99", "10.0.0.1"},
		{"IPv6 by its /64", "[2001:db8:1:2:3:4:5:6]:99", "2001:db8:1:2::/64"},
		{"a zone does not count", "[fe80::1%eth0]:99", "fe80::/64"},
		{"something else stays as it is", "@", "@"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := network(tt.in); got != tt.want {
				t.Errorf("network(%q) = %q, want %q", tt.in, got, tt.want)
			}
		})
	}
}

// TestAFloodOfGuessesIsSlowedAndTheOwnerStillGetsIn sends 10,000 guesses from
// fifty addresses in an hour, in the middle of which the owner comes, who
// mistypes the password four times.
func TestAFloodOfGuessesIsSlowedAndTheOwnerStillGetsIn(t *testing.T) {
	for _, spread := range []bool{false, true} {
		t.Run(fmt.Sprint("many user names ", spread), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBox(t, Options{})
				b.claimed(t)
				evaluated, sent := 0, 0
				for round := range 200 {
					for a := range 50 {
						user := "owner"
						if spread {
							user = fmt.Sprint("user", sent)
						}
						sent++
						_, err := b.Login(t.Context(), from(fmt.Sprintf("10.1.0.%d:1", a)), user, "guess number 1", "")
						var te *ThrottledError
						if !errors.As(err, &te) {
							evaluated++
						} else if te.RetryAfter > maxDelay {
							t.Fatalf("told to wait %v, want at most %v", te.RetryAfter, maxDelay)
						}
					}
					if round == 100 {
						ownerComes(t, b, 4)
					}
					time.Sleep(18 * time.Second)
				}
				if sent < 10_000 || evaluated > 1000 {
					t.Errorf("%d of %d guesses evaluated, want at most 1000", evaluated, sent)
				}
				t.Logf("%d of %d guesses evaluated", evaluated, sent)
				ownerComes(t, b, 0)
				if n := len(b.told()); n > 3*evaluated {
					t.Errorf("%d notices of %d attempts that were looked at", n, evaluated)
				}
			})
		})
	}
}

func ownerComes(t *testing.T, b *box, typos int) {
	t.Helper()
	for range typos {
		if _, err := b.Login(t.Context(), from("10.0.0.7:1"), "owner", "correct hrose", ""); !errors.Is(err, ErrCredentials) {
			t.Errorf("a typo of the owner: %v, want ErrCredentials", err)
		}
	}
	if _, err := b.Login(t.Context(), from("10.0.0.7:1"), "owner", goodPassword, ""); err != nil {
		t.Errorf("the owner after %d typos: %v, want to get in at once", typos, err)
	}
}

func TestAFloodOfAddressesTakesLittleMemory(t *testing.T) {
	th := newThrottle()
	heap := func() int64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	before := heap()
	for i := range 50_000 {
		th.admit(fmt.Sprintf("[2001:db8:%x:%x::1]:1", i>>12, i&4095), fmt.Sprint("user ", i))
	}
	grown := heap() - before
	t.Logf("%d lanes take %d bytes", len(th.lanes), grown)
	if grown > 2<<20 {
		t.Errorf("%d bytes after 50,000 addresses, want at most 2 MiB", grown)
	}
	runtime.KeepAlive(th)
}

func TestARefusalIsToldOfOncePerWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		th := newThrottle()
		told := 0
		for range 600 { // for ten minutes
			if _, wait := th.admit("10.0.0.1:1", "owner"); wait > 0 && th.firstRefusal("10.0.0.1:2") {
				told++
			}
			time.Sleep(time.Second)
		}
		if told < 3 || told > 20 {
			t.Errorf("told %d times in ten minutes, want a few", told)
		}
	})
}

func TestOneLaneHasNoExemptAddresses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		th := newThrottle()
		for range 3 {
			if _, wait := th.admitOne("x", 2); wait != 0 {
				t.Fatal("held off within what is free, or at the first attempt after it")
			}
		}
		_, wait := th.admitOne("x", 2)
		if wait != time.Second {
			t.Fatalf("wait %v, want a second", wait)
		}
		time.Sleep(wait)
		success, _ := th.admitOne("x", 2)
		success()
		if _, wait := th.admitOne("x", 2); wait != 0 {
			t.Errorf("wait %v after a success, want none", wait)
		}
		if _, wait := th.admitOne("y", 2); wait != 0 {
			t.Errorf("another lane waits %v", wait)
		}
	})
}
