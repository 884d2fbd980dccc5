// Package firstboot owns how a box takes up what a person put on the setup
// partition: once, whole or not at all, and so that no secret stays there. It
// never formats or mounts anything, and never tells a secret.
package firstboot

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"vedette/firmware/config"
)

// Names on the setup partition.
const (
	SetupFile  = "vedette.toml"       // put there by a person
	DoneFile   = "vedette.done.toml"  // what was taken up, without secrets
	ErrorsFile = "vedette.errors.txt" // what is wrong with SetupFile

	hidden = "vedette.toml.txt" // what SetupFile is called by those whose PC hides how names end
	marker = "taken.json"       // in the system's directory: SetupFile is taken up, and not wiped yet
)

// Result is what Read did and found; as JSON for people and programs.
type Result struct {
	// Applied tells that a file was taken up, and is wiped unless Problems say
	// otherwise.
	Applied bool      `json:"applied"`
	At      time.Time `json:"at,omitzero"` // when; by a clock that may not have been set yet
	Keys    []string  `json:"keys,omitempty"`
	// Errors are the mistakes of the file: nothing of it was applied.
	Errors []Fault `json:"errors,omitempty"`
	// Problems are what went wrong otherwise, in words for people.
	Problems []string `json:"problems,omitempty"`
}

// Fault is one mistake of a file.
type Fault struct {
	Line   int    `json:"line"` // from 1; 0 = not known
	Key    string `json:"key"`  // "" = the file as such
	Reason string `json:"reason"`
}

// String is the fault in one line, for a console.
func (f Fault) String() string {
	var where []string
	if f.Line > 0 {
		where = append(where, fmt.Sprintf("line %d", f.Line))
	}
	if f.Key != "" {
		where = append(where, f.Key)
	}
	if where == nil {
		return f.Reason
	}
	return strings.Join(where, ", ") + ": " + f.Reason
}

// Read takes up the file on the setup partition that is mounted at setup, if there
// is one, into the directory of the system's settings, and wipes it. It is to be
// called once at each start, by one process, before anything reads the settings.
//
// The order, each step durable before the next: the settings; a marker that they
// are; DoneFile, without secrets; zeros over SetupFile; its removal; the marker's. A start
// after a power cut repeats or ends it. A file with mistakes is left alone, and
// ErrorsFile is put beside it. One that sets nothing is left alone too. A partition
// that is missing or cannot be written is a problem, and never keeps the rest from
// being done.
func Read(setup, system string) Result {
	if info, err := os.Stat(setup); err != nil || !info.IsDir() {
		return Result{Problems: []string{"there is no setup partition"}}
	}
	if err := makeDir(system); err != nil {
		return Result{Problems: []string{fmt.Sprintf("the system's settings cannot be written: %v", err)}}
	}
	return (&reader{setup: dir(setup), system: dir(system), now: time.Now, rounds: sumRounds}).read()
}

// makeDir makes the directory, and its name durable.
func makeDir(name string) error {
	if _, err := os.Stat(name); err == nil {
		return nil
	}
	if err := os.MkdirAll(name, 0o700); err != nil {
		return err
	}
	return dir(filepath.Dir(name)).Sync()
}

type reader struct {
	setup, system tree
	now           func() time.Time
	rounds        int
	res           Result
}

func (r *reader) problem(format string, a ...any) {
	r.res.Problems = append(r.res.Problems, fmt.Sprintf(format, a...))
}

func (r *reader) read() Result {
	text, err := r.setup.Read(SetupFile, config.SetupMost+1)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		r.nothing()
		return r.res
	case err != nil:
		r.problem("%s cannot be read: %v", SetupFile, err)
		return r.res
	}
	before, err := readTaken(r.system)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		r.problem("what was taken up before is not known: %v", err)
	}
	same := before.is(text)
	if before.zeroed(text) {
		r.end(before, len(text))
		return r.res
	}
	s, err := config.ParseSetup(SetupFile, string(text))
	if err != nil {
		r.refuse(err)
		return r.res
	}
	if len(s.Keys()) == 0 {
		r.remove(r.setup, ErrorsFile)
		return r.res
	}
	if !same {
		if before, err = r.take(s, text); err != nil {
			r.problem("the setup could not be taken up: %v", err)
			return r.res
		}
		r.res.Applied, r.res.At, r.res.Keys = true, before.At, before.Keys
	}
	if err := r.report(s, before.At); err != nil {
		r.problem("%s cannot be written: %v", DoneFile, err)
	}
	r.end(before, len(text))
	return r.res
}

// take makes the settings durable, and then that they are.
func (r *reader) take(s config.Setup, text []byte) (taken, error) {
	if err := apply(r.system, s); err != nil {
		return taken{}, err
	}
	t := newTaken(text, r.now().UTC().Truncate(time.Second), s.Keys(), r.rounds)
	return t, t.write(r.system)
}

// end wipes SetupFile, and forgets that it was to be wiped.
func (r *reader) end(t taken, length int) {
	if err := wipe(r.setup, length); err != nil {
		r.problem("%s was taken up at %s, but its secrets are still on the setup partition: %v", SetupFile, t.At.Format(time.RFC3339), err)
		return
	}
	r.res.Applied, r.res.At, r.res.Keys = true, t.At, t.Keys
	r.remove(r.setup, ErrorsFile)
	r.remove(r.system, marker)
}

// wipe overwrites SetupFile with zeros in its place, which is where the file system had
// put it, and removes it. What a flash card's controller keeps of older writes is out of
// reach.
func wipe(t tree, length int) error {
	if err := t.Overwrite(SetupFile, make([]byte, length)); err != nil {
		return fmt.Errorf("overwrite: %w", err)
	}
	if err := t.Remove(SetupFile); err != nil {
		return fmt.Errorf("remove: %w", err)
	}
	return t.Sync()
}

// nothing tidies up where there is no file.
func (r *reader) nothing() {
	if _, err := r.setup.Read(hidden, 1); err == nil {
		r.problem("%s is not read; call it %s", hidden, SetupFile)
	}
	// Where DoneFile is the partition is there, and SetupFile was removed; else it may just
	// not be mounted.
	if _, err := r.setup.Read(DoneFile, 1); err == nil {
		r.remove(r.system, marker)
	}
	r.remove(r.setup, ErrorsFile)
}

// remove removes a file that may be there.
func (r *reader) remove(t tree, name string) {
	// A file system that is read-only refuses even what is not there.
	if _, err := t.Read(name, 1); errors.Is(err, fs.ErrNotExist) {
		return
	}
	err := t.Remove(name)
	if err == nil {
		err = t.Sync()
	}
	if err != nil {
		r.problem("%s cannot be removed: %v", name, err)
	}
}

// refuse tells what is wrong with the file, here and beside it.
func (r *reader) refuse(err error) {
	r.res.Errors = Faults(err)
	// Lines end as every PC's editor shows them.
	var b bytes.Buffer
	b.WriteString(SetupFile + " has mistakes. Nothing of it was used.\r\n\r\n")
	for _, f := range r.res.Errors {
		b.WriteString(f.String() + "\r\n")
	}
	b.WriteString("\r\nCorrect it and start the box again.\r\n")
	if old, err := r.setup.Read(ErrorsFile, int64(b.Len())+1); err == nil && bytes.Equal(old, b.Bytes()) {
		return // each start would wear the card
	}
	if err := put(r.setup, ErrorsFile, b.Bytes()); err != nil {
		r.problem("%s cannot be written: %v", ErrorsFile, err)
	}
}

// Faults takes the errors of config.ParseSetup and config.Parse apart.
func Faults(err error) []Fault {
	if many, ok := err.(interface{ Unwrap() []error }); ok {
		var out []Fault
		for _, e := range many.Unwrap() {
			out = append(out, Faults(e)...)
		}
		return out
	}
	if e, ok := errors.AsType[*config.Error](err); ok {
		return []Fault{{e.Line, e.Key, e.Reason}}
	}
	return []Fault{{Reason: err.Error()}}
}

// report writes DoneFile.
func (r *reader) report(s config.Setup, at time.Time) error {
	public, err := s.Public()
	if err != nil {
		return err
	}
	head := "# Taken up at " + at.Format(time.RFC3339) + ", by the clock of the box, which may not have been set yet.\n" +
		"# Secrets are not repeated. To set something else, put a new " + SetupFile + " beside this file and restart.\n" +
		"# keys: " + strings.Join(s.Keys(), " ") + "\n\n"
	return put(r.setup, DoneFile, []byte(strings.ReplaceAll(head+public, "\n", "\r\n")))
}
