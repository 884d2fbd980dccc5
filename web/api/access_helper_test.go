package api

import (
	"context"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"
)

// fakeAudit keeps entries in memory.
type fakeAudit struct {
	mu      sync.Mutex
	entries []AuditEntry
	query   AuditQuery
}

func (f *fakeAudit) Append(e AuditEntry) {
	f.mu.Lock()
	defer f.mu.Unlock()
	e.Seq = uint64(len(f.entries) + 1)
	f.entries = append(f.entries, e)
}

// take returns what was written down, and forgets it.
func (f *fakeAudit) take() []AuditEntry {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := f.entries
	f.entries = nil
	return out
}

func (f *fakeAudit) List(q AuditQuery) ([]AuditEntry, uint64, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.query = q
	return slices.Clone(f.entries), 7, nil
}

func (f *fakeAudit) Export(_ context.Context, w http.ResponseWriter, format string, _, _ time.Time) error {
	_, err := io.WriteString(w, format)
	return err
}

func (f *fakeAudit) Verify(context.Context) (AuditReport, error) {
	return AuditReport{OK: true, Entries: 3, First: 1, Last: 3}, nil
}

type fakeCertificates struct{}

func (fakeCertificates) Info() CertificateInfo {
	return CertificateInfo{Mode: "own", Fingerprint: "AB:CD", Words: "one two three four"}
}

func (fakeCertificates) SetCertificate(_ context.Context, in CertificateInput) error {
	if in.Mode != "own" {
		return badField("mode", "The field mode must be own.")
	}
	return nil
}

func (fakeCertificates) CA() []byte { return []byte("-----BEGIN CERTIFICATE-----\n") }

// fakeAccess is what guards the box, faked.
type fakeAccess struct {
	mu       sync.Mutex
	outgoing OutgoingPolicy
	restored string // passphrase and archive
}

func (f *fakeAccess) Outgoing() OutgoingPolicy {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.outgoing
}

func (f *fakeAccess) SetOutgoing(_ context.Context, p OutgoingPolicy, _ string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.outgoing = p
	return nil
}

func (f *fakeAccess) Rotate(context.Context) (int, error) { return 4, nil }

func (f *fakeAccess) Backup(_ context.Context, w io.Writer, passphrase string) error {
	if passphrase == "short" {
		return badField("passphrase", "The field passphrase is too short.")
	}
	_, err := io.WriteString(w, "archive")
	return err
}

func (f *fakeAccess) Restore(_ context.Context, r io.Reader, passphrase string) error {
	data, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	if passphrase == "wrong" {
		return &RestoreError{"passphrase", "the passphrase is wrong"}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.restored = passphrase + " " + string(data)
	return nil
}
