package health

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// words are kept in a directory of their own.
func words(t *testing.T) *LastWords {
	t.Helper()
	dir := t.TempDir()
	l := NewLastWords(filepath.Join(dir, "last-words.json"), quiet())
	l.kmsg, l.pstore = filepath.Join(dir, "kmsg"), filepath.Join(dir, "pstore")
	if err := errors.Join(os.WriteFile(l.kmsg, nil, 0o600), os.Mkdir(l.pstore, 0o755)); err != nil {
		t.Fatal(err)
	}
	return l
}

func TestTheNextBootHearsWhatHung(t *testing.T) {
	l := words(t)
	said := []Cause{{"disk", "no progress for 1m1s"}}
	if w, ok := l.Take(); ok {
		t.Errorf("nothing was said, and heard is %+v", w)
	}
	if err := l.write(said); err != nil {
		t.Fatal(err)
	}
	w, ok := l.Take()
	if !ok || !slices.Equal(w.Causes, said) || time.Since(w.At).Abs() > time.Minute {
		t.Errorf("heard %+v, %v", w, ok)
	}
	if w, ok := l.Take(); ok {
		t.Errorf("heard twice: %+v", w)
	}
	if err := errors.Join(l.write(said), l.write(nil), l.write(nil)); err != nil {
		t.Fatal(err)
	}
	if w, ok := l.Take(); ok {
		t.Errorf("it was taken back: %+v", w)
	}
	if err := os.WriteFile(l.path, []byte(`{"at":"20`), 0o600); err != nil {
		t.Fatal(err)
	}
	if w, ok := l.Take(); ok {
		t.Errorf("a torn file says %+v", w)
	}
}

// Where the disk hangs that the file is on, the kernel's log has it still.
func TestLastWordsAreInTheKernelsLog(t *testing.T) {
	l := words(t)
	for range 3 { // nobody writes the file
		l.Leave([]Cause{{"disk", "no progress for 1m1s"}})
	}
	line, err := os.ReadFile(l.kmsg)
	if err != nil || !strings.HasPrefix(string(line), "<2>vedette: last words: {") {
		t.Fatalf("%q, %v", line, err)
	}
	kept := filepath.Join(l.pstore, "console-ramoops-0")
	log := "[   12.1] vedette: last words: {\"causes\":[{\"check\":\"index\",\"reason\":\"old\"}]}\n[   72.5] " + string(line[3:]) + "[   88.0] watchdog: reset\n"
	if err := os.WriteFile(kept, []byte(log), 0o600); err != nil {
		t.Fatal(err)
	}
	w, ok := l.Take()
	if !ok || len(w.Causes) != 1 || w.Causes[0].Check != "disk" || !w.At.IsZero() {
		t.Errorf("heard %+v, %v", w, ok)
	}
	if _, err := os.Stat(kept); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("it is kept on: %v", err)
	}
}

func TestTheLatestOfTheLastWordsIsWritten(t *testing.T) {
	l := words(t)
	synctest.Test(t, func(t *testing.T) {
		l.next = make(chan []Cause, 1)
		l.Leave([]Cause{{"index", "first"}})
		l.Leave([]Cause{{"disk", "second"}})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- l.Run(ctx) }()
		synctest.Wait()
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
	if w, ok := l.Take(); !ok || w.Causes[0].Reason != "second" {
		t.Errorf("%+v, %v", w, ok)
	}
}

func TestTheMonitorLeavesWordsWhileItDoesNotFeed(t *testing.T) {
	age := time.Duration(0)
	var said [][]Cause
	m := New([]Check{
		{Name: "disk", MaxAge: time.Minute, Ask: func() Verdict { return Verdict{State: Recording, Age: age} }},
		{Name: "camera", Ask: func() Verdict { return Verdict{State: Fault, Age: time.Hour, Reason: "offline"} }},
	}, nil, nil, quiet())
	m.Leave = func(c []Cause) { said = append(said, c) }
	for _, age = range []time.Duration{0, 61 * time.Second, 62 * time.Second, 0, 0, 90 * time.Second} {
		m.Round()
	}
	if len(said) != 3 || len(said[0]) != 1 || said[0][0] != (Cause{"disk", "no progress for 1m1s"}) || len(said[1]) != 0 || said[2][0].Reason != "no progress for 1m30s" {
		t.Errorf("said %+v", said)
	}
}
