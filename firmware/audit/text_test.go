package audit

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"
)

func TestTextsAreBoundedAndOnOneLineAndNoSecrets(t *testing.T) {
	l := newLog(t, open(t, filepath.Join(t.TempDir(), "state.db")))
	if err := l.Append(Entry{
		Actor: "eve\r\n{\"seq\":9}", Address: "[fe80::1]:4711", Action: "login", Target: strings.Repeat("é", 500) + "\xff", Result: "great",
		Detail: map[string]string{"new_password": "canary", "key": "canary", "claim code": "canary", "fields": "a\u2028b\u202ec"},
	}); err != nil {
		t.Fatal(err)
	}
	got, _, err := l.List(Query{})
	if err != nil || len(got) != 1 {
		t.Fatal(got, err)
	}
	e := got[0]
	if e.Actor != `eve\u000d\u000a{"seq":9}` || e.Address != "fe80::1" || len(e.Target) > maxText+3 || e.Result != OK || e.Detail["fields"] != `a\u2028b\u202ec` {
		t.Errorf("%+v", e)
	}
	var out bytes.Buffer
	for _, f := range []Format{JSONL, CSV} {
		if err := l.Export(t.Context(), &out, f, time.Time{}, time.Time{}); err != nil {
			t.Fatal(err)
		}
	}
	if strings.Contains(out.String(), "canary") || strings.Count(out.String(), "\n") != 3 {
		t.Errorf("exported %q", out.String())
	}
}

func TestATableIsNoProgram(t *testing.T) {
	l := newLog(t, open(t, filepath.Join(t.TempDir(), "state.db")))
	if err := l.Append(Entry{Actor: `=HYPERLINK("http://evil")`, Action: "login", Target: "+1", Camera: "@x"}); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := l.Export(t.Context(), &out, CSV, time.Time{}, time.Time{}); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&out).ReadAll()
	if err != nil || len(rows) != 2 || rows[1][2] != `'=HYPERLINK("http://evil")` || rows[1][7] != "'+1" || rows[1][8] != "'@x" {
		t.Errorf("%q, %v", rows, err)
	}
}

func TestNamesOfSecrets(t *testing.T) {
	for name, want := range map[string]bool{
		"password": true, "new_password": true, "newPassword": true, "passwd": true, "pass": true, "Passphrase": true, "pass phrase": true,
		"client-secret": true, "token": true, "tokens": true, "access_token": true, "key": true, "apiKey": true, "api_keys": true, "private.key": true,
		"code": true, "claim_code": true, "recovery_codes": true, "pin": true, "credentials": true,
		"codec": false, "key_name": false, "key_id": false, "monkey": false, "fields": false, "postcode": false, "passed": false, "spinning": false, "": false,
	} {
		if secret(name) != want {
			t.Errorf("secret(%q) = %v", name, !want)
		}
	}
}

func TestPlainTexts(t *testing.T) {
	long := strings.Repeat("a", maxText-1)
	for in, want := range map[string]string{
		"a b":                         "a b",
		"a\x00\t\x7f\u0085b":          `a\u0000\u0009\u007f\u0085b`,
		"\xff\xfe":                    "\uFFFD",
		long + "é":                    long,
		long + "xé":                   long + "x",
		"rtsp://me:canary@10.0.0.1/a": "rtsp://masked@10.0.0.1/a",
		"http://me@x http://u:p@y/@z": "http://masked@x http://masked@y/@z",
		"http://10.0.0.1/a@b":         "http://10.0.0.1/a@b",
		"\u2066x\u2069":               `\u2066x\u2069`,
		"\u202Ex":                     `\u202ex`,
	} {
		if got := plain(in); got != want {
			t.Errorf("plain(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestDetailsAreBoundedAndNotTheCallers(t *testing.T) {
	l := newLog(t, open(t, filepath.Join(t.TempDir(), "state.db")))
	detail := map[string]string{}
	for i := range 40 {
		detail[fmt.Sprintf("n%02d", i)] = "x"
	}
	if err := l.Append(Entry{Actor: "a", Action: "x", Detail: detail}); err != nil {
		t.Fatal(err)
	}
	detail["n00"] = "changed"
	got, _, err := l.List(Query{})
	if err != nil || len(got[0].Detail) != maxDetail || got[0].Detail["n00"] != "x" || got[0].Detail["n15"] != "x" {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestExportsAreWhole(t *testing.T) {
	db := open(t, filepath.Join(t.TempDir(), "state.db"))
	l := newLog(t, db)
	some(t, l, 2*chunkRows+3)
	if err := l.Append(Entry{Actor: "a", Action: "waits"}); err != nil {
		t.Fatal(err)
	}
	count := func(f Format) int {
		var out bytes.Buffer
		if err := l.Export(t.Context(), &out, f, time.Time{}, time.Time{}); err != nil {
			t.Fatal(err)
		}
		return strings.Count(out.String(), "\n")
	}
	if n := count(JSONL); n != 2*chunkRows+4 {
		t.Errorf("%d lines", n)
	}
	// What is no row of ours ends nothing.
	if err := db.Bolt.Update(func(tx *bolt.Tx) error { return tx.Bucket(rowsBucket).Put(append(seqKey(7), 1), []byte("x")) }); err != nil {
		t.Fatal(err)
	}
	if n := count(CSV); n != 2*chunkRows+5 {
		t.Errorf("%d lines with the names of the columns", n)
	}
	if err := l.Export(t.Context(), io.Discard, "xml", time.Time{}, time.Time{}); err == nil {
		t.Error("xml: want an error")
	}
	var out bytes.Buffer
	empty := newLog(t, open(t, filepath.Join(t.TempDir(), "state.db")))
	if err := empty.Export(t.Context(), &out, CSV, time.Time{}, time.Time{}); err != nil || !strings.HasPrefix(out.String(), "seq,time,") {
		t.Errorf("of nothing: %q, %v", out.String(), err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := l.Export(ctx, io.Discard, JSONL, time.Time{}, time.Time{}); !errors.Is(err, context.Canceled) {
		t.Errorf("canceled: %v", err)
	}
}

type full struct{ left int }

func (f *full) Write(p []byte) (int, error) {
	if f.left -= len(p); f.left < 0 {
		return 0, io.ErrShortWrite
	}
	return len(p), nil
}

func TestAnExportThatIsNotWholeIsAnError(t *testing.T) {
	l := newLog(t, open(t, filepath.Join(t.TempDir(), "state.db")))
	some(t, l, 5)
	for _, f := range []Format{JSONL, CSV} {
		if err := l.Export(t.Context(), &full{left: 300}, f, time.Time{}, time.Time{}); !errors.Is(err, io.ErrShortWrite) {
			t.Errorf("%s: %v", f, err)
		}
	}
}

func TestWhatIsExportedProvesItself(t *testing.T) {
	l := newLog(t, open(t, filepath.Join(t.TempDir(), "state.db")))
	some(t, l, 3)
	var out bytes.Buffer
	if err := l.Export(t.Context(), &out, JSONL, time.Time{}, time.Time{}); err != nil {
		t.Fatal(err)
	}
	var last line
	dec := json.NewDecoder(&out)
	for dec.More() {
		if err := dec.Decode(&last); err != nil {
			t.Fatal(err)
		}
	}
	if want := fmt.Sprintf("%x", l.head.Hash); last.Hash != want || last.Seq != 3 {
		t.Errorf("the last line is %+v, want the head %s", last, want)
	}
}
