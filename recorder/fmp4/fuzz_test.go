package fmp4

import (
	"bytes"
	"testing"
)

// seedFile is a small segment with two parts.
func seedFile() []byte {
	run := plainRun()
	out, err := AppendInit(nil, &Header{Camera: "door", Stream: "main", Tracks: run.Tracks})
	if err != nil {
		panic(err)
	}
	b := NewBuilder(run.Tracks, 0)
	for i := range int64(6) {
		u := picture(run, i*3600, 40, i == 0)
		u.PTS += i % 3 * 3600
		b.Add(u)
		b.Add(sound(run, i*1920))
		if i%3 == 2 {
			p := b.Finish(uint32(i/3), -1)
			for _, buf := range p.Bufs {
				out = append(out, buf...)
			}
			p.Release()
		}
	}
	return out
}

func FuzzReadHeader(f *testing.F) {
	seed := seedFile()
	f.Add(seed, false)
	f.Add(seed[:300], true)
	f.Fuzz(func(t *testing.T, data []byte, seal bool) {
		if seal && len(data) > 16 { // let the fuzzer see what lies behind the CRC
			n := min(sizeOfInit(data), len(data))
			if n >= 16 {
				reseal(data[:n])
			}
		}
		h, n, err := ReadHeader(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			return
		}
		if n <= 0 || n > int64(len(data)) || len(h.Tracks) == 0 {
			t.Fatalf("header %+v of %d bytes", h, n)
		}
		if _, err := AppendInit(nil, h); err != nil {
			t.Fatalf("a header that was read cannot be written: %v", err)
		}
		MIMEType(h.Tracks)
	})
}

func sizeOfInit(data []byte) int {
	n := 0
	for range 2 {
		if len(data)-n < 8 {
			return 0
		}
		size := int(uint32(data[n])<<24 | uint32(data[n+1])<<16 | uint32(data[n+2])<<8 | uint32(data[n+3]))
		if size < 8 || size > len(data)-n {
			return 0
		}
		n += size
	}
	return n
}

func FuzzScan(f *testing.F) {
	seed := seedFile()
	_, n, _ := ReadHeader(bytes.NewReader(seed), int64(len(seed)))
	f.Add(seed[n:], true)
	f.Add(seed[n:], false)
	f.Fuzz(func(t *testing.T, data []byte, verify bool) {
		last := int64(0)
		good, err := Scan(bytes.NewReader(data), 0, int64(len(data)), verify, func(p PartInfo) bool {
			if p.Offset != last || p.End() > int64(len(data)) || p.DTS < 0 || p.Duration < 0 {
				t.Fatalf("part %+v after %d of %d bytes", p, last, len(data))
			}
			last = p.End()
			return true
		})
		if err != nil || good != last {
			t.Fatalf("Scan = %d, %v, want %d", good, err, last)
		}
	})
}

func FuzzReadSamples(f *testing.F) {
	seed := seedFile()
	h, n, _ := ReadHeader(bytes.NewReader(seed), int64(len(seed)))
	_, _ = Scan(bytes.NewReader(seed), n, int64(len(seed)), false, func(p PartInfo) bool {
		f.Add(seed[p.Moof():][:p.MoofSize], p.Size-partBoxSize-p.MoofSize)
		return true
	})
	f.Fuzz(func(t *testing.T, moof []byte, mdat int64) {
		p := PartInfo{MoofSize: int64(len(moof)), Size: partBoxSize + int64(len(moof)) + mdat&0xffffff}
		data := append(make([]byte, partBoxSize), moof...)
		samples, err := ReadSamples(bytes.NewReader(data), p, h, nil)
		if err != nil {
			return
		}
		if len(samples) > len(moof)/4 {
			t.Fatalf("%d samples out of %d bytes", len(samples), len(moof))
		}
		for _, s := range samples {
			if s.Offset < 0 || s.Size <= 0 || s.Offset+int64(s.Size) > p.End() || s.Track < 0 || s.Track >= len(h.Tracks) || s.DTS < 0 {
				t.Fatalf("sample %+v in part %+v", s, p)
			}
		}
	})
}
