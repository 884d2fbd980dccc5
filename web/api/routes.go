package api

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"vedette/web/auth"
)

// route is one line of the table. There is no other way to serve anything.
type route struct {
	method  string
	pattern string // as http.ServeMux knows it, without the method
	perm    auth.Permission
	kind    kind
	// action is what the audit calls it; empty: it is not written down, because
	// it changes nothing, or because the accounts themselves tell of it.
	action string
	handle func(w http.ResponseWriter, r *http.Request) error
}

// RouteInfo is a route as documents and tests see it.
type RouteInfo struct {
	Method, Pattern string // Method is empty for any
	Permission      auth.Permission
	Stream          bool // bytes rather than JSON go in or out, or the connection is taken over
}

// Routes returns everything that is served, in the order of the table.
func Routes() []RouteInfo {
	var out []RouteInfo
	for _, rt := range new(server).table() {
		out = append(out, RouteInfo{rt.method, rt.pattern, rt.perm, rt.kind.bytes()})
	}
	return out
}

// kind says how long a request may take, and how its answer is sent.
type kind uint8

const (
	quick  kind = iota // JSON; done within 15 s
	probe              // JSON; asks a camera, done within 20 s
	media              // bytes; as long as the client keeps reading
	upload             // a long body; as long as the client keeps sending
	socket             // takes the connection over
	image              // bytes; done within 15 s
	stream             // text; as long as the client keeps reading
)

// long reports whether a request lasts as long as bytes move.
func (k kind) long() bool { return k == media || k == upload || k == stream }

// bytes reports whether it is not JSON that goes in or out.
func (k kind) bytes() bool { return k >= media }

func (k kind) timeout() time.Duration {
	switch k {
	case quick, image:
		return 15 * time.Second
	case probe:
		return 20 * time.Second
	}
	return 0
}

const v1 = "/api/v1"

// table is everything this box answers, who may ask for it, and what it
// costs. A pattern with {id} names a camera, and is only answered to those
// who may see that camera.
func (s *server) table() []route {
	return []route{
		{"GET", "/healthz", auth.Public, quick, "", s.healthz},
		{"GET", "/readyz", auth.Public, quick, "", s.readyz},
		{"GET", "/metrics", auth.Measure, quick, "", s.writeMetrics},
		{"GET", "/vedette-ca.crt", auth.Public, quick, "", s.authority},

		{"GET", v1 + "/auth/claim", auth.Public, quick, "", s.claimable},
		{"POST", v1 + "/auth/claim", auth.Public, quick, "", s.claim},
		{"POST", v1 + "/auth/login", auth.Public, quick, "", s.login},
		{"POST", v1 + "/auth/logout", auth.Account, quick, "", s.logout},
		{"GET", v1 + "/auth/me", auth.Self, quick, "", s.me},

		{"POST", v1 + "/auth/password", auth.Account, quick, "", s.changePassword},
		{"GET", v1 + "/auth/sessions", auth.Account, quick, "", s.ownSessions},
		{"DELETE", v1 + "/auth/sessions/{sid}", auth.Account, quick, "session.end", s.endOwnSession},
		{"POST", v1 + "/auth/totp", auth.Account, quick, "", s.beginTOTP},
		{"POST", v1 + "/auth/totp/confirm", auth.Account, quick, "totp.add", s.confirmTOTP},
		{"POST", v1 + "/auth/totp/remove", auth.Account, quick, "totp.remove", s.removeTOTP},
		{"POST", v1 + "/auth/totp/recovery", auth.Account, quick, "totp.recovery", s.newRecoveryCodes},

		{"GET", v1 + "/users", auth.Operate, quick, "", s.listUsers},
		{"POST", v1 + "/users", auth.Operate, quick, "user.add", s.addUser},
		{"PATCH", v1 + "/users/{user}", auth.Operate, quick, "user.change", s.changeUser},
		{"DELETE", v1 + "/users/{user}", auth.Operate, quick, "user.remove", s.removeUser},
		{"GET", v1 + "/sessions", auth.Operate, quick, "", s.allSessions},
		{"DELETE", v1 + "/sessions/{sid}", auth.Operate, quick, "session.end", s.endAnySession},
		{"GET", v1 + "/api-keys", auth.Operate, quick, "", s.listKeys},
		{"POST", v1 + "/api-keys", auth.Operate, quick, "key.add", s.addKey},
		{"DELETE", v1 + "/api-keys/{key}", auth.Operate, quick, "key.remove", s.removeKey},
		{"GET", v1 + "/audit", auth.Operate, quick, "", s.listAudit},
		{"GET", v1 + "/audit/export", auth.Operate, media, "audit.export", s.exportAudit},
		{"GET", v1 + "/audit/verify", auth.Operate, probe, "", s.verifyAudit},

		{"GET", v1 + "/system", auth.View, quick, "", s.system},
		{"POST", v1 + "/system/volumes/{name}/adopt", auth.Operate, quick, "volume.adopt", s.adoptVolume},
		{"POST", v1 + "/system/volumes/{name}/remove", auth.Operate, probe, "volume.remove", s.removeDisk},
		{"GET", v1 + "/system/disks", auth.Operate, probe, "", s.listDisks},
		{"POST", v1 + "/system/disks/{disk}/prepare", auth.Operate, quick, "disk.prepare", s.prepareDisk},
		{"POST", v1 + "/system/disks/{disk}/use", auth.Operate, probe, "disk.use", s.useDisk},
		{"GET", v1 + "/system/update", auth.Operate, quick, "", s.getAppliance},
		{"POST", v1 + "/system/update", auth.Operate, upload, "system.update", s.update},
		{"POST", v1 + "/system/restart", auth.Operate, quick, "system.restart", s.restart},
		{"POST", v1 + "/system/poweroff", auth.Operate, quick, "system.poweroff", s.powerOff},
		{"POST", v1 + "/system/reset", auth.Operate, quick, "system.reset", s.reset},
		{"GET", v1 + "/system/log", auth.Operate, quick, "log.read", s.readLog},
		{"GET", v1 + "/system/support", auth.Operate, quick, "support.read", s.readSupport},
		{"GET", v1 + "/system/retention", auth.Operate, quick, "", s.getRetention},
		{"PUT", v1 + "/system/retention", auth.Operate, quick, "retention.change", s.putRetention},
		{"POST", v1 + "/system/retention/preview", auth.Operate, quick, "", s.previewRetention},
		{"GET", v1 + "/system/tls", auth.Operate, quick, "", s.getCertificate},
		{"PUT", v1 + "/system/tls", auth.Operate, probe, "tls.change", s.putCertificate},
		{"GET", v1 + "/system/outgoing", auth.Operate, quick, "", s.getOutgoing},
		{"PUT", v1 + "/system/outgoing", auth.Operate, quick, "outgoing.change", s.putOutgoing},
		{"POST", v1 + "/system/secrets/rotate", auth.Operate, probe, "secrets.rotate", s.rotateSecrets},
		{"POST", v1 + "/system/backup", auth.Operate, media, "backup.make", s.backup},
		{"POST", v1 + "/system/restore", auth.Operate, upload, "backup.restore", s.restore},
		{"GET", v1 + "/holds", auth.Export, quick, "", s.listHolds},
		{"POST", v1 + "/holds", auth.Export, quick, "hold.place", s.placeHold},
		{"DELETE", v1 + "/holds/{hold}", auth.Manage, quick, "hold.release", s.releaseHold},
		{"GET", v1 + "/hold-rules", auth.Manage, quick, "", s.listRules},
		{"POST", v1 + "/hold-rules", auth.Manage, quick, "rule.add", s.addRule},
		{"PATCH", v1 + "/hold-rules/{rule}", auth.Manage, quick, "rule.change", s.changeRule},
		{"DELETE", v1 + "/hold-rules/{rule}", auth.Manage, quick, "rule.remove", s.removeRule},
		{"GET", v1 + "/incidents", auth.Export, quick, "", s.listIncidents},
		{"POST", v1 + "/incidents", auth.Export, quick, "incident.open", s.openIncident},
		{"GET", v1 + "/incidents/{incident}", auth.Export, quick, "", s.getIncident},
		{"PATCH", v1 + "/incidents/{incident}", auth.Export, quick, "incident.change", s.changeIncident},
		{"POST", v1 + "/incidents/{incident}/notes", auth.Export, quick, "incident.note", s.addNote},
		{"GET", v1 + "/export.zip", auth.Export, media, "footage.export", s.exportZip},
		{"GET", v1 + "/system/signing-key", auth.View, quick, "", s.signingKey},

		{"GET", v1 + "/events", auth.View, quick, "", s.events},
		{"GET", v1 + "/events/stream", auth.View, stream, "", s.eventStream},
		{"GET", v1 + "/notifications", auth.Operate, quick, "", s.listSubscriptions},
		{"POST", v1 + "/notifications", auth.Operate, quick, "notification.add", s.addSubscription},
		{"PATCH", v1 + "/notifications/{sub}", auth.Operate, quick, "notification.change", s.changeSubscription},
		{"DELETE", v1 + "/notifications/{sub}", auth.Operate, quick, "notification.remove", s.removeSubscription},
		{"POST", v1 + "/notifications/{sub}/test", auth.Operate, probe, "notification.test", s.testSubscription},
		{"GET", v1 + "/notifications/{sub}/deliveries", auth.Operate, quick, "", s.listDeliveries},
		{"GET", v1 + "/system/relay", auth.Operate, quick, "", s.getRelay},
		{"PUT", v1 + "/system/relay", auth.Operate, quick, "relay.change", s.putRelay},
		{"GET", v1 + "/outbox", auth.Forward, quick, "", s.outbox},
		{"POST", v1 + "/outbox/ack", auth.Forward, quick, "", s.acknowledge},
		{"GET", v1 + "/panel", auth.View, socket, "", s.panel},

		{"GET", v1 + "/cameras", auth.View, quick, "", s.listCameras},
		{"POST", v1 + "/cameras", auth.Manage, quick, "camera.add", s.addCamera},
		{"GET", v1 + "/cameras/{id}", auth.View, quick, "", s.getCamera},
		{"PATCH", v1 + "/cameras/{id}", auth.Manage, quick, "camera.update", s.updateCamera},
		{"DELETE", v1 + "/cameras/{id}", auth.Manage, quick, "camera.remove", s.removeCamera},
		{"POST", v1 + "/cameras/{id}/test", auth.Manage, probe, "camera.test", s.testCamera},

		{"POST", v1 + "/cameras/{id}/trigger", auth.Report, quick, "camera.trigger", s.trigger},

		// What workers ask for and report is not written down: it comes hundreds of
		// times a second.
		{"GET", v1 + "/ai/tasks", auth.Work, quick, "", s.shard},
		{"POST", v1 + "/ai/leases", auth.Work, quick, "", s.acquire},
		{"DELETE", v1 + "/ai/leases/{lease}", auth.Work, quick, "", s.release},
		{"POST", v1 + "/ai/events", auth.Work, quick, "", s.report},
		{"GET", v1 + "/ai/workers", auth.Manage, quick, "", s.listWorkers},
		{"GET", v1 + "/ai/samplers", auth.Watch, quick, "", s.listSamplers},
		{"PATCH", v1 + "/ai-tasks/{task}", auth.Manage, quick, "task.change", s.changeTask},
		{"DELETE", v1 + "/ai-tasks/{task}", auth.Manage, quick, "task.remove", s.removeTask},
		{"GET", v1 + "/cameras/{id}/ai-tasks", auth.Manage, quick, "", s.listTasks},
		{"POST", v1 + "/cameras/{id}/ai-tasks", auth.Manage, quick, "task.add", s.addTask},
		{"GET", v1 + "/cameras/{id}/frame", auth.Watch, image, "", s.frame},
		{"GET", v1 + "/cameras/{id}/detections", auth.Watch, quick, "", s.listDetections},
		{"PATCH", v1 + "/zones/{zone}", auth.Manage, quick, "zone.change", s.changeZone},
		{"DELETE", v1 + "/zones/{zone}", auth.Manage, quick, "zone.remove", s.removeZone},
		{"GET", v1 + "/cameras/{id}/zones", auth.View, quick, "", s.listZones},
		{"POST", v1 + "/cameras/{id}/zones", auth.Manage, quick, "zone.add", s.addZone},
		{"GET", v1 + "/cameras/{id}/occupancy", auth.Watch, quick, "", s.occupancy},
		{"GET", v1 + "/cameras/{id}/evidence/{frame}", auth.View, image, "", s.evidence},

		{"GET", v1 + "/cameras/{id}/segments", auth.View, quick, "", s.segments},
		{"GET", v1 + "/cameras/{id}/timeline", auth.View, quick, "", s.timeline},
		{"GET", v1 + "/cameras/{id}/gaps", auth.View, quick, "", s.gaps},
		{"GET", v1 + "/cameras/{id}/gops", auth.View, quick, "", s.gops},
		{"GET", v1 + "/cameras/{id}/hls/index.m3u8", auth.View, quick, "", s.hls},
		{"GET", v1 + "/cameras/{id}/segments/{seg}/media.mp4", auth.View, media, "", s.segmentMedia},
		{"GET", v1 + "/cameras/{id}/snapshot.mp4", auth.View, media, "", s.snapshot},
		{"GET", v1 + "/cameras/{id}/clip.mp4", auth.Export, media, "footage.export", s.clip},

		{"POST", v1 + "/cameras/{id}/whep", auth.View, quick, "", s.whep},
		{"PATCH", v1 + "/cameras/{id}/whep/{session}", auth.View, quick, "", s.whep},
		{"DELETE", v1 + "/cameras/{id}/whep/{session}", auth.View, quick, "", s.whep},

		// What is not above: refused to strangers before it is not found.
		{"", "/api/", auth.Self, quick, "", s.notFound},
		{"", "/", auth.Public, media, "", s.files},
	}
}

// router builds the one router from the table.
func (s *server) router(table []route) (h http.Handler, err error) {
	defer func() {
		// ServeMux panics over patterns that contradict each other.
		if p := recover(); p != nil {
			h, err = nil, fmt.Errorf("build router: %v", p)
		}
	}()
	mux := http.NewServeMux()
	for _, rt := range table {
		if rt.perm == auth.Nobody {
			return nil, fmt.Errorf("build router: %s %s asks for no permission", rt.method, rt.pattern)
		}
		mux.Handle(strings.TrimSpace(rt.method+" "+rt.pattern), s.floor(rt))
	}
	return s.outer(mux)
}
