package zones

import (
	"fmt"
	"math"
	"testing"
	"time"
)

// BenchmarkTrackPoints evaluates 20 tracks a frame on each of 8 cameras with 8
// zones each, of which two are lines; a track-point is one track in one frame,
// judged by all zones of its camera. Tracks walk, so that events happen.
func BenchmarkTrackPoints(b *testing.B) {
	const cameras, tracks, perCamera, corners = 8, 20, 8, 16
	e := NewEngine()
	var all []Zone
	for c := range cameras {
		for i := range perCamera {
			z := Default()
			z.ID, z.Camera = fmt.Sprintf("z%d", i), fmt.Sprintf("c%d", c)
			z.DwellSeconds = 5
			middle := float64(i+1) / (perCamera + 1)
			if i%4 == 3 {
				z.Kind, z.DwellSeconds = Line, 0
				z.Points = []Point{{middle, 0}, {.5, .5}, {middle, 1}}
			} else {
				for k := range corners {
					a := 2 * math.Pi * float64(k) / corners
					z.Points = append(z.Points, Point{middle + .1*math.Cos(a), .5 + .4*math.Sin(a)})
				}
			}
			all = append(all, z)
		}
	}
	e.SetZones(all)
	batch := Batch{Task: "detection", Detections: make([]Detection, tracks)}
	boxes, sure := make([][4]float32, tracks), float32(.9)
	for i := range batch.Detections {
		batch.Detections[i] = Detection{Track: fmt.Sprint(i), Label: "person", Confidence: &sure, Box: &boxes[i]}
	}
	points, events := 0, 0
	for b.Loop() {
		batch.Seq++
		batch.Camera = all[int(batch.Seq)%cameras*perCamera].Camera
		batch.Received = epoch.Add(time.Duration(batch.Seq) * 25 * time.Millisecond)
		for i := range boxes {
			way := math.Mod(float64(batch.Seq)/2000+float64(i)/tracks, 1)
			boxes[i] = [4]float32{float32(way) * .95, float32(i) / tracks * .8, .05, .15}
		}
		events += len(e.Apply(batch))
		points += tracks
	}
	b.ReportMetric(float64(points)/b.Elapsed().Seconds(), "track-points/s")
	b.ReportMetric(float64(points)*perCamera/b.Elapsed().Seconds(), "judgements/s")
	if events == 0 {
		b.Error("nothing happened")
	}
}

// BenchmarkSnapshot is what every commit of events adds: 8 cameras, 20 tracks.
func BenchmarkSnapshot(b *testing.B) {
	e := crowd(8, 20)
	for b.Loop() {
		e.Snapshot()
	}
	b.ReportMetric(float64(len(e.Snapshot())), "bytes")
}

// crowd returns an engine with so many tracks inside a zone of each camera.
func crowd(cameras, tracks int) *Engine {
	e := NewEngine()
	var all []Zone
	for c := range cameras {
		z := square(fmt.Sprintf("z%d", c), fmt.Sprintf("c%d", c))
		z.ConfirmFrames = 1
		all = append(all, z)
	}
	e.SetZones(all)
	for c := range cameras {
		b := Batch{Seq: uint64(c + 1), Received: epoch, Camera: fmt.Sprintf("c%d", c), Task: "detection"}
		for k := range tracks {
			b.Detections = append(b.Detections, at(fmt.Sprint(k), .5, .5))
		}
		e.Apply(b)
	}
	return e
}
