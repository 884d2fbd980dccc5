// Package update owns a bundle from its upload to the confirmation of the system in
// it: it checks it before a byte of a slot is written, has RAUC write the slot that
// does not run, reads back what was written, activates it, and at the next start
// confirms it or goes back. It must never write the slot that runs, nor leave a state
// in which no slot works. docs/decisions/updates.md says why it is so.
package update

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"vedette/firmware/slots"
)

// Errors a caller may test for. All but the last two mean that no byte of a slot
// was written.
var (
	ErrBusy      = errors.New("an update is being received or installed")
	ErrNothing   = errors.New("there is no update")
	ErrTrial     = errors.New("the running system has not proved itself yet")
	ErrTooLarge  = errors.New("the update is too large")
	ErrNoSpace   = errors.New("there is no room for the update")
	ErrDamaged   = errors.New("the update is damaged")
	ErrSignature = errors.New("the update is not signed by a key that this system trusts")
	ErrBoard     = errors.New("the update is for another board")
	ErrOlder     = errors.New("the update is not newer than what runs")
	ErrReadBack  = errors.New("what the slot holds is not what was written")
	ErrInstall   = errors.New("the update could not be written")
)

// Health is what the trial of a new system asks.
type Health struct {
	OK      bool   // every vital part is well
	Waiting string // what is not; "" if all is
	Cameras int    // that are recorded now
}

// Options for New. All but Free, Why and Changed must be set.
type Options struct {
	Dir       string // of root alone, durable: holds a bundle, and pending.json during a trial
	RunDir    string // lost at a restart: holds what an installation needs, and a few KiB at that
	Confirmed string // path of the file that says that the running slot is good
	Config    string // path of RAUC's system.conf

	Board   string // as in board.IDs
	Version string // that runs
	BootID  string // of the kernel: another one after each start (/proc/sys/kernel/random/boot_id)

	Running slots.Slot
	Trial   time.Duration // that the running slot has been given, as slots.Running says
	Started time.Time     // of the system, when the trial began
	Store   *slots.Store
	Devices [2]string // paths of the slots

	Client *http.Client // for Fetch: where it may go is its affair
	Exec   Exec
	Free   func(dir string) (bytes int64, err error) // nil = asks the file system

	Health func() Health
	// Why, if not nil, tells why the system ended the last time, "" if it is not
	// known.
	Why func() string
	// Emit tells what happened: severity is info, warning or critical. It must not
	// block, nor must Changed, which says that Status has changed.
	Emit    func(kind, severity string, payload map[string]any)
	Changed func()
	// Reboot restarts the machine. It returns at once.
	Reboot func()
	Log    *slog.Logger
}

// Updater does the work. Its methods may be called concurrently.
type Updater struct {
	o       Options
	jobs    chan Request
	restart chan struct{}

	mu     sync.Mutex
	busy   Busy
	loaded bool // an installed system waits for the restart
	status Status
	trial  *trial // nil = not on trial
}

// New returns an updater; it changes nothing yet.
func New(o Options) *Updater {
	if o.Free == nil {
		o.Free = free
	}
	u := &Updater{o: o, jobs: make(chan Request, 1), restart: make(chan struct{}, 1)}
	u.status = Status{Slot: o.Running.String(), Version: o.Version}
	return u
}

// Request is what Install is to do.
type Request struct {
	// URL is where the bundle is fetched from; "" = it has been received.
	URL string
	// AllowOlder installs a version that is not newer than what runs.
	AllowOlder bool
	// Restart restarts the machine when all is done.
	Restart bool
}

const grace = 3 * time.Second // in which the panel can show that the machine restarts

// Run ends what the last update began: the trial of the running slot, or the story of
// one that was given up. Then it installs what Install asks for, until ctx is done,
// and returns its cause; an installation is given up then.
func (u *Updater) Run(ctx context.Context) error {
	u.begin()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	restart := make(<-chan time.Time)
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-tick.C:
			u.tryOut(time.Now())
		case r := <-u.jobs:
			if err := u.do(ctx, r); err == nil && r.Restart {
				restart = time.After(grace)
			}
		case <-u.restart:
			restart = time.After(grace)
		case <-restart:
			u.o.Log.Info("restarting for the update")
			u.o.Reboot()
		}
	}
}

// Restart restarts the machine into the system that was installed, a moment later.
// The error is ErrNothing if none was, or ErrBusy.
func (u *Updater) Restart() error {
	u.mu.Lock()
	defer u.mu.Unlock()
	switch {
	case u.busy != Idle:
		return ErrBusy
	case !u.loaded:
		return ErrNothing
	}
	select {
	case u.restart <- struct{}{}:
	default: // it is asked for already
	}
	return nil
}

// Install has Run check, write, read back and activate an update, and returns at once:
// Status and events tell how it goes. Errors: ErrBusy, ErrTrial, ErrNothing.
func (u *Updater) Install(r Request) error {
	if r.URL == "" {
		if _, err := os.Stat(u.bundle()); err != nil {
			return ErrNothing
		}
	}
	u.mu.Lock()
	trial := u.trial != nil
	u.mu.Unlock()
	if trial {
		return ErrTrial
	}
	first := Checking
	if r.URL != "" {
		first = Receiving
	}
	if err := u.claim(first); err != nil {
		return err
	}
	u.jobs <- r // there is room: who claims is alone
	return nil
}

// do does what Install asks for.
func (u *Updater) do(ctx context.Context, r Request) (err error) {
	defer func() { u.release(err) }()
	if r.URL != "" {
		if err := u.fetch(ctx, r.URL); err != nil {
			u.failed(ctx, "", err)
			return err
		}
		u.show(Checking, 0, "")
	}
	return u.install(ctx, r.AllowOlder)
}

// bundle is where a bundle lies that was received as a whole, and incoming where one
// does that is being received.
func (u *Updater) bundle() string   { return filepath.Join(u.o.Dir, "incoming.raucb") }
func (u *Updater) incoming() string { return filepath.Join(u.o.Dir, "incoming.part") }

// discard removes bundles.
func (u *Updater) discard() {
	for _, path := range []string{u.bundle(), u.incoming()} {
		if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
			u.o.Log.Warn("bundle not removed", "err", err)
		}
	}
}
