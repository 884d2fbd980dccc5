package board

import (
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// sysOf is a /sys with the golden fragment of a device tree, as it is in
// /sys/firmware/devicetree/base: those of rpi4 and rockpro64 are cut from the trees
// that Debian's kernel 6.1 has, rpi5 and rock5b are made from the sources of the
// public kernel, qemuvirt is what the emulator answers.
func sysOf(t *testing.T, fragment string) fs.FS {
	t.Helper()
	sys := fstest.MapFS{}
	root := os.DirFS(path.Join("testdata", fragment))
	err := fs.WalkDir(root, ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := fs.ReadFile(root, p)
		sys[path.Join(tree, p)] = &fstest.MapFile{Data: data}
		return err
	})
	if err != nil || len(sys) == 0 {
		t.Fatal(fragment, err)
	}
	return sys
}

// labels returns the names that the kernel gives the lights, or the keys, of a
// fragment.
func labels(t *testing.T, sys fs.FS, node string) (names []string) {
	t.Helper()
	files, err := fs.Glob(sys, path.Join(tree, node, "*", "label"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		names = append(names, strings.Trim(text(sys, f), "\x00"))
	}
	return names
}

func TestEachBoardIsKnownByItsDeviceTree(t *testing.T) {
	for fragment, id := range map[string]string{
		"rpi4": "rpi4", "rpi5": "rpi5", "rockpro64": "rockpro64", "rockpro64-v2": "rockpro64", "rock5b": "rock5b", "qemuvirt": "qemuvirt",
	} {
		sys := sysOf(t, fragment)
		b, known := Detect(sys)
		if !known || b.ID != id {
			t.Errorf("%s is taken for %q, known %v", fragment, b.ID, known)
			continue
		}
		var ours []string
		for _, l := range b.LEDs {
			ours = append(ours, l.Kernel...)
		}
		for _, name := range labels(t, sys, "leds") {
			if !slices.Contains(ours, name) {
				t.Errorf("%s has a light %q that the board's data do not name", fragment, name)
			}
		}
		if _, err := fs.Stat(sys, path.Join(tree, "gpio-keys")); err == nil && len(b.Buttons) == 0 {
			t.Errorf("%s has a button that the board's data do not name", fragment)
		}
	}
}

func TestAnUnknownMachineIsWhatItSaysItIs(t *testing.T) {
	for name, sys := range map[string]fstest.MapFS{
		"Radxa E25": {
			tree + "/compatible": {Data: []byte("radxa,e25\x00rockchip,rk3568\x00")}, tree + "/model": {Data: []byte("Radxa E25\x00")},
		},
		"ThinkCentre":     {"class/dmi/id/product_name": {Data: []byte("ThinkCentre\n")}},
		"Unknown machine": {tree + "/compatible": {Data: []byte("\x00")}},
	} {
		if b, known := Detect(sys); known || b.ID != "generic" || b.Name != name || len(b.LEDs) != 0 || b.Watchdog != "" {
			t.Errorf("%s: %+v, known %v", name, b, known)
		}
	}
	b, _ := Detect(fstest.MapFS{
		"class/leds/input3::capslock/brightness": {}, "class/leds/a:red:fault/brightness": {}, "class/leds/green:status/brightness": {}, "class/leds/status/brightness": {},
	})
	if len(b.LEDs) != 2 || b.LEDs[0].Kernel[0] != "green:status" || b.LEDs[0].Color != "green" || b.LEDs[1].Kernel[0] != "a:red:fault" || b.LEDs[1].Color != "red" {
		t.Errorf("lights that say what they are for: %+v", b.LEDs)
	}
}

func TestTheDataOfEachBoardAreWhole(t *testing.T) {
	ids, compatible := map[string]bool{}, map[string]bool{}
	for _, b := range append(All(), Sim()) {
		if got, ok := ByID(b.ID); !ok || got.Name != b.Name || ids[b.ID] || b.Name == "" {
			t.Errorf("%q: %+v", b.ID, b)
		}
		ids[b.ID] = true
		for _, c := range b.Compatible {
			if compatible[c] {
				t.Errorf("%s: another board is %q too", b.ID, c)
			}
			compatible[c] = true
		}
		roles, names := map[string]bool{}, map[string]bool{}
		for _, l := range b.LEDs {
			if !slices.Contains([]string{"status", "fault", "disk"}, l.Role) || roles[l.Role] || l.Label == "" || l.Color == "" || b.ID != "sim" && len(l.Kernel) == 0 {
				t.Errorf("%s: light %+v", b.ID, l)
			}
			for _, k := range l.Kernel {
				if names[k] {
					t.Errorf("%s: %q is two lights", b.ID, k)
				}
				names[k] = true
			}
			roles[l.Role] = true
		}
		for _, x := range b.Buttons {
			if x.Name != "main" || x.Label == "" || b.ID != "sim" && len(x.Input) == 0 {
				t.Errorf("%s: button %+v", b.ID, x)
			}
		}
		if !roles["status"] {
			t.Errorf("%s has no light for the state", b.ID)
		}
	}
	if _, ok := ByID("toaster"); ok {
		t.Error("there is a toaster")
	}
	if len(IDs()) != len(ids) {
		t.Errorf("ids %v", IDs())
	}
}
