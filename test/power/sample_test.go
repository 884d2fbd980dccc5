package power

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"vedette/test/power/marker"
	"vedette/test/power/plan"
)

// sample has the built product itself start on the disk below dir, as it
// would after the power came back: it must get ready, know its owner and its
// cameras, stop cleanly, and find nothing with fsck. A decoder reads the
// newest files.
func (j *judge) sample(dir string, m *marker.Marker, v *verdict) {
	promised := false
	for _, c := range m.Cameras {
		promised = promised || len(c.Windows) > 0
	}
	if !promised {
		return
	}
	if err := j.restart(dir, m); err != nil {
		v.add(badRestart, "%v", err)
	}
	volume := filepath.Join(dir, "vedette", "footage-volume")
	if out, err := exec.Command(j.host, "fsck", "--volume", volume).CombinedOutput(); err != nil {
		v.add(badFsck, "%v: %s", err, bytes.TrimSpace(out))
	}
	for _, c := range m.Cameras {
		files, err := filepath.Glob(filepath.Join(volume, "footage", c.ID, "*", "*.mp4"))
		if err != nil || len(files) == 0 {
			continue
		}
		slices.Sort(files)
		for _, f := range files[max(0, len(files)-2):] {
			v.decoded++
			if out, err := exec.Command("ffmpeg", "-v", "warning", "-xerror", "-i", f, "-f", "null", "-").CombinedOutput(); err != nil || len(out) > 0 {
				v.add(badDecode, "%s: %v: %s", filepath.Base(f), err, bytes.TrimSpace(out))
			}
		}
	}
}

// restart runs the product on the data directory below dir for a moment.
func (j *judge) restart(dir string, m *marker.Marker) error {
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	config := filepath.Join(dir, "lab.toml")
	if err := os.WriteFile(config, []byte("[board]\nid = \"sim\"\n[sweep]\nfloor_bytes = 1\n"), 0o600); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, j.host, "run", "--config", config, "--data", filepath.Join(dir, "vedette"), "--listen", "127.0.0.1:0")
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	url := ""
	for s := bufio.NewScanner(out); url == "" && s.Scan(); {
		_, url, _ = strings.Cut(s.Text(), "panel: ")
	}
	err = fmt.Errorf("it did not start")
	if url != "" {
		err = ask(ctx, url, m)
	}
	_ = cmd.Process.Signal(syscall.SIGTERM) // Wait tells if it was gone before
	if e := cmd.Wait(); err == nil && e != nil {
		err = fmt.Errorf("it ended with %w", e)
	}
	if err != nil {
		return fmt.Errorf("%w; it says: %s", err, bytes.TrimSpace(errs.Bytes()))
	}
	return nil
}

// ask logs in as the owner and looks for the cameras.
func ask(ctx context.Context, url string, m *marker.Marker) error {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return err
	}
	client := &http.Client{Jar: jar, Timeout: 20 * time.Second}
	get := func(method, path, body string, out any) error {
		req, err := http.NewRequestWithContext(ctx, method, url+path, strings.NewReader(body))
		if err != nil {
			return err
		}
		if body != "" {
			req.Header.Set("Content-Type", "application/json")
		}
		resp, err := client.Do(req)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return fmt.Errorf("%s %s: %s", method, path, resp.Status)
		}
		if out == nil {
			return nil
		}
		return json.NewDecoder(resp.Body).Decode(out)
	}
	for began := time.Now(); ; time.Sleep(50 * time.Millisecond) {
		if err = get("GET", "/readyz", "", nil); err == nil || time.Since(began) > 15*time.Second {
			break
		}
	}
	if err != nil {
		return err
	}
	login := fmt.Sprintf(`{"username":%q,"password":%q}`, plan.User, plan.Password)
	if err := get("POST", "/api/v1/auth/login", login, nil); err != nil {
		return err
	}
	var cameras []struct{ ID string }
	if err := get("GET", "/api/v1/cameras", "", &cameras); err != nil {
		return err
	}
	for _, c := range m.Cameras {
		if len(c.Windows) > 0 && !slices.ContainsFunc(cameras, func(have struct{ ID string }) bool { return have.ID == c.ID }) {
			return fmt.Errorf("camera %s is no longer known", c.ID)
		}
	}
	return nil
}
