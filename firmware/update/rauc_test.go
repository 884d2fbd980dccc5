package update

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"vedette/firmware/slots"
	"vedette/internal/testkit"
)

const backendEnv = "UPDATE_TEST_SLOTS" // has this program be RAUC's backend

func backend(state string, args []string) int {
	s, err := slots.Open(state)
	if err == nil {
		err = slots.Backend(args, os.Stdout, s, slots.A)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// lab is a machine with two slots on loop devices, and Debian's RAUC.
type lab struct {
	*box
	t       *testing.T
	dir     string
	devices [2]string

	mu       sync.Mutex
	progress []Status
	first    chan struct{} // closed once a slot is being written
}

func write(t *testing.T, path, content string, mode os.FileMode) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), mode); err != nil {
		t.Fatal(err)
	}
	return path
}

func newLab(t *testing.T) *lab {
	if os.Getuid() != 0 {
		testkit.Lacking(t, "RAUC mounts bundles, which needs root")
	}
	for _, name := range []string{"rauc", "dbus-daemon", "mksquashfs", "mkenvimage", "openssl", "losetup"} {
		if _, err := exec.LookPath(name); err != nil {
			testkit.Lacking(t, name+" is missing")
		}
	}
	// Paths of sockets are short.
	dir, err := os.MkdirTemp("", "rauc")
	if err != nil {
		t.Fatal(err)
	}
	l := &lab{t: t, dir: dir, first: make(chan struct{})}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	for i, name := range []string{"a", "b"} {
		file := write(t, filepath.Join(dir, "slot-"+name), "", 0o600)
		if err := os.Truncate(file, 32<<20); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command("losetup", "--find", "--show", file).Output()
		if err != nil {
			testkit.Lacking(t, "no loop device: "+err.Error())
		}
		device := strings.TrimSpace(string(out))
		l.devices[i] = device
		t.Cleanup(func() { testkit.Command(t, "losetup", "--detach", device) })
	}
	for _, name := range []string{"ours", "theirs"} {
		testkit.Command(t, "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/O=Vedette/CN="+name,
			"-keyout", filepath.Join(dir, name+".key"), "-out", filepath.Join(dir, name+".pem"))
	}
	l.configure()
	return l
}

// configure writes RAUC's configuration as that of the product is, but for the paths.
func (l *lab) configure() {
	self, err := os.Executable()
	if err != nil {
		l.t.Fatal(err)
	}
	state := write(l.t, filepath.Join(l.dir, "state"), string(make([]byte, 1<<20)), 0o600)
	write(l.t, filepath.Join(l.dir, "backend"), "#!/bin/sh\nexec env "+backendEnv+"="+state+" "+self+" \"$@\"\n", 0o700)
	write(l.t, filepath.Join(l.dir, "system.conf"), fmt.Sprintf(`[system]
compatible=vedette-rock5b
bootloader=custom
bundle-formats=plain
activate-installed=false
statusfile=%[1]s/rauc.status
[keyring]
path=%[1]s/ours.pem
use-bundle-signing-time=true
[handlers]
bootloader-custom-backend=%[1]s/backend
[slot.rootfs.0]
device=%[2]s
type=raw
bootname=A
[slot.rootfs.1]
device=%[3]s
type=raw
bootname=B
`, l.dir, l.devices[0], l.devices[1]), 0o600)
}

const kernel = 6 << 20 // bytes

// slotImage makes a slot image of real parts: a squashfs, a header, and noise in place
// of kernel and device trees.
func (l *lab) slotImage(version, board string) []byte {
	dir := filepath.Join(l.dir, "image")
	if err := os.MkdirAll(filepath.Join(dir, "root"), 0o755); err != nil {
		l.t.Fatal(err)
	}
	write(l.t, filepath.Join(dir, "root", "version"), version, 0o644)
	squashfs, header := filepath.Join(dir, "squashfs"), filepath.Join(dir, "header")
	testkit.Command(l.t, "mksquashfs", filepath.Join(dir, "root"), squashfs, "-noappend", "-quiet", "-nopad", "-all-root")
	write(l.t, header+".txt", fmt.Sprintf("fit_blocks=0x%x\nversion=%s\nboard=%s\n", kernel/512, version, board), 0o600)
	testkit.Command(l.t, "mkenvimage", "-s", "512", "-p", "0", "-o", header, header+".txt")
	var image []byte
	for _, part := range []string{squashfs, header} {
		b, err := os.ReadFile(part)
		if err != nil {
			l.t.Fatal(err)
		}
		image = append(image, b...)
		image = append(image, make([]byte, (4096-len(image)%4096)%4096)...)
	}
	noise := make([]byte, kernel)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(noise) // it never fails
	return append(image, noise...)
}

// bundleOf makes a real bundle.
func (l *lab) bundleOf(version, board string, image []byte, key string) []byte {
	dir, err := os.MkdirTemp(l.dir, "bundle")
	if err != nil {
		l.t.Fatal(err)
	}
	content := filepath.Join(dir, "content")
	if err := os.Mkdir(content, 0o755); err != nil {
		l.t.Fatal(err)
	}
	write(l.t, filepath.Join(content, "rootfs.img"), string(image), 0o644)
	write(l.t, filepath.Join(content, "manifest.raucm"), fmt.Sprintf(
		"[update]\ncompatible=vedette-%s\nversion=%s\n[bundle]\nformat=plain\n[image.rootfs]\nfilename=rootfs.img\n", board, version), 0o644)
	file := filepath.Join(dir, "bundle.raucb")
	testkit.Command(l.t, "rauc", "--cert="+filepath.Join(l.dir, key+".pem"), "--key="+filepath.Join(l.dir, key+".key"), "bundle", content, file)
	b, err := os.ReadFile(file)
	if err != nil {
		l.t.Fatal(err)
	}
	return b
}

// updater is that of a machine on which A is good and runs, and B has an old system.
func (l *lab) updater() *Updater {
	store, err := slots.Open(filepath.Join(l.dir, "state"))
	if err != nil {
		l.t.Fatal(err)
	}
	l.t.Cleanup(func() { store.Close() })
	if err := store.Save(slots.State{First: slots.A, Good: [2]bool{true, true}}); err != nil {
		l.t.Fatal(err)
	}
	l.box = &box{t: l.t, dir: l.dir, health: Health{OK: true, Cameras: 1}, store: store}
	u := l.boot(slots.A, "v1.0.0", 0)
	u.o.Config, u.o.Devices, u.o.Exec = filepath.Join(l.dir, "system.conf"), l.devices, alone
	u.o.Log = slog.New(slog.NewTextHandler(l.t.Output(), nil))
	var once sync.Once
	u.o.Changed = func() {
		s := u.Status()
		l.mu.Lock()
		l.progress = append(l.progress, s)
		l.mu.Unlock()
		if s.Busy == Installing && strings.HasPrefix(s.Message, "Copying image") {
			once.Do(func() { close(l.first) })
		}
	}
	for _, d := range []string{u.o.Dir, u.o.RunDir} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			l.t.Fatal(err)
		}
	}
	return u
}

// alone is System, on a machine on which nobody else has mounted a partition of a loop
// device: RAUC 1.8 fails where somebody has.
func alone(ctx context.Context, p Program) error {
	if p.Private {
		const script = `grep -o '/dev/loop[0-9]*p[0-9]*' /proc/self/mountinfo | sort -u | while read -r d; do umount -l "$d"; done; exec "$0" "$@"`
		p.Name, p.Args = "sh", append([]string{"-c", script, p.Name}, p.Args...)
	}
	return System(ctx, p)
}

// slot returns what a slot holds.
func (l *lab) slot(s slots.Slot) []byte {
	l.t.Helper()
	b, err := os.ReadFile(l.devices[s])
	if err != nil {
		l.t.Fatal(err)
	}
	return b
}

// install takes a bundle and installs it.
func (l *lab) install(ctx context.Context, u *Updater, content []byte) error {
	l.t.Helper()
	if err := u.Receive(ctx, bytes.NewReader(content), int64(len(content))); err != nil {
		l.t.Fatal(err)
	}
	if err := u.claim(Checking); err != nil {
		l.t.Fatal(err)
	}
	return u.do(ctx, Request{})
}

// left returns what an installation must not leave: programs, mounts, loop devices,
// files.
func (l *lab) left(u *Updater) (out []string) {
	procs, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, p := range procs {
		if cmd, err := os.ReadFile(p); err == nil && bytes.Contains(cmd, []byte(l.dir)) {
			out = append(out, p+" "+strings.ReplaceAll(string(cmd), "\x00", " "))
		}
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil || bytes.Contains(mounts, []byte(l.dir)) {
		out = append(out, "a mount")
	}
	loops, _ := filepath.Glob("/sys/block/loop*/loop/backing_file")
	for _, f := range loops {
		if file, err := os.ReadFile(f); err == nil && bytes.Contains(file, []byte(filepath.Join(l.dir, "update"))) {
			out = append(out, f)
		}
	}
	for _, dir := range []string{u.o.Dir, u.o.RunDir} {
		files, _ := os.ReadDir(dir)
		for _, f := range files {
			if f.Name() != "pending.json" && f.Name() != "confirmed" {
				out = append(out, f.Name())
			}
		}
	}
	return out
}

func TestRAUCInstallsABundle(t *testing.T) {
	l := newLab(t)
	u := l.updater()
	image := l.slotImage("v1.1.0", "rock5b")
	before := l.slot(slots.A)
	if err := l.install(t.Context(), u, l.bundleOf("v1.1.0", "rock5b", image, "ours")); err != nil {
		t.Fatal(err)
	}
	if got := l.slot(slots.B); !bytes.Equal(got[:len(image)], image) {
		t.Error("slot B does not hold the image")
	}
	if !bytes.Equal(l.slot(slots.A), before) {
		t.Error("slot A has changed")
	}
	s := l.state()
	if n, ok := slots.Next(s, [2]bool{true, true}); !ok || n.Slot != slots.B || !n.Trial {
		t.Errorf("next boots %+v", n)
	}
	if f, err := l.store.Fallback(); err != nil || f.First != slots.A || !f.Good[slots.A] || f.Bootable(slots.B) {
		t.Errorf("to fall back to: %+v, %v", f, err)
	}
	if p := u.readPending(); p == nil || p.To != "v1.1.0" || p.CamerasRecording != 1 {
		t.Errorf("%+v", p)
	}
	if st := u.Status(); st.Other != (Other{"B", "v1.1.0", "trial"}) || st.Busy != Installed {
		t.Errorf("%+v", st)
	}
	var phases []Busy
	percents := map[int]bool{}
	l.mu.Lock()
	for _, s := range l.progress {
		if s.Busy == Installing {
			percents[s.Percent] = true
		}
		if len(phases) == 0 || phases[len(phases)-1] != s.Busy {
			phases = append(phases, s.Busy)
		}
	}
	l.mu.Unlock()
	if want := []Busy{Receiving, Idle, Checking, Installing, Verifying, Installed}; !slices.Equal(phases, want) || len(percents) < 5 {
		t.Errorf("phases %v, percentages %v", phases, percents)
	}
	if left := l.left(u); left != nil {
		t.Errorf("left %v", left)
	}
	if got := l.told(); !slices.Equal(got, []string{"update_installed"}) {
		t.Errorf("told %v", got)
	}
}

func TestRAUCRefusesWhatItMust(t *testing.T) {
	l := newLab(t)
	image := l.slotImage("v1.1.0", "rock5b")
	good := l.bundleOf("v1.1.0", "rock5b", image, "ours")
	change := func(at int) []byte {
		b := bytes.Clone(good)
		b[at] ^= 1
		return b
	}
	tests := []struct {
		name   string
		bundle []byte
		want   error
	}{
		{"signed by another", l.bundleOf("v1.1.0", "rock5b", image, "theirs"), ErrSignature},
		{"tampered at its beginning", change(5000), ErrSignature},
		{"tampered at its end", change(len(good) / 2), ErrSignature},
		{"tampered in its signature", change(len(good) - 100), ErrSignature},
		{"truncated", good[:len(good)-5000], ErrDamaged},
		{"half", good[:len(good)/2], ErrDamaged},
		{"a byte short", good[:len(good)-1], ErrDamaged},
		{"noise", l.slotImage("v1.2.0", "rock5b"), ErrDamaged},
		{"another board", l.bundleOf("v1.1.0", "rpi4", image, "ours"), ErrBoard},
		{"older", l.bundleOf("v0.9.0", "rock5b", image, "ours"), ErrOlder},
		{"the same", l.bundleOf("v1.0.0", "rock5b", image, "ours"), ErrOlder},
	}
	u := l.updater()
	before, state := l.slot(slots.B), l.state()
	for _, tt := range tests {
		if err := l.install(t.Context(), u, tt.bundle); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.want)
		}
		if got := l.told(); !slices.Equal(got, []string{"update_refused"}) {
			t.Errorf("%s: told %v", tt.name, got)
		}
		if !bytes.Equal(l.slot(slots.B), before) || !l.state().Equal(state) {
			t.Fatalf("%s: the slot or its state has changed", tt.name)
		}
	}
	if left := l.left(u); left != nil {
		t.Errorf("left %v", left)
	}
}

// TestRAUCIsEndedInTheMiddle: the slot is half written then, and must not be booted.
func TestRAUCIsEndedInTheMiddle(t *testing.T) {
	l := newLab(t)
	u := l.updater()
	content := l.bundleOf("v1.1.0", "rock5b", l.slotImage("v1.1.0", "rock5b"), "ours")
	before := l.slot(slots.A)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-l.first
		cancel()
	}()
	err := l.install(ctx, u, content)
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("%v, want context.Canceled", err)
	}
	testkit.Until(t, 10*time.Second, "nothing is left", func() bool { return l.left(u) == nil })
	s := l.state()
	if n, ok := slots.Next(s, [2]bool{true, true}); !ok || n.Slot != slots.A || n.Trial || s.Bootable(slots.B) {
		t.Errorf("next boots %+v", n)
	}
	if !bytes.Equal(l.slot(slots.A), before) || u.readPending() != nil || len(l.told()) != 0 {
		t.Error("slot A has changed, or something was told")
	}
	// And it can be done again.
	if err := l.install(t.Context(), u, content); err != nil {
		t.Error(err)
	}
}
