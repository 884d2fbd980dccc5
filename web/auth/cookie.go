package auth

import (
	"net/http"
	"time"
)

// The cookie's name. Over TLS its prefix makes the browser insist that it is
// secure, for this host alone, and for every path.
const (
	plainCookie  = "vedette_session"
	secureCookie = "__Host-vedette_session"
)

func cookieName(r *http.Request) string {
	if r.TLS != nil {
		return secureCookie
	}
	return plainCookie
}

// Token returns the session token that r carries, or "". It is taken from
// the cookie and from nowhere else: a token in an address ends up in logs.
func Token(r *http.Request) string {
	c, err := r.Cookie(cookieName(r))
	if err != nil {
		return ""
	}
	return c.Value
}

// SetCookie gives token to the browser that sent r.
func (s *Service) SetCookie(w http.ResponseWriter, r *http.Request, token string) {
	setCookie(w, r, token, int(s.o.Absolute/time.Second))
}

// ClearCookie makes the browser that sent r forget its token.
func ClearCookie(w http.ResponseWriter, r *http.Request) { setCookie(w, r, "", -1) }

func setCookie(w http.ResponseWriter, r *http.Request, value string, maxAge int) {
	http.SetCookie(w, &http.Cookie{
		Name: cookieName(r), Value: value, Path: "/", MaxAge: maxAge,
		HttpOnly: true, Secure: r.TLS != nil, SameSite: http.SameSiteStrictMode,
	})
}
