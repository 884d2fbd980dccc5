package schedule

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
	_ "time/tzdata" // zones are the same wherever the test runs
)

func zone(t *testing.T, name string) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

func every(from, to string) []Window { return []Window{{Days: dayNames(), From: from, To: to}} }

func TestAWindowIsOnWhenTheClockOnTheWallIsInIt(t *testing.T) {
	berlin := zone(t, "Europe/Berlin")
	night := []Window{{Days: []string{"fri", "sat"}, From: "22:00", To: "06:00"}}
	tests := []struct {
		name    string
		windows []Window
		at      string // in Berlin
		want    bool
	}{
		{"before an overnight window", night, "2026-11-27 21:59:59", false}, // a Friday
		{"as it begins", night, "2026-11-27 22:00:00", true},
		{"after midnight it is still Friday's", night, "2026-11-28 05:59:59", true},
		{"as it ends", night, "2026-11-28 06:00:00", false},
		{"the one of Saturday reaches into the next week", night, "2026-11-29 03:00:00", true},
		{"Sunday has none", night, "2026-11-29 23:00:00", false},
		{"Thursday has none", night, "2026-11-26 23:00:00", false},
		{"24:00 ends with the day", every("00:00", "24:00"), "2026-11-28 23:59:59", true},
		{"to = from is a whole day", []Window{{Days: []string{"mon"}, From: "08:00", To: "08:00"}}, "2026-12-01 07:59:00", true},
		{"and ends then", []Window{{Days: []string{"mon"}, From: "08:00", To: "08:00"}}, "2026-12-01 08:00:00", false},
		{"no window", nil, "2026-11-28 12:00:00", false},
		{"touching windows are one", append(every("08:00", "12:00"), every("12:00", "13:00")...), "2026-11-28 12:00:00", true},
		{"an hour that comes twice, the first time", every("02:00", "03:00"), "2026-10-25 02:30:00", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, err := New(tt.windows, berlin)
			if err != nil {
				t.Fatal(err)
			}
			at, err := time.ParseInLocation(time.DateTime, tt.at, berlin)
			if err != nil {
				t.Fatal(err)
			}
			if got := s.At(at.UTC()); got != tt.want {
				t.Errorf("at %s it is %v, want %v", tt.at, got, tt.want)
			}
		})
	}
}

func TestNextIsWhereItChanges(t *testing.T) {
	berlin := zone(t, "Europe/Berlin")
	tests := []struct {
		name    string
		windows []Window
		at      string // RFC 3339
		want    string // empty: never
	}{
		{"it begins tonight", every("22:00", "06:00"), "2026-11-28T12:00:00+01:00", "2026-11-28T22:00:00+01:00"},
		{"it ends tomorrow", every("22:00", "06:00"), "2026-11-28T22:00:00+01:00", "2026-11-29T06:00:00+01:00"},
		{"after the edge, not at it", every("22:00", "06:00"), "2026-11-29T05:59:59.9+01:00", "2026-11-29T06:00:00+01:00"},
		{"midnight between two days is no edge", every("00:00", "24:00"), "2026-11-28T12:00:00+01:00", ""},
		{"a whole week later", []Window{{Days: []string{"sat"}, From: "08:00", To: "09:00"}}, "2026-11-28T09:00:00+01:00", "2026-12-05T08:00:00+01:00"},
		{"the hour that is not there begins where it would end", every("02:30", "04:00"), "2026-03-29T01:00:00+01:00", "2026-03-29T03:00:00+02:00"},
		{"a window that a day lacks comes the day after", every("02:00", "03:00"), "2026-03-29T01:00:00+01:00", "2026-03-30T02:00:00+02:00"},
		{"the hour that comes twice is one window", every("02:00", "03:00"), "2026-10-25T02:30:00+02:00", "2026-10-25T03:00:00+01:00"},
		{"half of it is two", every("01:00", "02:30"), "2026-10-25T02:40:00+02:00", "2026-10-25T02:00:00+01:00"},
		{"no window", nil, "2026-11-28T12:00:00+01:00", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, err := New(tt.windows, berlin)
			if err != nil {
				t.Fatal(err)
			}
			at, err := time.Parse(time.RFC3339Nano, tt.at)
			if err != nil {
				t.Fatal(err)
			}
			got := s.Next(at)
			if tt.want == "" {
				if !got.IsZero() {
					t.Errorf("changes at %v, want never", got)
				}
				return
			}
			if want, err := time.Parse(time.RFC3339, tt.want); err != nil || !got.Equal(want) {
				t.Errorf("changes at %v, want %v, %v", got, want, err)
			}
		})
	}
}

// model is the schedule as the words say it, of one minute.
func model(windows []Window, loc *time.Location, t time.Time) bool {
	local := t.In(loc)
	names := dayNames()
	today, before := names[local.Weekday()], names[(local.Weekday()+6)%7]
	clock := fmt.Sprintf("%02d:%02d", local.Hour(), local.Minute())
	for _, w := range windows {
		switch {
		case w.To > w.From:
			if slices.Contains(w.Days, today) && w.From <= clock && clock < w.To {
				return true
			}
		case slices.Contains(w.Days, today) && clock >= w.From, slices.Contains(w.Days, before) && clock < w.To:
			return true
		}
	}
	return false
}

// TestAtAndNextAgreeWithAModel goes through days on which clocks are changed, by
// an hour and by half of one, at midnight too, minute by minute.
func TestAtAndNextAgreeWithAModel(t *testing.T) {
	days := []struct{ zone, day string }{
		{"Europe/Berlin", "2026-03-29"}, {"Europe/Berlin", "2026-10-25"}, {"America/New_York", "2026-03-08"},
		{"America/New_York", "2026-11-01"}, {"Australia/Lord_Howe", "2026-04-05"}, {"Australia/Lord_Howe", "2026-10-04"},
		{"America/Havana", "2026-03-08"}, {"America/Havana", "2026-11-01"}, {"Asia/Kathmandu", "2026-06-06"}, {"UTC", "2026-12-31"},
		{"Pacific/Apia", "2011-12-30"}, // which it did not have
	}
	rng := rand.New(rand.NewPCG(1, 2))
	clock := func() string { return fmt.Sprintf("%02d:%02d", rng.IntN(24), rng.IntN(60)) }
	for _, d := range days {
		loc := zone(t, d.zone)
		begin, err := time.Parse(time.DateOnly, d.day)
		if err != nil {
			t.Fatal(err)
		}
		begin = begin.Add(-36 * time.Hour)
		for range 12 {
			var windows []Window
			for range 1 + rng.IntN(4) {
				w := Window{From: clock(), To: clock()}
				if rng.IntN(4) == 0 {
					w.To = "24:00"
				}
				for _, name := range dayNames() {
					if rng.IntN(2) == 0 {
						w.Days = append(w.Days, name)
					}
				}
				if len(w.Days) > 0 {
					windows = append(windows, w)
				}
			}
			s, err := New(windows, loc)
			if err != nil {
				t.Fatal(err)
			}
			next := s.Next(begin.Add(-time.Minute))
			for m := range 3 * minutesPerDay {
				at := begin.Add(time.Duration(m) * time.Minute)
				want := model(windows, loc, at)
				if got := s.At(at.Add(time.Duration(rng.Int64N(int64(time.Minute))))); got != want {
					t.Fatalf("%s %+v: at %v it is %v, want %v", d.zone, windows, at.In(loc), got, want)
				}
				if changed := want != model(windows, loc, at.Add(-time.Minute)); changed != next.Equal(at) {
					t.Fatalf("%s %+v: at %v changed = %v, Next said %v", d.zone, windows, at.In(loc), changed, next.In(loc))
				}
				if next.Equal(at) {
					next = s.Next(at)
				}
			}
		}
	}
}

func TestAWrongWindowIsNamed(t *testing.T) {
	mon := []string{"mon"}
	for _, tt := range []struct {
		name string
		w    Window
		want string
	}{
		{"no day", Window{nil, "08:00", "09:00"}, "days"},
		{"a day that is none", Window{[]string{"mo"}, "08:00", "09:00"}, `"mo"`},
		{"too many days", Window{slices.Repeat(mon, 8), "08:00", "09:00"}, "1 to 7"},
		{"no time", Window{mon, "", "09:00"}, "from"},
		{"a single digit", Window{mon, "8:00", "09:00"}, "from"},
		{"a sign", Window{mon, "+8:00", "09:00"}, "from"},
		{"minute 60", Window{mon, "08:60", "09:00"}, "from"},
		{"after the day", Window{mon, "08:00", "24:01"}, "to"},
		{"from 24:00", Window{mon, "24:00", "01:00"}, "begin"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := New([]Window{{mon, "01:00", "02:00"}, tt.w}, nil); err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), "window 2") {
				t.Errorf("%v, want window 2 and %s", err, tt.want)
			}
		})
	}
}

func FuzzWindow(f *testing.F) {
	f.Add("mon", "22:00", "06:00", int64(1795398400))
	f.Add("sun", "00:00", "24:00", int64(0))
	f.Add("", "8:00", "xx", int64(-1))
	f.Fuzz(func(t *testing.T, day, from, to string, at int64) {
		s, err := New([]Window{{[]string{day}, from, to}}, time.UTC)
		if err != nil {
			return
		}
		now := time.Unix(at%1e11, 0)
		next := s.Next(now)
		if next.IsZero() || !next.After(now) || s.At(next) == s.At(now) {
			t.Errorf("%s %s-%s is on for less than a week, and changes at %v after %v", day, from, to, next, now)
		}
	})
}
