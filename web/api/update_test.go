package api

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"

	"vedette/web/auth"
)

// fakeAppliance is a machine that takes every bundle but those that begin with the
// code of a refusal.
type fakeAppliance struct {
	mu   sync.Mutex
	did  []string
	err  error
	info ApplianceInfo
}

func (f *fakeAppliance) note(format string, a ...any) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.did = append(f.did, fmt.Sprintf(format, a...))
	return f.err
}

// took returns what was done since it was last asked.
func (f *fakeAppliance) took() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	defer func() { f.did = nil }()
	return strings.Join(f.did, "; ")
}

func (f *fakeAppliance) Appliance(context.Context) (ApplianceInfo, error) {
	return f.info, nil
}

func newAppliance() *fakeAppliance {
	return &fakeAppliance{info: ApplianceInfo{Slot: "A", Version: "v1.2.0", Board: "rpi4", Supported: true, ResetPhrase: "wipe vedette"}}
}

func (f *fakeAppliance) ReceiveUpdate(ctx context.Context, r io.Reader, size int64, o UpdateOptions) error {
	data, err := io.ReadAll(r)
	if err != nil {
		_ = f.note("receive broken off")
		return fmt.Errorf("receive: %w", &UpdateRefusedError{RefusedDamaged, "it is too short"})
	}
	if code, ok := strings.CutPrefix(string(data), "refuse "); ok {
		return fmt.Errorf("check: %w", &UpdateRefusedError{code, "because of " + code})
	}
	return f.note("receive %d of %d, %+v", len(data), size, o)
}

func (f *fakeAppliance) FetchUpdate(_ context.Context, url string, o UpdateOptions) error {
	return f.note("fetch %s, %+v", url, o)
}
func (f *fakeAppliance) Restart(_ context.Context, by string) error {
	return f.note("restart by %s", by)
}
func (f *fakeAppliance) PowerOff(_ context.Context, by string) error {
	return f.note("power off by %s", by)
}
func (f *fakeAppliance) Reset(_ context.Context, footage bool, by string) error {
	return f.note("reset, footage %v, by %s", footage, by)
}

func fakeSupport(w io.Writer) error {
	_, err := io.WriteString(w, "== processes\n1 init\n")
	return err
}

// fakeJournal has one line of each level.
type fakeJournal struct{}

func (fakeJournal) Lines(n int, least slog.Level) []string {
	out := []string{"lines " + fmt.Sprint(n)}
	for _, l := range []slog.Level{slog.LevelDebug, slog.LevelInfo, slog.LevelWarn, slog.LevelError} {
		if l >= least {
			out = append(out, "level="+l.String())
		}
	}
	return out
}

func (f fakeJournal) Previous(n int, least slog.Level) ([]string, error) {
	return append(f.Lines(n, least), "of the last run\xff"), nil
}

const bundle = "Content-Type: application/octet-stream"

func TestUpdatesAreTakenAndRefused(t *testing.T) {
	b := newBox(t)
	const path = "/api/v1/system/update"
	by := " By:owner}"
	tests := []struct {
		name, query, body string
		header            []string
		err               error
		status            int
		want, did         string
	}{
		{"a bundle", "", "squashfs", []string{bundle}, nil, 202, "", "receive 8 of 8, {AllowOlder:false Restart:false" + by},
		{"an older one, and a restart", "?allow_older=true&restart=true", "squashfs", []string{bundle}, nil, 202, "", "receive 8 of 8, {AllowOlder:true Restart:true" + by},
		{"neither", "?allow_older=false&restart=false", "squashfs", []string{bundle + "; x=y"}, nil, 202, "", "receive 8 of 8, {AllowOlder:false Restart:false" + by},
		{"perhaps an older one", "?allow_older=1", "squashfs", []string{bundle}, nil, 400, `"field":"allow_older"`, ""},
		{"perhaps a restart", "?restart=yes", "squashfs", []string{bundle}, nil, 400, `"field":"restart"`, ""},
		{"not signed", "", "refuse signature", []string{bundle}, nil, 422, `{"code":"signature","message":"Because of signature."}`, ""},
		{"of another board", "", "refuse board", []string{bundle}, nil, 422, `"code":"board"`, ""},
		{"an older one that was not allowed", "", "refuse older", []string{bundle}, nil, 422, `"code":"older"`, ""},
		{"damaged", "", "refuse damaged", []string{bundle}, nil, 422, `"code":"damaged"`, ""},
		{"another at the same time", "", "squashfs", []string{bundle}, fmt.Errorf("x: %w", ErrUpdateBusy), 409, `"code":"update_busy"`, "receive 8 of 8, {AllowOlder:false Restart:false" + by},
		{"no room for it", "", "squashfs", []string{bundle}, fmt.Errorf("there is no room for it: %w", ErrConflict), 409, `There is no room for it.`, "receive 8 of 8, {AllowOlder:false Restart:false" + by},
		{"something breaks", "", "squashfs", []string{bundle}, errors.New("canary"), 500, `internal`, "receive 8 of 8, {AllowOlder:false Restart:false" + by},
		{"nothing", "", "", []string{bundle}, nil, 400, "bad_body", ""},
		{"as a form", "", "squashfs", []string{"Content-Type: multipart/form-data; boundary=x"}, nil, 415, "unsupported_media_type", ""},
		{"from an address", "", `{"url":"https://nas.lan/a.raucb","allow_older":true,"restart":true}`, nil, nil, 202, "", "fetch https://nas.lan/a.raucb, {AllowOlder:true Restart:true" + by},
		{"from an address, options left out", "?restart=true", `{"url":"http://nas/a"}`, nil, nil, 202, "", "fetch http://nas/a, {AllowOlder:false Restart:false" + by},
		{"from nowhere", "", `{}`, nil, nil, 400, `"field":"url"`, ""},
		{"from a file", "", `{"url":"file:///etc/shadow"}`, nil, nil, 400, `"field":"url"`, ""},
		{"from no host", "", `{"url":"http:///a"}`, nil, nil, 400, `"field":"url"`, ""},
		{"with a password", "", `{"url":"http://me:canary@nas/a"}`, nil, nil, 400, `"field":"url"`, ""},
		{"from an endless address", "", `{"url":"http://nas/` + strings.Repeat("a", 2048) + `"}`, nil, nil, 400, `"field":"url"`, ""},
		{"from an address, while one is installed", "", `{"url":"http://nas/a"}`, nil, ErrUpdateBusy, 409, "update_busy", "fetch http://nas/a, {AllowOlder:false Restart:false" + by},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b.machine.err = tt.err
			w := b.owner("POST", path+tt.query, tt.body, tt.header...)
			if w.Code != tt.status || !strings.Contains(w.Body.String(), tt.want) || strings.Contains(w.Body.String(), "canary") {
				t.Errorf("%d %s, want %d and %s", w.Code, w.Body, tt.status, tt.want)
			}
			if got := b.machine.took(); got != tt.did {
				t.Errorf("did %q, want %q", got, tt.did)
			}
		})
	}
}

func TestPowerAndReset(t *testing.T) {
	b := newBox(t)
	tests := []struct {
		name, path, body string
		err              error
		status           int
		want, did        string
	}{
		{"restart", "restart", "", nil, 202, "", "restart by owner"},
		{"power off", "poweroff", "{}", nil, 202, "", "power off by owner"},
		{"restart while an update is installed", "restart", "", ErrUpdateBusy, 409, "update_busy", "restart by owner"},
		{"reset", "reset", `{"confirm":"wipe vedette"}`, nil, 202, "", "reset, footage false, by owner"},
		{"reset with footage", "reset", `{"confirm":"wipe vedette","footage":true}`, nil, 202, "", "reset, footage true, by owner"},
		{"reset with another phrase", "reset", `{"confirm":"Wipe vedette","footage":true}`, nil, 400, `"field":"confirm"`, ""},
		{"reset without a phrase", "reset", `{}`, nil, 400, `"field":"confirm"`, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b.machine.err = tt.err
			w := b.owner("POST", "/api/v1/system/"+tt.path, tt.body)
			if w.Code != tt.status || !strings.Contains(w.Body.String(), tt.want) {
				t.Errorf("%d %s, want %d and %s", w.Code, w.Body, tt.status, tt.want)
			}
			if got := b.machine.took(); got != tt.did {
				t.Errorf("did %q, want %q", got, tt.did)
			}
		})
	}
	b.machine.info.ResetPhrase = "" // it cannot be reset
	if w := b.owner("POST", "/api/v1/system/reset", `{"confirm":""}`); w.Code != http.StatusNotImplemented || b.machine.took() != "" {
		t.Errorf("reset without there being a phrase: %d", w.Code)
	}
}

func TestTheStateOfTheSystem(t *testing.T) {
	b := newBox(t)
	if w := b.owner("GET", "/api/v1/system/update", ""); w.Code != 200 || w.Body.String() != `{"slot":"A","version":"v1.2.0","board":"rpi4","supported":true,"busy":false,"percent":0,"message":"","reset_phrase":"wipe vedette"}`+"\n" {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	b.machine.info = ApplianceInfo{
		Slot: "B", Version: "v2", Board: "rpi4", Supported: true, Busy: true, Percent: 40, Message: "Installing.", ResetPhrase: "x",
		Other: &SlotInfo{Slot: "A", Version: "v1", State: "good"}, Trial: &TrialInfo{Until: Timestamp(start), WaitingFor: "a camera"},
		Error: &UpdateFault{RefusedBoard, "for another board"}, Setup: &SetupInfo{},
	}
	want := `{"slot":"B","version":"v2","board":"rpi4","supported":true,"other":{"slot":"A","version":"v1","state":"good"},` +
		`"trial":{"until":"2026-11-23T20:00:00.000Z","waiting_for":"a camera"},"busy":true,"percent":40,"message":"Installing.",` +
		`"error":{"code":"board","reason":"for another board"},"reset_phrase":"x","setup":{"errors":[]}}` + "\n"
	if w := b.owner("GET", "/api/v1/system/update", ""); w.Body.String() != want {
		t.Errorf("got  %swant %s", w.Body, want)
	}
	b.machine.info.Setup = &SetupInfo{Errors: []SetupMistake{{12, "network.address", "is no address"}}}
	if w := b.owner("GET", "/api/v1/system/update", ""); !strings.Contains(w.Body.String(), `"setup":{"errors":[{"line":12,"key":"network.address","reason":"is no address"}]}`) {
		t.Errorf("%s", w.Body)
	}
}

func TestTheMachineIsForAdminsAlone(t *testing.T) {
	b := newBox(t)
	manager := "Cookie: " + b.user(t, auth.Manager)
	for _, route := range []string{"GET update", "POST update", "POST restart", "POST poweroff", "POST reset", "GET log"} {
		method, name, _ := strings.Cut(route, " ")
		body := map[string]string{"update": `{"url":"http://nas/a"}`, "reset": `{"confirm":"wipe vedette"}`}[name]
		if w := b.do(method, "/api/v1/system/"+name, body, manager); w.Code != http.StatusForbidden || b.machine.took() != "" {
			t.Errorf("%s as a manager: %d %s", route, w.Code, w.Body)
		}
	}
}

func TestAMachineWithoutOurImageSaysSo(t *testing.T) {
	b := newBox(t, func(o *Options) { o.Appliance, o.Journal = nil, nil })
	for _, tt := range []struct{ method, path, body, header string }{
		{"GET", "update", "", ""},
		{"POST", "update", `{"url":"http://nas/a"}`, ""},
		{"POST", "update", "squashfs", bundle},
		{"POST", "restart", "", ""},
		{"POST", "poweroff", "", ""},
		{"POST", "reset", `{"confirm":""}`, ""},
		{"GET", "log", "", ""},
	} {
		var header []string
		if tt.header != "" {
			header = append(header, tt.header)
		}
		w := b.owner(tt.method, "/api/v1/system/"+tt.path, tt.body, header...)
		if code, _ := failed(t, w); w.Code != http.StatusNotImplemented || code != "not_supported" {
			t.Errorf("%s %s: %d %s", tt.method, tt.path, w.Code, code)
		}
	}
}

func TestTheLogIsRead(t *testing.T) {
	b := newBox(t)
	for _, tt := range []struct {
		query  string
		status int
		want   string
	}{
		{"", 200, "lines 200\nlevel=DEBUG\nlevel=INFO\nlevel=WARN\nlevel=ERROR\n"},
		{"?lines=7&level=warn", 200, "lines 7\nlevel=WARN\nlevel=ERROR\n"},
		{"?level=error&previous=true", 200, "lines 200\nlevel=ERROR\nof the last run\uFFFD\n"},
		{"?level=loud", 400, `"field":"level"`},
		{"?level=INFO%2B2", 400, `"field":"level"`},
		{"?lines=0", 400, `"field":"lines"`},
		{"?lines=20001", 400, `"field":"lines"`},
		{"?previous=maybe", 400, `"field":"previous"`},
	} {
		w := b.owner("GET", "/api/v1/system/log"+tt.query, "")
		if got := w.Body.String(); w.Code != tt.status || tt.status == 200 && got != tt.want || !strings.Contains(got, tt.want) {
			t.Errorf("%s: %d %q, want %d %q", tt.query, w.Code, got, tt.status, tt.want)
		}
		if ct := w.Header().Get("Content-Type"); tt.status == 200 && ct != "text/plain; charset=utf-8" {
			t.Errorf("%s: %s", tt.query, ct)
		}
	}
}
