package flash_test

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"vedette/internal/testkit"
)

// In the image of these tests: bytes.
const (
	imageBytes = 16 << 20
	dataAt     = 3 << 20 // of the partition vedette-a, which is full
	dataBytes  = 5<<20 + 512*7
	slotBAt    = 9 << 20 // a hole
	setupAt    = 10 << 20
	diskBytes  = 21 << 20 // of the disks
)

// shell is one that flash.sh has to work with.
type shell struct {
	name string
	argv []string
}

// both are the shells; BusyBox's has dd, awk, stat and others built in.
func both() []shell {
	return []shell{{"dash", []string{"dash"}}, {"busybox", []string{"busybox", "sh"}}}
}

func eachShell(t *testing.T, f func(t *testing.T, sh shell)) {
	for _, sh := range both() {
		t.Run(sh.name, func(t *testing.T) { f(t, sh) })
	}
}

// script is the real one.
func script(t testing.TB) string {
	t.Helper()
	path, err := filepath.Abs("../../flash.sh")
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// result is what a run of flash.sh said.
type result struct {
	out, err string
	code     int
}

// run is one call of flash.sh.
type run struct {
	sh    shell
	stdin string
	path  string   // directories before PATH, or all of it if it ends with a colon
	wrap  []string // a program that starts it
	at    string   // where the script is; "" = at the top of the repository
	args  []string
}

func (r run) command(t testing.TB) *exec.Cmd {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	argv := slices.Concat(r.wrap, r.sh.argv, []string{cmp.Or(r.at, script(t))}, r.args)
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Env = append(os.Environ(), "TMPDIR="+t.TempDir())
	switch {
	case strings.HasSuffix(r.path, ":"):
		cmd.Env = append(cmd.Env, "PATH="+strings.TrimSuffix(r.path, ":"))
	case r.path != "":
		cmd.Env = append(cmd.Env, "PATH="+r.path+":"+os.Getenv("PATH"))
	}
	cmd.Stdin = strings.NewReader(r.stdin)
	return cmd
}

// do runs it to its end, and fails the test if it leaves something in its directory
// for temporary files.
func (r run) do(t testing.TB) result {
	t.Helper()
	cmd := r.command(t)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("%v: %v", cmd.Args, err)
	}
	res := result{stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()}
	checkTidy(t, cmd)
	return res
}

func checkTidy(t testing.TB, cmd *exec.Cmd) {
	t.Helper()
	var dir string
	for _, e := range cmd.Env { // the last one counts
		if d, ok := strings.CutPrefix(e, "TMPDIR="); ok {
			dir = d
		}
	}
	if left, err := filepath.Glob(dir + "/*"); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// want fails the test unless the run ended with code and its standard error says
// each of words.
func (r result) want(t testing.TB, code int, words ...string) {
	t.Helper()
	if r.code != code {
		t.Fatalf("ended with %d, want %d\n%s%s", r.code, code, r.out, r.err)
	}
	for _, w := range words {
		if !strings.Contains(r.err, w) {
			t.Errorf("does not say %q, but:\n%s", w, r.err)
		}
	}
}

// image is a disk image with its map and checksum, in a directory of its own.
type image struct {
	dir, plain, xz, bmap string
}

// newImage makes one as the firmware's is laid out, but smaller.
func newImage(t testing.TB) image {
	t.Helper()
	dir := t.TempDir()
	plain := filepath.Join(dir, "vedette-rpi4-v1.2.3.img")
	if err := os.WriteFile(plain, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(plain, imageBytes); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("sfdisk", "-q", plain)
	cmd.Stdin = strings.NewReader(`label: gpt
first-lba: 34
start=2048, size=2048, name=vedette-boot
start=4096, size=2048, name=vedette-state
start=6144, size=12288, name=vedette-a
start=18432, size=2048, name=vedette-b
start=20480, size=8192, name=vedette-setup
start=28672, size=2048, name=vedette-data
`)
	if out, err := cmd.CombinedOutput(); err != nil {
		testkit.Lacking(t, fmt.Sprintf("sfdisk: %v: %s", err, out))
	}
	testkit.Command(t, "mkfs.vfat", "-n", "VEDETTE", "--offset", "20480", plain, "4096")
	data := make([]byte, dataBytes)
	rng := rand.NewChaCha8([32]byte{7})
	_, _ = rng.Read(data) // never fails
	writeAt(t, plain, dataAt, data)
	i := image{dir: dir, plain: plain, xz: plain + ".xz", bmap: plain + ".bmap"}
	testkit.Command(t, "bmaptool", "-q", "create", "-o", i.bmap, plain)
	testkit.Command(t, "xz", "-k", "-0", plain)
	i.sum(t, i.xz)
	return i
}

// sum writes the file with the checksum of another.
func (i image) sum(t testing.TB, path string) {
	t.Helper()
	line := fmt.Sprintf("%x  %s\n", sha256.Sum256(read(t, path)), filepath.Base(path))
	if err := os.WriteFile(path+".sha256", []byte(line), 0o600); err != nil {
		t.Fatal(err)
	}
}

// unmapped is the same image without its map.
func (i image) unmapped(t testing.TB) image {
	t.Helper()
	dir := t.TempDir()
	u := image{dir: dir, plain: filepath.Join(dir, filepath.Base(i.plain)), xz: filepath.Join(dir, filepath.Base(i.xz))}
	testkit.Command(t, "cp", "--sparse=always", i.plain, i.xz, dir)
	u.sum(t, u.xz)
	return u
}

// copy is one that a test may spoil.
func (i image) copy(t testing.TB) image {
	t.Helper()
	c := i.unmapped(t)
	c.bmap = filepath.Join(c.dir, filepath.Base(i.bmap))
	testkit.Command(t, "cp", i.bmap, c.bmap)
	return c
}

func read(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func writeAt(t testing.TB, path string, offset int64, b []byte) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt(b, offset); err != nil {
		t.Fatal(err)
	}
}

// disk is a loop device, and the file behind it.
type disk struct{ node, file string }

// newDisk makes a loop device of a file that is full of what a former owner left.
func newDisk(t testing.TB, bytes int64, options ...string) disk {
	t.Helper()
	file := filepath.Join(t.TempDir(), "disk")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(file, bytes); err != nil {
		t.Fatal(err)
	}
	if bytes <= diskBytes {
		writeAt(t, file, 0, dirt(bytes))
	}
	return attach(t, file, options...)
}

func dirt(n int64) []byte { return bytes.Repeat([]byte{0xa5}, int(n)) }

// attach makes a loop device of a file, until the test ends.
func attach(t testing.TB, file string, options ...string) disk {
	t.Helper()
	if os.Getuid() != 0 {
		testkit.Lacking(t, "a loop device needs root")
	}
	out, err := exec.Command("losetup", append(options, "-f", "--show", file)...).CombinedOutput()
	if err != nil {
		testkit.Lacking(t, fmt.Sprintf("losetup: %v: %s", err, out))
	}
	d := disk{strings.TrimSpace(string(out)), file}
	t.Cleanup(func() {
		if out, err := exec.Command("losetup", "-d", d.node).CombinedOutput(); err != nil {
			t.Errorf("losetup -d: %v: %s", err, out)
		}
	})
	return d
}

// standIn puts a program before others of its name, and returns the directory for
// run.path. It finds the real one as $real. BusyBox's shell does not look there for what it
// has built in.
func standIn(t testing.TB, name, body string) string {
	t.Helper()
	dir := t.TempDir()
	real, err := exec.LookPath(name)
	if err != nil {
		testkit.Lacking(t, err.Error())
	}
	text := "#!/bin/sh\nreal=" + real + "\n" + body
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
	return dir
}
