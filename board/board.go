// Package board owns the data of each board Vedette runs on: its lights,
// buttons, watchdog and disk bays, one file per board. It holds no
// behaviour; devices live in hal.
package board

// Board describes one board.
type Board struct {
	ID      string // as in configuration and image names
	Name    string // for people
	LEDs    []LED
	Buttons []Button
}

// LED is a light on a board. Role says what it is for: "status" is the one
// that shows the state of the recorder.
type LED struct {
	Name, Label, Color, Role string
}

// Button is a push button on a board.
type Button struct {
	Name, Label string
}
