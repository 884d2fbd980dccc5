package update

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"vedette/internal/testkit"
)

// shell runs a script as a program is run.
func shell(ctx context.Context, script string, line func(string)) error {
	return System(ctx, Program{Name: "sh", Args: []string{"-c", script}, Line: line})
}

func TestAProgramTellsItsLinesAndWhyItFails(t *testing.T) {
	var got []string
	err := shell(t.Context(), "echo one; echo; printf 'two\\nthree'; echo rauc-Message: no complaint >&2; echo '  it hurts' >&2; exit 3", func(l string) { got = append(got, l) })
	if !slices.Equal(got, []string{"one", "two", "three"}) {
		t.Errorf("%q", got)
	}
	if err == nil || !strings.Contains(err.Error(), "exit status 3: it hurts") || strings.Contains(err.Error(), "complaint") {
		t.Errorf("%v", err)
	}
	if err := System(t.Context(), Program{Name: "/nonexistent"}); err == nil {
		t.Error("no error of a program that is not there")
	}
	var long int
	if err := shell(t.Context(), "head -c 3000000 /dev/zero; echo; echo end", func(l string) { long = max(long, len(l)) }); err != nil || long != maxLine {
		t.Errorf("a line of %d bytes, %v", long, err)
	}
}

func alive(pid int) bool {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	return err == nil && !strings.Contains(string(stat), ") Z ")
}

// TestNothingOutlivesAProgram: not what it left behind when it ended, nor when it was
// ended.
func TestNothingOutlivesAProgram(t *testing.T) {
	var pid int
	read := func(l string) { pid, _ = strconv.Atoi(l) }
	if err := shell(t.Context(), "sleep 1000 >/dev/null 2>&1 & echo $!", read); err != nil || pid == 0 {
		t.Fatal(err, pid)
	}
	testkit.Until(t, 10*time.Second, "what was left behind ends", func() bool { return !alive(pid) })

	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("enough")
	err := shell(ctx, "sleep 1000 >/dev/null 2>&1 & echo $!; wait", func(l string) { read(l); cancel(why) })
	if !errors.Is(err, why) {
		t.Errorf("%v, want %v", err, why)
	}
	testkit.Until(t, 10*time.Second, "what was started ends", func() bool { return !alive(pid) })
}

// TestMain is also a process that is killed with a program of its own.
func TestMain(m *testing.M) {
	if os.Getenv("UPDATE_TEST_PARENT") != "" {
		err := shell(context.Background(), "echo $$; exec sleep 1000", func(l string) { os.Stdout.WriteString(l + "\n") })
		os.Stderr.WriteString(err.Error())
		os.Exit(1)
	}
	if state := os.Getenv(backendEnv); state != "" {
		os.Exit(backend(state, os.Args[1:]))
	}
	os.Exit(m.Run())
}

func TestAProgramDiesWithTheProcessThatStartedIt(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), "UPDATE_TEST_PARENT=1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line := make([]byte, 32)
	n, err := out.Read(line)
	pid, aerr := strconv.Atoi(strings.TrimSpace(string(line[:n])))
	if err != nil || aerr != nil || !alive(pid) {
		t.Fatal(err, aerr, pid)
	}
	if err := cmd.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // it was killed
	testkit.Until(t, 10*time.Second, "the program dies too", func() bool { return !alive(pid) })
}

func TestAProgramIsPolite(t *testing.T) {
	var lines []string
	if err := shell(t.Context(), "nice; ionice", func(l string) { lines = append(lines, l) }); err != nil {
		testkit.Lacking(t, "nice and ionice are missing: "+err.Error())
	}
	if !slices.Equal(lines, []string{"10", "best-effort: prio 7"}) {
		t.Errorf("%q", lines)
	}
	lines = nil
	if out, err := exec.Command("nice").Output(); err != nil || strings.TrimSpace(string(out)) == "10" {
		t.Errorf("others are polite too: %s, %v", out, err)
	}
}

func TestASlotIsReadBack(t *testing.T) {
	content := make([]byte, 3<<20+5000)
	_, _ = rand.Read(content) // it never fails
	path := filepath.Join(t.TempDir(), "slot")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, size := range []int64{1, 4096, 1 << 20, 1<<20 + 1, 3 << 20, int64(len(content))} {
		last := 0
		sum := sha256.Sum256(content[:size])
		got, err := readBack(t.Context(), path, size, func(percent int) { last = percent })
		if err != nil || got != hex.EncodeToString(sum[:]) || last != 100 {
			t.Errorf("%d bytes: %s, %v, at %d %%", size, got, err, last)
		}
	}
	if _, err := readBack(t.Context(), path, int64(len(content))+1, func(int) {}); !errors.Is(err, ErrReadBack) {
		t.Errorf("beyond its end: %v, want ErrReadBack", err)
	}
	if _, err := readBack(t.Context(), path+"x", 1, func(int) {}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("without a device: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	if _, err := readBack(ctx, path, int64(len(content)), func(int) { cancel() }); !errors.Is(err, context.Canceled) {
		t.Errorf("when it is ended: %v", err)
	}
}
