package api

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
)

// fakeDisks is a machine with one disk, sda, and one volume that may have it.
type fakeDisks struct {
	mu  sync.Mutex
	did []string
}

func (f *fakeDisks) note(format string, a ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.did = append(f.did, fmt.Sprintf(format, a...))
}

func (f *fakeDisks) Disks(context.Context) (DiskList, error) {
	return DiskList{Volumes: []string{"garage"}, Disks: []Disk{{Name: "sda", Phrase: "S1", Bytes: 4e12, Parts: []DiskPart{{Name: "sda1", FS: "ntfs"}}}}}, nil
}

func (f *fakeDisks) PrepareDisk(_ context.Context, disk, volume, confirm, by string) error {
	switch {
	case disk != "sda":
		return ErrNotFound
	case confirm != "S1":
		return &FieldError{"confirm", "is not what the disk is called"}
	case volume != "garage":
		return &FieldError{"volume", "has no place for a disk"}
	}
	f.note("prepare %s for %s by %s", disk, volume, by)
	return nil
}

func (f *fakeDisks) UseDisk(_ context.Context, disk, volume, by string) error {
	if disk != "sda" {
		return ErrNotFound
	}
	f.note("use %s for %s by %s", disk, volume, by)
	return nil
}

func (f *fakeDisks) RemoveDisk(_ context.Context, volume, by string) error {
	if volume != "garage" {
		return ErrNotFound
	}
	f.note("remove %s by %s", volume, by)
	return nil
}

func TestDisksArePreparedUsedAndLetGo(t *testing.T) {
	disks := &fakeDisks{}
	b := newBox(t, func(o *Options) { o.Disks = disks })
	for _, tt := range []struct {
		method, path, body string
		status             int
		want               string
	}{
		{"GET", "/api/v1/system/disks", "", 200, `"phrase":"S1"`},
		{"POST", "/api/v1/system/disks/sda/prepare", `{"volume":"garage","confirm":"s1"}`, 400, `"field":"confirm"`},
		{"POST", "/api/v1/system/disks/sdb/prepare", `{"volume":"garage","confirm":"S1"}`, 404, "not_found"},
		{"POST", "/api/v1/system/disks/sda/prepare", `{"volume":"garage","confirm":"S1"}`, 202, ""},
		{"POST", "/api/v1/system/disks/sda/use", `{"volume":"garage"}`, 204, ""},
		{"POST", "/api/v1/system/volumes/garage/remove", `{}`, 204, ""},
		{"POST", "/api/v1/system/volumes/attic/remove", "", 404, "not_found"},
	} {
		if w := b.owner(tt.method, tt.path, tt.body); w.Code != tt.status || !strings.Contains(w.Body.String(), tt.want) {
			t.Errorf("%s %s: %d %s, want %d and %s", tt.method, tt.path, w.Code, w.Body, tt.status, tt.want)
		}
	}
	if got := strings.Join(disks.did, "; "); got != "prepare sda for garage by owner; use sda for garage by owner; remove garage by owner" {
		t.Errorf("did %s", got)
	}
	none := newBox(t, func(o *Options) { o.Disks = nil })
	if w := none.owner("GET", "/api/v1/system/disks", ""); w.Code != http.StatusNotImplemented {
		t.Errorf("a box without places for disks: %d", w.Code)
	}
}
