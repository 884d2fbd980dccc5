package api

import (
	"context"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"time"

	"vedette/web/auth"
)

// Audit is the record of what people and machines did to the box.
type Audit interface {
	// Append adds e; Seq and Time are given by the record. It must not wait
	// for the disk.
	Append(e AuditEntry)
	// List returns entries, newest first, and where the next page begins, 0 if
	// there is none.
	List(q AuditQuery) ([]AuditEntry, uint64, error)
	// Export writes the entries of [from, to), oldest first; format is jsonl
	// or csv. A zero time is no limit.
	Export(ctx context.Context, w http.ResponseWriter, format string, from, to time.Time) error
	// Verify walks the chain of hashes.
	Verify(ctx context.Context) (AuditReport, error)
}

// AuditEntry is one deed.
type AuditEntry struct {
	Seq     uint64            `json:"seq"`
	Time    Timestamp         `json:"time"`
	Actor   string            `json:"actor"`
	Role    string            `json:"role,omitempty"`
	Via     string            `json:"via"` // session id, key:ID, box, command
	Address string            `json:"address,omitempty"`
	Action  string            `json:"action"`
	Target  string            `json:"target,omitempty"`
	Camera  string            `json:"camera,omitempty"`
	Result  string            `json:"result"` // ok denied failed
	Detail  map[string]string `json:"detail,omitempty"`
}

// AuditQuery selects entries. Zero values select all.
type AuditQuery struct {
	Before                      uint64 // entries with a smaller number
	Limit                       int
	Actor, Action, Camera, Text string // Action also as a prefix up to a dot
	From, To                    time.Time
}

// AuditReport is what a walk along the chain found.
type AuditReport struct {
	OK       bool   `json:"ok"`
	Entries  uint64 `json:"entries"`
	First    uint64 `json:"first_seq"`
	Last     uint64 `json:"last_seq"`
	BrokenAt uint64 `json:"broken_at,omitempty"`
	Reason   string `json:"reason,omitempty"`
}

// deed is what a handler adds to the entry that the floor writes about it.
type deed struct {
	target string
	detail map[string]string
	told   bool // the accounts themselves have
}

type deedKey struct{}

// target names what a request is about, where its path does not.
func target(r *http.Request, what string) {
	if d, ok := r.Context().Value(deedKey{}).(*deed); ok {
		d.target = what
	}
}

// detail adds to what is remembered of a request. Values are never secrets.
func detail(r *http.Request, name, value string) {
	if d, ok := r.Context().Value(deedKey{}).(*deed); ok && value != "" {
		if d.detail == nil {
			d.detail = map[string]string{}
		}
		d.detail[name] = value
	}
}

// fieldsSaid names the fields of a body that say something.
func fieldsSaid(body any) string {
	v := reflect.ValueOf(body)
	var names []string
	for i := range v.NumField() {
		if said, ok := v.Field(i).Interface().(CameraSet); ok && !said.Said || v.Field(i).IsZero() {
			continue
		}
		name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
		names = append(names, name)
	}
	return strings.Join(names, " ")
}

// remember writes down what became of a request: of those that change or take
// something away, and of whatever a known caller was not allowed to do.
// Signing in and out is told by the accounts themselves.
func (s *server) remember(rt route, r *http.Request, d *deed, status int) {
	p := auth.From(r.Context())
	denied := status == http.StatusForbidden
	if s.Audit == nil || p == nil || d.told || rt.action == "" && !denied {
		return
	}
	e := AuditEntry{
		Actor: p.Name, Role: string(p.Role), Via: p.Via(), Address: r.RemoteAddr,
		Action: rt.action, Target: d.target, Camera: r.PathValue("id"), Result: "ok", Detail: d.detail,
	}
	if e.Action == "" {
		// A worker that asks for what it may not would fill the record in an hour.
		if p.Machine() && !s.denied.first(p.Via()+" "+rt.method+" "+rt.pattern, time.Now()) {
			return
		}
		e.Action, e.Detail = "denied", map[string]string{"route": rt.method + " " + rt.pattern}
	}
	for _, name := range []string{"user", "sid", "key", "hold", "name", "disk", "task", "zone", "sub", "rule", "incident"} {
		if v := r.PathValue(name); e.Target == "" && v != "" {
			e.Target = v
		}
	}
	switch {
	case denied:
		e.Result = "denied"
	case status >= 400:
		e.Result = "failed"
	}
	s.Audit.Append(e)
}

const (
	defaultAudit = 100
	maxAudit     = 1000
)

// auditSpan reads from and to, both of which may be missing.
func auditSpan(r *http.Request) (from, to time.Time, err error) {
	q := r.URL.Query()
	if q.Get("from") != "" {
		if from, err = queryTime(q, "from"); err != nil {
			return from, to, err
		}
	}
	if q.Get("to") != "" {
		if to, err = queryTime(q, "to"); err != nil {
			return from, to, err
		}
		if !from.Before(to) {
			return from, to, badField("to", "The time to must be after from.")
		}
	}
	return from, to, nil
}

func (s *server) listAudit(w http.ResponseWriter, r *http.Request) error {
	if s.Audit == nil {
		return errNotSupported
	}
	limit, err := queryInt(r, "limit", defaultAudit, 1, maxAudit)
	if err != nil {
		return err
	}
	from, to, err := auditSpan(r)
	if err != nil {
		return err
	}
	q := r.URL.Query()
	query := AuditQuery{Limit: limit, Actor: q.Get("actor"), Action: q.Get("action"), Camera: q.Get("camera"), Text: q.Get("text"), From: from, To: to}
	if before := q.Get("before"); before != "" {
		if query.Before, err = strconv.ParseUint(before, 10, 63); err != nil {
			return badField("before", "The number before must be that of an entry.")
		}
	}
	entries, next, err := s.Audit.List(query)
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, struct {
		Entries []AuditEntry `json:"entries"`
		Next    uint64       `json:"next,omitempty"`
	}{notNil(entries), next})
	return nil
}

func (s *server) exportAudit(w http.ResponseWriter, r *http.Request) error {
	if s.Audit == nil {
		return errNotSupported
	}
	from, to, err := auditSpan(r)
	if err != nil {
		return err
	}
	types := map[string]string{"jsonl": "application/x-ndjson", "csv": "text/csv; charset=utf-8"}
	format := r.URL.Query().Get("format")
	if format == "" {
		format = "jsonl"
	}
	if types[format] == "" {
		return badField("format", "The format must be jsonl or csv.")
	}
	w.Header().Set("Content-Type", types[format])
	w.Header().Set("Content-Disposition", `attachment; filename="vedette-audit.`+format+`"`)
	return s.Audit.Export(r.Context(), w, format, from, to)
}

func (s *server) verifyAudit(w http.ResponseWriter, r *http.Request) error {
	if s.Audit == nil {
		return errNotSupported
	}
	report, err := s.Audit.Verify(r.Context())
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, report)
	return nil
}
