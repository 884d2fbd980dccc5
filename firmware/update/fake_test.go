package update

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"vedette/firmware/slots"
)

var errCut = errors.New("the power is gone")

// card is the partition of state. Blocks that were written and not flushed are lost
// when the power goes; before operation cut it does.
type card struct {
	mu      sync.Mutex
	durable [20 * slots.BlockBytes]byte
	pending map[int64][]byte
	ops     int
	cut     int // 0 = never
}

func (c *card) op() error {
	if c.ops++; c.cut > 0 && c.ops >= c.cut {
		return errCut
	}
	return nil
}

func (c *card) ReadAt(b []byte, at int64) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if p, ok := c.pending[at]; ok {
		return copy(b, p), nil
	}
	return copy(b, c.durable[at:]), nil
}

func (c *card) WriteAt(b []byte, at int64) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.op(); err != nil {
		return 0, err
	}
	if c.pending == nil {
		c.pending = map[int64][]byte{}
	}
	c.pending[at] = bytes.Clone(b)
	return len(b), nil
}

func (c *card) Sync() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.op(); err != nil {
		return err
	}
	for at, b := range c.pending {
		copy(c.durable[at:], b)
	}
	clear(c.pending)
	return nil
}

// image makes a slot image: a squashfs of 5000 bytes, by its superblock, a header, and
// a kernel of 4096 bytes.
func image(t testing.TB, version, board string) []byte {
	t.Helper()
	header, err := slots.Block("fit_blocks=0x8", "version="+version, "board="+board)
	if err != nil {
		t.Fatal(err)
	}
	b := bytes.Repeat([]byte(version+" "), 16384)[:16384]
	copy(b, "hsqs")
	binary.LittleEndian.PutUint64(b[40:], 5000)
	copy(b[8192:], header)
	return b
}

// bundle makes what has the shape of a bundle.
func bundle() []byte {
	b := make([]byte, 4096+100+8)
	copy(b, "hsqs")
	binary.BigEndian.PutUint64(b[4196:], 100)
	return b
}

// box is a machine whose RAUC is an actor.
type box struct {
	t     *testing.T
	dir   string
	card  *card
	store *slots.Store
	boots int

	mu       sync.Mutex
	events   []string
	payloads []map[string]any
	reboots  int
	health   Health
	last     string // words
	programs int    // that run
	seen     []string

	manifest  string
	infoErr   error
	image     []byte        // that an installation writes
	half      bool          // only half of it, and then the power is gone
	installer error         // of the installation
	slow      time.Duration // that the installation takes
	deaf      bool          // the service never comes
	dies      error         // of the service
	noBus     bool
	eager     bool // RAUC activates what it has written
}

func newBox(t *testing.T) *box {
	b := &box{t: t, dir: t.TempDir(), card: &card{}, health: Health{OK: true, Cameras: 2}, slow: time.Minute}
	b.store = slots.NewStore(b.card)
	if err := b.store.Save(slots.State{First: slots.A, Good: [2]bool{true, false}}); err != nil {
		t.Fatal(err)
	}
	b.card.ops = 0
	b.write(slots.A, image(t, "v1.0.0", "rock5b"))
	b.write(slots.B, make([]byte, 16384))
	b.offer("v1.1.0", "rock5b")
	return b
}

func (b *box) device(s slots.Slot) string { return filepath.Join(b.dir, "slot-"+s.String()) }

func (b *box) write(s slots.Slot, content []byte) {
	b.t.Helper()
	if err := os.WriteFile(b.device(s), content, 0o600); err != nil {
		b.t.Fatal(err)
	}
}

func (b *box) slot(s slots.Slot) []byte {
	b.t.Helper()
	content, err := os.ReadFile(b.device(s))
	if err != nil {
		b.t.Fatal(err)
	}
	return content
}

// offer makes the bundle that is uploaded next one of a version and board.
func (b *box) offer(version, board string) {
	b.image = image(b.t, version, board)
	sum := sha256.Sum256(b.image)
	b.manifest = fmt.Sprintf(`{"compatible":"vedette-%s","version":%q,"description":null,"images":[{"rootfs":{"filename":"rootfs.img","checksum":%q,"size":%d,"hooks":[]}}]}`,
		board, version, hex.EncodeToString(sum[:]), len(b.image))
}

// boot returns the updater of the next start, of a slot.
func (b *box) boot(running slots.Slot, version string, trial time.Duration) *Updater {
	b.boots++
	return New(Options{
		Dir: filepath.Join(b.dir, "update"), RunDir: filepath.Join(b.dir, "run"), Confirmed: b.confirmedPath(), Config: "system.conf",
		Board: "rock5b", Version: version, BootID: fmt.Sprint("boot ", b.boots),
		Running: running, Trial: trial, Started: time.Now(), Store: b.store,
		Devices: [2]string{b.device(slots.A), b.device(slots.B)},
		Exec:    b.exec, Free: func(string) (int64, error) { return 1 << 30, nil },
		Health: func() Health {
			b.mu.Lock()
			defer b.mu.Unlock()
			return b.health
		},
		Why: func() string { return b.last },
		Emit: func(kind, severity string, payload map[string]any) {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.events, b.payloads = append(b.events, kind), append(b.payloads, payload)
		},
		Reboot: func() {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.reboots++
		},
		Log: slog.New(slog.DiscardHandler),
	})
}

func (b *box) confirmedPath() string { return filepath.Join(b.dir, "run", "confirmed") }

// restarted loses what a restart loses.
func (b *box) restarted() {
	b.t.Helper()
	if err := os.RemoveAll(filepath.Join(b.dir, "run")); err != nil {
		b.t.Fatal(err)
	}
	b.card.pending, b.card.ops, b.card.cut = nil, 0, 0
	b.reboots = 0
}

func (b *box) confirmed() bool {
	_, err := os.Stat(b.confirmedPath())
	return err == nil
}

func (b *box) state() slots.State {
	b.t.Helper()
	s, err := b.store.Load()
	if err != nil {
		b.t.Fatal(err)
	}
	return s
}

func (b *box) set(h Health) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.health = h
}

// told returns the events since it was asked last.
func (b *box) told() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := b.events
	b.events = nil
	return out
}

// lastPayload returns that of the last event.
func (b *box) lastPayload() map[string]any {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.payloads) == 0 {
		return nil
	}
	return b.payloads[len(b.payloads)-1]
}

func (b *box) rebooted() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.reboots
}

func (b *box) running() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.programs
}

// exec is the actor: what the programs do, as far as the updater sees it.
func (b *box) exec(ctx context.Context, p Program) error {
	b.mu.Lock()
	b.programs++
	b.seen = append(b.seen, p.Name+" "+strings.Join(p.Args, " "))
	b.mu.Unlock()
	defer func() {
		b.mu.Lock()
		b.programs--
		b.mu.Unlock()
	}()
	switch {
	case p.Name == "dbus-daemon" && b.noBus:
		return errors.New("dbus-daemon: exit status 1")
	case p.Name == "dbus-daemon":
		p.Line("unix:path=/run/x")
		<-ctx.Done()
		time.Sleep(3 * time.Second) // it does not end at once
		return context.Cause(ctx)
	case slices.Contains(p.Args, "info"):
		if b.infoErr == nil {
			p.Line("a message")
			p.Line(b.manifest)
		}
		return b.infoErr
	case slices.Contains(p.Args, "service"):
		if b.dies != nil {
			return b.dies
		}
		<-ctx.Done()
		time.Sleep(2 * time.Second)
		return context.Cause(ctx)
	case slices.Contains(p.Args, "install"):
		return b.install(ctx, p)
	}
	return fmt.Errorf("%s: not found", p.Name)
}

func (b *box) install(ctx context.Context, p Program) error {
	if !slices.Contains(p.Env, "DBUS_SESSION_BUS_ADDRESS=unix:path=/run/x") || !slices.Contains(p.Env, "DBUS_STARTER_BUS_TYPE=session") {
		return errors.New("it would use another bus")
	}
	b.mu.Lock()
	service := b.programs
	b.mu.Unlock()
	if service < 3 || b.deaf {
		return errors.New("rauc: exit status 2: Failed GDBus.Error:org.freedesktop.DBus.Error.ServiceUnknown: The name de.pengutronix.rauc was not provided by any .service files")
	}
	p.Line("installing")
	p.Line("  0% Installing")
	if b.installer != nil {
		p.Line("LastError: " + b.installer.Error())
		return errors.New("rauc: exit status 1")
	}
	b.write(slots.B, append(slices.Clone(b.image[:len(b.image)/2]), make([]byte, len(b.image)/2)...))
	p.Line(" 80% Updating slots")
	select {
	case <-time.After(b.slow):
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if b.half {
		return errCut
	}
	b.write(slots.B, b.image)
	if b.eager {
		if err := slots.Backend([]string{"set-primary", "B"}, io.Discard, b.store, slots.A); err != nil {
			return err
		}
	}
	p.Line("100% Installing done.")
	return nil
}

// run has an updater work while f does.
func run(t *testing.T, u *Updater, f func(cancel context.CancelFunc)) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- u.Run(ctx) }()
	synctest.Wait()
	f(cancel)
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("Run = %v", err)
	}
}

// receive uploads the bundle.
func receive(t *testing.T, u *Updater) {
	t.Helper()
	content := bundle()
	if err := u.Receive(t.Context(), bytes.NewReader(content), int64(len(content))); err != nil {
		t.Fatal(err)
	}
}

// pass lets time go by.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}
