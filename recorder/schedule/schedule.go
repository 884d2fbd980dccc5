// Package schedule answers when a weekly schedule is on. It is pure: it knows
// neither cameras nor the clock.
//
// A schedule goes by the clock on the wall. It is on whenever that clock shows
// a time inside of a window: an hour that a day has twice counts both times,
// one that a day does not have never comes.
package schedule

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Window is a time of the week. Its fields are as the API has them.
type Window struct {
	Days []string `json:"days"` // mon tue wed thu fri sat sun: those on which it begins
	From string   `json:"from"` // such as 22:00
	// To ends it, itself not in the window: on the same day, or on the next if it
	// is not after From. 24:00 is the end of the day.
	To string `json:"to"`
}

const (
	minutesPerDay  = 24 * 60
	minutesPerWeek = 7 * minutesPerDay
)

// span is [from, to) in minutes of the week, which begins on Sunday.
type span struct{ from, to int }

// Schedule is a set of windows in a time zone. The zero value is never on. It
// does not change, and may be used by many at once.
type Schedule struct {
	loc   *time.Location
	spans []span // ascending, apart from each other
}

// New returns the schedule of the windows, whose times are of loc; nil is the
// local one. The error says which window is wrong and why, for people.
func New(windows []Window, loc *time.Location) (*Schedule, error) {
	if loc == nil {
		loc = time.Local
	}
	s := &Schedule{loc: loc}
	for i, w := range windows {
		spans, err := w.spans()
		if err != nil {
			return nil, fmt.Errorf("window %d: %w", i+1, err)
		}
		s.spans = append(s.spans, spans...)
	}
	s.spans = joined(s.spans)
	return s, nil
}

// spans returns what the window covers, a part that reaches into the next week
// by itself.
func (w Window) spans() (out []span, err error) {
	from, err := minute(w.From)
	if err != nil {
		return nil, fmt.Errorf("from: %w", err)
	}
	to, err := minute(w.To)
	if err != nil {
		return nil, fmt.Errorf("to: %w", err)
	}
	if from == minutesPerDay {
		return nil, fmt.Errorf("from: a window cannot begin at 24:00")
	}
	if to <= from {
		to += minutesPerDay
	}
	if len(w.Days) == 0 || len(w.Days) > 7 {
		return nil, fmt.Errorf("days: there must be 1 to 7, each one of %s", strings.Join(dayNames(), " "))
	}
	for _, name := range w.Days {
		day := slices.Index(dayNames(), name)
		if day < 0 {
			return nil, fmt.Errorf("days: %q is none of %s", name, strings.Join(dayNames(), " "))
		}
		a, b := day*minutesPerDay+from, day*minutesPerDay+to
		out = append(out, span{a, min(b, minutesPerWeek)})
		if b > minutesPerWeek {
			out = append(out, span{0, b - minutesPerWeek})
		}
	}
	return out, nil
}

// dayNames are in the order of time.Weekday.
func dayNames() []string { return []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"} }

// minute parses 00:00 to 24:00.
func minute(s string) (int, error) {
	ok := len(s) == 5 && s[2] == ':'
	for i := 0; ok && i < len(s); i++ {
		ok = i == 2 || s[i] >= '0' && s[i] <= '9'
	}
	if ok {
		h, m := int(s[0]-'0')*10+int(s[1]-'0'), int(s[3]-'0')*10+int(s[4]-'0')
		if m < 60 && h*60+m <= minutesPerDay {
			return h*60 + m, nil
		}
	}
	return 0, fmt.Errorf("%q is no time of the day: write it like 06:30, up to 24:00", s)
}

// joined sorts spans and makes one of those that touch.
func joined(spans []span) (out []span) {
	slices.SortFunc(spans, func(a, b span) int { return a.from - b.from })
	for _, s := range spans {
		if n := len(out); n > 0 && s.from <= out[n-1].to {
			out[n-1].to = max(out[n-1].to, s.to)
			continue
		}
		out = append(out, s)
	}
	return out
}

// At reports whether the schedule is on at t.
func (s *Schedule) At(t time.Time) bool {
	if len(s.spans) == 0 {
		return false
	}
	at := int(sinceSunday(t.In(s.loc)) / time.Minute)
	return slices.ContainsFunc(s.spans, func(x span) bool { return x.from <= at && at < x.to })
}

// sinceSunday is how far the clock on the wall is in its week.
func sinceSunday(local time.Time) time.Duration {
	return time.Duration(local.Weekday())*24*time.Hour + time.Duration(local.Hour())*time.Hour +
		time.Duration(local.Minute())*time.Minute + time.Duration(local.Second())*time.Second + time.Duration(local.Nanosecond())
}

// mostLooked bounds how far ahead Next looks. A clock on the wall that is
// changed can skip an edge, so a week is not enough.
const mostLooked = 21 * 24 * time.Hour

// Next returns the first moment after t at which the schedule goes on or off;
// the zero time if it does neither.
func (s *Schedule) Next(t time.Time) time.Time {
	if len(s.spans) == 0 {
		return time.Time{}
	}
	was := s.At(t)
	for at := t; at.Sub(t) < mostLooked; {
		if at = s.edge(at); s.At(at) != was {
			return at
		}
	}
	return time.Time{}
}

// edge returns the first moment after t at which the schedule may change: the
// clock on the wall reaches the end of a span, or is changed.
func (s *Schedule) edge(t time.Time) time.Time {
	local := t.In(s.loc)
	now := sinceSunday(local)
	left := minutesPerWeek*time.Minute + time.Duration(s.spans[0].from)*time.Minute - now
	for _, x := range s.spans {
		for _, m := range []int{x.from, x.to} {
			if d := time.Duration(m)*time.Minute - now; d > 0 && d < left {
				left = d
			}
		}
	}
	next := t.Add(left)
	if _, end := local.ZoneBounds(); !end.IsZero() && end.After(t) && end.Before(next) {
		next = end
	}
	return next
}
