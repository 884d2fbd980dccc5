package main

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"vedette/firmware/audit"
	"vedette/perception/events"
	"vedette/web/api"
	"vedette/web/auth"
	"vedette/web/live"
)

// openPeople opens the record of deeds and the accounts.
func (p *process) openPeople() (err error) {
	if p.audit, err = audit.Open(p.state, audit.Options{Log: p.log, Now: p.clock.Now, Broken: func(seq uint64, reason string) {
		p.events.Emit(events.Event{Type: "audit_broken", Severity: events.Critical, Payload: map[string]any{"entry": seq, "reason": reason}})
	}}); err != nil {
		return err
	}
	p.closers = append(p.closers, p.audit.Flush) // of what is done while everything ends
	code := ""
	if p.flags.appliance {
		p.openAppliance()
		code = p.appliance.pending.ClaimCode
	}
	p.auth, err = auth.Open(p.state, auth.Options{
		Log: p.log, Code: code, Notify: p.tellAuth, Seal: p.vault, Window: p.tellWindow,
		Ended: func(via string) {
			p.live.Revoke(func(i live.Info) bool { return i.Owner == via })
			p.keyEnded(via)
		},
	})
	return err
}

// deeds names what happens at the door as the audit does. What is done through
// the API is written down there.
var deeds = map[string]audit.Entry{
	"login":                {Action: "login"},
	"login_failed":         {Action: "login.failed", Result: audit.Failed},
	"login_throttled":      {Action: "login.throttled", Result: audit.Denied},
	"second_factor_failed": {Action: "login.second_factor", Result: audit.Failed},
	"logout":               {Action: "logout"},
	"claimed":              {Action: "setup.claimed"},
	"recovered":            {Action: "setup.recovered"},
	"setup_opened":         {Action: "setup.opened"},
	"password_changed":     {Action: "password.change"},
}

// tellAuth makes an event of what happened at the door, and writes it down.
func (p *process) tellAuth(n auth.Notice) {
	severity := events.Info
	switch n.What {
	case "login_failed", "login_throttled", "second_factor_failed", "recovered", "setup_opened":
		severity = events.Warning
	}
	payload := map[string]any{}
	for name, v := range map[string]string{"user": n.User, "by": n.By, "address": n.Address, "target": n.Target, "detail": n.Detail} {
		if v != "" {
			payload[name] = v
		}
	}
	if n.What == "claimed" && p.appliance != nil {
		p.appliance.taken()
	}
	p.events.Emit(events.Event{Type: "auth_" + n.What, Severity: severity, Payload: payload})
	e, known := deeds[n.What]
	if !known {
		return
	}
	e.Actor, e.Role, e.Via, e.Address, e.Target = n.User, string(n.Role), n.Via, n.Address, n.Target
	if n.By != "" {
		e.Actor, e.Role, e.Target = n.By, "", n.User
	}
	p.record(e)
}

// record writes a deed down.
func (p *process) record(e audit.Entry) {
	if err := p.audit.Append(e); err != nil {
		p.log.Error("a deed is not written down", "action", e.Action, "err", err)
	}
}

// tellWindow shows the code of the setup window to whoever is at the box.
func (p *process) tellWindow(w auth.Window) {
	if w.Open {
		fmt.Fprintf(p.std.out, "claim code: %s\n", w.Code)
	}
	if w.Open && !w.Claimed && p.appliance != nil {
		p.appliance.showCode(w.Code)
	}
}

// apiAudit shows the record to the API.
type apiAudit struct{ p *process }

func (a apiAudit) Append(e api.AuditEntry) {
	a.p.record(audit.Entry{
		Actor: e.Actor, Role: e.Role, Via: e.Via, Address: e.Address, Action: e.Action,
		Target: e.Target, Camera: e.Camera, Result: audit.Result(e.Result), Detail: e.Detail, Sync: lastDeeds[e.Action],
	})
}

// lastDeeds are those after which there may be no next second.
var lastDeeds = map[string]bool{"system.restart": true, "system.poweroff": true, "system.reset": true, "system.update": true, "backup.restore": true, "secrets.rotate": true}

func (a apiAudit) List(q api.AuditQuery) ([]api.AuditEntry, uint64, error) {
	list, next, err := a.p.audit.List(audit.Query{
		Before: q.Before, Limit: q.Limit, Actor: q.Actor, Action: q.Action, Camera: q.Camera, Text: q.Text, From: q.From, To: q.To,
	})
	out := make([]api.AuditEntry, len(list))
	for i, e := range list {
		out[i] = api.AuditEntry{
			Seq: e.Seq, Time: api.Timestamp(e.Time), Actor: e.Actor, Role: e.Role, Via: e.Via, Address: e.Address,
			Action: e.Action, Target: e.Target, Camera: e.Camera, Result: string(e.Result), Detail: e.Detail,
		}
	}
	return out, next, err
}

func (a apiAudit) Export(ctx context.Context, w http.ResponseWriter, format string, from, to time.Time) error {
	return a.p.audit.Export(ctx, w, audit.Format(format), from, to)
}

func (a apiAudit) Verify(ctx context.Context) (api.AuditReport, error) {
	r, err := a.p.audit.Verify(ctx)
	return api.AuditReport{OK: r.OK, Entries: r.Entries, First: r.First, Last: r.Last, BrokenAt: r.BrokenAt, Reason: r.Reason}, err
}
