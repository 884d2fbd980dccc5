// Package example is a toy detector: it finds blocks that move through a
// picture that otherwise stands still, such as the square of the simulated
// camera. It shows how a worker is written, and serves as one in tests; it is
// no good for people or cars. examples/worker-python does the same, number by
// number.
package example

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"image"
	"image/jpeg"
	"math"
	"sync"

	"vedette/perception/worker"
)

// maxPixels bounds a frame: what is larger is not decoded.
const maxPixels = 64 << 20

// Detector finds moving blocks in the frames of any number of tasks.
type Detector struct {
	mu      sync.Mutex
	finders map[string]*finder // by task
}

// New returns a Detector that has seen nothing yet.
func New() *Detector { return &Detector{finders: map[string]*finder{}} }

// Handle is what worker.Options wants. The task's config may hold "label",
// which the blocks get; the default is "block".
func (d *Detector) Handle(_ context.Context, f worker.Frame) ([]worker.Detection, *worker.Event, error) {
	label := "block"
	var config struct{ Label string }
	// A config for somebody else is not wrong, it only says nothing here.
	if json.Unmarshal(f.Task.Config, &config) == nil && config.Label != "" {
		label = config.Label
	}
	g, err := read(f.JPEG)
	if err != nil {
		return nil, nil, fmt.Errorf("decode frame %d: %w", f.Seq, err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	one := d.finders[f.Task.ID]
	if one == nil {
		one = &finder{}
		d.finders[f.Task.ID] = one
	}
	var out []worker.Detection
	for _, t := range one.find(g) {
		confidence := math.Round(98*t.last.fill) / 100
		out = append(out, worker.Detection{Label: label, Confidence: &confidence, Box: t.last.part(g), Track: fmt.Sprint("block-", t.id)})
	}
	return out, nil, nil
}

// grid is a picture in cells of 8x8 pixels: how bright each is, 0 to 255.
type grid struct {
	width, height int // of the picture, in pixels
	cols, rows    int
	cells         []int // row by row
}

func read(data []byte) (*grid, error) {
	c, err := jpeg.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	if c.Width*c.Height > maxPixels {
		return nil, fmt.Errorf("%dx%d pixels are too many", c.Width, c.Height)
	}
	img, err := jpeg.Decode(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	switch img := img.(type) {
	case *image.YCbCr:
		return newGrid(img.Y, img.YStride, c.Width, c.Height), nil
	case *image.Gray:
		return newGrid(img.Pix, img.Stride, c.Width, c.Height), nil
	}
	return nil, fmt.Errorf("a picture of %T", img)
}

func newGrid(luma []byte, stride, width, height int) *grid {
	g := &grid{width: width, height: height, cols: (width + 7) / 8, rows: (height + 7) / 8}
	g.cells = make([]int, g.cols*g.rows)
	for r := range g.rows {
		for c := range g.cols {
			sum, n := 0, 0
			for y := r * 8; y < min(r*8+8, height); y++ {
				for _, v := range luma[y*stride+c*8 : y*stride+min(c*8+8, width)] {
					sum += int(v)
					n++
				}
			}
			g.cells[r*g.cols+c] = sum / n
		}
	}
	return g
}
