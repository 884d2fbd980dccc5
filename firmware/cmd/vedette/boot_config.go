package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"vedette/firmware/config"
	"vedette/firmware/durable"
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
		faults := firstboot.Faults(err)
		for i := range faults {
			faults[i].Key = strings.TrimSuffix(configFile+": "+faults[i].Key, ": ")
		}
		return faults, nil
	}
	name := filepath.Join(data, "vedette.toml")
	if old, err := os.ReadFile(name); err == nil && bytes.Equal(old, text) {
		return nil, nil // each start would wear the card
	}
	if err := os.MkdirAll(data, 0o700); err != nil {
		return nil, fmt.Errorf("%s: %w", configFile, err)
	}
	if err := durable.WriteFile(name, text); err != nil {
		return nil, fmt.Errorf("%s: %w", configFile, err)
	}
	return nil, nil
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
