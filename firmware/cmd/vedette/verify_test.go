package main

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"vedette/perception/proof"
)

func TestVerifySaysWhatAnExportIs(t *testing.T) {
	dir := t.TempDir()
	db, err := openState(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	key, err := proof.OpenKey(db, nil)
	if err != nil {
		t.Fatal(err)
	}
	var export bytes.Buffer
	at := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	if _, err := key.Write(&export, proof.Manifest{Made: at, By: "owner\x1b[2J", Box: proof.Box{ID: "b1", Name: "shop"}}, []proof.Clip{{
		File: proof.File{Name: "door.mp4", Camera: "door", CameraName: "Door", From: at, To: at.Add(time.Minute)},
		Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("footage")), nil },
	}}); err != nil {
		t.Fatal(err)
	}
	file := func(name string, b []byte) string {
		name = filepath.Join(dir, name)
		if err := os.WriteFile(name, b, 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	public := base64.StdEncoding.EncodeToString(key.Public())
	good := file("good.zip", export.Bytes())
	changed := file("changed.zip", bytes.Replace(export.Bytes(), []byte("footage"), []byte("nothing"), 1))
	forged := file("forged.zip", bytes.Replace(export.Bytes(), []byte("shop"), []byte("SHOP"), 1))
	asJSON := file("key.json", fmt.Appendf(nil, `{"key_id":%q,"public_key":%q}`, key.ID(), public))
	tests := []struct {
		name string
		args []string
		code int
		says string
	}{
		{"a whole one", []string{good}, 0, "nothing was changed since"},
		{"by the key's id", []string{good, "--key", key.ID()}, 0, "the one that was asked for"},
		{"by the key", []string{"--key", public, good}, 0, "the one that was asked for"},
		{"by a file of the API", []string{"--key", asJSON, good}, 0, "the one that was asked for"},
		{"by another key", []string{"--key", "0123456789abcdef", good}, 1, "signed by another key"},
		{"a changed clip", []string{changed}, 1, `BAD "door.mp4": was changed`},
		{"a changed manifest", []string{forged}, 1, "the signature is not that of the manifest"},
		{"no export", []string{asJSON}, 2, "not an export"},
		{"no file", []string{filepath.Join(dir, "none")}, 2, "no such file"},
		{"nothing", nil, 2, "usage"},
	}
	for _, tt := range tests {
		var out bytes.Buffer
		if code := verifyCommand(t.Context(), tt.args, streams{strings.NewReader(""), &out, &out}); code != tt.code || !strings.Contains(out.String(), tt.says) {
			t.Errorf("%s: %d %q, want %d and %q", tt.name, code, out.String(), tt.code, tt.says)
		}
		if strings.Contains(out.String(), "\x1b") {
			t.Errorf("%s: what the file says reaches the terminal", tt.name)
		}
	}
}
