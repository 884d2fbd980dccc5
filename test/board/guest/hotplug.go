package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"os"
	"os/exec"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// hotplug runs the product with a place for a disk and a card beside it. Somebody
// outside plugs a stick in, pulls it while it is recorded to, and plugs it in
// again; here it is asked for what a person would do on the panel.
func hotplug() error {
	if err := errors.Join(os.MkdirAll("/data", 0o755), unix.Mount("tmpfs", "/data", "tmpfs", 0, "size=160m"), loopback(), setClock()); err != nil {
		return err
	}
	const settings = "[recording]\nsegment = \"5s\"\n[sweep]\nfloor_bytes = 16777216\n" +
		"[[volumes]]\nname = \"disk\"\npath = \"/media/disk\"\nmount_point = true\n[[volumes]]\nname = \"card\"\npath = \"/data/card\"\n"
	if err := os.WriteFile("/data/vedette.toml", []byte(settings), 0o600); err != nil {
		return err
	}
	add := exec.Command("/vedette", "user", "add", "anna", "--data", "/data", "--role", "admin", "--password-stdin")
	add.Stdin, add.Stdout, add.Stderr = strings.NewReader(password+"\n"), os.Stdout, os.Stdout
	if err := add.Run(); err != nil {
		return fmt.Errorf("add a user: %w", err)
	}
	stop, err := recording("/data")
	if err != nil {
		return err
	}
	err = errors.Join(stickComesAndGoes(), stop())
	if err != nil {
		return err
	}
	return printEvents("*")
}

const password = "a board lab of our own"

func stickComesAndGoes() error {
	b, err := signIn()
	if err != nil {
		return err
	}
	if err := b.until("card", "the camera records to the card", b.recordsTo); err != nil {
		return err
	}
	if got, err := b.ask("PATCH", "/cameras/camera-1", map[string]string{"volume": "disk"}, nil); err != nil || got != http.StatusOK {
		return fmt.Errorf("assign the camera to the disk: %d, %w", got, err)
	}
	fmt.Println("hotplug: plug")
	if err := b.until("STICK1", "the stick is offered", b.offers); err != nil {
		return err
	}
	if err := b.until("disk_offered", "the stick is told of", b.told); err != nil { // the list is quicker
		return err
	}
	for _, try := range []struct {
		confirm string
		want    int
	}{{"yes", http.StatusBadRequest}, {"STICK1", http.StatusAccepted}} {
		got, err := b.ask("POST", "/system/disks/"+b.disk+"/prepare", map[string]string{"volume": "disk", "confirm": try.confirm}, nil)
		if err != nil || got != try.want {
			return fmt.Errorf("prepare with %q: %d, %w", try.confirm, got, err)
		}
	}
	if err := b.until("disk", "the camera records to the stick", b.recordsTo); err != nil {
		return err
	}
	time.Sleep(15 * time.Second)
	fmt.Println("hotplug: pull")
	if err := b.until("card", "the camera records to the card again", b.recordsTo); err != nil {
		return err
	}
	fmt.Println("hotplug: plug again")
	if err := b.until("disk", "the camera records to the stick again", b.recordsTo); err != nil {
		return err
	}
	time.Sleep(10 * time.Second)
	if err := countFootage("/media/disk"); err != nil {
		return err
	}
	if got, err := b.ask("POST", "/system/volumes/disk/remove", map[string]string{}, nil); err != nil || got != http.StatusNoContent {
		return fmt.Errorf("remove: %d, %w", got, err)
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil || strings.Contains(string(mounts), "/media/disk") {
		return fmt.Errorf("the stick is mounted still: %w", err)
	}
	fmt.Println("hotplug: removed safely")
	return b.until("card", "the camera records to the card at last", b.recordsTo)
}

// browser is somebody who is signed in.
type browser struct {
	http.Client
	disk string // name of the disk that was offered
}

func signIn() (*browser, error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	b := &browser{Client: http.Client{Jar: jar, Timeout: 30 * time.Second}}
	return b, b.until("", "the panel answers", func(string) (bool, error) {
		got, err := b.ask("POST", "/auth/login", map[string]string{"username": "anna", "password": password}, nil)
		return err == nil && got < 300, nil
	})
}

// ask calls the API and decodes the answer into out, if that is not nil.
func (b *browser) ask(method, path string, in, out any) (int, error) {
	body, err := json.Marshal(in)
	if err != nil {
		return 0, err
	}
	r, err := http.NewRequest(method, "http://127.0.0.1:8080/api/v1"+path, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	r.Header.Set("Content-Type", "application/json")
	w, err := b.Do(r)
	if err != nil {
		return 0, err
	}
	defer w.Body.Close()
	data, err := io.ReadAll(w.Body)
	if err == nil && out != nil && w.StatusCode < 300 {
		err = json.Unmarshal(data, out)
	}
	return w.StatusCode, err
}

// until waits for two minutes at most.
func (b *browser) until(arg, what string, is func(string) (bool, error)) error {
	for range 240 {
		ok, err := is(arg)
		if err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		if ok {
			fmt.Println("hotplug:", what)
			return nil
		}
		time.Sleep(500 * time.Millisecond)
	}
	return fmt.Errorf("not within two minutes: %s", what)
}

// told reports whether there is an event of a type.
func (b *browser) told(kind string) (bool, error) {
	var list struct{ Events []struct{} }
	_, err := b.ask("GET", "/events?type="+kind, nil, &list)
	return len(list.Events) > 0, err
}

func (b *browser) recordsTo(volume string) (bool, error) {
	var all []struct {
		State    string `json:"state"`
		VolumeOn string `json:"volume_on"`
	}
	_, err := b.ask("GET", "/cameras", nil, &all)
	return len(all) == 1 && all[0].State == "recording" && all[0].VolumeOn == volume, err
}

func (b *browser) offers(serial string) (bool, error) {
	var list struct {
		Disks []struct{ Name, Serial, Busy string } `json:"disks"`
	}
	_, err := b.ask("GET", "/system/disks", nil, &list)
	for _, d := range list.Disks {
		if d.Serial == serial && d.Busy == "" {
			b.disk = d.Name
			return true, err
		}
	}
	return false, err
}
