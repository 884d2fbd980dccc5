package api

import (
	"context"
	"net/http"

	"vedette/web/auth"
)

// Disks is what the API needs of the disks of the machine. Methods that name a disk
// return ErrNotFound if there is none, and ErrConflict, with the reason, where it
// is in use. by is who asks.
type Disks interface {
	Disks(ctx context.Context) (DiskList, error)
	// PrepareDisk begins to erase a disk for a volume; confirm must be its Phrase.
	PrepareDisk(ctx context.Context, disk, volume, confirm, by string) error
	// UseDisk mounts a disk that has a file system for a volume.
	UseDisk(ctx context.Context, disk, volume, by string) error
	// RemoveDisk returns once the disk of a volume may be unplugged.
	RemoveDisk(ctx context.Context, volume, by string) error
}

// DiskList is every disk there is.
type DiskList struct {
	Volumes []string `json:"volumes"` // that a disk may be given to
	Disks   []Disk   `json:"disks"`
}

// Disk is a whole disk.
type Disk struct {
	Name      string     `json:"name"`
	Kind      string     `json:"kind"`
	Model     string     `json:"model,omitempty"`
	Serial    string     `json:"serial,omitempty"`
	Bytes     int64      `json:"bytes"`
	Removable bool       `json:"removable"`
	Busy      string     `json:"busy,omitempty"` // why it cannot be erased
	Phrase    string     `json:"phrase"`         // what has to be typed to erase it
	Volume    string     `json:"volume,omitempty"`
	Working   bool       `json:"working,omitempty"` // it is being prepared
	Parts     []DiskPart `json:"parts"`
}

// DiskPart is a partition.
type DiskPart struct {
	Name  string `json:"name"`
	FS    string `json:"fs,omitempty"`
	Label string `json:"label,omitempty"`
	Bytes int64  `json:"bytes"`
	Mount string `json:"mount,omitempty"`
}

type prepareBody struct {
	Volume  string `json:"volume"`
	Confirm string `json:"confirm"`
}

type useBody struct {
	Volume string `json:"volume"`
}

// noDisks answers for a box that has no place for a disk.
type noDisks struct{}

func (noDisks) Disks(context.Context) (DiskList, error)                           { return DiskList{}, errNotThere }
func (noDisks) PrepareDisk(context.Context, string, string, string, string) error { return errNotThere }
func (noDisks) UseDisk(context.Context, string, string, string) error             { return errNotThere }
func (noDisks) RemoveDisk(context.Context, string, string) error                  { return errNotThere }

func (s *server) listDisks(w http.ResponseWriter, r *http.Request) error {
	list, err := s.Options.Disks.Disks(r.Context())
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, list)
	return nil
}

// prepareDisk begins to erase a disk. An event tells how it ended.
func (s *server) prepareDisk(w http.ResponseWriter, r *http.Request) error {
	var in prepareBody
	if err := decode(w, r, &in); err != nil {
		return err
	}
	if err := s.Options.Disks.PrepareDisk(r.Context(), r.PathValue("disk"), in.Volume, in.Confirm, auth.From(r.Context()).Name); err != nil {
		return err
	}
	w.WriteHeader(http.StatusAccepted)
	return nil
}

func (s *server) useDisk(w http.ResponseWriter, r *http.Request) error {
	var in useBody
	if err := decode(w, r, &in); err != nil {
		return err
	}
	if err := s.Options.Disks.UseDisk(r.Context(), r.PathValue("disk"), in.Volume, auth.From(r.Context()).Name); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// removeDisk answers once the disk may be unplugged.
func (s *server) removeDisk(w http.ResponseWriter, r *http.Request) error {
	if err := decodeNothing(w, r); err != nil {
		return err
	}
	if err := s.Options.Disks.RemoveDisk(r.Context(), r.PathValue("name"), auth.From(r.Context()).Name); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
