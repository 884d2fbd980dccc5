package power

import (
	"cmp"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"vedette/test/power/blocklog"
	"vedette/test/power/marker"
)

// state is one disk that a power cut could have left.
type state struct {
	kind   string
	base   int // everything before this entry is durable
	end    int // the power went before this entry; promised is what came before
	seed   uint64
	chance blocklog.Chance
	sample bool // has the built product start on it too
}

func (s state) String() string {
	return fmt.Sprintf("%s: durable up to entry %d, cut before %d, seed %d", s.kind, s.base, s.end, s.seed)
}

// Kinds of states.
const (
	atFlush = "at a flush"    // everything up to a flush and nothing else
	after   = "after a flush" // and any part of what was written since
	lying   = "a lying disk"  // control: the last flushes were none
)

// lies is how many flushes a lying disk ignores.
const lies = 20

// boundaries returns the entries behind each flush.
func boundaries(entries []blocklog.Entry) []int {
	var at []int
	for i, e := range entries {
		if e.Flush {
			at = append(at, i+1)
		}
	}
	return at
}

// statesOf chooses the states to look at: every flush, and random ones spread
// over the times between flushes. Each samples-th is also given to the
// product.
func statesOf(entries []blocklog.Entry, random, samples int, rng *rand.Rand) []state {
	flushes := boundaries(entries)
	var all []state
	type span struct{ from, to int }
	var spans []span
	for i, f := range flushes {
		all = append(all, state{kind: atFlush, base: f, end: f})
		to := len(entries)
		if i+1 < len(flushes) {
			to = flushes[i+1] - 1
		}
		if slices.ContainsFunc(entries[f:to], func(e blocklog.Entry) bool { return e.Write() && e.Offset < fsSize }) {
			spans = append(spans, span{f, to})
		}
	}
	for i := 0; i < random && len(spans) > 0; i++ {
		s := spans[i%len(spans)]
		all = append(all, state{
			kind: after, base: s.from, end: s.from + 1 + rng.IntN(s.to-s.from), seed: rng.Uint64(),
			chance: blocklog.Chance{Keep: []float64{0.2, 0.5, 0.8, 1}[rng.IntN(4)], Tear: 0.3},
		})
	}
	for i := range samples {
		if n := len(all) * (i + 1) / (samples + 1); n < len(all) {
			all[n].sample = true
		}
	}
	return all
}

// liesOf returns states of a disk that says it flushed and did not.
func liesOf(entries []blocklog.Entry, n int, rng *rand.Rand) []state {
	flushes := boundaries(entries)
	var all []state
	for i := range n {
		k := len(flushes)/2 + i*(len(flushes)/2)/n
		if k < lies || k >= len(flushes) {
			continue
		}
		all = append(all, state{
			kind: lying, base: flushes[k-lies], end: flushes[k], seed: rng.Uint64(), chance: blocklog.Chance{Keep: 0.5},
		})
	}
	return all
}

// outcome is a state and what was found on it.
type outcome struct {
	state
	verdict
}

// replayer builds disks from a log and has them judged.
type replayer struct {
	m       machine
	log     *os.File
	entries []blocklog.Entry
	judge   *judge
	memory  string // a directory in memory
}

// openLog reads the log of m and the markers in it.
func openLog(m machine, memory, host string) (*replayer, error) {
	f, err := os.Open(m.log())
	if err != nil {
		return nil, err
	}
	r := &replayer{m: m, log: f, memory: memory}
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if r.entries, err = blocklog.Read(f, info.Size(), fsSize+marker.Region); err != nil {
		return nil, err
	}
	var markers []placed
	for i, e := range r.entries {
		if !e.Write() || e.Offset != fsSize {
			continue
		}
		b := make([]byte, e.Length)
		if _, err := f.ReadAt(b, e.Data); err != nil {
			return nil, err
		}
		m, err := marker.Parse(b)
		if err != nil {
			return nil, fmt.Errorf("entry %d: %w", i, err)
		}
		markers = append(markers, placed{i, m})
	}
	r.judge = newJudge(markers, host)
	return r, nil
}

// run judges the states with as many workers as given.
func (r *replayer) run(states []state, workers int) ([]outcome, error) {
	slices.SortFunc(states, func(a, b state) int { return cmp.Compare(a.base, b.base) })
	out := make([]outcome, len(states))
	errs := make([]error, workers)
	var all sync.WaitGroup
	for w := range workers {
		from, to := len(states)*w/workers, len(states)*(w+1)/workers
		all.Go(func() { errs[w] = r.work(w, states[from:to], out[from:to]) })
	}
	all.Wait()
	return out, errors.Join(errs...)
}

// work judges states in ascending order of their base.
func (r *replayer) work(worker int, states []state, out []outcome) error {
	image, err := os.ReadFile(r.m.base())
	if err != nil {
		return err
	}
	disk := blocklog.NewDisk(r.log, r.entries, image[:fsSize])
	dir := filepath.Join(r.memory, fmt.Sprintf("w%d", worker))
	if err := os.MkdirAll(filepath.Join(dir, "mnt"), 0o700); err != nil {
		return err
	}
	for i, s := range states {
		if err := disk.Advance(s.base); err != nil {
			return err
		}
		out[i].state = s
		if err := r.one(disk, dir, s, &out[i].verdict); err != nil {
			return fmt.Errorf("%v: %w", s, err)
		}
	}
	return nil
}

// one builds a disk, mounts it, and has it judged. An error is one of the
// harness; what is wrong with the disk is in the verdict.
func (r *replayer) one(disk *blocklog.Disk, dir string, s state, v *verdict) error {
	path := filepath.Join(dir, "disk.img")
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	rng := rand.New(rand.NewPCG(s.seed, 0))
	err = errors.Join(f.Truncate(fsSize), disk.WriteTo(f))
	if err == nil && s.end > s.base {
		_, _, err = disk.Scatter(f, s.end, fsSize, s.chance, rng)
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	mnt := filepath.Join(dir, "mnt")
	unmount, err := mountImage(path, mnt)
	if err != nil {
		v.add(badMount, "%v", err)
		return nil
	}
	m := r.judge.promised(s.end)
	if s.sample && m != nil {
		r.judge.sample(mnt, m, v)
	}
	r.judge.mounted(mnt, m, v)
	if err := unmount(); err != nil {
		return fmt.Errorf("unmount: %w", err)
	}
	if err := checkExt4(path); err != nil {
		v.add(badExt4, "%v", err)
	}
	return nil
}
