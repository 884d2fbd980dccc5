package archtest

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// rule says which of our packages a package may import. Patterns are import
// paths without the module prefix; a trailing "/..." means the package and
// everything below it. The first rule whose of matches decides.
type rule struct {
	of      string
	allowed []string
}

var rules = []rule{
	{"recorder/media", nil},
	{"recorder", []string{"recorder/..."}},
	{"recorder/...", []string{"recorder/..."}},
	{"hal/...", []string{}},
	{"board/...", []string{"hal/..."}},
	{"perception/worker", []string{}}, // for programs of others
	{"perception/worker/...", []string{"perception/worker"}},
	{"perception/...", []string{"recorder", "recorder/media", "perception/..."}},
	{"web/...", []string{"recorder", "recorder/media", "perception/...", "web/..."}},
	{"firmware/config", []string{"board", "hal/gpio"}},
	{"firmware/cmd/...", []string{"..."}},
	{"firmware/...", []string{"hal/...", "board/...", "firmware/..."}},
	{"examples/...", []string{"perception/worker/..."}},
	{"internal/...", []string{"..."}},
	{"bench/...", []string{"..."}},
	{"test/...", []string{"..."}},
}

// owners are third-party modules that one place alone may import.
var owners = map[string]string{
	"github.com/pion/webrtc":               "web/live",
	"github.com/pion/mdns":                 "firmware/mdns",
	"github.com/bluenviron/gortsplib":      "recorder/ingest",
	"github.com/gorilla/websocket":         "web/panel",
	"github.com/BurntSushi/toml":           "firmware/config",
	"periph.io/x":                          "hal/gpio",
	"github.com/VictoriaMetrics/metrics":   "web/api",
	"golang.org/x/crypto/argon2":           "web/auth",
	"github.com/eclipse/paho.golang":       "perception/notify/mqtt",
	"github.com/emersion":                  "perception/notify/mail",
	"github.com/nats-io":                   "perception/relay",
	"github.com/pquerna/otp":               "web/auth/otp",
	"filippo.io/age":                       "firmware/backup",
	"github.com/getkin/kin-openapi":        "internal/apidoc",
	"github.com/miekg/dns":                 "firmware/certs",
	"github.com/mholt/acmez":               "firmware/certs",
	"github.com/bluenviron/mediacommon/v2": "recorder",
}

type pkg struct {
	ImportPath, Name     string
	Imports              []string
	GoFiles, TestGoFiles []string
	Doc                  string
	Standard             bool
}

func packages(t *testing.T) []pkg {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Name,Imports,GoFiles,TestGoFiles,Doc", "vedette/...")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var pkgs []pkg
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return pkgs
		} else if err != nil {
			t.Fatal(err)
		}
		pkgs = append(pkgs, p)
	}
}

func matches(pattern, path string) bool {
	if pattern == "..." {
		return true
	}
	if base, ok := strings.CutSuffix(pattern, "/..."); ok {
		return path == base || strings.HasPrefix(path, base+"/")
	}
	return path == pattern
}

func allowed(path, imported string) bool {
	for _, r := range rules {
		if matches(r.of, path) {
			return slices.ContainsFunc(r.allowed, func(p string) bool { return matches(p, imported) })
		}
	}
	return false
}

func TestImportsPointOneWay(t *testing.T) {
	for _, p := range packages(t) {
		path := strings.TrimPrefix(p.ImportPath, "vedette/")
		if !slices.ContainsFunc(rules, func(r rule) bool { return matches(r.of, path) }) {
			t.Errorf("%s stands outside the house: no rule of the design covers it", path)
		}
		for _, imp := range p.Imports {
			ours, isOurs := strings.CutPrefix(imp, "vedette/")
			if isOurs && !allowed(path, ours) {
				t.Errorf("%s must not import %s", path, ours)
			}
			if path == "recorder/media" && strings.Contains(imp, ".") {
				t.Errorf("recorder/media is a leaf of the standard library, but imports %s", imp)
			}
		}
	}
}

func TestModulesHaveOneOwner(t *testing.T) {
	for _, p := range packages(t) {
		path := strings.TrimPrefix(p.ImportPath, "vedette/")
		if matches("internal/...", path) || matches("bench/...", path) || matches("test/...", path) || matches("firmware/cmd/...", path) {
			continue // test support, measurements, and the wiring
		}
		for _, imp := range p.Imports {
			for module, owner := range owners {
				if matches(module+"/...", imp) && !matches(owner+"/...", path) {
					t.Errorf("%s imports %s, which belongs to %s", path, imp, owner)
				}
			}
		}
	}
}

func TestEveryPackageSaysWhatItOwns(t *testing.T) {
	for _, p := range packages(t) {
		if len(p.GoFiles) > 0 && p.Doc == "" {
			t.Errorf("%s has no package comment", p.ImportPath)
		}
		if slices.Contains([]string{"util", "utils", "types", "helpers", "common", "misc"}, p.Name) {
			t.Errorf("%s: a package name must say what it owns", p.ImportPath)
		}
	}
}

// TestTheRulesRefuse breaks the rules on paper, so that a rule that allows
// everything would be seen.
func TestTheRulesRefuse(t *testing.T) {
	for _, pair := range [][2]string{
		{"recorder/media", "recorder/hub"},
		{"recorder/index", "web/api"},
		{"recorder", "hal/clock"},
		{"hal/led", "board"},
		{"web/live", "recorder/hub"},
		{"web/api", "firmware/config"},
		{"perception/events", "web/api"},
		{"perception/zones", "recorder/hub"},
		{"perception/worker", "perception/tasks"},
		{"firmware/health", "recorder"},
	} {
		if allowed(pair[0], pair[1]) {
			t.Errorf("the rules let %s import %s", pair[0], pair[1])
		}
	}
}
