package playback

import (
	"bytes"
	"context"
	"fmt"
	"time"
)

// hlsTarget is how long an entry of a playlist lasts at least, if key frames
// allow it, in ms.
const hlsTarget = 4000

// HLS returns a media playlist of camera's footage in [from, to): fragmented
// MP4 by byte ranges of the segment files, whose addresses url gives. Entries
// begin with key frames. Every file has a time line of its own, so every file
// begins a discontinuity; EXT-X-PROGRAM-DATE-TIME says where on the wall
// clock. It returns ErrTooLong for more than a day, and ErrNoFootage.
func (l *Library) HLS(ctx context.Context, camera string, from, to int64, url func(Row) string) ([]byte, error) {
	if to-from > maxGOPs {
		return nil, ErrTooLong
	}
	set, err := l.readable(ctx, camera, from, to)
	if err != nil {
		return nil, err
	}
	var body bytes.Buffer
	longest, independent, first := int64(1), true, true
	for i := range set.segments {
		f := &set.segments[i]
		entries := f.entries(from, to)
		if len(entries) == 0 {
			continue
		}
		if !first {
			body.WriteString("#EXT-X-DISCONTINUITY\n")
		}
		first = false
		address := url(f.Row)
		fmt.Fprintf(&body, "#EXT-X-MAP:URI=%q,BYTERANGE=\"%d@0\"\n", address, f.initSize)
		for _, e := range entries {
			fmt.Fprintf(&body, "#EXT-X-PROGRAM-DATE-TIME:%s\n", time.UnixMilli(e.Start).UTC().Format("2006-01-02T15:04:05.000Z"))
			fmt.Fprintf(&body, "#EXTINF:%d.%03d,\n#EXT-X-BYTERANGE:%d@%d\n%s\n", e.Duration/1000, e.Duration%1000, e.Size, e.Offset, address)
			longest = max(longest, (e.Duration+999)/1000)
		}
		independent = independent && f.parts[0].Random
	}
	if first {
		return nil, ErrNoFootage
	}
	var out bytes.Buffer
	fmt.Fprintf(&out, "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:%d\n#EXT-X-MEDIA-SEQUENCE:0\n#EXT-X-PLAYLIST-TYPE:VOD\n", longest)
	if independent {
		out.WriteString("#EXT-X-INDEPENDENT-SEGMENTS\n")
	}
	out.Write(body.Bytes())
	out.WriteString("#EXT-X-ENDLIST\n")
	return out.Bytes(), nil
}

// entries cuts the parts of the segment where one begins with a key frame,
// into pieces of about hlsTarget, and returns those that overlap [from, to).
func (f *footage) entries(from, to int64) []GOP {
	var all []GOP
	for i, p := range f.parts {
		at := f.at(p.DTS)
		if i == 0 || p.Random && at-all[len(all)-1].Start >= hlsTarget {
			if i > 0 {
				last := &all[len(all)-1]
				last.Duration = at - last.Start
			}
			all = append(all, GOP{Offset: p.Offset, Start: at})
		}
		all[len(all)-1].Size += p.Size
	}
	last := &all[len(all)-1]
	last.Duration = max(f.at(f.end())-last.Start, 1)
	var out []GOP
	for _, e := range all {
		if e.Start < to && e.Start+e.Duration > from {
			out = append(out, e)
		}
	}
	return out
}
