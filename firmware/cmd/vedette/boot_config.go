package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"vedette/firmware/config"
	"vedette/firmware/firstboot"
)

const (
	// configFile is the recorder's configuration on the setup partition. It holds no
	// secret, so it stays there.
	configFile = "recorder.toml"
	maxConfig  = 64 << 10 // bytes
)

// takeConfig makes the configuration on the setup partition, if there is one, the
// recorder's own. One with mistakes changes nothing, and they are returned.
func takeConfig(setup, data string) ([]firstboot.Fault, error) {
	text, err := readSome(filepath.Join(setup, configFile), maxConfig)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", configFile, err)
	}
	text = bytes.TrimPrefix(text, []byte("\uFEFF")) // as some editors begin a file
	if _, err := config.Parse(configFile, string(text)); err != nil {
		return mistakes(err), nil
	}
	name := filepath.Join(data, "vedette.toml")
	if old, err := os.ReadFile(name); err == nil && bytes.Equal(old, text) {
		return nil, nil // each start would wear the card
	}
	if err := os.MkdirAll(data, 0o700); err != nil {
		return nil, fmt.Errorf("%s: %w", configFile, err)
	}
	if err := replaceFile(name, text); err != nil {
		return nil, fmt.Errorf("%s: %w", configFile, err)
	}
	return nil, nil
}

// mistakes takes errors of config.Parse apart.
func mistakes(err error) (out []firstboot.Fault) {
	if many, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range many.Unwrap() {
			out = append(out, mistakes(e)...)
		}
		return out
	}
	if e, ok := errors.AsType[*config.Error](err); ok {
		return []firstboot.Fault{{Line: e.Line, Key: configFile + ": " + e.Key, Reason: e.Reason}}
	}
	return []firstboot.Fault{{Key: configFile, Reason: err.Error()}}
}

func readSome(name string, most int64) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, most+1))
	if err == nil && int64(len(text)) > most {
		err = fmt.Errorf("it is longer than %d bytes", most)
	}
	return text, err
}

// replaceFile gives a file another content: after a power cut it has the old or the new
// one.
func replaceFile(name string, text []byte) error {
	f, err := os.OpenFile(name+".new", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(name+".new", name); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(name))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
