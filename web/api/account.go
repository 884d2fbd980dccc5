package api

import (
	"errors"
	"net/http"

	"vedette/web/auth"
	"vedette/web/auth/otp"
)

type passwordBody struct {
	Current  string `json:"current"`
	Password string `json:"password"`
}

// confirmBody is what changes of the own account are confirmed with.
type confirmBody struct {
	Password string `json:"password"`
}

type codeBody struct {
	Code string `json:"code"`
}

type totpRemoveBody struct {
	Password string `json:"password"`
	Code     string `json:"code"`
}

// changePassword ends every other session of the caller, and gives this
// browser a new one.
func (s *server) changePassword(w http.ResponseWriter, r *http.Request) error {
	var b passwordBody
	if err := decode(w, r, &b); err != nil {
		return err
	}
	if err := needed("current", b.Current, "password", b.Password); err != nil {
		return err
	}
	token, err := s.Auth.ChangePassword(r.Context(), auth.From(r.Context()), r.RemoteAddr, b.Current, b.Password)
	if err != nil {
		return confirmed(err, "current")
	}
	s.Auth.SetCookie(w, r, token)
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// wrongSecret reports whether err is that of a wrong password or code, of which
// the accounts themselves tell.
func wrongSecret(err error) bool {
	f, ok := errors.AsType[*failure](err)
	return ok && (f.code == "bad_credentials" || f.code == "bad_code")
}

// confirmed makes of a wrong password, where a session is there already, an
// answer that does not say that the session is over.
func confirmed(err error, field string) error {
	if isCredentials(err) {
		return &failure{status: http.StatusForbidden, code: "bad_credentials", field: field, message: "The password is wrong."}
	}
	return err
}

type sessionView struct {
	ID       string    `json:"id"`
	Username string    `json:"username"`
	Created  Timestamp `json:"created"`
	Seen     Timestamp `json:"seen"`
	Address  string    `json:"address"`
	Agent    string    `json:"agent"`
	Current  bool      `json:"current"`
}

func writeSessions(w http.ResponseWriter, list []auth.SessionInfo, mine string) error {
	out := make([]sessionView, len(list))
	for i, o := range list {
		out[i] = sessionView{o.ID, o.User, Timestamp(o.Created), Timestamp(o.Seen), o.Address, o.Agent, o.ID == mine}
	}
	writeJSON(w, http.StatusOK, struct {
		Sessions []sessionView `json:"sessions"`
	}{out})
	return nil
}

func (s *server) ownSessions(w http.ResponseWriter, r *http.Request) error {
	p := auth.From(r.Context())
	return writeSessions(w, s.Auth.Sessions(p.Name), p.Session())
}

func (s *server) endOwnSession(w http.ResponseWriter, r *http.Request) error {
	return s.endSession(w, auth.From(r.Context()).Name, r.PathValue("sid"))
}

func (s *server) endSession(w http.ResponseWriter, user, id string) error {
	if err := s.Auth.EndSession(user, id); err != nil {
		return errNotFound // whether it is another's or nobody's
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// beginTOTP makes a secret that is not in force before a code of it is
// confirmed.
func (s *server) beginTOTP(w http.ResponseWriter, r *http.Request) error {
	var b confirmBody
	if err := decode(w, r, &b); err != nil {
		return err
	}
	if err := needed("password", b.Password); err != nil {
		return err
	}
	secret, uri, err := s.Auth.BeginTOTP(r.Context(), auth.From(r.Context()), r.RemoteAddr, b.Password)
	if err != nil {
		return confirmed(err, "password")
	}
	rows, err := otp.Matrix(uri)
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, struct {
		Secret string   `json:"secret"`
		URI    string   `json:"uri"`
		QR     []string `json:"qr"` // rows of modules, 1 is dark
	}{secret, uri, rows})
	return nil
}

func (s *server) confirmTOTP(w http.ResponseWriter, r *http.Request) error {
	var b codeBody
	if err := decode(w, r, &b); err != nil {
		return err
	}
	if err := needed("code", b.Code); err != nil {
		return err
	}
	codes, err := s.Auth.ConfirmTOTP(r.Context(), auth.From(r.Context()), b.Code)
	return writeRecovery(w, codes, err)
}

func (s *server) newRecoveryCodes(w http.ResponseWriter, r *http.Request) error {
	var b confirmBody
	if err := decode(w, r, &b); err != nil {
		return err
	}
	if err := needed("password", b.Password); err != nil {
		return err
	}
	codes, err := s.Auth.NewRecoveryCodes(r.Context(), auth.From(r.Context()), r.RemoteAddr, b.Password)
	return writeRecovery(w, codes, err)
}

func writeRecovery(w http.ResponseWriter, codes []string, err error) error {
	if err != nil {
		return confirmed(secondFactor(err), "password")
	}
	writeJSON(w, http.StatusOK, struct {
		Codes []string `json:"recovery_codes"`
	}{codes})
	return nil
}

func (s *server) removeTOTP(w http.ResponseWriter, r *http.Request) error {
	var b totpRemoveBody
	if err := decode(w, r, &b); err != nil {
		return err
	}
	if err := needed("password", b.Password, "code", b.Code); err != nil {
		return err
	}
	if err := s.Auth.RemoveTOTP(r.Context(), auth.From(r.Context()), r.RemoteAddr, b.Password, b.Code); err != nil {
		return confirmed(secondFactor(err), "password")
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
