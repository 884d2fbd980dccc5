package front

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// limited is what every request of the panel passes first.
func (f *Front) limited(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.TLS != nil && f.o.HSTS(r.Host) {
			w.Header().Set("Strict-Transport-Security", "max-age=31536000")
		}
		if !f.gate.request(client(r)) {
			w.Header().Set("Retry-After", "1")
			fail(w, http.StatusTooManyRequests, "too_many_requests", "Too many requests; wait a moment.")
			return
		}
		if r.Body != nil && r.Body != http.NoBody {
			// The server reads what a handler leaves of a body, and waits for
			// it: a request that is refused at once would hold its connection
			// for as long as its body does not come. At the end of the body
			// the server lifts this.
			_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyTime))
		}
		next.ServeHTTP(w, r)
	})
}

// client returns who sent r; nobody, if no Front received it.
func client(r *http.Request) netip.Addr {
	if c, ok := r.Context().Value(connKey{}).(*conn); ok {
		return c.client
	}
	return netip.Addr{}
}

// toTLS sends a browser that came without TLS to the same page with it.
func (f *Front) toTLS(w http.ResponseWriter, r *http.Request) {
	// A browser that remembered a redirect could not come back if TLS is
	// switched off one day.
	w.Header().Set("Cache-Control", "no-store")
	host, port, ok := splitHost(r.Host)
	switch {
	case !ok:
		fail(w, http.StatusBadRequest, "bad_host", "The Host header is missing or no host name.")
		return
	case !f.o.HostAllowed(r.Host):
		fail(w, http.StatusMisdirectedRequest, "unknown_host", "This box is not known by that host name; add it to its configuration.")
		return
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		w.Header().Set("Upgrade", "TLS/1.3, HTTP/1.1")
		fail(w, http.StatusUpgradeRequired, "tls_required", "This box is reached by https alone.")
		return
	case !strings.HasPrefix(r.URL.RequestURI(), "/"): // "x:.example.com" would go on with the host's name
		fail(w, http.StatusBadRequest, "bad_request", "This is no path.")
		return
	}
	if c, ok := r.Context().Value(connKey{}).(*conn); ok && c.redirect {
		_, port, _ = net.SplitHostPort(f.Addr().String())
	} else if port == "" {
		port = "80" // what the client left out
	}
	if port != "443" {
		host += ":" + port
	}
	target := strings.ReplaceAll(r.URL.RequestURI(), "#", "%23") // no part of the query becomes a fragment
	http.Redirect(w, r, "https://"+host+target, http.StatusPermanentRedirect)
}

// hostPort is a host, as a name or an address, with or without a port.
var hostPort = regexp.MustCompile(`^([A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::([0-9]{1,5}))?$`)

// splitHost takes a Host header apart. The host keeps its brackets.
func splitHost(hostport string) (host, port string, ok bool) {
	m := hostPort.FindStringSubmatch(hostport)
	if m == nil {
		return "", "", false
	}
	if inner, ok := strings.CutPrefix(m[1], "["); ok {
		if a, err := netip.ParseAddr(strings.TrimSuffix(inner, "]")); err != nil || !a.Is6() {
			return "", "", false
		}
	}
	if n, err := strconv.ParseUint(m[2], 10, 16); m[2] != "" && (err != nil || n == 0) {
		return "", "", false
	}
	return m[1], m[2], true
}

// fail answers with an error as the API does. The texts need no escaping.
func fail(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	// The client may be gone; there is nobody to tell.
	_, _ = fmt.Fprintf(w, `{"error":{"code":%q,"message":%q}}`+"\n", code, message)
}

// WritePrometheus writes how many connections there are, and what was refused.
func (f *Front) WritePrometheus(w io.Writer) {
	// Who reads this may be gone; there is nobody to tell.
	_, _ = w.Write(f.gate.prometheus())
}
