package disk

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"vedette/internal/testkit"

	"golang.org/x/sys/unix"
)

// preparing returns the preparation of a small disk. The kernel is told of the
// partition where it reads no GPT itself.
func preparing(d *Device) *preparation {
	p := &preparation{d: d, o: PrepareOptions{Confirm: d.Phrase(), Label: "footage", UUID: testUUID}, least: 32 << 20}
	p.format = p.mkfs
	p.reread = func(f *os.File, t table) error {
		if err := rereadTable(f, t); err != nil {
			return err
		}
		if dirs, err := partitions(d.dir); err != nil || len(dirs) > 0 {
			return err
		}
		return addPartition(f, 1, t.first*t.sector, (t.last-t.first+1)*t.sector)
	}
	return p
}

// output runs a program.
func output(t *testing.T, name string, arg ...string) string {
	t.Helper()
	path, err := program(name)
	if err != nil {
		testkit.Lacking(t, err.Error())
	}
	out, err := exec.Command(path, arg...).CombinedOutput()
	if err != nil {
		t.Errorf("%s: %v: %s", name, err, out)
	}
	return string(out)
}

// contains reports what is not in a program's output.
func contains(t *testing.T, out string, all ...string) {
	t.Helper()
	for _, want := range all {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in %s", want, out)
		}
	}
}

func TestAPreparedDiskHoldsOneFileSystem(t *testing.T) {
	for _, sector := range []string{"512", "4096"} {
		d := loop(t, 64<<20, "-b", sector)
		testkit.Command(t, "mkfs.ext4", "-q", "-L", "old", d.path())
		split(t, d, 4<<20, 3)
		testkit.Command(t, "mkswap", d.path()+"p2")
		got, err := preparing(d).run(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		want := Part{Name: d.Info.Name + "p1", FS: "ext4", UUID: testUUID, Label: "footage", Bytes: 56 << 20}
		if got != want || only(t, d) != want {
			t.Errorf("got  %+v\nwant %+v", got, want)
		}
		busy(t, d, "")
		contains(t, output(t, "blkid", "-p", "-o", "udev", d.path()+"p1"), "ID_PART_ENTRY_SCHEME=gpt", `ID_PART_ENTRY_NAME=vedette\x20footage`,
			"ID_PART_ENTRY_OFFSET=8192", "ID_PART_ENTRY_SIZE=114688", "ID_PART_ENTRY_TYPE=0fc63daf-8483-4772-8e79-3d69d8477de4")
		out := output(t, "fdisk", "-l", d.path())
		contains(t, out, "Disklabel type: gpt", "Linux filesystem")
		if strings.Contains(out, "corrupt") || strings.Contains(out, "mismatch") {
			t.Error(out)
		}
		contains(t, output(t, "dumpe2fs", "-h", d.path()+"p1"), "has_journal", "Reserved block count:     0\n", "Inode count:              112\n", "Errors behavior:          Remount read-only\n")
	}
}

func TestTheOtherTableWillDo(t *testing.T) {
	d := loop(t, 64<<20)
	if _, err := preparing(d).run(t.Context()); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(d.path(), os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt(make([]byte, 33*512), 512); err != nil { // header and entries
		t.Fatal(err)
	}
	contains(t, output(t, "blkid", "-p", "-o", "udev", d.path()+"p1"), "ID_PART_ENTRY_SCHEME=gpt", "ID_PART_ENTRY_OFFSET=8192")
}

// TestARefusedDiskIsNotTouched compares every byte.
func TestARefusedDiskIsNotTouched(t *testing.T) {
	d := loop(t, 64<<20)
	testkit.Command(t, "mkfs.ext4", "-q", d.path())
	content := func() []byte {
		f, err := os.Open(d.path())
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		b := make([]byte, d.Info.Bytes)
		if _, err := io.ReadFull(f, b); err != nil {
			t.Fatal(err)
		}
		return b
	}
	before := content()
	ended, end := context.WithCancelCause(t.Context())
	over := errors.New("over")
	end(over)
	exclusive := func() func() {
		fd, err := unix.Open(d.path(), unix.O_RDONLY|unix.O_EXCL|unix.O_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		return func() { unix.Close(fd) }
	}
	tests := []struct {
		name   string
		ctx    context.Context
		change func(*preparation) func()
		want   error
	}{
		{"not confirmed", t.Context(), func(p *preparation) func() { p.o.Confirm = ""; return nil }, ErrConfirm},
		{"confirmed for another", t.Context(), func(p *preparation) func() { p.o.Confirm += "0"; return nil }, ErrConfirm},
		{"one sector too small", t.Context(), func(p *preparation) func() { p.least = 64<<20 + 1; return nil }, ErrSmall},
		{"in use", t.Context(), func(p *preparation) func() { return exclusive() }, ErrBusy},
		{"another disk", t.Context(), func(p *preparation) func() {
			other := *d
			other.Info.Bytes++
			p.d = &other
			return nil
		}, ErrChanged},
		{"over before it begins", ended, func(p *preparation) func() { return nil }, over},
	}
	for _, tt := range tests {
		p := preparing(d)
		after := tt.change(p)
		_, err := p.run(tt.ctx)
		if after != nil {
			after()
		}
		if !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.want)
		}
		if !bytes.Equal(before, content()) {
			t.Errorf("%s: the disk was touched", tt.name)
		}
	}
	r := loop(t, 64<<20, "-r")
	if _, err := preparing(r).run(t.Context()); !errors.Is(err, ErrBusy) || !strings.Contains(err.Error(), readOnly) {
		t.Errorf("read-only: %v", err)
	}
	small := loop(t, leastDisk-512)
	if _, err := small.Prepare(t.Context(), PrepareOptions{Confirm: small.Phrase()}); !errors.Is(err, ErrSmall) {
		t.Errorf("less than 1 GB: %v", err)
	}
}

func TestAPreparationThatEndedIsDoneAgain(t *testing.T) {
	d := loop(t, 64<<20)
	ctx, cancel := context.WithCancel(t.Context())
	p := preparing(d)
	p.format = func(ctx context.Context, node string) error {
		cancel()
		return p.mkfs(ctx, node)
	}
	if _, err := p.run(ctx); !errors.Is(err, context.Canceled) {
		t.Fatalf("ended: %v", err)
	}
	if p := only(t, d); p.FS != "" {
		t.Errorf("half a preparation holds %+v", p)
	}
	if _, err := preparing(d).run(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestADiskThatForgetsIsFound(t *testing.T) {
	p := preparing(loop(t, 64<<20))
	p.format = func(context.Context, string) error { return nil }
	if _, err := program("blkid"); err != nil {
		testkit.Lacking(t, "no blkid")
	}
	if _, err := p.run(t.Context()); err == nil || !strings.Contains(err.Error(), "does not hold") {
		t.Errorf("nothing was formatted: %v", err)
	}
}

func TestTheEndKillsAProgram(t *testing.T) {
	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := unix.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	why := errors.New("over")
	ctx, cancel := context.WithCancelCause(t.Context())
	done := make(chan error, 1)
	go func() {
		_, err := run(ctx, "sh", "-c", `echo > "$0"; exec sleep 600`, fifo)
		done <- err
	}()
	if _, err := os.ReadFile(fifo); err != nil { // it runs
		t.Error(err)
	}
	cancel(why)
	if err := <-done; !errors.Is(err, why) {
		t.Errorf("%v, want the cause", err)
	}
	if _, err := run(t.Context(), "sh", "-c", "echo sh: no such thing >&2; echo more >&2; exit 3"); err == nil || !strings.HasSuffix(err.Error(), "exit status 3: no such thing") {
		t.Errorf("a program that says why: %v", err)
	}
	if _, err := run(t.Context(), "vedette-none"); !errors.Is(err, exec.ErrNotFound) {
		t.Errorf("no program: %v", err)
	}
}
