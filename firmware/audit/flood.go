package audit

import (
	"fmt"
	"strings"
	"time"
)

const (
	alike      = 30          // entries alike that are kept …
	floodTime  = time.Minute // … within this time
	floodLanes = 1024

	refusals    = 1000      // entries of what was refused or failed that are kept …
	refusalTime = time.Hour // … within this time, whoever it was
)

// flood counts entries that are alike, so that nobody can fill the disk, or push
// out what others did, by trying something for ever. Its times are monotonic.
type flood struct {
	lanes   map[string]*lane
	refused int // of this hour, kept
	hour    time.Time
}

// lane is entries that are alike.
type lane struct {
	common  Entry // what they have in common
	since   time.Time
	n, kept int
}

// admit reports whether e is to be kept, and counts it if not. Where there are
// too many lanes, or too many refusals, those of one kind share one.
func (f *flood) admit(e Entry, now time.Time) bool {
	if now.Sub(f.hour) >= refusalTime {
		f.hour, f.refused = now, 0
	}
	refused := e.Result != OK
	spent := refused && f.refused >= refusals
	key := strings.Join([]string{e.Actor, e.Address, e.Action, string(e.Result)}, "\x00")
	if !refused {
		key += "\x00" + e.Target + "\x00" + e.Camera
	}
	o := f.lanes[key]
	if o == nil && (spent || len(f.lanes) >= floodLanes) {
		if !refused {
			return true // what was done must not be lost in the noise of others
		}
		key = e.Action + "\x00" + string(e.Result)
		o = f.lanes[key]
	}
	if o == nil {
		o = &lane{common: e, since: now}
		f.lanes[key] = o
	}
	o.n++
	o.share(e)
	if o.kept == alike || spent {
		return false
	}
	o.kept++
	if refused {
		f.refused++
	}
	return true
}

// share leaves in o.common what e says too.
func (o *lane) share(e Entry) {
	c := &o.common
	for _, p := range []struct {
		have *string
		more string
	}{{&c.Actor, e.Actor}, {&c.Role, e.Role}, {&c.Via, e.Via}, {&c.Address, e.Address}, {&c.Target, e.Target}, {&c.Camera, e.Camera}} {
		if *p.have != p.more {
			*p.have = ""
		}
	}
}

// over ends the lanes whose time is over, or all, and returns an entry for each
// of which some were not kept.
func (f *flood) over(now time.Time, all bool) (out []Entry) {
	for key, o := range f.lanes {
		if !all && now.Sub(o.since) < floodTime {
			continue
		}
		delete(f.lanes, key)
		if more := o.n - o.kept; more > 0 {
			o.common.Detail = map[string]string{"repeated": fmt.Sprint(more)}
			out = append(out, o.common)
		}
	}
	return out
}
