package main

import (
	"testing"
	"time"
)

func TestWhoVouchesForTheClock(t *testing.T) {
	now := time.Date(2027, 3, 1, 12, 0, 0, 0, time.UTC)
	ago := func(d time.Duration) time.Time { return now.Add(-d) }
	tests := []struct {
		name   string
		now    time.Time
		synced bool
		rtc    time.Time
		hasRTC bool
		newest time.Time
		want   string
	}{
		{"nobody", now, false, time.Time{}, false, ago(time.Hour), ""},
		{"the network", now, true, time.Time{}, false, time.Time{}, "network"},
		{"the network, but it is 1970", time.Unix(1000, 0), true, time.Time{}, false, time.Time{}, ""},
		{"an RTC that agrees", now, false, ago(time.Second), true, ago(time.Hour), "rtc"},
		{"an RTC from which the clock was stepped away", now, false, ago(time.Minute), true, ago(time.Hour), ""},
		{"an RTC before the newest footage", now, false, now, true, ago(-time.Minute), ""},
		{"an RTC years after it", now, false, now, true, ago(2 * longestPause), ""},
		{"an RTC of a box without footage", now, false, now, true, time.Time{}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := trustedBy(tt.now, tt.synced, tt.rtc, tt.hasRTC, tt.newest); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
