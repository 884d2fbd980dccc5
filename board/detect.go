package board

import (
	"io/fs"
	"path"
	"slices"
	"strings"
)

// All returns every board but the simulated one, in the order of the README.
func All() []Board {
	return []Board{RPi4(), RPi5(), ROCKPro64(), ROCK5B(), QEMUVirt()}
}

// ByID returns the board of that id, the simulated one included; false if there
// is none.
func ByID(id string) (Board, bool) {
	all := append(All(), Sim())
	i := slices.IndexFunc(all, func(b Board) bool { return b.ID == id })
	if i < 0 {
		return Board{}, false
	}
	return all[i], true
}

// IDs returns the id of every board, the simulated one included.
func IDs() (ids []string) {
	for _, b := range append(All(), Sim()) {
		ids = append(ids, b.ID)
	}
	return ids
}

// tree is where sysfs has the device tree that the machine booted with (kernel
// document ABI/testing/sysfs-firmware-ofw).
const tree = "firmware/devicetree/base"

// Detect returns the board that the device tree in sys, which is /sys, names
// (Devicetree Specification 0.4, §2.3.1: the most specific name first). On any
// other machine known is false, and the board is what can be found out: the name
// the machine gives itself, and lights whose kernel names say what they are for.
func Detect(sys fs.FS) (b Board, known bool) {
	for _, name := range strings.Split(text(sys, path.Join(tree, "compatible")), "\x00") {
		for _, b := range All() {
			if name != "" && slices.Contains(b.Compatible, name) {
				return b, true
			}
		}
	}
	b = Board{ID: "generic", Name: "Unknown machine"}
	for _, file := range []string{path.Join(tree, "model"), "class/dmi/id/product_name"} {
		if model := strings.Trim(text(sys, file), "\x00\n "); model != "" {
			b.Name = model
			break
		}
	}
	b.LEDs = speaking(sys)
	return b, false
}

// speaking returns the lights that tell their purpose, as in "green:status"
// (kernel document leds/leds-class: device:colour:function).
func speaking(sys fs.FS) (leds []LED) {
	entries, err := fs.ReadDir(sys, "class/leds")
	if err != nil {
		return nil
	}
	roles := []LED{{Label: "Status", Role: "status"}, {Label: "Fault", Role: "fault"}, {Label: "Disk", Role: "disk"}}
	for _, l := range roles {
		for _, e := range entries {
			parts := strings.Split(e.Name(), ":")
			if len(parts) < 2 || parts[len(parts)-1] != l.Role {
				continue
			}
			l.Name, l.Color, l.Kernel = l.Role, parts[len(parts)-2], []string{e.Name()}
			leds = append(leds, l)
			break
		}
	}
	return leds
}

// text returns a small file's content, "" if there is none.
func text(sys fs.FS, name string) string {
	data, err := fs.ReadFile(sys, name)
	if err != nil {
		return ""
	}
	return string(data)
}
