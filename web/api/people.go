package api

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"vedette/web/auth"
)

type claimBody struct {
	Code     string `json:"code"`
	Username string `json:"username"`
	Password string `json:"password"`
}

type loginBody struct {
	Username string `json:"username"`
	Password string `json:"password"`
	Code     string `json:"code"` // of the second factor
}

// needed returns an error for the first value that is missing.
func needed(pairs ...string) error {
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] == "" {
			return badField(pairs[i], "The field %s is missing.", pairs[i])
		}
	}
	return nil
}

// caller says who asks, as far as that is known before they are signed in.
func caller(r *http.Request) auth.Caller {
	return auth.Caller{Address: r.RemoteAddr, Agent: r.UserAgent()}
}

// claimable tells whether the setup window is open, and what the certificate
// of this box should look like to whoever compares it.
func (s *server) claimable(w http.ResponseWriter, _ *http.Request) error {
	window := s.Auth.Setup()
	out := struct {
		Claimable   bool       `json:"claimable"`
		Claimed     bool       `json:"claimed"`
		Until       *Timestamp `json:"until,omitempty"`
		Fingerprint string     `json:"fingerprint,omitempty"`
		Words       string     `json:"words,omitempty"`
	}{Claimable: window.Open, Claimed: window.Claimed}
	if window.Open {
		out.Until = (*Timestamp)(&window.Until)
	}
	if s.Certificates != nil {
		info := s.Certificates.Info()
		out.Fingerprint, out.Words = info.Fingerprint, info.Words
	}
	writeJSON(w, http.StatusOK, out)
	return nil
}

func (s *server) claim(w http.ResponseWriter, r *http.Request) error {
	var b claimBody
	if err := decode(w, r, &b); err != nil {
		return err
	}
	if err := needed("code", b.Code, "username", b.Username, "password", b.Password); err != nil {
		return err
	}
	token, err := s.Auth.Claim(r.Context(), caller(r), b.Code, b.Username, b.Password)
	if err != nil {
		return err
	}
	return s.welcome(w, r, token)
}

func (s *server) login(w http.ResponseWriter, r *http.Request) error {
	var b loginBody
	if err := decode(w, r, &b); err != nil {
		return err
	}
	if err := needed("username", b.Username, "password", b.Password); err != nil {
		return err
	}
	token, err := s.Auth.Login(r.Context(), caller(r), b.Username, b.Password, b.Code)
	if err != nil {
		return err
	}
	return s.welcome(w, r, token)
}

// welcome hands out a new session, and ends the one the browser had.
func (s *server) welcome(w http.ResponseWriter, r *http.Request, token string) error {
	if old := auth.Token(r); old != "" {
		s.Auth.Logout(old)
	}
	p, err := s.Auth.Authenticate(token)
	if err != nil {
		return errSignIn
	}
	s.Auth.SetCookie(w, r, token)
	writeJSON(w, http.StatusOK, s.person(p))
	return nil
}

func (s *server) logout(w http.ResponseWriter, r *http.Request) error {
	if err := decodeNothing(w, r); err != nil {
		return err
	}
	s.Auth.Logout(auth.Token(r))
	auth.ClearCookie(w, r)
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (s *server) me(w http.ResponseWriter, r *http.Request) error {
	writeJSON(w, http.StatusOK, s.person(auth.From(r.Context())))
	return nil
}

type personView struct {
	Username string    `json:"username"`
	Role     auth.Role `json:"role"`
	Cameras  *[]string `json:"cameras,omitempty"` // absent: all
	TOTP     bool      `json:"totp"`
	Session  string    `json:"session,omitempty"`
	Key      string    `json:"key,omitempty"`
}

func (s *server) person(p *auth.Principal) personView {
	v := personView{Username: p.Name, Role: p.Role, Cameras: cameraSet(p.Cameras), Session: p.Session(), Key: p.Key}
	if !p.Machine() {
		v.TOTP = slices.ContainsFunc(s.Auth.People(), func(o auth.Person) bool { return strings.EqualFold(o.Name, p.Name) && o.TOTP })
	}
	return v
}

// cameraSet tells all cameras (absent) from none of them ([]).
func cameraSet(cameras []string) *[]string {
	if cameras == nil {
		return nil
	}
	return &cameras
}

// maybe shows a time that may not have been.
func maybe(t time.Time) *Timestamp {
	if t.IsZero() {
		return nil
	}
	return (*Timestamp)(&t)
}
