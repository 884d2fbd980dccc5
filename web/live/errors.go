package live

import "fmt"

// Code says in a word why an offer was refused.
type Code string

// The codes of an Error.
const (
	CameraUnknown    Code = "camera_unknown"    // no such camera
	CameraOffline    Code = "camera_offline"    // the camera sends nothing now
	CodecUnsupported Code = "codec_unsupported" // the viewer cannot show any of its streams
	TooManyViewers   Code = "too_many_viewers"  // Options.MaxViewers are watching
	BadOffer         Code = "bad_offer"         // the SDP or a candidate cannot be used
	Unavailable      Code = "live_unavailable"  // the server is starting or stopping
)

// Error is why an offer, or a candidate, was refused. Message is one sentence
// for people.
type Error struct {
	Code    Code
	Message string
	Err     error // the cause, or nil
}

// Error returns the code, the message and the cause.
func (e *Error) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("%s: %s: %v", e.Code, e.Message, e.Err)
	}
	return fmt.Sprintf("%s: %s", e.Code, e.Message)
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

func refuse(code Code, message string, cause error) *Error {
	return &Error{Code: code, Message: message, Err: cause}
}
