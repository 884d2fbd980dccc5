package detections

// filter is a Bloom filter of fingerprints: what it does not know is not there.
// Its length is a power of two of at least 8 bytes.
type filter []byte

const (
	filterProbes = 4
	filterBits   = 12 // for each fingerprint, if there is room: 1 in 300 is then mistaken
)

// filterBytes is the length of a filter for n fingerprints, at most limit.
func filterBytes(n, limit int) int {
	bytes := 8
	for bytes*8 < n*filterBits && bytes*2 <= limit {
		bytes *= 2
	}
	return bytes
}

func (f filter) add(v uint64) {
	for i := range uint32(filterProbes) {
		b := f.bit(v, i)
		f[b/8] |= 1 << (b % 8)
	}
}

func (f filter) has(v uint64) bool {
	if len(f) == 0 {
		return false
	}
	for i := range uint32(filterProbes) {
		if b := f.bit(v, i); f[b/8]&(1<<(b%8)) == 0 {
			return false
		}
	}
	return true
}

// bit is probe i: fingerprints are hashes, so their halves serve as two.
func (f filter) bit(v uint64, i uint32) uint32 {
	return (uint32(v) + i*(uint32(v>>32)|1)) & uint32(len(f)*8-1)
}
