package index

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// TestWhatIsWrittenIsCounted compares with what the kernel saw this process
// write: nothing else does in the meantime.
func TestWhatIsWrittenIsCounted(t *testing.T) {
	x, err := Open(filepath.Join(t.TempDir(), "segments.db"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer x.Close()
	before, saw := x.Status().Written, kernelSaw(t)
	for i := range 200 {
		for c := range 16 {
			r := Row{Camera: "cam-" + strconv.Itoa(c), Start: 1795464000000 + int64(i)*60_000, Duration: 60_000, Bytes: 30 << 20, Seq: uint32(i)}
			if err := x.Add(r); err != nil {
				t.Fatal(err)
			}
		}
		if err := x.Flush(); err != nil {
			t.Fatal(err)
		}
	}
	counted, wrote := x.Status().Written-before, kernelSaw(t)-saw
	if ratio := float64(counted) / float64(wrote); ratio < 0.95 || ratio > 1.05 {
		t.Errorf("counted %d bytes, the kernel saw %d", counted, wrote)
	}
}

// kernelSaw returns how many bytes this process passed to write calls.
func kernelSaw(t *testing.T) int64 {
	data, err := os.ReadFile("/proc/self/io")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(data)) {
		if v, ok := strings.CutPrefix(line, "wchar: "); ok {
			n, err := strconv.ParseInt(strings.TrimSpace(v), 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
	}
	t.Fatal("the kernel does not count")
	return 0
}
