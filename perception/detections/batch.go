package detections

import (
	"encoding/json"
	"errors"
	"strconv"
	"time"
)

// Batch is what one worker saw in one frame. A batch without detections says
// that nothing was there.
type Batch struct {
	Seq      uint64    // given by the log
	Received time.Time // when the box got it; the log sets it if it is zero
	Time     time.Time // when the frame was taken; Received if it is zero
	Camera   string
	TaskType string
	TaskID   string
	// FrameID names the frame among those of the camera and the task type: the
	// second batch of one frame is a duplicate. Empty: never one.
	FrameID    string
	Profile    string
	FrameSeq   uint64
	Ticketed   bool // a ticket of this box says that the frame is its own
	Producer   Producer
	Detections []Detection
	Event      *WorkerEvent // nil: none
}

// Producer is who reported a batch: the API key and, for people, its name.
type Producer struct{ ID, Name string }

// Detection is one thing in a frame.
type Detection struct {
	Label      string
	Confidence *float32    // 0..1; nil: not said
	Box        *[4]float32 // x, y, width, height, 0..1 from the top left; nil: not said
	Track      string
	Attributes json.RawMessage // nil: none
}

// WorkerEvent is an event that a worker reported with a batch.
type WorkerEvent struct {
	Type, Severity string
	Payload        json.RawMessage // nil: none
}

// DetectionID names the detection with that index in the batch seq.
func DetectionID(seq uint64, index int) string {
	return strconv.FormatUint(seq, 10) + "-" + strconv.Itoa(index)
}

// What Append and readers may return; test with errors.Is.
var (
	ErrAway     = errors.New("no disk for detections is attached")
	ErrFull     = errors.New("the queue of detections is full")
	ErrTooLarge = errors.New("the batch is too large")
	ErrCursor   = errors.New("not a cursor of this query")
)
