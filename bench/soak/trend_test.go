package main

import (
	"math"
	"testing"
)

func TestTrendFindsTheSlopeAnHour(t *testing.T) {
	tests := []struct {
		name  string
		of    func(i int) float64
		slope float64
		noise float64
	}{
		{"flat", func(int) float64 { return 7 }, 0, 1e-6},
		{"one a minute", func(i int) float64 { return 100 + float64(i) }, 60, 1e-6},
		{"up and down", func(i int) float64 { return float64(i % 2) }, 0, 0.8},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var series []minute
			for i := range 61 {
				var m minute
				m[goal] = tt.of(i)
				series = append(series, m)
			}
			slope, noise := trend(series, goal)
			if math.Abs(slope-tt.slope) > 0.01 || noise > tt.noise || tt.noise > 0.1 && noise < tt.noise/10 {
				t.Errorf("trend = %.3f ± %.3f, want %.3f ± at most %.3f", slope, noise, tt.slope, tt.noise)
			}
		})
	}
}
