package sampler

import (
	"container/list"
	"sync"
	"time"
)

// What the shelf holds at most.
const (
	shelfBytes = 16 << 20
	shelfAge   = 120 * time.Second // as long as a ticket lives
)

// frameID names one picture.
type frameID struct {
	id
	seq uint64
}

// shelf keeps recent pictures for evidence, shelfBytes and shelfAge of them.
// Those that somebody looked at stay longest.
type shelf struct {
	mu     sync.Mutex
	bytes  int
	frames map[frameID]*list.Element
	loose  list.List // of *kept, in the order they came
	pinned list.List // of *kept, in the order they came
}

// kept is a picture on the shelf.
type kept struct {
	id    frameID
	frame *Frame
	came  time.Time
	on    *list.List
}

func (s *shelf) init() { s.frames = map[frameID]*list.Element{} }

// add puts f on the shelf.
func (s *shelf) add(f *Frame) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.insert(frameID{id{f.Camera, f.Profile}, f.Seq}, f, &s.loose)
}

// insert puts f at the end of a list and makes room. s.mu is held.
func (s *shelf) insert(key frameID, f *Frame, on *list.List) {
	k := &kept{id: key, frame: f, came: time.Now(), on: on}
	s.frames[key] = on.PushBack(k)
	s.bytes += len(f.JPEG)
	s.trim(k.came)
}

// pin moves a picture to those that are kept longest. newest is it, if it is the
// newest of its stream: then it may have left the shelf already.
func (s *shelf) pin(key frameID, newest *Frame) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.frames[key]
	if e == nil {
		if newest == nil {
			return false
		}
		s.insert(key, newest, &s.pinned)
		return true
	}
	if k := e.Value.(*kept); k.on == &s.loose {
		s.loose.Remove(e)
		k.on = &s.pinned
		before := s.pinned.Back()
		for before != nil && before.Value.(*kept).came.After(k.came) {
			before = before.Prev()
		}
		if before == nil {
			s.frames[key] = s.pinned.PushFront(k)
		} else {
			s.frames[key] = s.pinned.InsertAfter(k, before)
		}
	}
	return true
}

func (s *shelf) find(key frameID) *Frame {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.trim(time.Now())
	if e := s.frames[key]; e != nil {
		return e.Value.(*kept).frame
	}
	return nil
}

// tidy drops what is too old.
func (s *shelf) tidy() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.trim(time.Now())
}

// trim drops what is too old and, while it is too much, what is oldest: first of
// what nobody looked at. s.mu is held.
func (s *shelf) trim(now time.Time) {
	for _, l := range []*list.List{&s.loose, &s.pinned} {
		for e := l.Front(); e != nil && now.Sub(e.Value.(*kept).came) > shelfAge; e = l.Front() {
			s.drop(l, e)
		}
		for e := l.Front(); e != nil && s.bytes > shelfBytes; e = l.Front() {
			s.drop(l, e)
		}
	}
}

func (s *shelf) drop(l *list.List, e *list.Element) {
	k := e.Value.(*kept)
	l.Remove(e)
	delete(s.frames, k.id)
	s.bytes -= len(k.frame.JPEG)
}
