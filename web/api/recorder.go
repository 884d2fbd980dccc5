package api

import (
	"context"
	"io"
	"time"
)

// Recorder is what the API needs of the recorder. Methods that name a camera
// return ErrNotFound if there is none; values that will not do are errors
// with a method Field() string; what stands against a change is ErrConflict.
// Times are UTC. Every method may be called concurrently, and returns soon
// after its context ends.
type Recorder interface {
	Cameras(ctx context.Context) ([]Camera, error)
	Camera(ctx context.Context, id string) (Camera, error)
	AddCamera(ctx context.Context, in CameraInput) (Camera, error)
	// UpdateCamera changes what is not nil in in.
	UpdateCamera(ctx context.Context, id string, in CameraInput) (Camera, error)
	RemoveCamera(ctx context.Context, id string) error
	// AdoptVolume has the volume called name be the one with that id, which is
	// there but was not before. ErrNotFound if no volume has the name.
	AdoptVolume(ctx context.Context, name, id string) error
	// PlaceHold locks footage for good, or until the hold's time is over; ID and
	// Created are given by the answer. It returns how many segments are locked at
	// once; those still written and on disks that are away follow.
	PlaceHold(ctx context.Context, h Hold) (Hold, int, error)
	// Holds returns all of them, oldest first.
	Holds(ctx context.Context) ([]Hold, error)
	// ReleaseHold ends one; by is who asks. ErrNotFound if there is none.
	ReleaseHold(ctx context.Context, id, by string) error
	// Retention returns what is set for every volume and camera there is, and
	// what is in force by that.
	Retention(ctx context.Context) (Retention, map[string]RetentionInForce, error)
	// SetRetention replaces what is set; by is who asks.
	SetRetention(ctx context.Context, set Retention, by string) error
	// PreviewRetention says what set would delete. It changes nothing.
	PreviewRetention(ctx context.Context, set Retention) ([]RetentionPlan, error)
	// TestCamera opens the camera's stream, for at most 12 s. A camera that
	// does not answer is a result, not an error.
	TestCamera(ctx context.Context, id string) (TestResult, error)

	// Segments returns what overlaps [from, to), ascending, at most limit.
	Segments(ctx context.Context, id string, from, to time.Time, limit int) ([]Segment, error)
	Timeline(ctx context.Context, id string, from, to time.Time) (Timeline, error)
	GOPs(ctx context.Context, id string, from, to time.Time) (GOPIndex, error)
	// HLS returns a playlist. It lies at /api/v1/cameras/{id}/hls/index.m3u8,
	// and names segments as ../segments/{seg}/media.mp4.
	HLS(ctx context.Context, id string, from, to time.Time) ([]byte, error)
	// Clip, SegmentMedia and Snapshot return bytes to be read as the client
	// takes them; the API closes them. Nothing in the range is ErrNotFound.
	Clip(ctx context.Context, id string, from, to time.Time) (*Media, error)
	SegmentMedia(ctx context.Context, id, segment string) (*Media, error)
	Snapshot(ctx context.Context, id string, at time.Time) (*Media, error)
}

// Media is one MP4 file or something that reads like one.
type Media struct {
	// Content knows its size by seeking to its end. If it is an *os.File it
	// is sent without being copied through the process.
	Content io.ReadSeeker
	Closer  io.Closer // may be nil
	ETag    string    // with its quotes; empty if the bytes may change
	Start   time.Time // of the first picture
	Covered time.Duration
	Gaps    []Gap
}

// Camera is a camera as the API shows it. It holds no password, and URLs are
// masked.
type Camera struct {
	ID          string     `json:"id"`
	Name        string     `json:"name"`
	State       string     `json:"state"` // disabled connecting recording live offline error
	StateReason string     `json:"state_reason"`
	StateSince  *Timestamp `json:"state_since,omitempty"`
	Vendor      string     `json:"vendor,omitempty"`
	Address     string     `json:"address,omitempty"`
	MainURL     string     `json:"main_url"`
	SubURL      string     `json:"sub_url"`
	Username    string     `json:"username,omitempty"`
	HasPassword bool       `json:"has_password"`
	Record      bool       `json:"record"`
	Audio       bool       `json:"audio"`
	Volume      string     `json:"volume"` // name of the volume it is assigned to; empty: by room
	Mirror      string     `json:"mirror"` // name of a second volume; empty: none
	Preroll     int        `json:"preroll_s"`
	Postroll    int        `json:"postroll_s"`
	RecordMode  string     `json:"record_mode"` // continuous scheduled event scheduled_event
	Schedule    []Window   `json:"schedule"`
	Priority    int        `json:"priority"` // of its frames, where not all of them can be made
	Now         Recording  `json:"recording_now"`
	VolumeOn    string     `json:"volume_on,omitempty"` // where it is recorded at present
	MirrorOn    string     `json:"mirror_on,omitempty"`

	// What comes from the camera; absent before it was seen.
	Codec       string     `json:"codec,omitempty"`
	AudioCodec  string     `json:"audio_codec,omitempty"`
	Width       int        `json:"width,omitempty"`
	Height      int        `json:"height,omitempty"`
	FPS         float64    `json:"fps,omitempty"`
	BitrateBPS  int64      `json:"bitrate_bps,omitempty"`
	LastWritten *Timestamp `json:"last_written,omitempty"` // of the newest sample on disk
	Drops       uint64     `json:"drops"`                  // units lost to a full queue in this run
}

// CameraInput is the body of POST and PATCH. Nil means: not said.
type CameraInput struct {
	ID         *string   `json:"id"` // POST alone
	Name       *string   `json:"name"`
	Vendor     *string   `json:"vendor"`
	Address    *string   `json:"address"`
	MainURL    *string   `json:"main_url"`
	SubURL     *string   `json:"sub_url"`
	Username   *string   `json:"username"`
	Password   *string   `json:"password"`
	Record     *bool     `json:"record"`
	Audio      *bool     `json:"audio"`
	Volume     *string   `json:"volume"`
	Mirror     *string   `json:"mirror"`
	Preroll    *int      `json:"preroll_s"`
	Postroll   *int      `json:"postroll_s"`
	RecordMode *string   `json:"record_mode"`
	Schedule   *[]Window `json:"schedule"`
	Priority   *int      `json:"priority"`
}

// Window is a time of the week, in the time zone of the box.
type Window struct {
	Days []string `json:"days"` // mon tue wed thu fri sat sun; that of From
	From string   `json:"from"` // 22:00
	To   string   `json:"to"`   // not after From: on the next day; 24:00 is the end of the day
}

// Recording says whether a camera is recorded at this moment, and why.
type Recording struct {
	Active bool       `json:"active"`
	Why    string     `json:"why"` // continuous schedule event manual, or empty
	Until  *Timestamp `json:"until,omitempty"`
}

// TestResult says what a camera sends, or why nothing came.
type TestResult struct {
	OK     bool    `json:"ok"`
	Codec  string  `json:"codec,omitempty"`
	Width  int     `json:"width,omitempty"`
	Height int     `json:"height,omitempty"`
	FPS    float64 `json:"fps,omitempty"`
	Audio  string  `json:"audio,omitempty"`  // its codec; empty: there is none
	Reason string  `json:"reason,omitempty"` // why not OK; one sentence, no secrets
	Millis int64   `json:"ms"`               // how long it took
}

// Range is a stretch of footage.
type Range struct {
	Start Timestamp `json:"start"`
	End   Timestamp `json:"end"`
	Why   string    `json:"why,omitempty"` // schedule event manual; empty: continuous, or not known
}

// Gap is a stretch without footage.
type Gap struct {
	Start  Timestamp `json:"start"`
	End    Timestamp `json:"end"`
	Reason string    `json:"reason"` // camera overload disk clock restart disabled schedule event, or empty
}

// Timeline is what there is of one camera, and what is missing.
type Timeline struct {
	Ranges []Range `json:"ranges"`
	Gaps   []Gap   `json:"gaps"`
}

// Segment is one file of footage.
type Segment struct {
	ID       string    `json:"id"`
	Start    Timestamp `json:"start"`
	End      Timestamp `json:"end"`
	Duration int64     `json:"duration_ms"`
	Bytes    int64     `json:"bytes"`
	Codec    string    `json:"codec"`
	Width    int       `json:"width"`
	Height   int       `json:"height"`
	Held     bool      `json:"held"`
	Volume   string    `json:"volume"`
	Open     bool      `json:"open"`          // still being written
	Why      string    `json:"why,omitempty"` // as of a Range
}

// GOPIndex tells a player which bytes to fetch for which moment. Times are
// Unix milliseconds.
type GOPIndex struct {
	Inits    []GOPInit    `json:"inits"`
	Segments []GOPSegment `json:"segments"`
	Gaps     []GOPGap     `json:"gaps"`
}

// GOPInit is what the segments that name it have in common.
type GOPInit struct {
	MIME      string `json:"mime"`
	VideoOnly bool   `json:"video_only"` // browsers cannot play the audio
}

// GOPSegment is one file and its groups of pictures.
type GOPSegment struct {
	ID       string     `json:"id"`
	URL      string     `json:"url"` // set by the API
	Init     int        `json:"init"`
	InitSize int64      `json:"init_size"`
	Start    int64      `json:"start"`
	End      int64      `json:"end"`
	Open     bool       `json:"open"`
	GOPs     [][4]int64 `json:"gops"` // offset, size, start, duration
}

// GOPGap is a Gap in Unix milliseconds.
type GOPGap struct {
	Start  int64  `json:"start"`
	End    int64  `json:"end"`
	Reason string `json:"reason"`
}

// Event is an entry of the event log.
type Event struct {
	Seq      uint64         `json:"seq"`
	Time     Timestamp      `json:"time"`
	Type     string         `json:"type"`
	Severity string         `json:"severity"` // info warning critical
	Camera   string         `json:"camera,omitempty"`
	Payload  map[string]any `json:"payload,omitempty"`
}

// EventFilter selects events; empty fields select all.
type EventFilter struct {
	// Types are the types to select; one that ends in * stands for all that begin so.
	Types  []string
	Least  string // the lowest severity to select
	Camera string
	// Sees reports whether the caller may see events of a camera. Those of the
	// box are for everybody.
	Sees func(camera string) bool
	// Operators selects those too that are for whoever operates the box alone.
	Operators bool
}

// SystemInfo is the state of the box.
type SystemInfo struct {
	Version  string       `json:"version"`
	Board    string       `json:"board"`
	Uptime   int64        `json:"uptime_s"`
	Clock    ClockInfo    `json:"clock"`
	Cameras  CameraCount  `json:"cameras"`
	Volumes  []VolumeInfo `json:"volumes"`
	PromiseS float64      `json:"promise_s,omitempty"` // footage a power cut may cost
}

// ClockInfo says whether the wall clock may be believed, and why.
type ClockInfo struct {
	Trusted bool   `json:"trusted"`
	Source  string `json:"source"`
}

// CameraCount counts cameras.
type CameraCount struct {
	Total     int `json:"total"`
	Recording int `json:"recording"`
}

// WearInfo is what a disk says of itself.
type WearInfo struct {
	Status      string   `json:"status"`                  // unknown good worn failing
	Reason      string   `json:"reason,omitempty"`        // why not good
	UsedPercent *int     `json:"used_percent,omitempty"`  // of the rated life; more than 100 is borrowed time
	Temperature *int     `json:"temperature_c,omitempty"` // °C
	YearsLeft   *float64 `json:"years_left,omitempty"`    // at the rate since the start
	Estimated   bool     `json:"estimated,omitempty"`     // years_left by what such disks are usually rated for
	// Amplification is the bytes sent to the disk, whoever sent them, for each of
	// footage.
	Amplification float64 `json:"write_amplification,omitempty"`
}

// VolumeInfo is the state of a footage volume.
type VolumeInfo struct {
	Name         string `json:"name"`
	ID           string `json:"id"` // of the one that used to be there, while none is
	Path         string `json:"path"`
	Medium       string `json:"medium"`
	TotalBytes   int64  `json:"total_bytes"`
	FreeBytes    int64  `json:"free_bytes"`
	FloorBytes   int64  `json:"floor_bytes"`
	HighBytes    int64  `json:"high_bytes"`
	ReserveBytes int64  `json:"reserve_bytes"`
	FootageBytes int64  `json:"footage_bytes"`
	HeldBytes    int64  `json:"held_bytes"`
	State        string `json:"state"`            // ok full pressure failed absent foreign
	Reason       string `json:"reason,omitempty"` // why not ok; one sentence
	Other        string `json:"other,omitempty"`  // id of the volume that is there instead
	WriteRate    int64  `json:"write_bytes_per_s,omitempty"`
	// DaysLeft is how many days back the footage will reach once the disk is
	// full, at the rate of the last day; CameraDays of each camera by id. Left
	// out until that is known.
	DaysLeft   float64            `json:"days_left,omitempty"`
	CameraDays map[string]float64 `json:"camera_days,omitempty"`
	Wear       *WearInfo          `json:"wear,omitempty"` // of the disk below; null until it was looked at
}
