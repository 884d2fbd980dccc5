package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// How much may be asked for at a time.
const (
	maxTimeline = 400 * 24 * time.Hour
	maxGOPs     = 6 * time.Hour
	maxHLS      = 24 * time.Hour
	maxClip     = 4 * time.Hour

	defaultSegments = 500
	maxSegments     = 5000
	maxGapsHeader   = 20 // gaps named in a header; a client may refuse longer ones
)

func (s *server) segments(w http.ResponseWriter, r *http.Request) error {
	from, to, err := queryRange(r, maxTimeline)
	if err != nil {
		return err
	}
	limit, err := queryInt(r, "limit", defaultSegments, 1, maxSegments)
	if err != nil {
		return err
	}
	// One more than asked for tells where the next page begins.
	list, err := s.Recorder.of(r).Segments(r.Context(), r.PathValue("id"), from, to, limit+1)
	if err != nil {
		return err
	}
	out := struct {
		Segments []Segment  `json:"segments"`
		Next     *Timestamp `json:"next,omitempty"` // the from of the next page
	}{Segments: list}
	if len(list) > limit {
		out.Segments, out.Next = list[:limit], &list[limit].Start
	}
	out.Segments = notNil(out.Segments)
	writeJSON(w, http.StatusOK, out)
	return nil
}

func (s *server) timeline(w http.ResponseWriter, r *http.Request) error {
	t, err := s.readTimeline(r)
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, t)
	return nil
}

func (s *server) gaps(w http.ResponseWriter, r *http.Request) error {
	t, err := s.readTimeline(r)
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, struct {
		Gaps []Gap `json:"gaps"`
	}{t.Gaps})
	return nil
}

func (s *server) readTimeline(r *http.Request) (Timeline, error) {
	from, to, err := queryRange(r, maxTimeline)
	if err != nil {
		return Timeline{}, err
	}
	t, err := s.Recorder.of(r).Timeline(r.Context(), r.PathValue("id"), from, to)
	t.Ranges, t.Gaps = notNil(t.Ranges), notNil(t.Gaps)
	return t, err
}

func (s *server) gops(w http.ResponseWriter, r *http.Request) error {
	from, to, err := queryRange(r, maxGOPs)
	if err != nil {
		return err
	}
	id := r.PathValue("id")
	x, err := s.Recorder.of(r).GOPs(r.Context(), id, from, to)
	if err != nil {
		return err
	}
	x.Inits, x.Segments, x.Gaps = notNil(x.Inits), notNil(x.Segments), notNil(x.Gaps)
	for i := range x.Segments {
		seg := &x.Segments[i]
		seg.URL = fmt.Sprintf("%s/cameras/%s/segments/%s/media.mp4", v1, url.PathEscape(id), url.PathEscape(seg.ID))
		seg.GOPs = notNil(seg.GOPs)
	}
	writeJSON(w, http.StatusOK, x)
	return nil
}

func (s *server) hls(w http.ResponseWriter, r *http.Request) error {
	from, to, err := queryRange(r, maxHLS)
	if err != nil {
		return err
	}
	list, err := s.Recorder.of(r).HLS(r.Context(), r.PathValue("id"), from, to)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/vnd.apple.mpegurl")
	// The client may be gone; there is nobody to tell.
	_, _ = w.Write(list)
	return nil
}

func (s *server) segmentMedia(w http.ResponseWriter, r *http.Request) error {
	m, err := s.Recorder.of(r).SegmentMedia(r.Context(), r.PathValue("id"), r.PathValue("seg"))
	if err != nil {
		return err
	}
	return serve(w, r, m)
}

func (s *server) snapshot(w http.ResponseWriter, r *http.Request) error {
	at, err := queryTime(r.URL.Query(), "at")
	if err != nil {
		return err
	}
	m, err := s.Recorder.of(r).Snapshot(r.Context(), r.PathValue("id"), at)
	if err != nil {
		return err
	}
	return serve(w, r, m)
}

func (s *server) clip(w http.ResponseWriter, r *http.Request) error {
	from, to, err := queryRange(r, maxClip)
	if err != nil {
		return err
	}
	detail(r, "from", from.Format(timeFormat))
	detail(r, "to", to.Format(timeFormat))
	release, ok := try(s.clips)
	if !ok {
		return errBusy
	}
	defer release()
	id := r.PathValue("id")
	m, err := s.Recorder.of(r).Clip(r.Context(), id, from, to)
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("X-Covered-Seconds", strconv.FormatFloat(m.Covered.Seconds(), 'f', 3, 64))
	if err := setGaps(h, m.Gaps); err != nil {
		return err
	}
	h.Set("Content-Disposition", fmt.Sprintf(`attachment; filename="%s_%s.mp4"`, id, from.Format("2006-01-02T15-04-05Z")))
	return serve(w, r, m)
}

// setGaps names the gaps inside a clip; where they are many, the first, and
// how many there are.
func setGaps(h http.Header, gaps []Gap) error {
	shown := notNil(gaps[:min(len(gaps), maxGapsHeader)])
	list, err := json.Marshal(shown)
	if err != nil {
		return fmt.Errorf("name gaps: %w", err)
	}
	h.Set("X-Gaps", string(list))
	h.Set("X-Gaps-Total", strconv.Itoa(len(gaps)))
	return nil
}

// serve sends m, or the ranges of it that were asked for, and closes it.
func serve(w http.ResponseWriter, r *http.Request, m *Media) error {
	if m.Closer != nil {
		// It was only read: there is nothing that closing could lose.
		defer func() { _ = m.Closer.Close() }()
	}
	h := w.Header()
	h.Set("Content-Type", "video/mp4")
	if m.ETag != "" {
		h.Set("ETag", m.ETag)
	}
	if !m.Start.IsZero() {
		h.Set("X-Start", m.Start.UTC().Format(timeFormat))
	}
	http.ServeContent(w, r, "", time.Time{}, m.Content)
	return nil
}

// notNil makes an empty list show as [] and not as null.
func notNil[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
