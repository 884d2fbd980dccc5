package main

import (
	"bytes"
	"fmt"
	"time"
)

// draw returns an SVG of free space, the marks, and what the other process had.
func draw(all []sample, m marks, window time.Duration) []byte {
	const width, height, left, bottom = 900.0, 320.0, 60.0, 30.0
	top := m.high
	for _, s := range all {
		top = max(top, s.free, s.other)
	}
	top += top / 10
	x := func(d time.Duration) float64 {
		return left + (width-left-10)*min(d.Seconds()/window.Seconds(), 1)
	}
	y := func(n int64) float64 { return (height - bottom) * (1 - float64(n)/float64(top)) }
	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %.0f %.0f" font-family="sans-serif" font-size="12">`+"\n", width, height)
	fmt.Fprintln(&b, `<rect width="100%" height="100%" fill="#fff"/>`)
	line := func(n int64, color, name string) {
		fmt.Fprintf(&b, `<line x1="%.0f" x2="%.0f" y1="%.1f" y2="%.1f" stroke="%s" stroke-dasharray="4 3"/>`, left, width-10, y(n), y(n), color)
		fmt.Fprintf(&b, `<text x="%.0f" y="%.1f" fill="%s">%s %d MB</text>`+"\n", left+4, y(n)-3, color, name, n/1_000_000)
	}
	path := func(color string, of func(sample) int64) {
		fmt.Fprintf(&b, `<polyline fill="none" stroke="%s" points="`, color)
		for i, s := range all {
			if i%3 == 0 || of(s) < m.floor {
				fmt.Fprintf(&b, "%.1f,%.1f ", x(s.at), y(of(s)))
			}
		}
		fmt.Fprintln(&b, `"/>`)
	}
	path("#bbb", func(s sample) int64 { return s.other })
	path("#1565c0", func(s sample) int64 { return s.free })
	line(m.high, "#2e7d32", "high mark")
	line(m.floor, "#c62828", "floor")
	for minute := time.Duration(0); minute <= window; minute += max(window/10, time.Minute) {
		fmt.Fprintf(&b, `<text x="%.1f" y="%.0f" text-anchor="middle" fill="#555">%.0f min</text>`+"\n", x(minute), height-8, minute.Minutes())
	}
	fmt.Fprintf(&b, `<text x="%.0f" y="14" text-anchor="end" fill="#1565c0">free space</text><text x="%.0f" y="30" text-anchor="end" fill="#888">taken by another process</text>`+"\n", width-14, width-14)
	fmt.Fprintln(&b, `</svg>`)
	return b.Bytes()
}
