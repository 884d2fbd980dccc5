package power

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"vedette/test/power/plan"
)

// number reads a setting from the environment.
func number(t *testing.T, name string, or int) int {
	t.Helper()
	s := os.Getenv(name)
	if s == "" {
		return or
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 {
		t.Fatalf("%s=%q is not a number", name, s)
	}
	return n
}

// config of the product in the guest: short segments, so that files are closed
// all the time, and a floor that a minute of footage crosses, so that the
// sweeper works too.
const config = `[board]
id = "sim"
[recording]
segment = "5s"
sync_cycle = %q
[sweep]
floor_bytes = %d
interval = "30s"
`

// workers is how many disks are looked at in the same moment; each takes
// twice the size of the file system in memory.
func workers() int { return min(runtime.GOMAXPROCS(0), 4) }

func cameras(n int) (ids []string) {
	for i := range n {
		ids = append(ids, fmt.Sprintf("c%d", i))
	}
	return ids
}

// inMemory returns a directory in memory, large enough for a disk for each
// worker: a sync of an image must cost nothing.
func inMemory(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=1g"); err != nil {
		t.Fatalf("mount tmpfs: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, 0); err != nil {
			t.Errorf("unmount %s: %v", dir, err)
		}
	})
	return dir
}

// live boots a machine with the plan, unless the log of one is to be replayed
// again, and reads what it left.
func live(t *testing.T, name string, b built, p plan.Plan) *replayer {
	t.Helper()
	dir, err := filepath.Abs(filepath.Join("../../var/power", name))
	if err != nil {
		t.Fatal(err)
	}
	m := machine{dir: dir}
	if os.Getenv("POWER_REPLAY") == "" {
		record := time.Duration(0)
		for _, l := range p.Lives {
			record += l.Record
		}
		p.Now, p.Limit = time.Now().UTC(), 2*record+2*time.Minute
		m = newMachine(t, dir, b, p)
		began := time.Now()
		m.boot(t, b, 3*p.Limit) // by this machine's clock, and it may be busy
		t.Logf("%s: the machine lived for %.0f s", name, time.Since(began).Seconds())
	}
	r, err := openLog(m, inMemory(t), b.host)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.log.Close() })
	t.Logf("%s: %d requests, %d flushes, %d markers", name, len(r.entries), len(boundaries(r.entries)), len(r.judge.markers))
	return r
}

// TestPowerCuts is the proof. run.sh says what changes it.
func TestPowerCuts(t *testing.T) {
	b := prepared(t)
	seconds, random := number(t, "POWER_SECONDS", 70), number(t, "POWER_STATES", 1000)
	seed := uint64(number(t, "POWER_SEED", int(time.Now().Unix())))
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 1))
	r := live(t, "proof", b, plan.Plan{
		Cameras: cameras(4), Config: fmt.Sprintf(config, "0s", 66<<20),
		Lives: []plan.Life{
			{Record: time.Duration(seconds) * time.Second},
			{Record: 10 * time.Second, Kill: true},
			{Record: 6 * time.Second},
		},
	})
	states := statesOf(r.entries, random, 12, rng)
	began := time.Now()
	outcomes, err := r.run(states, workers())
	if err != nil {
		t.Fatal(err)
	}
	s := sum(outcomes)
	t.Logf("%d disks in %.0f s:\n%s", len(outcomes), time.Since(began).Seconds(), s)
	tell(t, outcomes)
	if s.control < s.judged/4 {
		t.Errorf("the control writer, which never syncs, lost files on only %d of %d disks: the harness does not see", s.control, len(outcomes))
	}
	if s.salvaged == 0 || s.judged == 0 {
		t.Error("no disk had an open segment on it: the product did not record")
	}
	if len(r.judge.swept) == 0 && seconds >= 60 {
		t.Error("nothing was swept: the proof did not reach the sweeper")
	}
	proveItSees(t, r, rng)
}

// tell fails the test for every disk that breaks a promise, and prints some:
// of each kind the first few, and the worst losses.
func tell(t *testing.T, outcomes []outcome) {
	t.Helper()
	slices.SortStableFunc(outcomes, func(a, b outcome) int { return cmp.Compare(b.loss, a.loss) })
	told := map[string]int{}
	for _, o := range outcomes {
		for _, f := range o.findings {
			if told[f.kind]++; told[f.kind] <= 6 {
				t.Errorf("%v: %s: %s", o.state, f.kind, f.text)
			}
		}
	}
}

// proveItSees replays the same log as a disk would leave it that confirms
// flushes and does not do them.
func proveItSees(t *testing.T, r *replayer, rng *rand.Rand) {
	t.Helper()
	outcomes, err := r.run(liesOf(r.entries, 20, rng), workers())
	if err != nil {
		t.Fatal(err)
	}
	s := sum(outcomes)
	t.Logf("control, a disk that lies about flushes: %d of %d disks are bad", s.bad, len(outcomes))
	if len(outcomes) < 10 || s.bad < len(outcomes)*3/4 {
		t.Errorf("a lying disk was found out on only %d of %d disks: the harness does not see", s.bad, len(outcomes))
	}
}

// TestALongCycleIsFoundOut records with a sync cycle of 10 s: the loss must be
// seen.
func TestALongCycleIsFoundOut(t *testing.T) {
	b := prepared(t)
	r := live(t, "control", b, plan.Plan{
		Cameras: cameras(2), Config: fmt.Sprintf(config, "10s", 1),
		Lives: []plan.Life{{Record: 22 * time.Second}},
	})
	outcomes, err := r.run(statesOf(r.entries, 20, 0, rand.New(rand.NewPCG(1, 1))), workers())
	if err != nil {
		t.Fatal(err)
	}
	s := sum(outcomes)
	t.Logf("control, a cycle of 10 s: %d of %d disks are bad, worst loss %v", s.bad, len(outcomes), s.loss)
	if s.loss < 4*time.Second {
		t.Errorf("the worst loss was %v: the harness does not see", s.loss)
	}
}
