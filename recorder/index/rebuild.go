package index

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"

	"github.com/asdine/storm/v3"
	bolt "go.etcd.io/bbolt"
)

const (
	rebuildSuffix = ".new"
	compactSuffix = ".compact"
	// loadBatch bounds the memory of a rebuild: rows sorted and written in one
	// transaction, about 10 MiB.
	loadBatch = 1 << 16
)

// Rebuild writes a new index with rows and puts it in the place of path, at
// once and durably: after a power cut either the old file is there or the
// whole new one. What was at path is gone then; who wants to look at it later
// moves it away first. Nobody may have path open.
//
// Rows are best given by start; any order works, and takes longer. o.Held
// says which are evidence. An error from rows ends the rebuild and leaves
// path as it was. Two rows of one file count once.
func Rebuild(path string, rows iter.Seq2[Row, error], o Options) error {
	temp := path + rebuildSuffix
	for _, p := range [...]string{temp, path + compactSuffix} {
		if err := os.Remove(p); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("rebuild index: %w", err)
		}
	}
	inOrder, err := loadFile(temp, rows, o)
	if err == nil && !inOrder {
		err = compact(path+compactSuffix, temp)
	}
	if err == nil {
		err = publish(temp, path)
	}
	if err != nil {
		// What is left over is removed by the next rebuild if it cannot be now.
		return errors.Join(fmt.Errorf("rebuild index: %w", err), remove(temp), remove(path+compactSuffix))
	}
	return nil
}

// remove removes what may be there.
func remove(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// publish makes temp durable and gives it its name.
func publish(temp, path string) error {
	f, err := os.OpenFile(temp, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(temp, path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

// loadFile fills a new file. It is not synced until it is whole.
func loadFile(path string, rows iter.Seq2[Row, error], o Options) (inOrder bool, err error) {
	db, err := openStorm(path)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	db.Bolt.NoSync, db.Bolt.NoGrowSync = true, true
	l := loader{db: db, held: o.Held, ordinals: make(map[string]uint16), inOrder: true}
	for r, err := range rows {
		if err != nil {
			return false, err
		}
		if err := l.add(r); err != nil {
			return false, err
		}
	}
	return l.inOrder, l.flush()
}

// loader sorts rows batch by batch into a file.
type loader struct {
	db       *storm.DB
	held     func(Row) bool
	ordinals map[string]uint16
	named    int
	names    []string
	batch    []entry
	top      uint64 // the highest key written so far
	inOrder  bool   // no batch had to go before an earlier one
}

func (l *loader) add(r Row) error {
	if err := r.check(); err != nil {
		return err
	}
	n, ok := l.ordinals[r.Camera]
	if !ok {
		if len(l.names) > 0xffff {
			return fmt.Errorf("more than %d cameras: %w", 1<<16, ErrRow)
		}
		n = uint16(len(l.names))
		l.ordinals[r.Camera] = n
		l.names = append(l.names, r.Camera)
	}
	r.Camera, r.shift = l.names[n], 0 // one string per camera, not per row
	l.batch = append(l.batch, entry{r.key(n), r})
	if len(l.batch) < loadBatch {
		return nil
	}
	return l.flush()
}

func (l *loader) flush() error {
	slices.SortStableFunc(l.batch, func(a, b entry) int { return cmp.Compare(a.key, b.key) })
	err := l.db.Bolt.Update(func(tx *bolt.Tx) error {
		node := l.db.WithTransaction(tx)
		rows, held := node.GetBucket(tx, rowsBucket), node.GetBucket(tx, heldBucket)
		rows.FillPercent, held.FillPercent = fillPercent, fillPercent
		for ; l.named < len(l.names); l.named++ {
			n := uint16(l.named)
			if err := node.SetBytes(cameraBucket, ordinalBytes(n), encodeCamera(n, l.names[n])); err != nil {
				return err
			}
		}
		for _, e := range l.batch {
			if err := l.put(node, rows, held, e); err != nil {
				return err
			}
		}
		return nil
	})
	l.batch = l.batch[:0]
	return err
}

// put writes one row under the first free key.
func (l *loader) put(node storm.Node, rows, held *bolt.Bucket, e entry) error {
	camera := keyCamera(e.key)
	for shift := range maxShift + 1 {
		e.row.shift = uint8(shift)
		e.key = e.row.key(camera)
		k := keyBytes(e.key)
		if e.key <= l.top {
			v := rows.Get(k)
			if v == nil {
				v = held.Get(k)
			}
			if v != nil {
				other, err := decodeRow(e.key, v)
				other.Camera = e.row.Camera
				if err == nil && other.SameFile(e.row) {
					return nil
				}
				continue
			}
		}
		bucket := rowsBucket
		if l.held != nil && l.held(e.row) {
			bucket = heldBucket
		}
		l.inOrder = l.inOrder && (e.key > l.top || l.top-e.key < maxShift<<msShift)
		l.top = max(l.top, e.key)
		return node.SetBytes(bucket, k, encodeRow(e.key, e.row))
	}
	return fmt.Errorf("camera %s: no place at %d: %w", e.row.Camera, e.row.Start, ErrRow)
}

// compact rewrites a file that grew in disorder, page by page in order, and
// replaces it.
func compact(to, from string) error {
	src, err := bolt.Open(from, 0o600, boltOptions())
	if err != nil {
		return err
	}
	dst, err := bolt.Open(to, 0o600, boltOptions())
	if err != nil {
		return errors.Join(err, src.Close())
	}
	dst.AllocSize, dst.NoSync, dst.NoGrowSync = growBytes, true, true
	err = bolt.Compact(dst, src, 4<<20)
	if err = errors.Join(err, dst.Close(), src.Close()); err != nil {
		return err
	}
	return os.Rename(to, from)
}
