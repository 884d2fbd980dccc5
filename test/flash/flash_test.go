package flash_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"vedette/internal/testkit"
)

// TestFlash runs everything on one image: making it takes a while. Who spoils it takes a
// copy.
func TestFlash(t *testing.T) {
	i := newImage(t)
	for _, tt := range []struct {
		name string
		test func(*testing.T, image)
	}{
		{"writes the image", writesTheImage},
		{"uses bmaptool", usesBmaptool},
		{"works with a plain dd", worksWithAPlainDd},
		{"takes the newest of dist", takesTheNewestOfDist},
		{"refuses devices", refusesDevices},
		{"refuses the systems disk", refusesTheSystemsDisk},
		{"takes a large disk by force alone", takesALargeDiskByForceAlone},
		{"refuses damaged images", refusesDamagedImages},
		{"refuses maps", refusesMaps},
		{"refuses arguments", refusesArguments},
		{"dry run writes nothing", dryRunWritesNothing},
		{"asks for the name", asksForTheName},
		{"lists", lists},
		{"writes what was chosen", writesWhatWasChosen},
		{"notices another card", noticesAnotherCard},
		{"notices a mount", noticesAMount},
		{"notices what the card lost", noticesWhatTheCardLost},
		{"says what is left when it fails", saysWhatIsLeftWhenItFails},
		{"says what is left when stopped", saysWhatIsLeftWhenStopped},
		{"one at a time", oneAtATime},
		{"tells progress", tellsProgress},
		{"refuses without programs", refusesWithout},
		{"puts settings", putsSettings},
		{"puts some settings", putsSomeSettings},
		{"puts a whole file", putsAWholeFile},
		{"puts settings by mounting", putsSettingsByMounting},
		{"asks for the password", asksForThePassword},
	} {
		t.Run(tt.name, func(t *testing.T) { tt.test(t, i) })
	}
}

// writesTheImage writes onto what a former owner left, each way there is: every
// byte of the image is there, also the zeros that its map leaves out.
func writesTheImage(t *testing.T, i image) {
	whole := i.unmapped(t)
	want := read(t, i.plain)
	for _, tt := range []struct {
		name  string
		image string
		args  []string
	}{
		{"xz with map", i.xz, nil},
		{"xz with map, without bmaptool", i.xz, []string{"--no-bmaptool"}},
		{"plain with map, without bmaptool", i.plain, []string{"--no-bmaptool"}},
		{"xz without map", whole.xz, nil},
		{"plain without map, not verified", whole.plain, []string{"--no-verify"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			eachShell(t, func(t *testing.T, sh shell) {
				said := "written and verified"
				if strings.Contains(tt.name, "not verified") {
					said = "written, not verified"
				}
				t.Run("disk", func(t *testing.T) {
					d := newDisk(t, diskBytes)
					res := run{sh: sh, args: append([]string{"--image", tt.image, "--device", d.node, "--yes"}, tt.args...)}.do(t)
					res.want(t, 0)
					if !strings.Contains(res.out, said) {
						t.Errorf("says %q", res.out)
					}
					got := read(t, d.file)
					if !bytes.Equal(got[:imageBytes], want) {
						t.Errorf("differs from the image at byte %d", difference(got, want))
					}
					if end := got[diskBytes-1<<20:]; !bytes.Equal(end, make([]byte, 1<<20)) {
						t.Error("the end of the disk, where the old table's copy lies, is not wiped")
					}
					if mid := got[imageBytes : diskBytes-1<<20]; !bytes.Equal(mid, dirt(int64(len(mid)))) {
						t.Error("between image and end something was written")
					}
				})
				t.Run("file", func(t *testing.T) {
					file := filepath.Join(t.TempDir(), "new.img")
					res := run{sh: sh, args: append([]string{"--image", tt.image, "--device", file, "--size", "25165824"}, tt.args...)}.do(t)
					res.want(t, 0)
					if got := read(t, file); len(got) != 25165824 || !bytes.Equal(got[:imageBytes], want) {
						t.Errorf("%d bytes, differs from the image at byte %d", len(got), difference(got, want))
					}
				})
			})
		})
	}
}

// difference returns where two differ first.
func difference(a, b []byte) int {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return i
		}
	}
	return min(len(a), len(b))
}

func usesBmaptool(t *testing.T, i image) {
	mark := filepath.Join(t.TempDir(), "used")
	path := standIn(t, "bmaptool", "echo \"$@\" >"+mark+"\nexec $real \"$@\"\n")
	eachShell(t, func(t *testing.T, sh shell) {
		d := newDisk(t, diskBytes)
		cmd := run{sh: sh, path: path, args: []string{"--image", i.xz, "--device", d.node, "--yes", "--progress"}}.command(t)
		if err := cmd.Run(); err != nil {
			t.Fatal(err)
		}
		testkit.Command(t, "flock", "-n", d.node, "true") // what showed the progress has let go
		if got := string(read(t, mark)); !strings.HasSuffix(got, d.node+"\n") {
			t.Errorf("bmaptool was called with %q", got)
		}
		if err := os.Remove(mark); err != nil {
			t.Fatal(err)
		}
		run{sh: sh, path: path, args: []string{"--image", i.xz, "--device", d.node, "--yes", "--no-bmaptool"}}.do(t).want(t, 0)
		if _, err := os.Stat(mark); err == nil {
			t.Error("--no-bmaptool: it was called all the same")
		}
	})
}

// worksWithAPlainDd has one that knows nothing but what POSIX says.
func worksWithAPlainDd(t *testing.T, i image) {
	path := standIn(t, "dd", `case "$*" in *iflag*|*oflag*) echo "dd: unknown operand" >&2; exit 1 ;; esac
exec $real "$@"
`)
	d := newDisk(t, diskBytes)
	run{sh: both()[0], path: path, args: []string{"--image", i.xz, "--device", d.node, "--yes", "--no-bmaptool"}}.do(t).want(t, 0)
	if got, want := read(t, d.file)[:imageBytes], read(t, i.plain); !bytes.Equal(got, want) {
		t.Errorf("differs from the image at byte %d", difference(got, want))
	}
}

// takesTheNewestOfDist runs the script where people have it: beside dist/.
func takesTheNewestOfDist(t *testing.T, i image) {
	top := t.TempDir()
	dist := filepath.Join(top, "dist")
	if err := os.Mkdir(dist, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(script(t), filepath.Join(top, "flash.sh")); err != nil {
		t.Fatal(err)
	}
	eachShell(t, func(t *testing.T, sh shell) {
		for _, name := range []string{"rpi4-v1.0.0", "rpi4-v1.0.1", "rock5b-v1.0.0"} {
			testkit.Command(t, "cp", i.xz, filepath.Join(dist, "vedette-"+name+".img.xz"))
		}
		testkit.Command(t, "touch", "-d", "1 hour ago", filepath.Join(dist, "vedette-rpi4-v1.0.1.img.xz"))
		ask := func(args ...string) result {
			args = append([]string{"--dry-run", "--device", filepath.Join(top, "out.img")}, args...)
			return run{sh: sh, at: filepath.Join(top, "flash.sh"), args: args}.do(t)
		}
		ask().want(t, 2, "rock5b rpi4", "--board")
		ask("--board", "rockpro64").want(t, 2, "no image for rockpro64")
		if res := ask("--board", "rpi4"); res.code != 0 || !strings.Contains(res.out, "vedette-rpi4-v1.0.0.img.xz") {
			t.Errorf("newest: %+v", res)
		}
	})
}
