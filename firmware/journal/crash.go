package journal

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
)

const (
	crashNow = "crash.txt"
	crashOld = "crash.1.txt"
	// crashBytes is how much is kept of a crash: what was wrong comes first, then
	// goroutine after goroutine.
	crashBytes = 128 << 10
)

// CrashFile has the Go runtime write what ends the process, a panic that nobody
// recovers or a fatal error, to crash.txt in dir as well as to standard error. What
// the run before left there is first moved to crash.1.txt, cut to 128 KiB, and
// returned; "" if it left nothing. Call it once, early; the file stays in use until
// the process ends. That is the one state of the whole process that this package
// changes.
func CrashFile(dir string) (last string, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("keep crashes: %w", err)
	}
	name := filepath.Join(dir, crashNow)
	text, err := readStart(name, crashBytes)
	if err != nil {
		return "", fmt.Errorf("read the last crash: %w", err)
	}
	if len(text) > 0 {
		// The copy is durable before the original goes.
		if err := keepCrash(dir, text); err != nil {
			return string(text), fmt.Errorf("keep the last crash: %w", err)
		}
	}
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return string(text), fmt.Errorf("keep crashes: %w", err)
	}
	err = errors.Join(debug.SetCrashOutput(f, debug.CrashOptions{}), f.Close()) // the runtime has a descriptor of its own
	if err != nil {
		return string(text), fmt.Errorf("keep crashes: %w", err)
	}
	return string(text), nil
}

// readStart returns the first bytes of a file, none if it is not there.
func readStart(name string, most int64) ([]byte, error) {
	f, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, most))
}

func keepCrash(dir string, text []byte) error {
	temporary := filepath.Join(dir, crashOld+".new")
	f, err := os.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(temporary, filepath.Join(dir, crashOld)); err != nil {
		return err
	}
	return folder(dir).sync()
}
