package update

import (
	"cmp"
	"strconv"
	"strings"
)

// version is what git describe makes of a tag vX.Y.Z: N commits after it, with changes
// that were not committed. golang.org/x/mod/semver does not fit: to it what follows a
// hyphen comes before the release, here it comes after.
type version struct {
	numbers [4]uint64 // X, Y, Z, N
	dirty   bool
}

// parseVersion reads vX.Y.Z[-N-gHASH][-dirty]; false if it is none.
func parseVersion(s string) (v version, ok bool) {
	rest, ok := strings.CutPrefix(s, "v")
	if !ok {
		return v, false
	}
	rest, v.dirty = strings.CutSuffix(rest, "-dirty")
	release, after, described := strings.Cut(rest, "-")
	numbers := strings.Split(release, ".")
	if len(numbers) != 3 {
		return v, false
	}
	if described {
		n, hash, found := strings.Cut(after, "-g")
		if !found || len(hash) < 4 || len(hash) > 64 || strings.Trim(hash, "0123456789abcdef") != "" {
			return v, false
		}
		numbers = append(numbers, n)
	}
	for i, n := range numbers {
		x, err := strconv.ParseUint(n, 10, 32)
		if err != nil || n[0] == '+' {
			return v, false
		}
		v.numbers[i] = x
	}
	return v, true
}

// compare is negative if v is older than o, 0 if they are of the same age.
func (v version) compare(o version) int {
	for i := range v.numbers {
		if c := cmp.Compare(v.numbers[i], o.numbers[i]); c != 0 {
			return c
		}
	}
	switch {
	case v.dirty == o.dirty:
		return 0
	case v.dirty:
		return 1
	}
	return -1
}

// newer says whether one version may replace another that runs, and why if that is
// not as plain as it should be.
func newer(candidate, running string) (ok bool, note string) {
	r, known := parseVersion(running)
	if !known {
		return true, "the version that runs, " + strconv.Quote(running) + ", cannot be compared"
	}
	c, known := parseVersion(candidate)
	if !known {
		return false, "its version cannot be compared"
	}
	return c.compare(r) > 0, ""
}
