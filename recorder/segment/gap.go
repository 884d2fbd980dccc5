package segment

// GapReason says why footage is missing. It is stored in one byte of a
// segment's header and of its row in the index.
type GapReason byte

// The reasons. Numbers are part of the format: never reuse one.
const (
	None       GapReason = iota // nothing is missing, or it is not known why
	Camera                      // the camera sent nothing usable
	Overload                    // units were dropped because something was too slow
	Disk                        // the disk was full or failed
	Clock                       // the wall clock stepped
	Restart                     // Vedette was not running
	Disabled                    // recording was switched off
	OffTime                     // its schedule did not ask for recording
	Uneventful                  // nothing happened that would have been recorded
)

// String returns the word the API uses, "" for None.
func (g GapReason) String() string {
	switch g {
	case Camera:
		return "camera"
	case Overload:
		return "overload"
	case Disk:
		return "disk"
	case Clock:
		return "clock"
	case Restart:
		return "restart"
	case Disabled:
		return "disabled"
	case OffTime:
		return "schedule"
	case Uneventful:
		return "event"
	}
	return ""
}
