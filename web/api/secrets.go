package api

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"time"

	"vedette/web/auth"
)

// Outgoing is which addresses the box may be made to connect to.
type Outgoing interface {
	Outgoing() OutgoingPolicy
	// SetOutgoing changes it at once and for good; by is who asks.
	SetOutgoing(ctx context.Context, p OutgoingPolicy, by string) error
}

// OutgoingPolicy widens what is let through.
type OutgoingPolicy struct {
	// CamerasPublic lets cameras have addresses on the internet.
	CamerasPublic bool `json:"cameras_public"`
	// Allow are networks that are let through although they would be refused.
	Allow []string `json:"allow"`
}

// Secrets are what is sealed under the key of this box.
type Secrets interface {
	// Rotate seals everything under a new key and returns how many secrets
	// there were.
	Rotate(ctx context.Context) (int, error)
}

// RestoreError says why an archive was not taken.
type RestoreError struct {
	Code   string // passphrase damaged version
	Reason string // one sentence
}

func (e *RestoreError) Error() string { return e.Reason }

// Backups are copies of everything but footage: users, cameras, holds,
// policies, keys.
type Backups interface {
	// Backup writes an archive encrypted with passphrase. An error before the
	// first byte is answered; a passphrase that will not do has Field().
	Backup(ctx context.Context, w io.Writer, passphrase string) error
	// Restore takes an archive, checks all of it, and has the process begin
	// anew with it. It returns a *RestoreError for one that will not do.
	Restore(ctx context.Context, r io.Reader, passphrase string) error
}

// maxBackup bounds an uploaded archive, in bytes.
const maxBackup = 64 << 20

func (s *server) getOutgoing(w http.ResponseWriter, _ *http.Request) error {
	if s.Outgoing == nil {
		return errNotSupported
	}
	p := s.Outgoing.Outgoing()
	p.Allow = notNil(p.Allow)
	writeJSON(w, http.StatusOK, p)
	return nil
}

func (s *server) putOutgoing(w http.ResponseWriter, r *http.Request) error {
	var p OutgoingPolicy
	if err := decode(w, r, &p); err != nil {
		return err
	}
	if s.Outgoing == nil {
		return errNotSupported
	}
	if err := s.Outgoing.SetOutgoing(r.Context(), p, auth.From(r.Context()).Name); err != nil {
		return err
	}
	return s.getOutgoing(w, r)
}

func (s *server) rotateSecrets(w http.ResponseWriter, r *http.Request) error {
	if err := decodeNothing(w, r); err != nil {
		return err
	}
	if s.Secrets == nil {
		return errNotSupported
	}
	n, err := s.Secrets.Rotate(r.Context())
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, struct {
		Rotated int `json:"rotated"`
	}{n})
	return nil
}

type backupBody struct {
	Passphrase string `json:"passphrase"`
}

func (s *server) backup(w http.ResponseWriter, r *http.Request) error {
	var b backupBody
	if err := decode(w, r, &b); err != nil {
		return err
	}
	if err := needed("passphrase", b.Passphrase); err != nil {
		return err
	}
	if s.Backups == nil {
		return errNotSupported
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Disposition", `attachment; filename="vedette-backup-`+time.Now().UTC().Format("2006-01-02")+`.age"`)
	return s.Backups.Backup(r.Context(), w, b.Passphrase)
}

// restore takes an archive whose passphrase is in a header, because the body
// is the archive and an address would be logged.
func (s *server) restore(w http.ResponseWriter, r *http.Request) error {
	body := &received{body: http.MaxBytesReader(w, r.Body, maxBackup), w: w.(*writer)}
	_ = body.w.rc.SetReadDeadline(time.Now().Add(refusedTime)) // as of update
	if s.Backups == nil {
		return errNotSupported
	}
	passphrase, err := url.PathUnescape(r.Header.Get("Backup-Passphrase"))
	switch {
	case r.URL.Query().Get("confirm") != "restore":
		return badField("confirm", "The value confirm must be: restore.")
	case err != nil || passphrase == "":
		return badField("passphrase", "The header Backup-Passphrase is missing, or not percent-encoded.")
	case r.Header.Get("Content-Type") != "application/octet-stream":
		return &failure{status: http.StatusUnsupportedMediaType, code: "unsupported_media_type", message: "The body must be application/octet-stream."}
	case r.ContentLength > maxBackup:
		return &failure{status: http.StatusRequestEntityTooLarge, code: "too_large", message: "A backup must not be longer than 64 MiB."}
	}
	if err := s.Backups.Restore(r.Context(), body, passphrase); err != nil {
		return err
	}
	w.WriteHeader(http.StatusAccepted)
	return nil
}
