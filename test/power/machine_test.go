package power

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"vedette/test/power/marker"
	"vedette/test/power/plan"
)

// fsSize is the size of the file system under test, in bytes: small, so that a
// thousand copies of it are cheap, and large enough that the sweeper decides
// when footage goes.
const fsSize = 96 << 20

// machine is one emulated machine and what its life left behind.
type machine struct {
	dir string
}

func (m machine) base() string    { return filepath.Join(m.dir, "base.img") } // the disk before the first write
func (m machine) disk() string    { return filepath.Join(m.dir, "disk.img") }
func (m machine) log() string     { return filepath.Join(m.dir, "writes.log") }
func (m machine) initrd() string  { return filepath.Join(m.dir, "initrd.img") }
func (m machine) console() string { return filepath.Join(m.dir, "console.txt") }

// built are the files that run.sh has prepared.
type built struct{ guest, arm64, host, kernel string }

func prepared(t *testing.T) built {
	t.Helper()
	if os.Getuid() != 0 {
		t.Fatal("mounting needs root; run `make test-power` as root")
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	b := built{
		guest: filepath.Join(root, "var/power/guest"), arm64: filepath.Join(root, "bin/vedette-linux-arm64"),
		host: filepath.Join(root, "bin/vedette"), kernel: filepath.Join(root, "var/power/kernel"),
	}
	if other := os.Getenv("POWER_PRODUCT"); other != "" {
		b.arm64 = other
	}
	for _, f := range []string{b.guest, b.arm64, b.host, filepath.Join(b.kernel, "vmlinuz")} {
		if _, err := os.Stat(f); err != nil {
			t.Fatalf("%v; run `make test-power`, which prepares it", err)
		}
	}
	return b
}

// newMachine makes a disk with an empty file system, and the initial file
// system of the machine with the plan in it.
func newMachine(t *testing.T, dir string, b built, p plan.Plan) machine {
	t.Helper()
	m := machine{dir: dir}
	p.DiskSize = fsSize
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{m.base(), m.disk(), m.log()} {
		if err := os.WriteFile(name, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Truncate(m.base(), fsSize+marker.Region); err != nil {
		t.Fatal(err)
	}
	run(t, "mkfs.ext4", "-q", "-F", "-b", "4096", "-m", "0", "-E", "lazy_itable_init=0,lazy_journal_init=0", m.base(), fmt.Sprintf("%dk", fsSize>>10))
	run(t, "cp", "--sparse=always", m.base(), m.disk())
	raw, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(m.initrd(), initrd(t, b, raw), 0o600); err != nil {
		t.Fatal(err)
	}
	return m
}

// initrd makes the archive the kernel unpacks into memory.
func initrd(t *testing.T, b built, rawPlan []byte) []byte {
	t.Helper()
	var c archive
	c.dir("dev")
	c.dir("modules")
	c.file("init", 0o755, read(t, b.guest))
	c.file(strings.TrimPrefix(plan.Program, "/"), 0o755, read(t, b.arm64))
	c.file(strings.TrimPrefix(plan.File, "/"), 0o600, rawPlan)
	for i, path := range strings.Fields(string(read(t, filepath.Join(b.kernel, "modules")))) {
		c.file(fmt.Sprintf("modules/%02d-%s", i, filepath.Base(path)), 0o600, read(t, path))
	}
	return c.end()
}

// boot runs the machine until it switches itself off.
func (m machine) boot(t *testing.T, b built, limit time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	console, err := os.Create(m.console())
	if err != nil {
		t.Fatal(err)
	}
	defer console.Close()
	cmd := exec.CommandContext(ctx, "qemu-system-aarch64",
		"-M", "virt", "-cpu", "cortex-a72", "-m", "768",
		// The guest's clock counts its instructions while it works: a busy host
		// makes the test slower, and not the recorder late.
		"-accel", "tcg,thread=single", "-icount", "shift=2,sleep=on", "-rtc", "clock=vm",
		"-nodefaults", "-no-user-config",
		"-display", "none", "-serial", "stdio", "-nic", "none", "-no-reboot",
		"-kernel", filepath.Join(b.kernel, "vmlinuz"), "-initrd", m.initrd(),
		"-append", "console=ttyAMA0 rdinit=/init panic=-1 quiet",
		// The host's own cache makes a flush instant: what counts is its place in the log.
		"-blockdev", "driver=blklogwrites,node-name=logged,log-sector-size=512,"+
			"file.driver=file,file.cache.no-flush=on,file.filename="+m.disk()+",log.driver=file,log.cache.no-flush=on,log.filename="+m.log(),
		"-device", "virtio-blk-pci,drive=logged",
	)
	cmd.Stdout, cmd.Stderr = console, console
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	err = cmd.Run()
	text := string(read(t, m.console()))
	if err != nil || !hasLine(text, plan.Done) {
		lines := strings.Split(text, "\n")
		t.Fatalf("the machine did not do what it was told: %v; its console ends\n%s", err, strings.Join(lines[max(0, len(lines)-40):], "\n"))
	}
}

func hasLine(text, prefix string) bool {
	for s := bufio.NewScanner(strings.NewReader(text)); s.Scan(); {
		if strings.HasPrefix(s.Text(), prefix) {
			return true
		}
	}
	return false
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func run(t *testing.T, args ...string) {
	t.Helper()
	if out, err := exec.CommandContext(t.Context(), args[0], args[1:]...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v: %s", strings.Join(args, " "), err, out)
	}
}

// archive is a cpio archive in the "newc" format, which the kernel unpacks.
type archive struct {
	bytes.Buffer
	inode int
}

func (a *archive) dir(name string)                            { a.add(name, 0o040755, nil) }
func (a *archive) file(name string, mode uint32, data []byte) { a.add(name, 0o100000|mode, data) }

func (a *archive) add(name string, mode uint32, data []byte) {
	a.inode++
	fmt.Fprintf(a, "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x",
		a.inode, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name)+1, 0)
	a.WriteString(name + "\x00")
	a.pad()
	a.Write(data)
	a.pad()
}

func (a *archive) pad() { a.Write(make([]byte, -a.Len()&3)) }

func (a *archive) end() []byte {
	a.add("TRAILER!!!", 0, nil)
	return a.Bytes()
}
