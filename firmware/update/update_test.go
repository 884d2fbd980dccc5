package update

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"vedette/firmware/slots"
)

const given = 300 * time.Second

func TestAnUpdateIsInstalledStartedAndConfirmed(t *testing.T) {
	b := newBox(t)
	synctest.Test(t, func(t *testing.T) {
		run(t, b.boot(slots.A, "v1.0.0", 0), func(context.CancelFunc) {
			if !b.confirmed() {
				t.Error("the guard is not told that A is good")
			}
		})
		u := b.boot(slots.A, "v1.0.0", 0)
		run(t, u, func(context.CancelFunc) {
			if err := u.Install(Request{}); !errors.Is(err, ErrNothing) {
				t.Errorf("without a bundle: %v", err)
			}
			receive(t, u)
			if err := u.Restart(); !errors.Is(err, ErrNothing) {
				t.Errorf("restart before it is installed: %v", err)
			}
			if err := u.Install(Request{Restart: true}); err != nil {
				t.Fatal(err)
			}
			for _, err := range []error{u.Install(Request{}), u.Restart(), u.Receive(t.Context(), nil, 1)} {
				if !errors.Is(err, ErrBusy) {
					t.Errorf("while it is installed: %v, want ErrBusy", err)
				}
			}
			pass(time.Second)
			if s := u.Status(); s.Busy != Installing || s.Percent != 80 || s.Message != "Updating slots" {
				t.Errorf("%+v", s)
			}
			if s := b.state(); s.Bootable(slots.B) {
				t.Errorf("B may be booted while it is written: %+v", s)
			}
			pass(b.slow + 5*time.Second)
			s := u.Status()
			if s.Busy != Installed || s.Error != "" || s.Other != (Other{"B", "v1.1.0", "trial"}) {
				t.Errorf("%+v", s)
			}
			if b.rebooted() != 0 {
				t.Error("restarted without a moment for the panel")
			}
			pass(grace)
			if b.rebooted() != 1 {
				t.Errorf("restarted %d times, want once", b.rebooted())
			}
		})
		if got := b.told(); !slices.Equal(got, []string{"update_installed"}) {
			t.Errorf("told %v", got)
		}
		if left, _ := filepath.Glob(filepath.Join(b.dir, "update", "incoming*")); left != nil {
			t.Errorf("left %v", left)
		}
		if left, _ := os.ReadDir(filepath.Join(b.dir, "run")); len(left) != 1 {
			t.Errorf("left %v", left)
		}
		if b.running() != 0 {
			t.Errorf("%d programs still run", b.running())
		}

		b.restarted()
		next, _ := slots.Next(b.state(), [2]bool{true, true})
		if next.Slot != slots.B || !next.Trial {
			t.Fatalf("%+v", next)
		}
		if err := b.store.Save(next.State); err != nil {
			t.Fatal(err)
		}
		u = b.boot(slots.B, "v1.1.0", given)
		run(t, u, func(context.CancelFunc) {
			pass(119 * time.Second)
			if s := u.Status(); b.confirmed() || b.state().Good[slots.B] || s.Trial == nil || s.Trial.Until.Sub(s.Trial.Since) != 285*time.Second {
				t.Errorf("after 119 s: %+v, %+v", s.Trial, b.state())
			}
			if err := u.Install(Request{URL: "http://x/"}); !errors.Is(err, ErrTrial) {
				t.Errorf("installed in a trial: %v", err)
			}
			pass(3 * time.Second)
			if s := u.Status(); !b.confirmed() || !b.state().Good[slots.B] || s.Trial != nil {
				t.Errorf("after 122 s: %+v, %+v", s, b.state())
			}
		})
		if got := b.told(); !slices.Equal(got, []string{"update_confirmed"}) {
			t.Errorf("told %v", got)
		}
		if p := b.lastPayload(); p["from"] != "v1.0.0" || p["to"] != "v1.1.0" {
			t.Errorf("%v", p)
		}
		b.restarted()
		run(t, b.boot(slots.B, "v1.1.0", 0), func(context.CancelFunc) {})
		if got := b.told(); len(got) != 0 || !b.confirmed() {
			t.Errorf("at the start after: told %v, confirmed %v", got, b.confirmed())
		}
	})
}

func TestAnUpdateThatIsRefusedTouchesNothing(t *testing.T) {
	tests := []struct {
		name   string
		spoil  func(b *box)
		bundle func([]byte) []byte
		older  bool
		want   error // nil = accepted
		event  string
	}{
		{name: "a newer one", spoil: func(*box) {}},
		{name: "another key", spoil: func(b *box) {
			b.infoErr = errors.New("rauc: exit status 1: signature verification failed: Verify error: self-signed certificate")
		}, want: ErrSignature, event: "signature"},
		{name: "what RAUC finds damaged", spoil: func(b *box) {
			b.infoErr = errors.New("rauc: exit status 1: Invalid bundle format: Payload size")
		}, want: ErrDamaged, event: "damaged"},
		{name: "another board", spoil: func(b *box) { b.offer("v1.1.0", "rpi4") }, want: ErrBoard, event: "board"},
		{name: "an older one", spoil: func(b *box) { b.offer("v0.9.9", "rock5b") }, want: ErrOlder, event: "older"},
		{name: "the same", spoil: func(b *box) { b.offer("v1.0.0", "rock5b") }, want: ErrOlder, event: "older"},
		{name: "no version", spoil: func(b *box) { b.offer("nightly", "rock5b") }, want: ErrOlder, event: "older"},
		{name: "an older one that is allowed", spoil: func(b *box) { b.offer("v0.9.9", "rock5b") }, older: true},
		{name: "another board, and older ones are allowed", spoil: func(b *box) { b.offer("v0.1.0", "rpi4") }, older: true, want: ErrBoard, event: "board"},
		{name: "no image", spoil: func(b *box) { b.manifest = `{"compatible":"vedette-rock5b","version":"v2.0.0","images":[]}` }, want: ErrDamaged, event: "damaged"},
		{name: "an image for something else", spoil: func(b *box) {
			b.manifest = `{"compatible":"vedette-rock5b","version":"v2.0.0","images":[{"boot":{"checksum":"00","size":5}}]}`
		}, want: ErrDamaged, event: "damaged"},
		{name: "an image larger than a slot", spoil: func(b *box) {
			b.manifest = `{"compatible":"vedette-rock5b","version":"v2.0.0","images":[{"rootfs":{"checksum":"` + string(bytes.Repeat([]byte("0"), 64)) + `","size":268435457}}]}`
		}, want: ErrTooLarge, event: "too_large"},
		{name: "no squashfs", spoil: func(*box) {}, bundle: func(c []byte) []byte { return append([]byte("PK"), c[2:]...) }, want: ErrDamaged, event: "damaged"},
		{name: "a truncated one", spoil: func(*box) {}, bundle: func(c []byte) []byte { return c[:len(c)-1] }, want: ErrDamaged, event: "damaged"},
		{name: "one without its signature", spoil: func(*box) {}, bundle: func(c []byte) []byte { return c[:4096] }, want: ErrDamaged, event: "damaged"},
		{name: "three bytes", spoil: func(*box) {}, bundle: func(c []byte) []byte { return c[:3] }, want: ErrDamaged, event: "damaged"},
	}
	for _, tt := range tests {
		b := newBox(t)
		synctest.Test(t, func(t *testing.T) {
			tt.spoil(b)
			before, slotB := b.state(), b.slot(slots.B)
			u := b.boot(slots.A, "v1.0.0", 0)
			run(t, u, func(context.CancelFunc) {
				content := bundle()
				if tt.bundle != nil {
					content = tt.bundle(content)
				}
				if err := u.Receive(t.Context(), bytes.NewReader(content), -1); err != nil {
					t.Fatal(err)
				}
				_, err := u.Check(t.Context(), tt.older)
				if !errors.Is(err, tt.want) {
					t.Errorf("%s: %v, want %v", tt.name, err, tt.want)
				}
				if tt.want == nil {
					return
				}
				if got := b.told(); !slices.Equal(got, []string{"update_refused"}) || b.lastPayload()["reason"] != tt.event {
					t.Errorf("%s: told %v, %v", tt.name, got, b.lastPayload())
				}
				if s := u.Status(); s.Error != err.Error() || s.Busy != Idle {
					t.Errorf("%s: %+v", tt.name, s)
				}
				// By itself, an installation refuses the same.
				if err := u.Install(Request{}); !errors.Is(err, ErrNothing) {
					t.Errorf("%s: what was refused is still there: %v", tt.name, err)
				}
				if err := u.Receive(t.Context(), bytes.NewReader(content), -1); err != nil {
					t.Fatal(err)
				}
				if err := u.Install(Request{AllowOlder: tt.older}); err != nil {
					t.Fatal(err)
				}
				pass(2 * b.slow)
			})
			if tt.want == nil {
				return
			}
			if !b.state().Equal(before) || !bytes.Equal(b.slot(slots.B), slotB) {
				t.Errorf("%s: the slot or its state has changed", tt.name)
			}
			for _, program := range b.seen {
				if !bytes.Contains([]byte(program), []byte(" info ")) {
					t.Errorf("%s: %s was run", tt.name, program)
				}
			}
		})
	}
}

func TestAnInstallationThatFailsLeavesTheRunningSlot(t *testing.T) {
	tests := []struct {
		name  string
		spoil func(b *box)
		want  error
	}{
		{"RAUC fails", func(b *box) { b.installer = errors.New("no room on device") }, ErrInstall},
		{"no message bus", func(b *box) { b.noBus = true }, ErrInstall},
		{"the service does not come", func(b *box) { b.deaf = true }, ErrInstall},
		{"the service dies", func(b *box) { b.dies, b.deaf = errors.New("rauc: exit status 1: keyring is missing"), true }, ErrInstall},
		{"it takes for ever", func(b *box) { b.slow = 24 * time.Hour }, context.DeadlineExceeded},
		{"the device kept something else", func(b *box) { b.image = append(b.image[:9000:9000], bytes.Repeat([]byte{0}, 7384)...) }, ErrReadBack},
		{"RAUC has activated what is damaged", func(b *box) { b.eager, b.image = true, append(b.image[:9000:9000], bytes.Repeat([]byte{0}, 7384)...) }, ErrReadBack},
		{"the device is too small", func(b *box) { b.image = b.image[:8192] }, ErrReadBack},
		{"the image is for another board", func(b *box) {
			b.offer("v1.1.0", "rpi4")
			b.manifest = string(bytes.Replace([]byte(b.manifest), []byte("vedette-rpi4"), []byte("vedette-rock5b"), 1))
		}, ErrReadBack},
	}
	for _, tt := range tests {
		b := newBox(t)
		tt.spoil(b)
		synctest.Test(t, func(t *testing.T) {
			u := b.boot(slots.A, "v1.0.0", 0)
			var got error
			run(t, u, func(context.CancelFunc) {
				receive(t, u)
				// The step itself, to see its error.
				if err := u.claim(Checking); err != nil {
					t.Fatal(err)
				}
				got = u.do(t.Context(), Request{Restart: true})
				if b.running() != 0 {
					t.Errorf("%s: %d programs still run", tt.name, b.running())
				}
				pass(time.Minute)
			})
			if tt.want == context.DeadlineExceeded {
				if got == nil || errors.Is(got, ErrInstall) {
					t.Errorf("%s: %v", tt.name, got)
				}
			} else if !errors.Is(got, tt.want) {
				t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
			}
			if n, ok := slots.Next(b.state(), [2]bool{true, true}); !ok || n.Slot != slots.A || n.Trial || b.state().Bootable(slots.B) {
				t.Errorf("%s: %+v", tt.name, b.state())
			}
			if ev := b.told(); !slices.Equal(ev, []string{"update_failed"}) {
				t.Errorf("%s: told %v", tt.name, ev)
			}
			if s := u.Status(); s.Busy != Idle || s.Error == "" || b.rebooted() != 0 {
				t.Errorf("%s: %+v, %d restarts", tt.name, s, b.rebooted())
			}
		})
	}
}

func TestAnInstallationEndsWithTheProcess(t *testing.T) {
	b := newBox(t)
	synctest.Test(t, func(t *testing.T) {
		u := b.boot(slots.A, "v1.0.0", 0)
		run(t, u, func(context.CancelFunc) {
			receive(t, u)
			if err := u.Install(Request{}); err != nil {
				t.Fatal(err)
			}
			pass(time.Second)
			if b.running() != 3 {
				t.Errorf("%d programs run, want 3", b.running())
			}
		})
		if b.running() != 0 {
			t.Errorf("%d programs outlive it", b.running())
		}
		if s := b.state(); s.First != slots.A || s.Bootable(slots.B) || len(b.told()) != 0 {
			t.Errorf("%+v", s)
		}
		// The power goes after an upload: the next start tells.
		u = b.boot(slots.A, "v1.0.0", 0)
		run(t, u, func(context.CancelFunc) { receive(t, u) })
		u = b.boot(slots.A, "v1.0.0", 0)
		run(t, u, func(context.CancelFunc) {
			if got := b.told(); !slices.Equal(got, []string{"update_failed"}) {
				t.Errorf("told %v", got)
			}
			if err := u.Install(Request{}); !errors.Is(err, ErrNothing) {
				t.Errorf("what was left is still there: %v", err)
			}
		})
	})
}

func TestWhatIsInstalledWaitsForTheRestart(t *testing.T) {
	b := newBox(t)
	synctest.Test(t, func(t *testing.T) {
		u := b.boot(slots.A, "dev", 0)
		run(t, u, func(context.CancelFunc) {
			receive(t, u)
			if err := u.Install(Request{}); err != nil {
				t.Fatal(err)
			}
			pass(2 * b.slow)
			if b.lastPayload()["note"] == nil {
				t.Errorf("a version that cannot be compared is not noted: %v", b.lastPayload())
			}
		})
		b.told()
		// The process is started again, the machine is not.
		b.boots--
		u = b.boot(slots.A, "dev", 0)
		run(t, u, func(context.CancelFunc) {
			if s := u.Status(); s.Busy != Installed {
				t.Errorf("%+v", s)
			}
			// Another one takes its place, and fails.
			b.installer = errors.New("no")
			receive(t, u)
			if err := u.Install(Request{}); err != nil {
				t.Fatal(err)
			}
			pass(2 * b.slow)
			if s := u.Status(); s.Busy != Idle || b.state().Bootable(slots.B) {
				t.Errorf("%+v, %+v", s, b.state())
			}
			if err := u.Restart(); !errors.Is(err, ErrNothing) {
				t.Errorf("%v", err)
			}
			b.installer = nil
			receive(t, u)
			if err := u.Install(Request{}); err != nil {
				t.Fatal(err)
			}
			pass(2 * b.slow)
			b.told()
			if err := u.Restart(); err != nil {
				t.Fatal(err)
			}
			pass(grace)
			if b.rebooted() != 1 {
				t.Errorf("%d restarts", b.rebooted())
			}
		})
		if got := b.told(); len(got) != 0 {
			t.Errorf("told %v", got)
		}
	})
}
