package certs

import (
	"crypto/pbkdf2"
	"crypto/sha256"
	_ "embed" // the words
	"encoding/hex"
	"strings"
)

// wordList is the English list of BIP-39 (MIT licence): 2048 words of three to
// eight letters, told apart by their first four.
//
//go:embed words.txt
var wordList string

// stretch makes finding a key with given words 100,000 times as dear: 44 bits alone
// are a matter of hours for who can make keys as fast as a graphics card does.
const stretch = 100_000

// fourWords is a fingerprint for people: 44 bits, as four words. It takes 23 ms on a PC,
// and a good part of a second on a small board.
func fourWords(fingerprint [sha256.Size]byte) string {
	list := strings.Fields(wordList)
	bits, err := pbkdf2.Key(sha256.New, string(fingerprint[:]), []byte("vedette words"), stretch, 8)
	if err != nil {
		return "" // only a FIPS mode refuses the short salt; the fingerprint itself is still shown
	}
	var n uint64
	for _, b := range bits {
		n = n<<8 | uint64(b)
	}
	out := make([]string, 4)
	for i := range out {
		out[i] = list[n>>53] // the upper 11 bits
		n <<= 11
	}
	return strings.Join(out, " ")
}

// colonHex is how browsers show a fingerprint.
func colonHex(data []byte) string {
	pairs := make([]string, len(data))
	for i, b := range data {
		pairs[i] = strings.ToUpper(hex.EncodeToString([]byte{b}))
	}
	return strings.Join(pairs, ":")
}
