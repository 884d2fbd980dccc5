package main

import (
	"fmt"
	"slices"
)

// ratio is the product's figure divided by a peer's.
type ratio struct {
	peer     string
	cpu, pss float64
}

// summary prints the ratios of all rounds, by peer, beside their bars.
func summary(all []ratio) {
	for _, b := range []struct {
		peer string
		cpu  float64
	}{{"ffmpeg", 0.60}, {"MediaMTX", 0.50}} {
		var cpu, pss []float64
		for _, r := range all {
			if r.peer == b.peer {
				cpu, pss = append(cpu, r.cpu), append(pss, r.pss)
			}
		}
		if len(cpu) > 0 {
			fmt.Printf("CPU ÷ %s: %s (bar %.2f); PSS ÷ %s: %s\n", b.peer, spread(cpu), b.cpu, b.peer, spread(pss))
		}
	}
}

// spread returns least, median and greatest of x, which is not empty.
func spread(x []float64) string {
	slices.Sort(x)
	return fmt.Sprintf("min %.3f, median %.3f, max %.3f", x[0], x[len(x)/2], x[len(x)-1])
}
