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
	handle  func(w http.ResponseWriter, r *http.Request) error
}

// kind says how long a request may take, and how its answer is sent.
type kind uint8

const (
	quick  kind = iota // JSON; done within 15 s
	probe              // JSON; asks a camera, done within 20 s
	media              // bytes; as long as the client keeps reading
	upload             // a long body; as long as the client keeps sending
	socket             // takes the connection over
)

func (k kind) timeout() time.Duration {
	switch k {
	case quick:
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
		{"GET", "/healthz", auth.Public, quick, s.healthz},
		{"GET", "/readyz", auth.Public, quick, s.readyz},
		{"GET", "/metrics", auth.Operate, quick, s.writeMetrics},

		{"GET", v1 + "/auth/claim", auth.Public, quick, s.claimable},
		{"POST", v1 + "/auth/claim", auth.Public, quick, s.claim},
		{"POST", v1 + "/auth/login", auth.Public, quick, s.login},
		{"POST", v1 + "/auth/logout", auth.Self, quick, s.logout},
		{"GET", v1 + "/auth/me", auth.Self, quick, s.me},

		{"GET", v1 + "/system", auth.View, quick, s.system},
		{"POST", v1 + "/system/volumes/{name}/adopt", auth.Operate, quick, s.adoptVolume},
		{"POST", v1 + "/system/volumes/{name}/remove", auth.Operate, probe, s.removeDisk},
		{"GET", v1 + "/system/disks", auth.Operate, probe, s.listDisks},
		{"POST", v1 + "/system/disks/{disk}/prepare", auth.Operate, quick, s.prepareDisk},
		{"POST", v1 + "/system/disks/{disk}/use", auth.Operate, probe, s.useDisk},
		{"GET", v1 + "/system/update", auth.Operate, quick, s.getAppliance},
		{"POST", v1 + "/system/update", auth.Operate, upload, s.update},
		{"POST", v1 + "/system/restart", auth.Operate, quick, s.restart},
		{"POST", v1 + "/system/poweroff", auth.Operate, quick, s.powerOff},
		{"POST", v1 + "/system/reset", auth.Operate, quick, s.reset},
		{"GET", v1 + "/system/log", auth.Operate, quick, s.readLog},
		{"GET", v1 + "/system/support", auth.Operate, quick, s.readSupport},
		{"GET", v1 + "/system/retention", auth.Operate, quick, s.getRetention},
		{"PUT", v1 + "/system/retention", auth.Operate, quick, s.putRetention},
		{"POST", v1 + "/system/retention/preview", auth.Operate, quick, s.previewRetention},
		{"GET", v1 + "/holds", auth.Export, quick, s.listHolds},
		{"POST", v1 + "/holds", auth.Export, quick, s.placeHold},
		{"DELETE", v1 + "/holds/{hold}", auth.Manage, quick, s.releaseHold},
		{"GET", v1 + "/events", auth.View, quick, s.events},
		{"GET", v1 + "/panel", auth.View, socket, s.panel},

		{"GET", v1 + "/cameras", auth.View, quick, s.listCameras},
		{"POST", v1 + "/cameras", auth.Manage, quick, s.addCamera},
		{"GET", v1 + "/cameras/{id}", auth.View, quick, s.getCamera},
		{"PATCH", v1 + "/cameras/{id}", auth.Manage, quick, s.updateCamera},
		{"DELETE", v1 + "/cameras/{id}", auth.Manage, quick, s.removeCamera},
		{"POST", v1 + "/cameras/{id}/test", auth.Manage, probe, s.testCamera},

		{"GET", v1 + "/cameras/{id}/segments", auth.View, quick, s.segments},
		{"GET", v1 + "/cameras/{id}/timeline", auth.View, quick, s.timeline},
		{"GET", v1 + "/cameras/{id}/gaps", auth.View, quick, s.gaps},
		{"GET", v1 + "/cameras/{id}/gops", auth.View, quick, s.gops},
		{"GET", v1 + "/cameras/{id}/hls/index.m3u8", auth.View, quick, s.hls},
		{"GET", v1 + "/cameras/{id}/segments/{seg}/media.mp4", auth.View, media, s.segmentMedia},
		{"GET", v1 + "/cameras/{id}/snapshot.mp4", auth.View, media, s.snapshot},
		{"GET", v1 + "/cameras/{id}/clip.mp4", auth.Export, media, s.clip},

		{"POST", v1 + "/cameras/{id}/whep", auth.View, quick, s.whep},
		{"PATCH", v1 + "/cameras/{id}/whep/{session}", auth.View, quick, s.whep},
		{"DELETE", v1 + "/cameras/{id}/whep/{session}", auth.View, quick, s.whep},

		// What is not above: refused to strangers before it is not found.
		{"", "/api/", auth.Self, quick, s.notFound},
		{"", "/", auth.Public, media, s.files},
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
