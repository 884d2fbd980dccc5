package zones

import (
	"math"
	"slices"
	"unicode"
	"unicode/utf8"

	"vedette/perception/events"
)

// Validate returns a *FieldError for the first thing that is wrong with z, or
// nil. It takes some milliseconds at most, however large z is.
func (z *Zone) Validate() error {
	if z.Camera == "" || len(z.Camera) > mostStoredID {
		return field("camera_id", "A zone belongs to a camera.")
	}
	if !printable(z.Name) || utf8.RuneCountInString(z.Name) > mostName {
		return field("name", "A name has 1 to %d characters, none of them invisible.", mostName)
	}
	if err := z.validateShape(); err != nil {
		return err
	}
	if len(z.Labels) > mostLabels {
		return field("labels", "There are at most %d labels.", mostLabels)
	}
	for i, l := range z.Labels {
		if !printable(l) || len(l) > mostLabel {
			return field("labels", "A label has 1 to %d bytes, none of them invisible.", mostLabel)
		}
		if slices.Contains(z.Labels[:i], l) {
			return field("labels", "A label is there twice.")
		}
	}
	switch {
	case !(z.MinConfidence >= 0 && z.MinConfidence <= 1): // also true for NaN
		return field("min_confidence", "The least confidence is between 0 and 1.")
	case z.ConfirmFrames < 1 || z.ConfirmFrames > mostConfirm:
		return field("confirm_frames", "The frames that confirm a change are 1 to %d.", mostConfirm)
	case z.DwellSeconds < 0 || z.DwellSeconds > mostDwell:
		return field("dwell_seconds", "The seconds of dwelling are 0 (off) to %d.", mostDwell)
	case z.LostSeconds < 1 || z.LostSeconds > mostLost:
		return field("lost_seconds", "The seconds after which a track has left are 1 to %d.", mostLost)
	case z.Severity != events.Info && z.Severity != events.Warning && z.Severity != events.Critical:
		return field("severity", "The severity is info, warning or critical.")
	}
	return nil
}

func (z *Zone) validateShape() error {
	least, most := 3, mostCorners
	switch z.Kind {
	case Polygon:
		if z.Direction != Any {
			return field("direction", "A polygon has no direction: it is any.")
		}
	case Line:
		least, most = 2, mostLine
		if z.Direction != Any && z.Direction != AToB && z.Direction != BToA {
			return field("direction", "The direction is any, ab or ba.")
		}
	default:
		return field("kind", "A zone is a polygon or a line.")
	}
	if len(z.Points) < least || len(z.Points) > most {
		return field("points", "A %s has %d to %d points; this one has %d.", z.Kind, least, most, len(z.Points))
	}
	for i, p := range z.Points {
		if !(p[0] >= 0 && p[0] <= 1 && p[1] >= 0 && p[1] <= 1) { // also true for NaN
			return field("points", "Point %d is outside of the picture: both numbers are between 0 and 1.", i+1)
		}
	}
	if z.Kind == Line {
		return validateLine(z.Points)
	}
	return validatePolygon(z.Points)
}

func validateLine(points []Point) error {
	for i := 1; i < len(points); i++ {
		if same(points[i-1], points[i]) {
			return field("points", "Points %d and %d are the same.", i, i+1)
		}
	}
	return nil
}

// validatePolygon refuses what has no inside: two equal corners, sides that
// cross or touch, no area. It looks at every pair of sides; there are few.
func validatePolygon(points []Point) error {
	n := len(points)
	for i := range points {
		for j := range i {
			if same(points[i], points[j]) {
				return field("points", "Points %d and %d are the same.", j+1, i+1)
			}
		}
	}
	for i := range points {
		a, b := points[i], points[(i+1)%n]
		// The next side shares b: it must not come back along this one.
		if c := points[(i+2)%n]; cross(a, b, c) == 0 && (c[0]-b[0])*(b[0]-a[0])+(c[1]-b[1])*(b[1]-a[1]) < 0 {
			return field("points", "The outline turns back on itself at point %d.", (i+1)%n+1)
		}
		for j := i + 2; j < n; j++ {
			if i == 0 && j == n-1 {
				continue // neighbours, too
			}
			if touch(a, b, points[j], points[(j+1)%n]) {
				return field("points", "The outline crosses itself: the side from point %d and the side from point %d.", i+1, j+1)
			}
		}
	}
	if area(points) < leastArea {
		return field("points", "The polygon has no area.")
	}
	return nil
}

func same(a, b Point) bool {
	return math.Abs(a[0]-b[0]) < leastPart && math.Abs(a[1]-b[1]) < leastPart
}

func printable(s string) bool {
	if s == "" || !utf8.ValidString(s) {
		return false
	}
	visible := false
	for _, r := range s {
		if !unicode.IsPrint(r) {
			return false
		}
		visible = visible || r != ' '
	}
	return visible
}
