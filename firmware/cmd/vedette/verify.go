package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"time"

	"vedette/perception/proof"
)

// verifyCommand checks a signed export: one line per file; exit code 0 if all of it
// is as the box made it, 1 if not, 2 if it could not be checked.
func verifyCommand(_ context.Context, args []string, std streams) int {
	fs := flag.NewFlagSet("vedette verify", flag.ContinueOnError)
	key := fs.String("key", "", "the box's key: its id, the key itself in base64, or a file with either, as the panel shows them")
	rest, code, ok := parse(fs, args, std)
	if !ok {
		return code
	}
	if len(rest) != 1 {
		return fail(std, 2, errors.New("usage: vedette verify FILE [--key KEY]"))
	}
	want, err := wantedKey(*key)
	if err != nil {
		return fail(std, 2, err)
	}
	report, err := verifyFile(rest[0], want)
	switch {
	case errors.Is(err, proof.ErrSignature), errors.Is(err, proof.ErrOtherKey):
		return fail(std, 1, fmt.Errorf("%s: %w", rest[0], err))
	case err != nil:
		return fail(std, 2, fmt.Errorf("%s: %w", rest[0], err))
	}
	tellReport(report, std)
	if !report.OK() {
		return 1
	}
	return 0
}

func verifyFile(name, key string) (r proof.Report, err error) {
	f, err := os.Open(name)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	info, err := f.Stat()
	if err != nil {
		return r, err
	}
	return proof.Verify(f, info.Size(), key)
}

// mostKey bounds a file with a key, in bytes.
const mostKey = 4 << 10

// wantedKey returns the key that text is, or that the file of that name holds:
// alone, or as the API writes it.
func wantedKey(text string) (string, error) {
	info, err := os.Stat(text)
	if text == "" || err != nil || !info.Mode().IsRegular() {
		return text, nil
	}
	if info.Size() > mostKey {
		return "", fmt.Errorf("%s is too long for a key", text)
	}
	raw, err := os.ReadFile(text)
	if err != nil {
		return "", err
	}
	var said struct {
		Public string `json:"public_key"`
	}
	if json.Unmarshal(raw, &said) == nil && said.Public != "" {
		return said.Public, nil
	}
	return strings.TrimSpace(string(raw)), nil
}

// tellReport prints what an export is. What comes from the file is quoted: it may
// say anything.
func tellReport(r proof.Report, std streams) {
	m := r.Manifest
	fmt.Fprintf(std.out, "exported by %q on %s, from the box %q (%q)\n", m.By, m.Made.UTC().Format(time.RFC3339), m.Box.Name, m.Box.ID)
	if m.Incident != "" {
		fmt.Fprintf(std.out, "incident %q\n", m.Incident)
	}
	for _, f := range m.Files {
		fmt.Fprintf(std.out, "%q: camera %q, %s to %s, %d gaps\n", f.Name, f.CameraName, f.From.UTC().Format(time.RFC3339), f.To.UTC().Format(time.RFC3339), len(f.Gaps))
	}
	for _, f := range r.Files {
		if f.Problem == "" {
			fmt.Fprintf(std.out, "OK  %q\n", f.Name)
		} else {
			fmt.Fprintf(std.out, "BAD %q: %s\n", f.Name, f.Problem)
		}
	}
	if r.Known {
		fmt.Fprintf(std.out, "signed with the key %s, the one that was asked for\n", r.KeyID)
	} else {
		fmt.Fprintf(std.out, "signed with the key %s: nothing was changed since. Whose key that is the panel of the box shows (--key)\n", r.KeyID)
	}
}
