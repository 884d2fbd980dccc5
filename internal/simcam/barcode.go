package simcam

import "time"

// The picture's machine-readable row: see clip/README.md.
const (
	barcodeBlocks = 16
	barcodeBits   = 11
)

// FrameAt returns which picture of the built-in clip is shown at t.
func FrameAt(t time.Time) int {
	return int(t.UnixMilli() / (1000 / FrameRate) % ClipFrames)
}

// ReadBarcode reads the number of the picture from its bottom row. luma
// answers the brightness, 0 to 255, at x and y, both as fractions of the
// picture's width and height, so a scaled picture reads as well. ok is false
// if what is there is not the barcode.
func ReadBarcode(luma func(x, y float64) uint8) (frame int, ok bool) {
	var block [barcodeBlocks]int
	for i := range block {
		if luma((float64(i)+0.5)/barcodeBlocks, 1-20.0/360) > 127 {
			block[i] = 1
		}
	}
	if block[0] != 1 || block[1] != 0 || block[14] != 0 || block[15] != 1 {
		return 0, false
	}
	ones := 0
	for _, b := range block[2 : 2+barcodeBits] {
		frame = frame<<1 | b
		ones += b
	}
	return frame, ones%2 == block[13] && frame < ClipFrames
}
