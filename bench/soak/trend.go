package main

import (
	"math"
	"strings"
)

// trend fits a line through a field of successive minutes and returns its slope
// an hour and the standard error of that. Fewer than three minutes have none.
func trend(series []minute, f field) (slope, noise float64) {
	n := float64(len(series))
	if n < 3 {
		return 0, 0
	}
	var sx, sy, sxx, sxy float64
	for i, m := range series {
		x, y := float64(i)/60, m[f]
		sx, sy, sxx, sxy = sx+x, sy+y, sxx+x*x, sxy+x*y
	}
	d := n*sxx - sx*sx
	slope = (n*sxy - sx*sy) / d
	base := (sy - slope*sx) / n
	var rest float64
	for i, m := range series {
		e := m[f] - base - slope*float64(i)/60
		rest += e * e
	}
	return slope, math.Sqrt(rest / (n - 2) * n / d)
}

// match reports whether a sample is of the metric, whatever its labels.
func match(sample, metric string) bool {
	name, _, _ := strings.Cut(sample, "{")
	return name == metric
}

func mib(b float64) float64 { return b / (1 << 20) }
