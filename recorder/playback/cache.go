package playback

import (
	"container/list"
	"context"
	"fmt"
	"sync"

	"vedette/recorder/fmp4"
	"vedette/recorder/media"
)

// cacheSegments bounds the cache: about 6 KB each, 3 MB in all, for eight
// hours of one camera.
const cacheSegments = 512

// info is what a segment file says of itself. Its header does not change;
// its parts grow while the segment is open.
type info struct {
	header   *fmp4.Header
	initSize int64
	parts    []fmp4.PartInfo // whole ones; never changed, only appended to
	good     int64           // offset after them
}

// video returns the track that times the segment.
func (i *info) video() *media.Track { return &i.header.Tracks[fmp4.Lead(i.header.Tracks)] }

// end returns the DTS at which the footage ends, in ticks from the
// segment's beginning.
func (i *info) end() int64 {
	if len(i.parts) == 0 {
		return 0
	}
	p := i.parts[len(i.parts)-1]
	return p.DTS + p.Duration
}

// cache remembers infos by segment, the least used forgotten first.
type cache struct {
	limit int

	mu      sync.Mutex
	order   *list.List // of *entry, most recently used first
	entries map[string]*list.Element
}

// entry is one remembered segment. mu serialises reading its file.
type entry struct {
	key string
	mu  sync.Mutex
	info
}

func newCache(limit int) *cache {
	return &cache{limit: limit, order: list.New(), entries: map[string]*list.Element{}}
}

func (c *cache) get(key string) *entry {
	c.mu.Lock()
	defer c.mu.Unlock()
	if el, ok := c.entries[key]; ok {
		c.order.MoveToFront(el)
		return el.Value.(*entry)
	}
	e := &entry{key: key}
	c.entries[key] = c.order.PushFront(e)
	for c.order.Len() > c.limit {
		last := c.order.Back()
		c.order.Remove(last)
		delete(c.entries, last.Value.(*entry).key)
	}
	return e
}

// header returns the header of r's file alone.
func (l *Library) header(ctx context.Context, r Row) (info, error) { return l.read(ctx, r, false) }

// parts returns the header of r's file and its whole parts. Of a damaged
// file, these are the parts before the damage.
func (l *Library) parts(ctx context.Context, r Row) (info, error) { return l.read(ctx, r, true) }

func (l *Library) read(ctx context.Context, r Row, parts bool) (info, error) {
	if err := ctx.Err(); err != nil {
		return info{}, err
	}
	e := l.cache.get(r.Camera + "/" + r.ID)
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.good > r.Bytes { // cut since: a torn tail, or another file of that name
		e.info = info{}
	}
	if e.header != nil && (!parts || e.good == r.Bytes) {
		return e.info, nil
	}
	release := l.src.Lease(r)
	defer release()
	f, err := l.src.Open(r)
	if err != nil {
		return info{}, fmt.Errorf("open segment %s of %s: %w", r.ID, r.Camera, err)
	}
	defer func() { _ = f.Close() }() // it was only read
	if err := e.fill(f, r.Bytes, parts); err != nil {
		return info{}, fmt.Errorf("read segment %s of %s: %w", r.ID, r.Camera, err)
	}
	return e.info, nil
}

// fill reads what the info lacks from a file of size bytes.
func (i *info) fill(f File, size int64, parts bool) error {
	if i.header == nil {
		h, n, err := fmp4.ReadHeader(f, size)
		if err != nil {
			return err
		}
		i.header, i.initSize, i.good = h, n, n
	}
	if !parts {
		return nil
	}
	good, err := fmp4.Scan(f, i.good, size, false, func(p fmp4.PartInfo) bool {
		i.parts = append(i.parts, p)
		return true
	})
	i.good = good
	i.shorten(f)
	return err
}

// shorten drops parts that a file shorter than its row does not have.
func (i *info) shorten(f File) {
	var last [1]byte
	for n := len(i.parts); n > 0; n-- {
		if got, _ := f.ReadAt(last[:], i.good-1); got == 1 {
			return
		}
		i.good = i.parts[n-1].Offset
		i.parts = i.parts[: n-1 : n-1]
	}
}
