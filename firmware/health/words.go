package health

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"vedette/firmware/durable"
)

// Cause is a vital check that made no progress, as the last words of a machine
// tell it.
type Cause struct {
	Check  string `json:"check"`
	Reason string `json:"reason"`
}

// Words are what a machine left behind before the watchdog reset it.
type Words struct {
	At     time.Time `json:"at,omitzero"` // by the wall clock of that boot; zero = not known
	Causes []Cause   `json:"causes"`
}

// LastWords keeps them where the next boot finds them: in a file, and in the
// kernel's log, which outlives a reset where there is a pstore (kernel document
// admin-guide/ramoops). The file is written by Run alone, so that a disk that
// hangs stops nobody.
type LastWords struct {
	path   string
	kmsg   string // the kernel's log; "" = none
	pstore string // directory; "" = none
	log    *slog.Logger
	next   chan []Cause // the latest that is to be written; nil takes words back
}

const (
	kmsgFile  = "/dev/kmsg"
	pstoreDir = "/sys/fs/pstore"
	// mark tells our line of the kernel's log apart.
	mark = "vedette: last words: "
)

// NewLastWords keeps last words in the file path.
func NewLastWords(path string, log *slog.Logger) *LastWords {
	return &LastWords{path: path, kmsg: kmsgFile, pstore: pstoreDir, log: log, next: make(chan []Cause, 1)}
}

// Leave says why the watchdog is not fed from now on; without a cause it takes
// back what was said. It never blocks.
func (l *LastWords) Leave(causes []Cause) {
	if len(causes) > 0 && l.kmsg != "" {
		l.tellKernel(causes)
	}
	for {
		select {
		case l.next <- causes:
			return
		default:
		}
		select {
		case <-l.next: // nobody wrote it: what is new counts
		default:
		}
	}
}

// tellKernel writes a line into the kernel's log, at level critical. That it may
// not is the rule where this is no appliance.
func (l *LastWords) tellKernel(causes []Cause) {
	f, err := os.OpenFile(l.kmsg, os.O_WRONLY, 0)
	if err != nil {
		return
	}
	defer f.Close()
	line, err := json.Marshal(Words{Causes: causes})
	if err != nil {
		return // strings alone: it cannot
	}
	_, _ = fmt.Fprintf(f, "<2>%s%s\n", mark, line)
}

// Run writes what is left until ctx is done, and returns its cause.
func (l *LastWords) Run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case causes := <-l.next:
			if err := l.write(causes); err != nil {
				l.log.Error("last words not written", "err", err)
			}
		}
	}
}

func (l *LastWords) write(causes []Cause) error {
	if len(causes) == 0 {
		if err := os.Remove(l.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	}
	data, err := json.Marshal(Words{At: time.Now().UTC(), Causes: causes})
	if err != nil {
		return err
	}
	return durable.WriteFile(l.path, data)
}

// Take returns what the last boot left behind and removes it; false if there is
// nothing, or nothing that can be read. Call it before the monitor runs.
func (l *LastWords) Take() (Words, bool) {
	fromKernel, ok := l.takePstore()
	data, err := os.ReadFile(l.path)
	if err != nil {
		return fromKernel, ok
	}
	if err := os.Remove(l.path); err != nil {
		l.log.Warn("last words stay", "err", err)
	}
	var w Words
	if err := json.Unmarshal(data, &w); err != nil || len(w.Causes) == 0 {
		l.log.Warn("last words cannot be read", "file", l.path, "err", err)
		return fromKernel, ok
	}
	return w, true
}

// takePstore finds our last line in what the kernel kept, and makes room for the
// next.
func (l *LastWords) takePstore() (w Words, ok bool) {
	if l.pstore == "" {
		return Words{}, false
	}
	files, err := filepath.Glob(filepath.Join(l.pstore, "*-ramoops-*"))
	if err != nil {
		return Words{}, false
	}
	slices.Sort(files)
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			continue
		}
		at := strings.LastIndex(string(data), mark)
		if at < 0 {
			continue
		}
		line, _, _ := strings.Cut(string(data[at+len(mark):]), "\n")
		var one Words
		if err := json.Unmarshal([]byte(line), &one); err != nil || len(one.Causes) == 0 {
			continue
		}
		w, ok = one, true
		if err := os.Remove(name); err != nil {
			l.log.Warn("last words stay in pstore", "err", err)
		}
	}
	return w, ok
}
