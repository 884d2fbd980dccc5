// Package board owns the data of each board Vedette runs on: its lights,
// buttons, watchdog and disk bays, one file per board. It holds no
// behaviour; devices live in hal.
package board

// Board describes one board.
type Board struct {
	ID   string // as in configuration and image names
	Name string // for people
	// Compatible are the names the board has in a device tree, in its root's
	// property of that name. Empty: it is never detected.
	Compatible []string
	LEDs       []LED
	Buttons    []Button
	Watchdog   string // device file; empty = none that is known
	Bays       []Bay
}

// LED is a light on a board. Role says what it is for: "status" shows the state
// of the recorder by itself, "fault" and "disk" are spared where a board has
// fewer.
type LED struct {
	Name, Label, Color, Role string
	// Kernel are its names below /sys/class/leds; kernels differ, the first that
	// is there is it.
	Kernel []string
}

// Button is a push button on a board.
type Button struct {
	Name, Label string
	// Input are the names that its input device may have, in
	// /sys/class/input/event*/device/name.
	Input []string
}

// Bay is where a disk for footage goes.
type Bay struct {
	Label string // for people
	Bus   string // nvme, sata, usb or virtio
}
