package e2e

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"vedette/web/api"
)

// planted collects secrets and where they must not be found.
type planted struct {
	t       *testing.T
	secrets map[string]string // name: value
}

// absent fails for every secret in text.
func (p *planted) absent(where string, text []byte) {
	p.t.Helper()
	for name, value := range p.secrets {
		if bytes.Contains(text, []byte(value)) {
			p.t.Errorf("%s holds the secret %s", where, name)
		}
	}
}

// TestSecretsStayInside plants everything that is secret, uses all of it, and
// looks for it in what the box keeps, shows and logs.
func TestSecretsStayInside(t *testing.T) {
	b := newBox(t, "[log]\nlevel = \"debug\"\n[events]\nage = \"24h\"\n")
	b.start()
	p := &planted{t, map[string]string{
		"password of the owner": "canary-owner-4711-x", "the next one": "canary-next-4711-x", "password of a guard": "canary-guard-4711-x",
		"a wrong password": "canary-wrong-4711-x", "passphrase of a backup": "canary passphrase 4711",
	}}
	next, owner := p.secrets["the next one"], p.secrets["password of the owner"]
	code := b.code()
	p.secrets["claim code"] = code
	b.call("POST", "/api/v1/auth/claim", map[string]any{"code": code, "username": "owner", "password": owner}, 200, nil)
	for i := range 4 {
		camera := map[string]any{"name": fmt.Sprint("cam", i), "username": "me", "record": true,
			"password": fmt.Sprint("canary-cam-password-", i, "-x"), "main_url": fmt.Sprint("rtsp://127.0.0.1:9/main?token=canary-cam-url-", i, "-x")}
		p.secrets[fmt.Sprint("password of camera ", i)] = camera["password"].(string)
		b.call("POST", "/api/v1/cameras", camera, 201, nil)
	}
	b.call("POST", "/api/v1/cameras", map[string]any{"name": "inside", "main_url": "rtsp://me:canary-in-url-x@127.0.0.1:9/main"}, 201, nil)
	p.secrets["password in an address"] = "canary-in-url-x"
	b.call("POST", "/api/v1/users", map[string]any{"username": "ann", "role": "guard", "password": p.secrets["password of a guard"]}, 201, nil)
	b.call("POST", "/api/v1/auth/login", map[string]any{"username": "ann", "password": p.secrets["a wrong password"]}, 401, nil)
	for _, role := range []string{"worker", "metrics", "relay", "integration"} {
		var key struct{ Key string }
		b.call("POST", "/api/v1/api-keys", map[string]any{"name": role, "role": role}, 201, &key)
		p.secrets["key of a "+role] = key.Key
	}
	b.call("POST", "/api/v1/auth/password", map[string]any{"current": owner, "password": next}, 204, nil)
	var factor struct{ Secret string }
	b.call("POST", "/api/v1/auth/totp", map[string]any{"password": next}, 200, &factor)
	p.secrets["second factor"] = factor.Secret
	now, err := totp.GenerateCode(factor.Secret, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	var recovery struct {
		Codes []string `json:"recovery_codes"`
	}
	b.call("POST", "/api/v1/auth/totp/confirm", map[string]any{"code": now}, 200, &recovery)
	for i, c := range recovery.Codes[:3] {
		p.secrets[fmt.Sprint("recovery code ", i)] = c
	}
	for _, c := range strings.Split(b.cookies(), "; ") {
		_, token, _ := strings.Cut(c, "=")
		p.secrets["session"] = token
	}
	for kind, subscription := range map[string]map[string]any{
		"webhook": {"url": "http://192.168.7.7/hook", "secret": "canary-webhook-4711-x"},
		"mail":    {"host": "192.168.7.7", "port": 465, "tls": "tls", "username": "me", "password": "canary-mail-4711-x", "from": "box@example.org", "to": []string{"me@example.org"}},
		"mqtt":    {"url": "mqtts://192.168.7.7:8883", "username": "me", "password": "canary-mqtt-4711-x"},
	} {
		for _, field := range []string{"secret", "password"} {
			if s, is := subscription[field].(string); is {
				p.secrets[kind] = s
			}
		}
		b.call("POST", "/api/v1/notifications", map[string]any{"name": kind, "kind": kind, kind: subscription}, 201, nil)
	}
	p.secrets["relay"] = "canary-relay-4711-x"
	b.call("PUT", "/api/v1/system/relay", map[string]any{"enabled": true, "url": "tls://192.168.7.7:4222", "stream": "S", "subject": "vedette", "token": p.secrets["relay"]}, 200, nil)
	archive, resp := b.try("POST", "/api/v1/system/backup", map[string]any{"passphrase": p.secrets["passphrase of a backup"]})
	if resp.StatusCode != 200 {
		t.Fatalf("backup: %s", resp.Status)
	}
	p.absent("the backup", archive)
	if len(p.secrets) < 20 {
		t.Fatalf("only %d secrets are planted", len(p.secrets))
	}
	b.waitState("cam0", "offline", 30*time.Second) // its address and password were used

	crawled := 0
	for _, rt := range api.Routes() {
		if rt.Method != "GET" || strings.Contains(rt.Pattern, "/panel") || strings.HasSuffix(rt.Pattern, "/stream") { // these two go on for ever
			continue
		}
		path := strings.NewReplacer("{id}", "cam0", "{seg}", "1795400000000-1f3c9a2b").Replace(rt.Pattern) + "?from=0&to=1000&at=1000"
		if strings.HasSuffix(rt.Pattern, "/events") || strings.HasSuffix(rt.Pattern, "/audit") {
			path = rt.Pattern + "?limit=1000"
		}
		body, resp := b.try("GET", path, nil)
		p.absent(rt.Pattern, body)
		p.absent("the header of "+rt.Pattern, []byte(fmt.Sprint(resp.Header)))
		crawled++
	}
	if crawled < 30 {
		t.Errorf("only %d routes were looked at", crawled)
	}
	if code := b.stop(syscall.SIGTERM); code != 0 {
		t.Errorf("exit code %d", code)
	}
	delete(p.secrets, "claim code") // it is shown on the console on purpose, and used up
	p.absent("the log", []byte(b.log.String()))
	files := 0
	err = filepath.WalkDir(b.data, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(path)
		files++
		p.absent(path, data)
		return err
	})
	if err != nil || files < 4 {
		t.Errorf("looked at %d files: %v", files, err)
	}
}

// TestAddressesThatTheBoxMustNotConnectTo are refused by their field, or show in
// the state of the camera where only the network knows.
func TestAddressesThatTheBoxMustNotConnectTo(t *testing.T) {
	b := newBox(t, "")
	b.start()
	b.claim()
	for _, url := range []string{"rtsp://169.254.169.254/x", "rtsp://8.8.8.8/x", "rtsp://[::ffff:127.0.0.1]/x", "rtsp://224.0.0.1/x", "rtsp://2130706433/x"} {
		raw, resp := b.try("POST", "/api/v1/cameras", map[string]any{"name": "x", "main_url": url})
		if resp.StatusCode != 400 || !strings.Contains(string(raw), `"field":"main_url"`) {
			t.Errorf("%s: %s %s", url, resp.Status, raw)
		}
	}
	b.call("PUT", "/api/v1/system/outgoing", map[string]any{"cameras_public": true, "allow": []string{}}, 200, nil)
	b.call("POST", "/api/v1/cameras", map[string]any{"name": "far", "main_url": "rtsp://8.8.8.8/x", "record": false}, 201, nil)
	b.call("PUT", "/api/v1/system/outgoing", map[string]any{"cameras_public": false}, 200, nil)
	b.call("PATCH", "/api/v1/cameras/far", map[string]any{"name": "Far"}, 200, nil) // what is not about the address still works
	raw, resp := b.try("PUT", "/api/v1/system/outgoing", map[string]any{"allow": []string{"10.0.0.1/8"}})
	if resp.StatusCode != 400 || !strings.Contains(string(raw), `"field":"allow"`) {
		t.Errorf("a network with an address in it: %s %s", resp.Status, raw)
	}
	b.stop(syscall.SIGTERM)
	b.start()
	b.eventually(20*time.Second, "refused by the guard after a restart", func() error {
		if c := b.cameraState("far"); c.State != "error" || !strings.Contains(c.StateReason, "refused: it is on the internet") {
			return fmt.Errorf("%s: %s", c.State, c.StateReason)
		}
		return nil
	})
}

// TestARestoreBringsBackWhatWasThere backs a box up, wipes it, and restores it
// on the empty one.
func TestARestoreBringsBackWhatWasThere(t *testing.T) {
	const phrase, password = "correct horse battery", "canary owner 4711"
	b := newBox(t, "")
	b.start()
	b.call("POST", "/api/v1/auth/claim", map[string]any{"code": b.code(), "username": "owner", "password": password}, 200, nil)
	b.call("POST", "/api/v1/cameras", map[string]any{"name": "Yard", "main_url": "rtsp://127.0.0.1:9/main", "username": "me", "password": "secret of the yard"}, 201, nil)
	b.call("POST", "/api/v1/users", map[string]any{"username": "ann", "role": "guard", "password": "canary guard 4711", "cameras": []string{"yard"}}, 201, nil)
	b.call("POST", "/api/v1/holds", map[string]any{"from": "0", "to": "1000", "cameras": []string{"yard"}, "reason": "burglary"}, 201, nil)
	archive, resp := b.try("POST", "/api/v1/system/backup", map[string]any{"passphrase": phrase})
	if resp.StatusCode != 200 {
		t.Fatalf("backup: %s", resp.Status)
	}
	b.stop(syscall.SIGTERM)

	fresh := newBox(t, "")
	fresh.start()
	fresh.call("POST", "/api/v1/auth/claim", map[string]any{"code": fresh.code(), "username": "other", "password": password}, 200, nil)
	restore := func(phrase string, data []byte) int {
		req, err := http.NewRequest("POST", "http://"+fresh.addr+"/api/v1/system/restore?confirm=restore", bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/octet-stream")
		req.Header.Set("Backup-Passphrase", url.PathEscape(phrase))
		resp, err := fresh.client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		text, _ := io.ReadAll(resp.Body)
		t.Logf("restore: %s %s", resp.Status, text)
		return resp.StatusCode
	}
	if got := restore("a wrong phrase", archive); got != 422 {
		t.Errorf("a wrong passphrase: %d", got)
	}
	broken := bytes.Clone(archive)
	broken[len(broken)/2] ^= 1
	if got := restore(phrase, broken); got != 422 {
		t.Errorf("a damaged backup: %d", got)
	}
	fresh.call("GET", "/api/v1/auth/me", nil, 200, nil) // still the same box
	if got := restore(phrase, archive); got != 202 {
		t.Fatalf("the backup: %d", got)
	}
	fresh.client.Jar, _ = cookiejar.New(nil)
	fresh.eventually(20*time.Second, "the owner of the backup signs in", func() error {
		body := strings.NewReader(`{"username":"owner","password":"` + password + `"}`)
		resp, err := fresh.client.Post("http://"+fresh.addr+"/api/v1/auth/login", "application/json", body)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if resp.StatusCode != 200 {
			return fmt.Errorf("%s", resp.Status)
		}
		return nil
	})
	if c := fresh.cameraState("yard"); c.Name != "Yard" || !c.HasPassword {
		t.Errorf("the camera: %+v", c)
	}
	var users struct {
		Users []struct {
			Username, Role string
			Cameras        []string
		}
	}
	fresh.call("GET", "/api/v1/users", nil, 200, &users)
	if got := fmt.Sprint(users.Users); got != "[{ann guard [yard]} {owner admin []}]" {
		t.Errorf("users %s", got)
	}
	var holds struct{ Holds []struct{ Reason string } }
	fresh.call("GET", "/api/v1/holds", nil, 200, &holds)
	if fmt.Sprint(holds.Holds) != "[{burglary}]" {
		t.Errorf("holds %+v", holds.Holds)
	}
	var chain struct{ OK bool }
	fresh.call("GET", "/api/v1/audit/verify", nil, 200, &chain)
	if !chain.OK {
		t.Error("the audit of the backup does not fit together")
	}
}
