package box

import (
	"encoding/binary"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// Footage is what fragmented MP4 files hold. A ratio to Media cannot be
// flattered by what a recorder puts around the samples.
type Footage struct {
	Media     int64 // bytes of samples: what the cameras sent, as it is stored
	Container int64 // bytes of headers and boxes around them
	Padding   int64 // bytes of free boxes, and of media boxes that no sample refers to
	Pictures  int64 // samples of video tracks
}

// Sub returns what came since before.
func (f Footage) Sub(before Footage) Footage {
	return Footage{f.Media - before.Media, f.Container - before.Container, f.Padding - before.Padding, f.Pictures - before.Pictures}
}

func (f *Footage) add(o Footage) {
	f.Media, f.Container = f.Media+o.Media, f.Container+o.Container
	f.Padding, f.Pictures = f.Padding+o.Padding, f.Pictures+o.Pictures
}

// Counter counts the footage below a directory, whoever's it is. It reads each
// file only from where it stopped before, and each file's moof alone.
type Counter struct {
	dir   string
	files map[uint64]*mp4 // by inode: files are renamed when they are complete
}

// NewCounter counts the MP4 files below dir.
func NewCounter(dir string) *Counter { return &Counter{dir: dir, files: map[uint64]*mp4{}} }

// Count returns the total of all files that were ever seen. Files may grow, be
// renamed and vanish meanwhile; a box that is not whole yet is left for later.
func (c *Counter) Count() (total Footage, err error) {
	err = filepath.WalkDir(c.dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return nil // gone already
		}
		if ext := filepath.Ext(path); ext != ".mp4" && ext != ".part" {
			return nil
		}
		return c.file(path)
	})
	for _, f := range c.files {
		total.add(f.Footage)
	}
	return total, err
}

func (c *Counter) file(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return nil // renamed: another round will see it
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return fmt.Errorf("stat %s: no inode", path)
	}
	m := c.files[st.Ino]
	if m == nil {
		m = &mp4{video: map[uint32]bool{}}
		c.files[st.Ino] = m
	}
	if err := m.scan(f, info.Size()); err != nil {
		return fmt.Errorf("read %s: %w", path, err)
	}
	return nil
}

// mp4 is how far a file has been read.
type mp4 struct {
	Footage
	at    int64           // the next box begins here
	video map[uint32]bool // tracks

	// Of the last moof, until its mdat is there.
	samples, pictures int64
}

// maxBox bounds what is read of one box, in bytes.
const maxBox = 16 << 20

// scan reads the boxes from m.at on that are whole.
func (m *mp4) scan(r io.ReaderAt, size int64) error {
	var head [8]byte
	for m.at+8 <= size {
		if _, err := r.ReadAt(head[:], m.at); err != nil {
			return err
		}
		n, typ := int64(binary.BigEndian.Uint32(head[:])), string(head[4:])
		if n < 8 || m.at+n > size {
			return nil // not written yet
		}
		switch typ {
		case "moov", "moof":
			if n > maxBox {
				return fmt.Errorf("box %s of %d bytes at %d", typ, n, m.at)
			}
			body := make([]byte, n-8)
			if _, err := r.ReadAt(body, m.at+8); err != nil {
				return err
			}
			m.Container += n
			if typ == "moov" {
				m.moov(body)
			} else {
				m.moof(body)
			}
		case "mdat":
			m.Container += 8
			m.Media += m.samples
			m.Padding += n - 8 - m.samples
			m.Pictures += m.pictures
			m.samples, m.pictures = 0, 0
		case "free", "skip":
			m.Padding += n
		default:
			m.Container += n
		}
		m.at += n
	}
	return nil
}

// boxes calls yield for each box of body.
func boxes(body []byte, yield func(typ string, body []byte)) {
	for len(body) >= 8 {
		n := int64(binary.BigEndian.Uint32(body))
		if n < 8 || n > int64(len(body)) {
			return
		}
		yield(string(body[4:8]), body[8:n])
		body = body[n:]
	}
}

// moov notes which tracks are video.
func (m *mp4) moov(body []byte) {
	boxes(body, func(typ string, trak []byte) {
		if typ != "trak" {
			return
		}
		var id uint32
		boxes(trak, func(typ string, b []byte) {
			switch {
			case typ == "tkhd" && len(b) >= 24 && b[0] == 1:
				id = binary.BigEndian.Uint32(b[20:])
			case typ == "tkhd" && len(b) >= 16:
				id = binary.BigEndian.Uint32(b[12:])
			case typ == "mdia":
				boxes(b, func(typ string, b []byte) {
					if typ == "hdlr" && len(b) >= 12 && string(b[8:12]) == "vide" {
						m.video[id] = true
					}
				})
			}
		})
	})
}

// moof adds up the samples of a fragment (ISO 14496-12, 8.8.7 and 8.8.8).
func (m *mp4) moof(body []byte) {
	boxes(body, func(typ string, traf []byte) {
		if typ != "traf" {
			return
		}
		var id, size uint32
		boxes(traf, func(typ string, b []byte) {
			switch typ {
			case "tfhd":
				id, size = tfhd(b)
			case "trun":
				n, bytes := trun(b, size)
				m.samples += bytes
				if m.video[id] {
					m.pictures += n
				}
			}
		})
	})
}

// tfhd returns the track and the size its samples have unless they say.
func tfhd(b []byte) (id, size uint32) {
	if len(b) < 8 {
		return 0, 0
	}
	flags, at := binary.BigEndian.Uint32(b)&0xffffff, 8
	for _, f := range []struct {
		flag uint32
		size int
	}{{0x1, 8}, {0x2, 4}, {0x8, 4}} {
		if flags&f.flag != 0 {
			at += f.size
		}
	}
	if flags&0x10 != 0 && len(b) >= at+4 {
		size = binary.BigEndian.Uint32(b[at:])
	}
	return binary.BigEndian.Uint32(b[4:]), size
}

// trun returns how many samples a run has, and their bytes.
func trun(b []byte, each uint32) (n, bytes int64) {
	if len(b) < 8 {
		return 0, 0
	}
	flags, count := binary.BigEndian.Uint32(b)&0xffffff, binary.BigEndian.Uint32(b[4:])
	if flags&0x200 == 0 {
		return int64(count), int64(count) * int64(each)
	}
	at, stride, offset := 8, 0, 0
	for _, f := range []uint32{0x1, 0x4} { // data offset, flags of the first sample
		if flags&f != 0 {
			at += 4
		}
	}
	for _, f := range []uint32{0x100, 0x200, 0x400, 0x800} { // duration, size, flags, composition
		if f == 0x200 {
			offset = stride
		}
		if flags&f != 0 {
			stride += 4
		}
	}
	for ; n < int64(count) && at+stride <= len(b); n++ {
		bytes += int64(binary.BigEndian.Uint32(b[at+offset:]))
		at += stride
	}
	return n, bytes
}
