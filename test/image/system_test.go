package image_test

import (
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// documented returns the first column of the table behind a heading of docs/IMAGE.md.
func documented(t *testing.T, heading string) (cells []string) {
	t.Helper()
	_, text, ok := strings.Cut(string(read(t, "../../docs/IMAGE.md")), "\n## "+heading+"\n")
	if !ok {
		t.Fatalf("docs/IMAGE.md has no heading %q", heading)
	}
	text, _, _ = strings.Cut(text, "\n## ")
	for l := range strings.Lines(text) {
		if strings.HasPrefix(l, "| `") {
			cells = append(cells, strings.Trim(strings.Split(l, "|")[1], " `"))
		}
	}
	if len(cells) == 0 {
		t.Fatalf("docs/IMAGE.md has no table under %q", heading)
	}
	return cells
}

// checkSystem compares what runs, is mounted and listens with docs/IMAGE.md, both ways.
func checkSystem(t *testing.T, c *client) {
	t.Helper()
	var text []byte
	c.must("GET", "/api/v1/system/support", nil, &text)
	if err := os.WriteFile(filepath.Join(lab, "support.txt"), text, 0o644); err != nil {
		t.Fatal(err)
	}
	report := map[string][]string{}
	section := ""
	for l := range strings.Lines(string(text)) {
		l = strings.TrimRight(l, "\n")
		if name, ok := strings.CutPrefix(l, "== "); ok {
			section = name
		} else if l != "" {
			report[section] = append(report[section], l)
		}
	}
	compare := func(what string, lines, want []string, name func(string) string) {
		t.Helper()
		got := map[string]bool{}
		for _, l := range lines {
			got[name(l)] = true
		}
		for g := range got {
			if !slices.Contains(want, g) {
				t.Errorf("%s: %q is there, and not in docs/IMAGE.md", what, g)
			}
		}
		for _, w := range want {
			if !got[w] {
				t.Errorf("%s: %q is in docs/IMAGE.md, and not there; there is %v", what, w, lines)
			}
		}
	}
	compare("processes", report["processes"], documented(t, "Processes"), func(l string) string { return strings.Fields(l)[1] })
	compare("mounts", report["mounts"], documented(t, "Mounts"), func(l string) string { return strings.Fields(l)[1] })
	compare("ports", report["listening"], documented(t, "Ports"), func(l string) string {
		protocol, address, _ := strings.Cut(l, " ")
		at, err := netip.ParseAddrPort(address)
		if err != nil {
			t.Errorf("%q: %v", l, err)
		}
		if protocol == "udp" && at.Port() >= 32768 { // live view takes any port
			return "udp any"
		}
		return protocol + " " + strconv.Itoa(int(at.Port()))
	})
	for _, l := range report["mounts"] {
		f := strings.Fields(l)
		if options := strings.Split(f[3], ","); f[1] == "/" && !slices.Contains(options, "ro") {
			t.Errorf("the root file system can be written to: %s", l)
		} else if f[1] != "/" && f[1] != "/dev" && !slices.Contains(options, "noexec") {
			t.Errorf("programs can be run from %s", l)
		}
	}
	for _, l := range report["processes"] {
		t.Logf("process %s", l)
	}
}

// TestTheRootFileSystemHoldsNoWayUp: nothing is setuid, nothing can be written by
// others, and there is no way to log in.
func TestTheRootFileSystemHoldsNoWayUp(t *testing.T) {
	prepared(t)
	image := filepath.Join(lab, "slots", older+".img")
	out, err := exec.Command("unsquashfs", "-lln", image).CombinedOutput()
	if err != nil {
		t.Fatalf("unsquashfs: %v: %s", err, out)
	}
	mode := regexp.MustCompile(`^([-dlcbps])([-rwxsStT]{9}) (\d+)/(\d+) +\S+ \S+ \S+ (.*)$`)
	files := 0
	for l := range strings.Lines(string(out)) {
		m := mode.FindStringSubmatch(strings.TrimRight(l, "\n"))
		if m == nil {
			continue
		}
		files++
		if strings.ContainsAny(m[2], "sS") {
			t.Errorf("setuid or setgid: %s", l)
		}
		if m[1] != "l" && m[2][7] == 'w' {
			t.Errorf("writable by everybody: %s", l)
		}
		if m[3] != "0" {
			t.Errorf("not root's: %s", l)
		}
		if name := strings.Fields(m[5])[0]; strings.Contains(name, "bin/") && slices.Contains([]string{"login", "getty", "agetty", "sshd", "dropbear", "telnetd", "su", "sudo", "passwd"}, filepath.Base(name)) {
			t.Errorf("a way to log in: %s", l)
		}
	}
	if files < 50 {
		t.Fatalf("%d files in\n%s", files, out)
	}
	t.Logf("%d files, %d bytes", files, size(t, image))
}
