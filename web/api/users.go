package api

import (
	"net/http"
	"time"

	"vedette/web/auth"
	"vedette/web/auth/keys"
)

type addUserBody struct {
	Username string    `json:"username"`
	Role     auth.Role `json:"role"`
	Password string    `json:"password"`
	Cameras  CameraSet `json:"cameras"`
}

type changeUserBody struct {
	Role     *auth.Role `json:"role"`
	Cameras  CameraSet  `json:"cameras"`
	Disabled *bool      `json:"disabled"`
	Password *string    `json:"password"`
	TOTP     *bool      `json:"totp"`
}

type userView struct {
	Username  string     `json:"username"`
	Role      auth.Role  `json:"role"`
	Cameras   *[]string  `json:"cameras,omitempty"` // absent: all
	Disabled  bool       `json:"disabled"`
	TOTP      bool       `json:"totp"`
	Created   Timestamp  `json:"created"`
	LastLogin *Timestamp `json:"last_login,omitempty"`
	Sessions  int        `json:"sessions"`
}

func viewUser(p auth.Person) userView {
	return userView{p.Name, p.Role, cameraSet(p.Cameras), p.Disabled, p.TOTP, Timestamp(p.Created), maybe(p.LastLogin), p.Sessions}
}

func (s *server) listUsers(w http.ResponseWriter, _ *http.Request) error {
	people := s.Auth.People()
	out := make([]userView, len(people))
	for i, p := range people {
		out[i] = viewUser(p)
	}
	writeJSON(w, http.StatusOK, struct {
		Users []userView `json:"users"`
	}{out})
	return nil
}

func (s *server) addUser(w http.ResponseWriter, r *http.Request) error {
	var b addUserBody
	if err := decode(w, r, &b); err != nil {
		return err
	}
	if err := needed("username", b.Username, "role", string(b.Role), "password", b.Password); err != nil {
		return err
	}
	target(r, b.Username)
	p, err := s.Auth.AddUser(r.Context(), b.Username, b.Role, b.Password, b.Cameras.IDs)
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusCreated, viewUser(p))
	return nil
}

func (s *server) changeUser(w http.ResponseWriter, r *http.Request) error {
	var b changeUserBody
	if err := decode(w, r, &b); err != nil {
		return err
	}
	detail(r, "fields", fieldsSaid(b))
	c := auth.Change{Role: b.Role, Disabled: b.Disabled, Password: b.Password}
	if b.Cameras.Said {
		c.Cameras = &b.Cameras.IDs
	}
	if b.TOTP != nil {
		if *b.TOTP {
			return badField("totp", "A second factor can be taken away here; only its owner can set one up.")
		}
		c.RemoveTOTP = true
	}
	p, err := s.Auth.ChangeUser(r.Context(), auth.From(r.Context()), r.PathValue("user"), c)
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, viewUser(p))
	return nil
}

func (s *server) removeUser(w http.ResponseWriter, r *http.Request) error {
	if err := s.Auth.RemoveUser(auth.From(r.Context()), r.PathValue("user")); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (s *server) allSessions(w http.ResponseWriter, r *http.Request) error {
	return writeSessions(w, s.Auth.Sessions(""), auth.From(r.Context()).Session())
}

func (s *server) endAnySession(w http.ResponseWriter, r *http.Request) error {
	return s.endSession(w, "", r.PathValue("sid"))
}

type addKeyBody struct {
	Name    string    `json:"name"`
	Role    auth.Role `json:"role"`
	Cameras CameraSet `json:"cameras"`
	Expires string    `json:"expires_at"`
}

type keyView struct {
	ID        string     `json:"id"`
	Name      string     `json:"name"`
	Role      string     `json:"role"`
	Cameras   *[]string  `json:"cameras,omitempty"` // absent: all
	Created   Timestamp  `json:"created"`
	CreatedBy string     `json:"created_by"`
	Expires   *Timestamp `json:"expires_at,omitempty"`
	LastUsed  *Timestamp `json:"last_used,omitempty"`
	Expired   bool       `json:"expired"`
}

func viewKey(k keys.Key) keyView {
	return keyView{k.ID, k.Name, k.Role, cameraSet(k.Cameras), Timestamp(k.Created), k.CreatedBy,
		maybe(k.Expires), maybe(k.LastUsed), !k.Expires.IsZero() && !time.Now().Before(k.Expires)}
}

func (s *server) listKeys(w http.ResponseWriter, _ *http.Request) error {
	list := s.Auth.Keys()
	out := make([]keyView, len(list))
	for i, k := range list {
		out[i] = viewKey(k)
	}
	writeJSON(w, http.StatusOK, struct {
		Keys []keyView `json:"keys"`
	}{out})
	return nil
}

// addKey makes a key. Its secret is in this answer and nowhere else.
func (s *server) addKey(w http.ResponseWriter, r *http.Request) error {
	var b addKeyBody
	if err := decode(w, r, &b); err != nil {
		return err
	}
	if err := needed("name", b.Name, "role", string(b.Role)); err != nil {
		return err
	}
	p := auth.From(r.Context())
	n := keys.New{Name: b.Name, Role: string(b.Role), Cameras: b.Cameras.IDs, CreatedBy: p.Name}
	if b.Expires != "" {
		var err error
		if n.Expires, err = timeField("expires_at", b.Expires); err != nil {
			return err
		}
	}
	k, secret, err := s.Auth.AddKey(p, n)
	if err != nil {
		return err
	}
	target(r, k.ID+" "+k.Name)
	writeJSON(w, http.StatusCreated, struct {
		keyView
		Key string `json:"key"`
	}{viewKey(k), secret})
	return nil
}

func (s *server) removeKey(w http.ResponseWriter, r *http.Request) error {
	if err := s.Auth.RemoveKey(auth.From(r.Context()), r.PathValue("key")); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
