package journal

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestMain is the process that crashes when the test below asks for it.
func TestMain(m *testing.M) {
	if dir := os.Getenv("JOURNAL_CRASH_DIR"); dir != "" {
		if _, err := CrashFile(dir); err != nil {
			panic(err)
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			panic(os.Getenv("JOURNAL_CRASH"))
		}()
		<-done
	}
	os.Exit(m.Run())
}

func crash(t *testing.T, dir, why string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self)
	cmd.Env = append(os.Environ(), "JOURNAL_CRASH_DIR="+dir, "JOURNAL_CRASH="+why)
	if out, err := cmd.CombinedOutput(); err == nil || !strings.Contains(string(out), why) {
		t.Fatalf("the process did not crash: %v %s", err, out)
	}
}

func TestACrashIsKeptForTheNextRuns(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "log")
	file := func(name string) string {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	crash(t, dir, "one went wrong")
	if text := file(crashNow); !strings.Contains(text, "panic: one went wrong") || !strings.Contains(text, "goroutine ") {
		t.Errorf("crash.txt has %q", text)
	}
	crash(t, dir, "two went wrong")
	if text := file(crashOld); !strings.Contains(text, "one went wrong") {
		t.Errorf("crash.1.txt has %q, want the first crash", text)
	}
	if text := file(crashNow); strings.Contains(text, "one went wrong") || !strings.Contains(text, "two went wrong") {
		t.Errorf("crash.txt has %q, want the second crash alone", text)
	}
	// One that is far too long is cut, and a run that ends well moves nothing.
	if err := os.WriteFile(filepath.Join(dir, crashNow), []byte("panic: big\n"+strings.Repeat("x", 1<<20)), 0o600); err != nil {
		t.Fatal(err)
	}
	last, err := CrashFile(dir)
	if err != nil || len(last) != crashBytes || !strings.HasPrefix(last, "panic: big\n") || file(crashOld) != last || file(crashNow) != "" {
		t.Errorf("CrashFile: %d bytes, %v; crash.1.txt has %d, crash.txt %d", len(last), err, len(file(crashOld)), len(file(crashNow)))
	}
	if again, err := CrashFile(dir); again != "" || err != nil || file(crashOld) != last {
		t.Errorf("after a run without a crash: %q, %v", again, err)
	}
	if _, err := CrashFile(filepath.Join(dir, crashOld)); err == nil {
		t.Error("a directory that is a file: want an error")
	}
}
