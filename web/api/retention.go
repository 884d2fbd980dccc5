package api

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"

	"vedette/web/auth"
)

// Retention is how much footage is kept: what a person set. Null is the
// default.
type Retention struct {
	Volumes map[string]VolumeRetention `json:"volumes"` // by name
	Cameras map[string]CameraRetention `json:"cameras"` // by id
}

// VolumeRetention are the limits of one volume, in bytes.
type VolumeRetention struct {
	Floor   *int64 `json:"floor_bytes"`
	High    *int64 `json:"high_bytes"`
	Reserve *int64 `json:"reserve_bytes"`
	Cap     *int64 `json:"cap_bytes"`
}

// CameraRetention is the policy of one camera.
type CameraRetention struct {
	AgeHours  *int64 `json:"age_hours"`
	Quota     *int64 `json:"quota_bytes"`
	KeepHours *int64 `json:"keep_hours"`
}

// RetentionInForce are the limits of a volume as they are applied, defaults
// included, in bytes; Cap 0 is no limit.
type RetentionInForce struct {
	Floor   int64 `json:"floor_bytes"`
	High    int64 `json:"high_bytes"`
	Reserve int64 `json:"reserve_bytes"`
	Cap     int64 `json:"cap_bytes"`
}

// RetentionPlan is what a setting would delete of one volume.
type RetentionPlan struct {
	Volume   string               `json:"volume"`
	Segments int64                `json:"segments"`
	Bytes    int64                `json:"bytes"`
	By       map[string]int64     `json:"bytes_by_rule"`
	Oldest   map[string]Timestamp `json:"oldest"` // by camera: where its footage would begin
}

// retentionBody is the body of PUT and of a preview. Its values are read by
// themselves: in them null says something.
type retentionBody struct {
	Volumes map[string]json.RawMessage `json:"volumes"`
	Cameras map[string]json.RawMessage `json:"cameras"`
}

func readRetention(w http.ResponseWriter, r *http.Request) (set Retention, err error) {
	var in retentionBody
	if err := decode(w, r, &in); err != nil {
		return set, err
	}
	set = Retention{map[string]VolumeRetention{}, map[string]CameraRetention{}}
	for _, name := range slices.Sorted(maps.Keys(in.Volumes)) {
		var v VolumeRetention
		if err := strictAt(in.Volumes[name], &v, "volumes."+cut(name)); err != nil {
			return set, err
		}
		set.Volumes[name] = v
	}
	for _, id := range slices.Sorted(maps.Keys(in.Cameras)) {
		var c CameraRetention
		if err := strictAt(in.Cameras[id], &c, "cameras."+cut(id)); err != nil {
			return set, err
		}
		set.Cameras[id] = c
	}
	return set, nil
}

// retentionAnswer carries both what is set and what is in force.
type retentionAnswer struct {
	Retention
	InForce map[string]RetentionInForce `json:"in_force"` // by volume; those that are there
}

func (s *server) getRetention(w http.ResponseWriter, r *http.Request) error {
	set, force, err := s.Recorder.of(r).Retention(r.Context())
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, retentionAnswer{set, force})
	return nil
}

// putRetention replaces what is set.
func (s *server) putRetention(w http.ResponseWriter, r *http.Request) error {
	set, err := readRetention(w, r)
	if err != nil {
		return err
	}
	if err := s.Recorder.of(r).SetRetention(r.Context(), set, auth.From(r.Context()).Name); err != nil {
		return err
	}
	return s.getRetention(w, r)
}

// previewRetention says what a setting would delete, and changes nothing.
func (s *server) previewRetention(w http.ResponseWriter, r *http.Request) error {
	set, err := readRetention(w, r)
	if err != nil {
		return err
	}
	plans, err := s.Recorder.of(r).PreviewRetention(r.Context(), set)
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, struct {
		Volumes []RetentionPlan `json:"volumes"`
	}{notNil(plans)})
	return nil
}
