package otp

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"slices"
	"strings"
)

// alphabet leaves out the letters that are mistaken for digits: I, L, O, and
// U. 32 letters carry 5 bits each.
const alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

const (
	recoveryCodes   = 10
	recoveryLetters = 16 // 80 bits
	recoveryGroup   = 4
)

// NewRecovery returns ten codes, like 7K2M-9QXD-R4TB-0WHE, and what to keep of
// them. Plain is shown once.
//
// Hashed is their SHA-256 in hex, without salt or work factor. Those are for
// passwords, which people choose among millions. Here nothing is better than
// trying codes until one of the ten fits, after 2^76 tries on average: at 10^11
// a second, what a few graphics cards do, that takes more than 20,000 years.
func NewRecovery() (plain []string, hashed []string) {
	for range recoveryCodes {
		raw := make([]byte, recoveryLetters)
		rand.Read(raw) // never fails
		var b strings.Builder
		for i, c := range raw {
			if i > 0 && i%recoveryGroup == 0 {
				b.WriteByte('-')
			}
			b.WriteByte(alphabet[c%32])
		}
		plain = append(plain, b.String())
		hashed = append(hashed, hashRecovery(b.String()))
	}
	return plain, hashed
}

// UseRecovery reports whether code is one of those hashed, and returns the
// others; hashed itself is not changed. Case, spaces, hyphens and mistaken
// letters do not matter. It takes the same time whichever code it is.
func UseRecovery(hashed []string, code string) (rest []string, ok bool) {
	if len(code) > 4*recoveryLetters {
		return hashed, false // do not hash megabytes
	}
	sum, at := []byte(hashRecovery(code)), -1
	for i, h := range hashed {
		at = subtle.ConstantTimeSelect(subtle.ConstantTimeCompare([]byte(h), sum), i, at)
	}
	if at < 0 {
		return hashed, false
	}
	return slices.Concat(hashed[:at], hashed[at+1:]), true
}

func hashRecovery(code string) string {
	plain := strings.NewReplacer("-", "", " ", "", "O", "0", "I", "1", "L", "1").Replace(strings.ToUpper(code))
	sum := sha256.Sum256([]byte(plain))
	return hex.EncodeToString(sum[:])
}
