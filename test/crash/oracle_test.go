package crash

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/maphash"
	"log/slog"
	"math"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"vedette/internal/faultfs"
	"vedette/recorder/fmp4"
	"vedette/recorder/index"
	"vedette/recorder/recovery"
	"vedette/recorder/volume"
)

var quiet = slog.New(slog.DiscardHandler)

// maxLoss is the promise: older footage survives a power cut.
const maxLoss = 2 * time.Second

// inspector reads segment files and remembers those that it has read: a file
// that is the same in a thousand images is verified once.
type inspector struct {
	seed maphash.Seed
	// lenient lets a file be longer than its name says: one that a disk
	// failed is cut, but not synced again.
	lenient bool

	mu    sync.Mutex
	known map[uint64]verdict
}

// verdict is what is in a file.
type verdict struct {
	pictures []uint32 // their numbers
	problem  string   // why it is not a whole segment
}

func newInspector() *inspector {
	return &inspector{seed: maphash.MakeSeed(), known: map[uint64]verdict{}}
}

// inspect reads the segment n of camera number cam.
func (i *inspector) inspect(disk *faultfs.Disk, path string, n volume.Name, cam byte) verdict {
	data, err := disk.ReadFile(path)
	if err != nil {
		return verdict{problem: err.Error()}
	}
	var h maphash.Hash
	h.SetSeed(i.seed)
	_, _ = h.WriteString(n.Path())
	_, _ = h.Write(data)
	sum := h.Sum64()
	i.mu.Lock()
	v, ok := i.known[sum]
	i.mu.Unlock()
	if ok {
		return v
	}
	v = read(data, n, cam, i.lenient)
	i.mu.Lock()
	i.known[sum] = v
	i.mu.Unlock()
	return v
}

// read verifies a file by its checksums, and then, in case those are not
// looked at, every picture in it by what the camera sent.
func read(data []byte, n volume.Name, cam byte, lenient bool) (v verdict) {
	if lenient && int64(len(data)) > n.Bytes {
		data = data[:n.Bytes]
	}
	if int64(len(data)) != n.Bytes {
		v.problem = fmt.Sprintf("has %d bytes, its name says %d", len(data), n.Bytes)
		return v
	}
	r := bytes.NewReader(data)
	h, init, err := fmp4.ReadHeader(r, n.Bytes)
	if err != nil {
		v.problem = err.Error()
		return v
	}
	var samples []fmp4.Sample
	good, err := fmp4.Scan(r, init, n.Bytes, true, func(p fmp4.PartInfo) bool {
		var serr error
		if samples, serr = fmp4.ReadSamples(r, p, h, samples); serr != nil {
			v.problem = serr.Error()
		}
		return v.problem == ""
	})
	switch {
	case err != nil:
		v.problem = err.Error()
	case v.problem == "" && good != n.Bytes:
		v.problem = fmt.Sprintf("only %d of %d bytes are whole parts", good, n.Bytes)
	}
	for _, s := range samples {
		if v.problem != "" || s.Track != 0 {
			continue
		}
		nal := data[s.Offset:][4:s.Size]
		if len(nal) < 16 || nal[1] != cam {
			v.problem = fmt.Sprintf("a picture at %d is not of this camera", s.Offset)
			continue
		}
		id := binary.BigEndian.Uint32(nal[2:])
		if size := int(binary.BigEndian.Uint32(nal[6:])); size > len(nal) || !bytes.Equal(nal, picture(cam, id, nal[0] == 0x65, size)) {
			v.problem = fmt.Sprintf("picture %d at %d is not what was sent", id, s.Offset)
		}
		v.pictures = append(v.pictures, id)
	}
	return v
}

// oracle judges disks.
type oracle struct {
	*inspector
	cameras []string
	worst   atomic.Int64 // age of the oldest picture that a power cut cost, ns
}

func (o *oracle) number(camera string) byte { return byte(slices.Index(o.cameras, camera)) }

func nameOf(r index.Row) volume.Name {
	return volume.Name{Camera: r.Camera, Start: r.Start, Duration: int64(r.Duration), Bytes: r.Bytes, Seq: r.Seq}
}

// found is what a disk holds.
type found struct {
	closed   map[volume.Name]verdict
	open     []string
	quarant  []string
	evidence map[volume.Name]bool
}

func (o *oracle) look(disk *faultfs.Disk) (f found, problems []string) {
	f = found{closed: map[volume.Name]verdict{}, evidence: map[volume.Name]bool{}}
	for _, file := range disk.Files() {
		dir, base, _ := strings.Cut(file.Path, "/")
		switch dir {
		case volume.FootageDir:
			n, err := volume.ParseName(file.Path)
			switch {
			case err != nil:
				problems = append(problems, err.Error())
			case n.Open:
				f.open = append(f.open, file.Path)
			default:
				v := o.inspect(disk, file.Path, n, o.number(n.Camera))
				f.closed[n] = v
				if most := (file.Size + faultfs.PageSize - 1) / faultfs.PageSize * faultfs.PageSize; file.Allocated > most {
					problems = append(problems, fmt.Sprintf("%s takes %d bytes of the disk for %d", file.Path, file.Allocated, file.Size))
				}
				if v.problem != "" {
					problems = append(problems, fmt.Sprintf("undecodable: %s: %s", file.Path, v.problem))
				}
			}
		case volume.EvidenceDir:
			camera, base, _ := strings.Cut(base, "/")
			n, err := volume.ParseEvidence(camera, base)
			if err != nil {
				problems = append(problems, err.Error())
			}
			f.evidence[n] = true
		case volume.QuarantineDir:
			f.quarant = append(f.quarant, file.Path)
		}
	}
	return f, problems
}

// contents is what an index says.
type contents struct {
	rows    map[volume.Name]bool // true: held
	garbage map[volume.Name]bool
}

func readIndex(x *index.Index) (c contents, err error) {
	c = contents{map[volume.Name]bool{}, map[volume.Name]bool{}}
	if err := x.Range("", 0, math.MaxInt64, func(r index.Row, held bool) bool { c.rows[nameOf(r)] = held; return true }); err != nil {
		return c, err
	}
	garbage, err := x.Garbage()
	for _, g := range garbage {
		c.garbage[nameOf(g.Row)] = true
	}
	return c, err
}

// raw judges the disk as the power cut left it, before anything is recovered:
// a closed name means a whole file, a row a file that is there.
func (o *oracle) raw(disk *faultfs.Disk, p *promise) (problems []string) {
	f, problems := o.look(disk)
	for _, r := range p.forgotten {
		if _, there := f.closed[nameOf(r)]; there {
			problems = append(problems, fmt.Sprintf("came back: %s was deleted and forgotten", nameOf(r).Path()))
		}
	}
	for _, r := range p.held {
		if _, there := f.closed[nameOf(r)]; !there || !f.evidence[nameOf(r)] {
			problems = append(problems, fmt.Sprintf("evidence lost: %s (in footage %v, in evidence %v)", nameOf(r).Path(), there, f.evidence[nameOf(r)]))
		}
	}
	if !p.indexed {
		return problems
	}
	m, err := newMirror(disk)
	if err != nil {
		return append(problems, err.Error())
	}
	defer m.close()
	if err := index.Verify(m.path); err != nil {
		return append(problems, fmt.Sprintf("index lost: %v", err))
	}
	x, err := index.Open(m.path, index.Options{})
	if err != nil {
		return append(problems, fmt.Sprintf("index lost: %v", err))
	}
	defer x.Close()
	c, err := readIndex(x)
	if err != nil {
		problems = append(problems, err.Error())
	}
	for n := range c.rows {
		if _, there := f.closed[n]; !there {
			problems = append(problems, fmt.Sprintf("indexed but missing: %s", n.Path()))
		}
	}
	for _, r := range p.held {
		if !c.rows[nameOf(r)] {
			problems = append(problems, fmt.Sprintf("evidence unlocked: %s", nameOf(r).Path()))
		}
	}
	return problems
}

// state is what recovery made of a disk.
type state struct {
	found
	contents
}

// same reports what differs between two recoveries of one disk.
func (s state) same(t state) (problems []string) {
	for _, x := range [...]struct {
		what string
		a, b map[volume.Name]bool
	}{{"row", s.rows, t.rows}, {"garbage", s.garbage, t.garbage}, {"evidence", s.evidence, t.evidence}} {
		for n, v := range x.a {
			if w, ok := x.b[n]; !ok || v != w {
				problems = append(problems, fmt.Sprintf("not idempotent: %s %s is lost or changed", x.what, n.Path()))
			}
		}
		if len(x.a) != len(x.b) {
			problems = append(problems, fmt.Sprintf("not idempotent: %d %ss, then %d", len(x.a), x.what, len(x.b)))
		}
	}
	for n, v := range s.closed {
		if w, ok := t.closed[n]; !ok || !slices.Equal(v.pictures, w.pictures) {
			problems = append(problems, fmt.Sprintf("not idempotent: file %s is lost or changed", n.Path()))
		}
	}
	if len(s.closed) != len(t.closed) || !slices.Equal(s.quarant, t.quarant) {
		problems = append(problems, fmt.Sprintf("not idempotent: %d files and %v, then %d and %v", len(s.closed), s.quarant, len(t.closed), t.quarant))
	}
	return problems
}

// epoch is when time begins in these tests.
var epoch = time.UnixMilli(1795398400_123)

// recoverDisk opens the volume on disk and recovers it, as the recorder does
// when it starts.
func recoverDisk(disk *faultfs.Disk) (x *index.Index, m *mirror, r recovery.Report, err error) {
	now := func() time.Time { return epoch }
	v, err := volume.Open("disk", volume.Options{FS: disk, Log: quiet, Now: now})
	if err != nil {
		return nil, nil, r, err
	}
	if err := v.Close(); err != nil {
		return nil, nil, r, err
	}
	if m, err = newMirror(disk); err != nil {
		return nil, nil, r, err
	}
	x, r, err = recovery.Recover(mirrored{disk, m}, m.path, index.Options{Now: now, Interval: time.Hour}, quiet)
	if err == nil {
		err = m.sync()
	}
	if err != nil {
		if x != nil {
			_ = x.Close()
		}
		m.close()
		return nil, nil, r, err
	}
	return x, m, r, nil
}

// recovered recovers disk and judges what comes of it.
func (o *oracle) recovered(disk *faultfs.Disk, p *promise) (s state, r recovery.Report, problems []string) {
	x, m, r, err := recoverDisk(disk)
	if err != nil {
		return s, r, []string{fmt.Sprintf("recovery: %v", err)}
	}
	defer m.close()
	s.contents, err = readIndex(x)
	if cerr := x.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = m.sync()
	}
	if err != nil {
		problems = append(problems, err.Error())
	}
	for _, text := range r.Problems {
		problems = append(problems, "recovery reports: "+text)
	}
	var more []string
	s.found, more = o.look(disk)
	problems = append(problems, more...)
	for n := range s.rows {
		if _, there := s.closed[n]; !there {
			problems = append(problems, fmt.Sprintf("indexed but missing after recovery: %s", n.Path()))
		}
	}
	for n := range s.closed {
		if _, there := s.rows[n]; !there && !s.garbage[n] {
			problems = append(problems, fmt.Sprintf("no row after recovery: %s", n.Path()))
		}
	}
	for _, path := range s.open {
		problems = append(problems, fmt.Sprintf("still open after recovery: %s", path))
	}
	for _, row := range p.held {
		if !s.rows[nameOf(row)] {
			problems = append(problems, fmt.Sprintf("evidence not held after recovery: %s", nameOf(row).Path()))
		}
	}
	_, more = o.missing(s.found, p)
	return s, r, append(problems, more...)
}

// missing looks for every picture. It returns those that are gone, by camera,
// and complains about those that must not be.
func (o *oracle) missing(f found, p *promise) (gone []map[uint32]bool, problems []string) {
	for c, camera := range o.cameras {
		have := map[uint32]int{}
		for n, v := range f.closed {
			if n.Camera == camera {
				for _, id := range v.pictures {
					have[id]++
				}
			}
		}
		lost := map[uint32]bool{}
		var oldest *sent
		promised := 0
		for i := range p.pictures[c] {
			s := &p.pictures[c][i]
			if n := have[s.id]; n > 1 {
				problems = append(problems, fmt.Sprintf("camera %s: picture %d is there %d times", camera, s.id, n))
			}
			if have[s.id] > 0 {
				continue
			}
			lost[s.id] = true
			if p.excused(camera, *s) {
				continue
			}
			if oldest == nil {
				oldest = s
			}
			if p.kept(c, *s) {
				promised++
			}
		}
		gone = append(gone, lost)
		if oldest != nil {
			for age, worst := int64(p.now-oldest.at), o.worst.Load(); age > worst && !o.worst.CompareAndSwap(worst, age); worst = o.worst.Load() {
			}
		}
		if oldest != nil && p.now-oldest.at > maxLoss {
			problems = append(problems, fmt.Sprintf("camera %s: picture %d is lost, %v after it was sent", camera, oldest.id, p.now-oldest.at))
		}
		if promised > 0 {
			problems = append(problems, fmt.Sprintf("camera %s: %d pictures are lost that were durable", camera, promised))
		}
	}
	return gone, problems
}
