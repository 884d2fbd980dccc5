package card

import "time"

// Report is what Prepare did and found. As JSON it is /run/vedette/boot.json's part
// of the card.
type Report struct {
	Disk       string `json:"disk"`
	DiskBytes  int64  `json:"disk_bytes"`
	DataBytes  int64  `json:"data_bytes"`  // of the partition, afterwards
	SpareBytes int64  `json:"spare_bytes"` // 0 = none

	Check Check `json:"check"`
	// Fresh says that the file system at /data was made now, and is empty. Kept is
	// the partition that holds what was there before. Overwrote says that it had held
	// such a one already, which is lost.
	Fresh     bool   `json:"fresh,omitempty"`
	Kept      string `json:"kept,omitempty"`
	Overwrote bool   `json:"overwrote,omitempty"`
	// Volatile says that /data is in memory: nothing there outlives the power.
	Volatile bool         `json:"volatile,omitempty"`
	Reset    *ResetReport `json:"reset,omitempty"`

	Steps  []Step  `json:"steps"`
	Events []Event `json:"events"`
}

// ResetReport is what became of a factory reset that was asked for.
type ResetReport struct {
	Footage        bool  `json:"footage"` // it goes too
	Done           bool  `json:"done"`    // else it is done at the next start
	TrimmedBytes   int64 `json:"trimmed_bytes"`
	SpareDiscarded bool  `json:"spare_discarded,omitempty"` // it held what was vedette-data
}

// Check is how the file system on vedette-data was found.
type Check string

// What a check finds.
const (
	Unchecked Check = ""         // it was mounted already, or is not there
	Clean     Check = "clean"    // or only its journal was replayed
	Tidied    Check = "tidied"   // what a power cut leaves was put in order
	Repaired  Check = "repaired" // files may be lost; what was found without a name is in lost+found
	Broken    Check = "broken"   // it could not be repaired, or not in time
)

// Step is one thing that Prepare did, or tried.
type Step struct {
	Name  string `json:"name"`
	MS    int64  `json:"ms"`
	Error string `json:"error,omitempty"`
}

// Event is for the event log. Types: card_grown (info), data_repaired (warning),
// data_replaced (critical), data_volatile (critical).
type Event struct {
	Type     string         `json:"type"`
	Severity string         `json:"severity"`
	Payload  map[string]any `json:"payload"`
}

// step does a part of the work and writes down how it went. It returns f's error.
func (r *Report) step(name string, f func() error) error {
	began := time.Now()
	err := f()
	s := Step{Name: name, MS: time.Since(began).Milliseconds()}
	if err != nil {
		s.Error = err.Error()
	}
	r.Steps = append(r.Steps, s)
	return err
}

func (r *Report) emit(kind, severity string, payload map[string]any) {
	r.Events = append(r.Events, Event{kind, severity, payload})
}
