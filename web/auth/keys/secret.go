package keys

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/binary"
	"hash/crc32"
	"strings"
)

// A secret is vdt_ID_BODY and matches vdt_[a-z2-7]{12}_[a-z2-7]{58}, so that
// secret scanners know it. BODY is 256 random bits and the CRC-32 of ID and
// those bits: what does not fit is a typo or something else altogether, and no
// guess. There is no character that a double click stops at, and none that is
// easily taken for another.
const (
	Prefix    = "vdt_"
	idLen     = 12 // 60 bits
	bodyBytes = 32
	sumBytes  = 4
	bodyLen   = 58 // ceil((bodyBytes+sumBytes) * 8 / 5)
	secretLen = len(Prefix) + idLen + 1 + bodyLen
)

const alphabet = "abcdefghijklmnopqrstuvwxyz234567"

func encoding() *base32.Encoding {
	return base32.NewEncoding(alphabet).WithPadding(base32.NoPadding)
}

func newSecret() (id, secret string) {
	var name [8]byte
	var body [bodyBytes + sumBytes]byte
	rand.Read(name[:]) // never fails
	rand.Read(body[:bodyBytes])
	id = encoding().EncodeToString(name[:])[:idLen]
	binary.BigEndian.PutUint32(body[bodyBytes:], checksum(id, body[:bodyBytes]))
	return id, Prefix + id + "_" + encoding().EncodeToString(body[:])
}

func checksum(id string, body []byte) uint32 {
	return crc32.Update(crc32.ChecksumIEEE([]byte(id)), crc32.IEEETable, body)
}

// WellFormed reports whether secret has the form and the checksum of one. One
// that has and that Check refuses belonged to a key once, to another box, or is
// somebody's deliberate try.
func WellFormed(secret string) bool {
	rest, ok := strings.CutPrefix(secret, Prefix)
	if !ok || len(secret) != secretLen || rest[idLen] != '_' {
		return false
	}
	id, text := rest[:idLen], rest[idLen+1:]
	body, err := encoding().DecodeString(text)
	if err != nil || len(body) != bodyBytes+sumBytes || encoding().EncodeToString(body) != text {
		return false // the last: line ends inside, and bits beyond the last byte
	}
	return checksum(id, body[:bodyBytes]) == binary.BigEndian.Uint32(body[bodyBytes:])
}
