// Package openapi_test holds docs/openapi.yaml against the table of routes, and
// against the types whose answers it describes.
package openapi_test

import (
	"maps"
	"os/exec"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"vedette/internal/apidoc"
	"vedette/web/api"
	"vedette/web/auth"
)

func load(t *testing.T) *apidoc.Doc {
	t.Helper()
	d, err := apidoc.Load()
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// routes returns the table, by method and path; without what catches the rest.
func routes() map[string]api.RouteInfo {
	out := map[string]api.RouteInfo{}
	for _, r := range api.Routes() {
		if r.Method != "" {
			out[r.Method+" "+r.Pattern] = r
		}
	}
	return out
}

// operations returns what the document describes, by method and path.
func operations(d *apidoc.Doc) map[string]*openapi3.Operation {
	out := map[string]*openapi3.Operation{}
	for path, item := range d.T.Paths.Map() {
		for method, op := range item.Operations() {
			out[method+" "+path] = op
		}
	}
	return out
}

func TestEveryRouteIsDescribedAndNoOther(t *testing.T) {
	table, described := routes(), operations(load(t))
	for _, name := range slices.Sorted(maps.Keys(table)) {
		if described[name] == nil {
			t.Errorf("%s is served, and not described", name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(described)) {
		if table[name].Method == "" {
			t.Errorf("%s is described, and not served", name)
		}
	}
}

// schemes returns how whoever has perm may be known.
func schemes(perm auth.Permission) []string {
	if perm == auth.Public {
		return []string{}
	}
	for _, machine := range []auth.Role{auth.Worker, auth.Metrics, auth.Relay, auth.Integration} {
		if perm != auth.Account && machine.Can(perm) {
			return []string{"bearer", "key", "session"}
		}
	}
	return []string{"session"}
}

func TestWhoMayAskIsWhatTheTableSays(t *testing.T) {
	described := operations(load(t))
	for name, r := range routes() {
		op := described[name]
		if op == nil {
			continue
		}
		if got := op.Extensions["x-permission"]; got != r.Permission.String() {
			t.Errorf("%s: x-permission is %v, want %v", name, got, r.Permission)
		}
		if op.Security == nil {
			t.Errorf("%s says nothing of security", name)
			continue
		}
		got := []string{}
		for _, alternative := range *op.Security {
			got = append(got, slices.Sorted(maps.Keys(alternative))...)
		}
		slices.Sort(got)
		if want := schemes(r.Permission); !slices.Equal(got, want) {
			t.Errorf("%s: security is %v, want %v", name, got, want)
		}
		known := op.Responses.Value("401") != nil
		if signIn := strings.HasSuffix(name, "/auth/login"); known != (r.Permission != auth.Public || signIn) {
			t.Errorf("%s: that it needs a session is not among its answers, or is and must not be", name)
		}
	}
}

func TestEveryOperationHasAllThatClientsNeed(t *testing.T) {
	ids := map[string]string{}
	for name, op := range operations(load(t)) {
		if op.Summary == "" || op.OperationID == "" || len(op.Tags) != 1 || strings.HasSuffix(op.Summary, ".") {
			t.Errorf("%s has no summary, no id, or not one tag", name)
		}
		if other := ids[op.OperationID]; other != "" {
			t.Errorf("%s and %s have the same id", name, other)
		}
		ids[op.OperationID] = name
		if op.Responses.Default() == nil {
			t.Errorf("%s has no default answer", name)
		}
		for status, r := range op.Responses.Map() {
			if status != "default" && status < "400" {
				continue
			}
			media := r.Value.Content["application/json"]
			readiness := strings.HasSuffix(name, "/readyz") && status == "503"
			if text := r.Value.Content["text/plain"]; text == nil && !readiness && (media == nil || media.Schema.Ref != "#/components/schemas/Error") {
				t.Errorf("%s: %s is no Error", name, status)
			}
		}
	}
}

// opened are the objects that hold what others say: of events, of workers and of those
// who configure them.
var opened = []string{
	"Event.payload", "Task.config", "AddTaskInput.config", "ChangeTaskInput.config", "Detection.attributes", "WorkerEvent.payload",
	"LeaseInput", "ReportInput", "SightingInput", "SightingInput.attributes", "WorkerEventInput", "WorkerEventInput.payload", "AckInput",
}

// TestObjectsAreClosed walks along every schema there is.
func TestObjectsAreClosed(t *testing.T) {
	d := load(t)
	seen, mayBeOpen := map[*openapi3.Schema]bool{}, map[*openapi3.Schema]bool{}
	for _, name := range opened {
		object, property, inside := strings.Cut(name, ".")
		s := d.T.Components.Schemas[object].Value
		if inside {
			s = s.Properties[property].Value
		}
		mayBeOpen[s] = true
	}
	var walk func(where string, ref *openapi3.SchemaRef)
	walk = func(where string, ref *openapi3.SchemaRef) {
		if ref == nil || seen[ref.Value] {
			return
		}
		s := ref.Value
		seen[s] = true
		if s.Type.Is("object") {
			open := s.AdditionalProperties.Schema == nil && (s.AdditionalProperties.Has == nil || *s.AdditionalProperties.Has)
			if open != mayBeOpen[s] {
				t.Errorf("%s: open is %v", where, open)
			}
			for _, name := range s.Required {
				if s.Properties[name] == nil {
					t.Errorf("%s: %s is required, and is not there", where, name)
				}
			}
		}
		for name, p := range s.Properties {
			walk(where+"."+name, p)
		}
		walk(where+"[]", s.Items)
		walk(where+"{}", s.AdditionalProperties.Schema)
	}
	for name, s := range d.T.Components.Schemas {
		walk(name, s)
	}
	for name, op := range operations(d) {
		if op.RequestBody != nil {
			for _, m := range op.RequestBody.Value.Content {
				walk(name+" body", m.Schema)
			}
		}
		for status, r := range op.Responses.Map() {
			for _, m := range r.Value.Content {
				walk(name+" "+status, m.Schema)
			}
		}
	}
}

// TestAnswersAreDescribedFieldByField holds schemas against the types they
// describe, so that a field that is added is not forgotten.
func TestAnswersAreDescribedFieldByField(t *testing.T) {
	d := load(t)
	for name, typ := range map[string]reflect.Type{
		"Camera": reflect.TypeFor[api.Camera](), "TestResult": reflect.TypeFor[api.TestResult](), "AddCameraInput": reflect.TypeFor[api.CameraInput](),
		"Segment": reflect.TypeFor[api.Segment](), "Range": reflect.TypeFor[api.Range](), "Gap": reflect.TypeFor[api.Gap](), "Timeline": reflect.TypeFor[api.Timeline](),
		"GOPIndex": reflect.TypeFor[api.GOPIndex](), "GOPInit": reflect.TypeFor[api.GOPInit](), "GOPSegment": reflect.TypeFor[api.GOPSegment](), "GOPGap": reflect.TypeFor[api.GOPGap](),
		"Hold": reflect.TypeFor[api.Hold](), "Event": reflect.TypeFor[api.Event](),
		"System": reflect.TypeFor[api.SystemInfo](), "Clock": reflect.TypeFor[api.ClockInfo](), "CameraCount": reflect.TypeFor[api.CameraCount](),
		"Volume": reflect.TypeFor[api.VolumeInfo](), "Wear": reflect.TypeFor[api.WearInfo](),
		"DiskList": reflect.TypeFor[api.DiskList](), "Disk": reflect.TypeFor[api.Disk](), "DiskPart": reflect.TypeFor[api.DiskPart](),
		"VolumeRetention": reflect.TypeFor[api.VolumeRetention](), "CameraRetention": reflect.TypeFor[api.CameraRetention](),
		"RetentionInForce": reflect.TypeFor[api.RetentionInForce](), "RetentionPlan": reflect.TypeFor[api.RetentionPlan](),
		"Appliance": reflect.TypeFor[api.ApplianceInfo](), "Slot": reflect.TypeFor[api.SlotInfo](), "Trial": reflect.TypeFor[api.TrialInfo](),
		"UpdateFault": reflect.TypeFor[api.UpdateFault](), "Setup": reflect.TypeFor[api.SetupInfo](), "SetupMistake": reflect.TypeFor[api.SetupMistake](),
		"TLS": reflect.TypeFor[api.CertificateInfo](), "ACME": reflect.TypeFor[api.ACMEInfo](), "DNS": reflect.TypeFor[api.DNSInfo](),
		"TLSInput": reflect.TypeFor[api.CertificateInput](), "ACMEInput": reflect.TypeFor[api.ACMEInput](), "DNSInput": reflect.TypeFor[api.DNSInput](),
		"Window": reflect.TypeFor[api.Window](), "Recording": reflect.TypeFor[api.Recording](),
		"Task": reflect.TypeFor[api.Task](), "AddTaskInput": reflect.TypeFor[api.TaskInput](), "Worker": reflect.TypeFor[api.Worker](), "WorkerLease": reflect.TypeFor[api.WorkerLease](),
		"Sampler": reflect.TypeFor[api.Sampler](), "Lease": reflect.TypeFor[api.Lease](), "Detection": reflect.TypeFor[api.Detection](), "WorkerEvent": reflect.TypeFor[api.WorkerEvent](),
		"OutboxRow": reflect.TypeFor[api.OutboxRow](), "Zone": reflect.TypeFor[api.Zone](), "AddZoneInput": reflect.TypeFor[api.ZoneInput](),
		"ZoneOccupancy": reflect.TypeFor[api.ZoneOccupancy](), "ZoneTrack": reflect.TypeFor[api.ZoneTrack](),
		"Subscription": reflect.TypeFor[api.Subscription](), "SubscriptionState": reflect.TypeFor[api.SubscriptionState](), "AddSubscriptionInput": reflect.TypeFor[api.SubscriptionInput](),
		"Webhook": reflect.TypeFor[api.Webhook](), "Mail": reflect.TypeFor[api.Mail](), "MQTT": reflect.TypeFor[api.MQTT](), "Delivery": reflect.TypeFor[api.Delivery](),
		"WebhookInput": reflect.TypeFor[api.WebhookInput](), "MailInput": reflect.TypeFor[api.MailInput](), "MQTTInput": reflect.TypeFor[api.MQTTInput](),
		"Relay": reflect.TypeFor[api.RelayInfo](), "RelayState": reflect.TypeFor[api.RelayState](), "RelayInput": reflect.TypeFor[api.RelayInput](),
		"HoldRule": reflect.TypeFor[api.HoldRule](), "AddHoldRuleInput": reflect.TypeFor[api.HoldRuleInput](),
		"Incident": reflect.TypeFor[api.Incident](), "Note": reflect.TypeFor[api.Note](), "IncidentExport": reflect.TypeFor[api.IncidentExport](), "ChangeIncidentInput": reflect.TypeFor[api.IncidentInput](),
		"SigningKey": reflect.TypeFor[api.SigningKey](),
		"Outgoing":   reflect.TypeFor[api.OutgoingPolicy](), "AuditEntry": reflect.TypeFor[api.AuditEntry](), "AuditReport": reflect.TypeFor[api.AuditReport](),
	} {
		ref := d.T.Components.Schemas[name]
		if ref == nil {
			t.Errorf("%s is not described", name)
			continue
		}
		var fields, always []string
		for i := range typ.NumField() {
			field, options, _ := strings.Cut(typ.Field(i).Tag.Get("json"), ",")
			if field == "-" {
				continue
			}
			fields = append(fields, field)
			if options != "omitempty" {
				always = append(always, field)
			}
		}
		if got := slices.Sorted(maps.Keys(ref.Value.Properties)); !slices.Equal(got, slices.Sorted(slices.Values(fields))) {
			t.Errorf("%s is described with %v, and has %v", name, got, fields)
		}
		if strings.HasSuffix(name, "Input") {
			continue // what must be said is not in the type
		}
		if got := slices.Sorted(slices.Values(ref.Value.Required)); !slices.Equal(got, slices.Sorted(slices.Values(always))) {
			t.Errorf("%s: always there by the document %v, by the type %v", name, got, always)
		}
	}
}

func TestPathValuesAreDescribed(t *testing.T) {
	d := load(t)
	for path, item := range d.T.Paths.Map() {
		for _, part := range strings.Split(path, "/") {
			if name, ok := strings.CutPrefix(part, "{"); ok {
				if p := item.Parameters.GetByInAndName("path", strings.TrimSuffix(name, "}")); p == nil || !p.Required {
					t.Errorf("%s: %s is not described", path, part)
				}
			}
		}
	}
}

// TestTheReaderOfTheDocumentIsInNoProgram keeps it out of what is shipped.
func TestTheReaderOfTheDocumentIsInNoProgram(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "vedette/firmware/cmd/...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	if text := string(out); strings.Contains(text, "kin-openapi") || strings.Contains(text, "vedette/internal/apidoc") || !strings.Contains(text, "vedette/web/api") {
		t.Error("a program imports what reads docs/openapi.yaml")
	}
}
