package ingest

import "time"

// watch judges a session once a second by its counters.
type watch struct {
	seconds, silent    int
	lastVideo, lastAll int
	spent              int // runs beyond one a second
	lastRuns           uint64
	barren             int // seconds without a picture
	lastPictures       uint64
}

// restlessRuns is how many runs a session may begin beyond one a second: each
// is a file of its own.
const restlessRuns = 20

// restless judges a session by the runs it began.
func (w *watch) restless(runs uint64) *Failure {
	w.spent = max(0, w.spent+int(runs-w.lastRuns)-1)
	w.lastRuns = runs
	if w.spent > restlessRuns {
		return &Failure{Code: CodeBadStream, Reason: "the camera changes its picture format many times a second"}
	}
	return nil
}

// fruitless judges a session by the pictures that came of what it sent: a
// camera whose timestamps stand still, say, sends one endless picture. pictures
// is how many were published; those before the first run do not count.
func (w *watch) fruitless(pictures uint64, running bool) *Failure {
	if w.barren++; pictures != w.lastPictures || !running {
		w.barren, w.lastPictures = 0, pictures
	}
	if w.barren >= int(stallLimit/watchInterval) {
		return &Failure{Code: CodeBadStream, Reason: "the camera sends video that no picture can be made of"}
	}
	return nil
}

func (w *watch) look(video, all int, running, flood bool) *Failure {
	w.seconds++
	if video != w.lastVideo {
		w.silent = 0
	} else {
		w.silent++
	}
	other := all != w.lastAll
	w.lastVideo, w.lastAll = video, all
	at := func(d time.Duration) int { return int(d / watchInterval) }
	switch {
	case flood:
		return &Failure{Code: CodeFlood, Reason: "the camera sends more than 100 Mb/s: lower its bit rate"}
	case video == 0 && w.seconds >= at(noVideoLimit) && other:
		return &Failure{Code: CodeNoVideo, Reason: "the camera sends no video, though it answers"}
	case video == 0 && w.seconds >= at(noVideoLimit):
		return &Failure{Code: CodeNoVideo, Reason: "the camera accepts the connection but sends nothing"}
	case w.silent >= at(stallLimit):
		return &Failure{Code: CodeStalled, Reason: "the camera stopped sending video"}
	case !running && w.seconds >= at(noKeyLimit):
		return &Failure{Code: CodeNoVideo, Reason: "the camera sent no whole key frame for a minute: shorten its key frame (I-frame) interval"}
	}
	return nil
}
