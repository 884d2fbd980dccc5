package index

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// Verify reads the whole file, without mapping it, and returns ErrDamaged
// unless every page that bbolt would follow is where and what it should be
// and every value has its checksum. It must pass before the file is opened:
// bbolt trusts its pages, and a torn one ends the process in a way that no
// recover stops. An empty file is damaged, because bbolt would take it for a
// new one.
//
// It returns fs.ErrNotExist for a missing file, and ErrInUse while a process
// has the file open for writing. A page that cannot be read is damage.
//
// What it cannot notice is a file that was whole a commit ago: bbolt then
// falls back by one, and the rows of a minute are missing.
func Verify(path string) error {
	return examine(path, func(f io.ReaderAt, size int64) error { return verify(f, size) })
}

// VerifyPages is Verify for any bbolt file with pages of 4 KiB: it proves that
// bbolt can follow the pages, and knows nothing of what is in them.
func VerifyPages(path string) error {
	return examine(path, func(f io.ReaderAt, size int64) error {
		return walk(f, size, func(w *walker) visitor {
			var visit visitor
			visit = func(_, v []byte, isBucket bool) error {
				if isBucket {
					return w.bucket(v, visit)
				}
				return nil
			}
			return visit
		})
	})
}

// examine runs check on a file that nobody writes to.
func examine(path string, check func(f io.ReaderAt, size int64) error) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("verify index: %w", err)
	}
	defer f.Close() // only read
	if err := unix.Flock(int(f.Fd()), unix.LOCK_SH|unix.LOCK_NB); errors.Is(err, unix.EWOULDBLOCK) {
		return fmt.Errorf("verify index %s: %w", path, ErrInUse)
	}
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("verify index: %w", err)
	}
	if err := check(f, info.Size()); err != nil {
		return fmt.Errorf("verify %s: %w: %w", path, ErrDamaged, err)
	}
	return nil
}

// bboltMeta is the part of a meta page that matters, as bbolt lays it out in
// the machine's byte order, which is little-endian on all our boards.
type bboltMeta struct {
	pageSize uint32
	root     uint64 // page of the root bucket
	freelist uint64 // page of the free list
	hwm      uint64 // no page from here on is in use
	txid     uint64
}

const (
	metaMagic   = 0xED0CDAED
	metaVersion = 2
	metaSize    = 64
	noFreelist  = 1<<64 - 1

	pageHeader   = 16
	branchFlag   = 0x01
	leafFlag     = 0x02
	freelistFlag = 0x10
	elementSize  = 16
	bucketHeader = 16
	bucketEntry  = 0x01

	maxDepth    = 24 // bbolt's own trees of a few million rows are 4 deep
	maxOverflow = 64 // pages; our values are far smaller than one
)

func readMeta(page []byte) (m bboltMeta, ok bool) {
	b := page[pageHeader : pageHeader+metaSize]
	le := binary.LittleEndian
	h := fnv.New64a()
	_, _ = h.Write(b[:56]) // never fails
	if le.Uint32(b) != metaMagic || le.Uint32(b[4:]) != metaVersion || le.Uint64(b[56:]) != h.Sum64() {
		return m, false
	}
	return bboltMeta{
		pageSize: le.Uint32(b[8:]), root: le.Uint64(b[16:]), freelist: le.Uint64(b[32:]),
		hwm: le.Uint64(b[40:]), txid: le.Uint64(b[48:]),
	}, true
}

func verify(f io.ReaderAt, size int64) error {
	c := newContent()
	err := walk(f, size, func(w *walker) visitor {
		return func(k, v []byte, isBucket bool) error {
			if !isBucket {
				return fmt.Errorf("value %q outside of every bucket", k)
			}
			return w.bucket(v, c.of(string(k)))
		}
	})
	if err != nil {
		return err
	}
	return c.check()
}

// walk follows every page from the newer meta page on and shows the elements
// of the root bucket to what visit returns.
func walk(f io.ReaderAt, size int64, visit func(*walker) visitor) error {
	if size < 2*pageSize {
		return fmt.Errorf("%d bytes are no index", size)
	}
	var m bboltMeta
	valid := false
	page := make([]byte, pageSize)
	for i := range int64(2) {
		if _, err := f.ReadAt(page, i*pageSize); err != nil {
			return fmt.Errorf("page %d: %w", i, err)
		}
		one, ok := readMeta(page)
		if !ok {
			continue
		}
		if one.pageSize != pageSize { // bbolt believes the first, not the newer
			return fmt.Errorf("pages of %d bytes", one.pageSize)
		}
		// The newer of the valid ones counts, as it does for bbolt.
		if !valid || one.txid > m.txid {
			m, valid = one, true
		}
	}
	if !valid {
		return errors.New("neither meta page is valid")
	}
	if m.hwm < 2 || m.hwm > uint64(size/pageSize) {
		return fmt.Errorf("%d pages in use, the file has %d", m.hwm, size/pageSize)
	}
	w := &walker{f: f, hwm: m.hwm, seen: make([]uint64, (m.hwm+63)/64)}
	if m.freelist != noFreelist {
		if err := w.freelist(m.freelist); err != nil {
			return err
		}
	}
	if err := w.tree(m.root, nil, nil, visit(w)); err != nil {
		return err
	}
	for id := range w.free {
		if w.marked(id) {
			return fmt.Errorf("page %d is in use and free", id)
		}
	}
	return nil
}

// visitor is shown every element of the leaves of a tree, in order. Key and
// value are valid until it returns.
type visitor func(key, value []byte, isBucket bool) error

// walker follows the pages of a file. Each depth has its own buffer; a bucket
// inside a page lies deeper than that page, which is read on after it.
type walker struct {
	f      io.ReaderAt
	hwm    uint64
	seen   []uint64 // bit per page
	free   map[uint64]bool
	depth  int // pages that are being read, from the root down
	levels [maxDepth][]byte
}

func (w *walker) marked(id uint64) bool { return w.seen[id/64]>>(id%64)&1 != 0 }

// mark refuses pages out of bounds and pages that somebody else refers to.
func (w *walker) mark(id, n uint64) error {
	if id < 2 || id >= w.hwm || n > w.hwm-id {
		return fmt.Errorf("page %d+%d is out of bounds", id, n)
	}
	for i := id; i < id+n; i++ {
		if w.marked(i) {
			return fmt.Errorf("page %d has two owners", i)
		}
		w.seen[i/64] |= 1 << (i % 64)
	}
	return nil
}

// read returns page id with its overflow pages, in the buffer of w.depth.
func (w *walker) read(id uint64) ([]byte, error) {
	depth := w.depth
	if depth >= maxDepth {
		return nil, fmt.Errorf("page %d lies too deep", id)
	}
	if id < 2 || id >= w.hwm {
		return nil, fmt.Errorf("page %d is out of bounds", id)
	}
	if w.levels[depth] == nil {
		w.levels[depth] = make([]byte, pageSize)
	}
	b := w.levels[depth]
	if _, err := w.f.ReadAt(b[:pageSize], int64(id)*pageSize); err != nil {
		return nil, fmt.Errorf("page %d: %w", id, err)
	}
	over := uint64(binary.LittleEndian.Uint32(b[12:]))
	if got := binary.LittleEndian.Uint64(b); got != id || over > maxOverflow {
		return nil, fmt.Errorf("page %d says that it is page %d+%d", id, got, over)
	}
	if err := w.mark(id, over+1); err != nil {
		return nil, err
	}
	n := int(over+1) * pageSize
	if over == 0 {
		return b[:pageSize], nil
	}
	if len(b) < n {
		b = make([]byte, n)
		w.levels[depth] = b
	}
	if _, err := w.f.ReadAt(b[:n], int64(id)*pageSize); err != nil {
		return nil, fmt.Errorf("page %d: %w", id, err)
	}
	return b[:n], nil
}

// freelist checks the list of free pages, which only the very first commits
// of a file have.
func (w *walker) freelist(id uint64) error {
	b, err := w.read(id)
	if err != nil {
		return err
	}
	count := int(binary.LittleEndian.Uint16(b[10:]))
	if binary.LittleEndian.Uint16(b[8:]) != freelistFlag || count == 0xffff || pageHeader+8*count > len(b) {
		return fmt.Errorf("page %d is no free list", id)
	}
	w.free = make(map[uint64]bool, count)
	for i := range count {
		p := binary.LittleEndian.Uint64(b[pageHeader+8*i:])
		if p < 2 || p >= w.hwm || w.free[p] {
			return fmt.Errorf("free page %d is out of bounds or listed twice", p)
		}
		w.free[p] = true
	}
	return nil
}

// bucket follows the value of a bucket entry: the page of its root, or the
// root itself where the bucket is small.
func (w *walker) bucket(value []byte, visit visitor) error {
	if len(value) < bucketHeader {
		return errors.New("bucket header is torn")
	}
	if root := binary.LittleEndian.Uint64(value); root != 0 {
		return w.tree(root, nil, nil, visit)
	}
	page := value[bucketHeader:]
	if len(page) < pageHeader || binary.LittleEndian.Uint16(page[8:]) != leafFlag {
		return errors.New("inline bucket is torn")
	}
	return leaf(page, nil, nil, func(k, v []byte, isBucket bool) error {
		if isBucket {
			return errors.New("bucket inside an inline bucket")
		}
		return visit(k, v, false)
	})
}

// tree walks the pages below id, whose keys must lie in [low, high); nil
// means no bound.
func (w *walker) tree(id uint64, low, high []byte, visit visitor) error {
	b, err := w.read(id)
	if err != nil {
		return err
	}
	w.depth++
	defer func() { w.depth-- }()
	switch binary.LittleEndian.Uint16(b[8:]) {
	case leafFlag:
		err = leaf(b, low, high, visit)
	case branchFlag:
		err = w.branch(b, low, high, visit)
	default:
		err = errors.New("neither branch nor leaf")
	}
	if err != nil {
		return fmt.Errorf("page %d: %w", id, err)
	}
	return nil
}
