package flash_test

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"vedette/internal/testkit"
)

const incomplete = "is incomplete: flash it again"

// noticesWhatTheCardLost has one byte changed after it was written, as a card does
// that is broken.
func noticesWhatTheCardLost(t *testing.T, i image) {
	whole := i.unmapped(t)
	// Behind bmaptool's back, whose last argument is the device.
	tool := standIn(t, "bmaptool", `"$real" "$@" || exit 1
for device; do :; done
printf x | dd of="$device" bs=1 seek=4000001 conv=notrunc 2>/dev/null
`)
	// Behind dd's back, where it writes: to its standard output, and synced.
	dd := standIn(t, "dd", `"$real" "$@" || exit 1
case "$*" in *fsync*) printf x | "$real" of=/proc/self/fd/1 bs=1 seek=4000001 conv=notrunc 2>/dev/null ;; esac
`)
	for _, tt := range []struct {
		name, path, image string
		shells            []shell
		args              []string
	}{
		{"bmaptool", tool, i.xz, both(), nil},
		{"dd with a map", dd, i.xz, both()[:1], []string{"--no-bmaptool"}},
		{"dd without a map", dd, whole.xz, both()[:1], nil},
	} {
		for _, sh := range tt.shells {
			t.Run(tt.name+" "+sh.name, func(t *testing.T) {
				d := newDisk(t, diskBytes)
				args := append([]string{"--image", tt.image, "--device", d.node, "--yes", "--hostname", "cam"}, tt.args...)
				res := run{sh: sh, path: tt.path, args: args}.do(t)
				res.want(t, 1, "differs from the image", "does not hold what was written to it: flash it again")
				if strings.Contains(string(read(t, d.file)), "hostname = ") {
					t.Error("it was given settings all the same")
				}
				run{sh: sh, path: tt.path, args: append(args, "--no-verify")}.do(t).want(t, 0)
			})
		}
	}
}

// saysWhatIsLeftWhenItFails looks at failures one after the other, in the order of
// what was done before.
func saysWhatIsLeftWhenItFails(t *testing.T, i image) {
	dash := both()[0]
	t.Run("the card takes no more", func(t *testing.T) {
		eachShell(t, func(t *testing.T, sh shell) {
			dir := t.TempDir()
			testkit.Command(t, "mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", dir)
			t.Cleanup(func() { testkit.Command(t, "umount", dir) })
			res := run{sh: sh, args: []string{"--image", i.xz, "--device", dir + "/card.img"}}.do(t)
			res.want(t, 1, "writing to "+dir+"/card.img at byte", "the file "+incomplete)
		})
	})
	t.Run("the image ends early", func(t *testing.T) {
		// it says that it has all, and then does not give it
		path := standIn(t, "xz", `case "$*" in -dc*) "$real" "$@" | head -c 5000000; echo "xz: broken" >&2; exit 1 ;; esac
exec "$real" "$@"
`)
		d := newDisk(t, diskBytes)
		args := []string{"--image", i.xz, "--device", d.node, "--yes"}
		run{sh: dash, path: path, args: append(args, "--no-bmaptool")}.do(t).want(t, 1, "it ends within", "xz: broken", "the card "+incomplete)
	})
	t.Run("the image is found damaged at its end", func(t *testing.T) {
		path := standIn(t, "xz", `"$real" "$@" || exit 1
case "$*" in -dc*) echo "xz: broken" >&2; exit 1 ;; esac
`)
		file := filepath.Join(t.TempDir(), "card.img")
		run{sh: dash, path: path, args: []string{"--image", i.xz, "--device", file}}.do(t).want(t, 1, "xz: broken", "the file "+incomplete)
	})
	t.Run("bmaptool fails", func(t *testing.T) {
		eachShell(t, func(t *testing.T, sh shell) {
			path := standIn(t, "bmaptool", "echo 'bmaptool: ERROR: it fails' >&2; exit 1\n")
			d := newDisk(t, diskBytes)
			args := []string{"--image", i.xz, "--device", d.node, "--yes"}
			run{sh: sh, path: path, args: args}.do(t).want(t, 1, "bmaptool: ERROR: it fails", "the card "+incomplete)
		})
	})
	t.Run("the settings are not taken", func(t *testing.T) {
		path := standIn(t, "mcopy", "echo 'mcopy: it fails' >&2; exit 1\n")
		eachShell(t, func(t *testing.T, sh shell) {
			file := filepath.Join(t.TempDir(), "card.img")
			args := []string{"--image", i.xz, "--device", file, "--hostname", "cam"}
			run{sh: sh, path: path, args: args}.do(t).want(t, 1, "mcopy: it fails", "the file is written and verified, but without settings")
			args = append(args, "--no-verify", "--yes")
			run{sh: sh, path: path, args: args}.do(t).want(t, 1, "the file is written, not verified, but without settings")
		})
	})
	t.Run("the settings read back otherwise", func(t *testing.T) {
		path := standIn(t, "mcopy", `case "$*" in *-o*) sed s/cam/can/ | exec "$real" "$@" ;; *) exec "$real" "$@" ;; esac
`)
		file := filepath.Join(t.TempDir(), "card.img")
		args := []string{"--image", i.xz, "--device", file, "--hostname", "cam"}
		run{sh: dash, path: path, args: args}.do(t).want(t, 1, "they read back otherwise", "but without settings")
	})
}

// saysWhatIsLeftWhenStopped sends signals while it writes, and while it reads the
// image before that.
func saysWhatIsLeftWhenStopped(t *testing.T, i image) {
	slow := "echo ready >&2; exec sleep 50\n"
	tool := standIn(t, "bmaptool", "echo ready >\"$MARK\"; exec sleep 50\n")
	xz := standIn(t, "xz", `case "$*" in -dc*) "$real" "$@" 2>/dev/null | head -c 5000000; echo ready >"$MARK"; exec sleep 50 ;; esac
exec "$real" "$@"
`)
	sum := standIn(t, "sha256sum", "echo ready >\"$MARK\"; "+slow)
	for _, tt := range []struct {
		name, path, state string
		shells            []shell
		args              []string
	}{
		{"in bmaptool", tool, "the card " + incomplete, both(), []string{"--progress"}},
		{"in dd", xz, "the card " + incomplete, both()[:1], []string{"--no-bmaptool"}},
		{"before", sum, "nothing was written", both()[:1], nil},
	} {
		for _, sh := range tt.shells {
			for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
				t.Run(tt.name+" "+sh.name+" "+sig.String(), func(t *testing.T) {
					d := newDisk(t, diskBytes)
					mark := filepath.Join(t.TempDir(), "mark")
					cmd := run{sh: sh, path: tt.path, args: append([]string{"--image", i.xz, "--device", d.node, "--yes"}, tt.args...)}.command(t)
					cmd.Env = append(cmd.Env, "MARK="+mark)
					cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
					var stderr bytes.Buffer
					cmd.Stderr = &stderr
					cmd.WaitDelay = 10 * time.Second // should a program be left behind
					if err := cmd.Start(); err != nil {
						t.Fatal(err)
					}
					testkit.Until(t, 20*time.Second, "it is busy", func() bool {
						_, err := os.Stat(mark)
						return err == nil
					})
					began := time.Now()
					// as a terminal does: to all of them
					if err := syscall.Kill(-cmd.Process.Pid, sig); err != nil {
						t.Fatal(err)
					}
					if err := cmd.Wait(); cmd.ProcessState.ExitCode() != 1 {
						t.Errorf("ended with %v, want 1", err)
					}
					if took := time.Since(began); took > 5*time.Second {
						t.Errorf("ended %v after the signal", took)
					}
					if got := stderr.String(); !strings.Contains(got, tt.state) {
						t.Errorf("does not say %q, but:\n%s", tt.state, got)
					}
					checkTidy(t, cmd)
				})
			}
		}
	}
}

// oneAtATime starts a second one while the first one writes.
func oneAtATime(t *testing.T, i image) {
	mark := filepath.Join(t.TempDir(), "mark")
	path := standIn(t, "bmaptool", "echo ready >"+mark+"; exec sleep 50\n")
	d := newDisk(t, diskBytes)
	first := run{sh: both()[0], path: path, args: []string{"--image", i.xz, "--device", d.node, "--yes"}}.command(t)
	first.Stderr = io.Discard
	if err := first.Start(); err != nil {
		t.Fatal(err)
	}
	testkit.Until(t, 20*time.Second, "the first one writes", func() bool {
		_, err := os.Stat(mark)
		return err == nil
	})
	run{sh: both()[0], args: []string{"--image", i.xz, "--device", d.node, "--yes"}}.do(t).want(t, 2, "has locked it", "nothing was written")
	if err := first.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	_ = first.Wait() // it was ended
	run{sh: both()[0], args: []string{"--image", i.xz, "--device", d.node, "--yes"}}.do(t).want(t, 0)
}

// tellsProgress has it on a pipe, where each second is a line.
func tellsProgress(t *testing.T, i image) {
	eachShell(t, func(t *testing.T, sh shell) {
		file := filepath.Join(t.TempDir(), "card.img")
		args := []string{"--image", i.plain, "--device", file}
		res := run{sh: sh, args: append(args, "--progress")}.do(t)
		res.want(t, 0, "writing  100 %  16 of 16 MB", "reading  100 %  5 of 5 MB")
		res = run{sh: sh, args: append(args, "--yes")}.do(t)
		if res.want(t, 0); res.err != "" {
			t.Errorf("says without a terminal:\n%s", res.err)
		}
	})
	// A slow card: its first write takes more than a second.
	path := standIn(t, "dd", `case "$*" in *fsync*) [ -e "$0.slept" ] || { : >"$0.slept"; sleep 1.5; } ;; esac
exec "$real" "$@"
`)
	file := filepath.Join(t.TempDir(), "card.img")
	res := run{sh: both()[0], path: path, args: []string{"--image", i.plain, "--device", file, "--progress"}}.do(t)
	res.want(t, 0, " MB/s  0 min ", " s left")
}

// refusesWithout has programs missing that it needs.
func refusesWithout(t *testing.T, i image) {
	for _, program := range []string{"xz", "sha256sum", "partx"} {
		t.Run(program, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "card.img")
			args := []string{"--image", i.xz, "--device", file, "--hostname", "cam"}
			run{sh: both()[0], path: without(t, program), args: args}.do(t).want(t, 2, program+" is missing: install it", "nothing was written")
		})
	}
}

// without is a PATH that has everything but one program.
func without(t testing.TB, program string) string {
	t.Helper()
	dir := t.TempDir()
	for _, from := range filepath.SplitList(os.Getenv("PATH") + ":/usr/sbin:/sbin") {
		entries, err := os.ReadDir(from)
		if err != nil {
			continue
		}
		for _, e := range entries {
			if e.Name() != program {
				_ = os.Symlink(filepath.Join(from, e.Name()), filepath.Join(dir, e.Name())) // the first one counts
			}
		}
	}
	if _, err := exec.LookPath(filepath.Join(dir, "sh")); err != nil {
		t.Fatal(err)
	}
	return dir + ":"
}
