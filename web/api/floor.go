package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"vedette/web/auth"
	"vedette/web/front"
)

// csp allows the panel what it needs and nothing else.
const csp = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; " +
	"media-src 'self' blob:; connect-src 'self'; manifest-src 'self'; worker-src 'self'; " +
	"frame-ancestors 'none'; base-uri 'none'; form-action 'self'; require-trusted-types-for 'script'"

// outer is what every request passes before it is routed: headers of every
// answer, the host name it asks for, and where it was sent from.
func (s *server) outer(mux *http.ServeMux) (http.Handler, error) {
	cross := http.NewCrossOriginProtection()
	for _, o := range s.Origins {
		if err := cross.AddTrustedOrigin(o); err != nil {
			return nil, fmt.Errorf("trust origin %q: %w", o, err)
		}
	}
	cross.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.fail(w, r, errCrossOrigin)
	}))
	inner := cross.Handler(mux)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", csp)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cache-Control", "private, no-store") // the panel's files set their own
		// The connection may still have the deadline of the request before.
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(writeStall))
		if !s.hostAllowed(r.Host) {
			s.fail(w, r, errHost)
			return
		}
		inner.ServeHTTP(w, r)
	}), nil
}

var localSuffixes = []string{".localhost", ".local", ".lan", ".home", ".internal", ".home.arpa", ".localdomain"}

func (s *server) hostAllowed(hostport string) bool { return HostAllowed(hostport, s.Hosts) }

// HostAllowed reports whether a box on a local network plausibly has this
// name, which may carry a port, or is among further ones. See the package
// comment.
func HostAllowed(hostport string, further []string) bool {
	host := hostport
	if i := strings.LastIndexByte(host, ':'); i > strings.LastIndexByte(host, ']') {
		host = host[:i]
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if host == "" {
		return false
	}
	if _, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil {
		return true
	}
	if !strings.Contains(host, ".") {
		return true
	}
	for _, suffix := range localSuffixes {
		if strings.HasSuffix(host, suffix) {
			return true
		}
	}
	return slices.ContainsFunc(further, func(h string) bool { return h == "*" || strings.EqualFold(h, host) })
}

var objectID = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

var pathValues = map[string]*regexp.Regexp{
	"id":      regexp.MustCompile(`^[a-z0-9](?:[a-z0-9-]{0,46}[a-z0-9])?$`),
	"seg":     regexp.MustCompile(`^[0-9]{1,15}-[0-9a-f]{8}$`),
	"session": regexp.MustCompile(`^[A-Za-z0-9_-]{1,128}$`),

	"task":     objectID,
	"lease":    objectID,
	"zone":     objectID,
	"sub":      objectID,
	"rule":     objectID,
	"incident": objectID,
	"frame":    regexp.MustCompile(`^[A-Za-z0-9_-]{1,80}(?:\.jpg)?$`),
}

// floor is what stands before every handler: who asks, whether they may,
// how long it may take, and what happens if the handler breaks.
func (s *server) floor(rt route) http.Handler {
	label := strings.TrimSpace(rt.method + " " + rt.pattern)
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w := &writer{ResponseWriter: rw, rc: http.NewResponseController(rw), rolling: rt.kind.long()}
		defer func() {
			if p := recover(); p != nil && p != http.ErrAbortHandler {
				s.log.Error("handler panic", "route", label, "panic", p, "stack", string(debug.Stack()))
				s.fail(w, r, errInternal)
			}
			s.metrics.GetOrCreateCounter(fmt.Sprintf(`vedette_http_requests_total{route=%q,code="%dxx"}`, label, w.status()/100)).Inc()
		}()
		if t := rt.kind.timeout(); t > 0 {
			ctx, cancel := context.WithTimeout(r.Context(), t)
			defer cancel()
			r = r.WithContext(ctx)
			// A deadline that cannot be set (a test's recorder) is none.
			_ = w.rc.SetWriteDeadline(time.Now().Add(t + 10*time.Second))
		}
		did := &deed{}
		r = r.WithContext(context.WithValue(r.Context(), deedKey{}, did))
		r, done, err := s.enter(rt, w, r)
		defer func() { s.remember(rt, r, did, w.status()) }()
		if err == nil {
			defer done()
			err = rt.handle(w, r)
			did.told = wrongSecret(err)
		}
		if err != nil {
			s.fail(w, r, err)
		}
	})
}

// enter checks the caller. The request it returns carries the principal, and
// ends with the session; done must be called afterwards.
func (s *server) enter(rt route, w *writer, r *http.Request) (_ *http.Request, done func(), err error) {
	done = func() {}
	if rt.perm == auth.Public {
		return r, done, nil
	}
	p, err := s.Auth.AuthenticateRequest(r)
	if slow, ok := errors.AsType[*auth.ThrottledError](err); ok {
		return r, done, slow
	}
	if err != nil {
		return r, done, errSignIn
	}
	front.Vouch(r.Context())
	r = r.WithContext(auth.WithPrincipal(r.Context(), p))
	if !p.Can(rt.perm) {
		return r, done, errForbidden
	}
	// Whether the caller may see it comes before whether it exists.
	if strings.Contains(rt.pattern, "{id}") && !p.Sees(r.PathValue("id")) {
		return r, done, errForbidden
	}
	for name, valid := range pathValues {
		if strings.Contains(rt.pattern, "{"+name+"}") && !valid.MatchString(r.PathValue(name)) {
			return r, done, errNotFound
		}
	}
	ctx, cancel := context.WithCancel(r.Context())
	stop := context.AfterFunc(p.Context(), func() {
		cancel()
		if rt.kind.long() {
			// It stops in the middle, even while it waits for a slow client.
			w.abort()
		}
	})
	return r.WithContext(ctx), func() { stop(); cancel() }, nil
}
