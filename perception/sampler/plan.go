package sampler

import (
	"fmt"
	"time"

	"vedette/recorder/media"
)

// plan says what a child shall do.
type plan struct {
	camera   string
	track    media.Track
	width    int
	period   int64  // at most one picture in each of these, ticks of the track's clock
	keyOnly  bool   // only key frames come
	program  string // path of ffmpeg
	hardware string // decoder to use; "" = ffmpeg's own
	// patience is how long the child may take to take a unit.
	patience time.Duration
	// picture is called for every picture, in order, from one goroutine.
	picture func(f *Frame)
}

// arguments returns the command line for p, without the program.
func arguments(p plan) []string {
	a := []string{"-hide_banner", "-nostdin", "-loglevel", "repeat+error",
		"-probesize", "32", "-analyzeduration", "0", "-threads", "1"}
	if p.hardware != "" {
		a = append(a, "-c:v", p.hardware)
	}
	// The choice prints the time of every picture that it lets through; pictures
	// and times come out in the same order.
	choice := fmt.Sprintf(`isnan(prev_selected_pts)+gt(floor(pts/%[1]d)\,floor(prev_selected_pts/%[1]d))`, max(p.period, 1))
	if p.keyOnly {
		choice = fmt.Sprintf(`isnan(prev_selected_pts)+gt(pts-prev_selected_pts\,%d)`, maxCopies)
	}
	filter := fmt.Sprintf(`select=if(%s\,1+0*print(pts\,16)),scale=w=min(iw\,%d):h=-2:out_range=pc,format=yuvj420p`, choice, p.width)
	return append(a, "-f", "mov", "-i", "pipe:0", "-map", "0:v:0", "-copyts",
		"-vf", filter, "-fps_mode", "passthrough", "-c:v", "mjpeg", "-q:v", "5", "-threads", "1",
		"-flush_packets", "1", "-f", "image2pipe", "pipe:1")
}

// memory returns how many bytes of data a child for track may have.
func memory(track media.Track) uint64 {
	w, h := min(max(track.Width, 640), 16384), min(max(track.Height, 480), 16384)
	return uint64(min(childMemory+w*h*3/2*pictureRoom, maxMemory))
}
