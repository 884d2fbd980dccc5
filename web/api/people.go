package api

import (
	"net/http"

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

func (s *server) claimable(w http.ResponseWriter, _ *http.Request) error {
	writeJSON(w, http.StatusOK, struct {
		Claimable bool `json:"claimable"`
	}{!s.Auth.Claimed()})
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
	token, err := s.Auth.Claim(r.Context(), r.RemoteAddr, b.Code, b.Username, b.Password)
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
	token, err := s.Auth.Login(r.Context(), r.RemoteAddr, b.Username, b.Password)
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
	writeJSON(w, http.StatusOK, person(p))
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
	writeJSON(w, http.StatusOK, person(auth.From(r.Context())))
	return nil
}

type personView struct {
	Username string    `json:"username"`
	Role     auth.Role `json:"role"`
	Cameras  []string  `json:"cameras,omitempty"` // absent: all
}

func person(p *auth.Principal) personView { return personView{p.Name, p.Role, p.Cameras} }
