package recorder

import "sync"

// leases counts who reads which segment, so that none is deleted while it is
// read. The zero value is ready.
type leases struct {
	mu sync.Mutex
	n  map[segmentKey]int
}

// segmentKey names a segment from opening to deletion.
type segmentKey struct {
	camera string
	start  int64 // UTC ms
}

// take adds a lease; the function returned gives it back, and may be called
// more than once.
func (l *leases) take(k segmentKey) (release func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.n == nil {
		l.n = map[segmentKey]int{}
	}
	l.n[k]++
	var once sync.Once
	return func() { once.Do(func() { l.drop(k) }) }
}

func (l *leases) drop(k segmentKey) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.n[k]--; l.n[k] == 0 {
		delete(l.n, k)
	}
}

// held reports whether anybody reads the segment.
func (l *leases) held(k segmentKey) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.n[k] > 0
}
