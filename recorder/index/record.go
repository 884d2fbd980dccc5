package index

import (
	"encoding/binary"
	"fmt"
)

// Garbage is a row on its way out: no longer footage, not yet known to be
// gone from the disk.
type Garbage struct {
	Row       Row
	Condemned int64  // UTC ms
	Reason    string // the rule that condemned it: "free_floor"
}

// Audit is one entry of the list of what was deleted, when and why.
type Audit struct {
	Time    int64  // UTC ms
	Reason  string // at most 64 bytes, the rest is cut
	Count   uint32 // files
	Bytes   int64
	Oldest  int64    // UTC ms of the first start among them
	Newest  int64    // UTC ms of the last end among them
	Cameras []string // whose they were; those the index never knew are left out
}

const (
	maxReason  = 64
	maxAudits  = 10000 // the oldest entries go beyond that
	garbageVer = 1
	auditVer   = 1
	auditHead  = 1 + 8 + 4 + 8 + 8 + 8 + 1
)

func cut(reason string) string { return reason[:min(len(reason), maxReason)] }

func encodeGarbage(key uint64, g Garbage) []byte {
	reason := cut(g.Reason)
	b := make([]byte, 0, 1+8+1+len(reason)+rowSize+crcSize)
	b = append(b, garbageVer)
	b = binary.BigEndian.AppendUint64(b, uint64(g.Condemned))
	b = append(b, byte(len(reason)))
	b = append(b, reason...)
	b = append(b, encodeRow(key, g.Row)...)
	return seal(key, b)
}

// decodeGarbage is the inverse of encodeGarbage, but for the camera's name.
func decodeGarbage(key uint64, value []byte) (g Garbage, err error) {
	b, ok := unseal(key, value)
	if !ok || len(b) < 10 || b[0] != garbageVer || len(b) != 10+int(b[9])+rowSize {
		return g, fmt.Errorf("garbage %016x: %w", key, errValue)
	}
	n := 10 + int(b[9])
	g.Condemned = int64(binary.BigEndian.Uint64(b[1:]))
	g.Reason = string(b[10:n])
	g.Row, err = decodeRow(key, b[n:])
	return g, err
}

// encodeAudit writes a with the cameras as ordinals.
func encodeAudit(key uint64, a Audit, cameras []uint16) []byte {
	reason := cut(a.Reason)
	b := make([]byte, 0, auditHead+len(reason)+2+2*len(cameras)+crcSize)
	b = append(b, auditVer)
	b = binary.BigEndian.AppendUint64(b, uint64(a.Time))
	b = binary.BigEndian.AppendUint32(b, a.Count)
	b = binary.BigEndian.AppendUint64(b, uint64(a.Bytes))
	b = binary.BigEndian.AppendUint64(b, uint64(a.Oldest))
	b = binary.BigEndian.AppendUint64(b, uint64(a.Newest))
	b = append(b, byte(len(reason)))
	b = append(b, reason...)
	for _, c := range cameras {
		b = binary.BigEndian.AppendUint16(b, c)
	}
	return seal(key, b)
}

// decodeAudit is the inverse of encodeAudit; cameras are ordinals.
func decodeAudit(key uint64, value []byte) (a Audit, cameras []uint16, err error) {
	b, ok := unseal(key, value)
	if !ok || len(b) < auditHead || b[0] != auditVer || len(b) < auditHead+int(b[auditHead-1]) {
		return a, nil, fmt.Errorf("audit entry %016x: %w", key, errValue)
	}
	a = Audit{
		Time:   int64(binary.BigEndian.Uint64(b[1:])),
		Count:  binary.BigEndian.Uint32(b[9:]),
		Bytes:  int64(binary.BigEndian.Uint64(b[13:])),
		Oldest: int64(binary.BigEndian.Uint64(b[21:])),
		Newest: int64(binary.BigEndian.Uint64(b[29:])),
		Reason: string(b[auditHead : auditHead+int(b[auditHead-1])]),
	}
	rest := b[auditHead+len(a.Reason):]
	if len(rest)%2 != 0 {
		return a, nil, fmt.Errorf("audit entry %016x: %w", key, errValue)
	}
	for ; len(rest) > 0; rest = rest[2:] {
		cameras = append(cameras, binary.BigEndian.Uint16(rest))
	}
	return a, cameras, nil
}
