package power

import (
	"fmt"
	"strings"
	"time"
)

// total is what was found on many disks.
type total struct {
	disks, bad, judged, control   int
	salvaged, tails, empty, rows  int
	quarantined, sampled, decoded int
	loss                          time.Duration
	worst                         outcome
	losses                        [5]int // disks by loss: up to 0.5 s, 1 s, 1.5 s, 2 s, beyond
	kinds                         map[string]int
	findings                      map[string]int
}

func sum(outcomes []outcome) total {
	s := total{kinds: map[string]int{}, findings: map[string]int{}}
	for _, o := range outcomes {
		s.disks++
		s.kinds[o.kind]++
		if len(o.findings) > 0 {
			s.bad++
		}
		for _, f := range o.findings {
			s.findings[f.kind]++
		}
		if o.rows > 0 {
			s.judged++
		}
		if o.control > 0 {
			s.control++
		}
		if o.sample {
			s.sampled++
		}
		s.salvaged += o.salvaged
		s.tails += o.tails
		s.empty += o.empty
		s.rows += o.rows
		s.quarantined += o.quarantined
		s.decoded += o.decoded
		s.losses[min(max(int((o.loss-1)/(500*time.Millisecond)), 0), len(s.losses)-1)]++
		if o.loss > s.loss {
			s.loss, s.worst = o.loss, o
		}
	}
	return s
}

func (s total) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "  disks                     %d (%d at a flush, %d after one, cut anywhere), %d with footage\n", s.disks, s.kinds[atFlush], s.kinds[after], s.judged)
	fmt.Fprintf(&b, "  with findings             %d\n", s.bad)
	for _, k := range kindsOfFindings() {
		fmt.Fprintf(&b, "    %-37s %d\n", k, s.findings[k])
	}
	fmt.Fprintf(&b, "  worst loss                %v of camera %s (%v)\n", s.loss, s.worst.lossOf, s.worst.state)
	fmt.Fprintf(&b, "  disks by worst loss       ≤ 0.5 s: %d, ≤ 1 s: %d, ≤ 1.5 s: %d, ≤ 2 s: %d, more: %d\n", s.losses[0], s.losses[1], s.losses[2], s.losses[3], s.losses[4])
	fmt.Fprintf(&b, "  segments in the indexes   %d; salvaged %d (%d had a torn tail), %d without footage removed, %d quarantined\n", s.rows, s.salvaged, s.tails, s.empty, s.quarantined)
	fmt.Fprintf(&b, "  the product started on    %d; files decoded there %d\n", s.sampled, s.decoded)
	fmt.Fprintf(&b, "  control without syncs     lost files on %d", s.control)
	return b.String()
}
