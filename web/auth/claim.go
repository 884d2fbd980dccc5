package auth

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"strings"
)

// alphabet leaves out the letters that are mistaken for digits: I, L, O, and
// U. 32 letters carry 5 bits each.
const alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

const (
	codeLetters = 12 // 60 bits
	codeGroup   = 4
)

// newCode returns a code in groups that a person can type: 7K2M-9QXD-R4TB.
func newCode() string {
	raw := make([]byte, codeLetters)
	rand.Read(raw) // never fails
	var b strings.Builder
	for i, c := range raw {
		if i > 0 && i%codeGroup == 0 {
			b.WriteByte('-')
		}
		b.WriteByte(alphabet[c%32])
	}
	return b.String()
}

// sameCode compares what was typed with the code, in time that does not
// depend on either. Case, spaces, hyphens and mistaken letters do not matter.
func sameCode(code, typed string) bool {
	a, b := sha256.Sum256([]byte(plainCode(code))), sha256.Sum256([]byte(plainCode(typed)))
	return code != "" && subtle.ConstantTimeCompare(a[:], b[:]) == 1
}

func plainCode(s string) string {
	return strings.NewReplacer("-", "", " ", "", "O", "0", "I", "1", "L", "1").Replace(strings.ToUpper(s))
}
