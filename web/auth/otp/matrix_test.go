package otp

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"
)

// TestTheMatrixIsAQRCode looks for what every QR code has: its size, the three
// eyes, the timing lines between them, and the module that is always dark and
// has no twin in a code that lies on its side.
func TestTheMatrixIsAQRCode(t *testing.T) {
	for _, n := range []int{1, 20, 120, 180, 400} {
		rows, err := Matrix(strings.Repeat("x", n))
		if err != nil {
			t.Fatalf("%d bytes: %v", n, err)
		}
		size := len(rows)
		if size < 21 || (size-17)%4 != 0 {
			t.Fatalf("%d bytes: size %d", n, size)
		}
		for _, row := range rows {
			if len(row) != size || strings.Trim(row, "01") != "" {
				t.Fatalf("%d bytes: row %q of %d", n, row, size)
			}
		}
		eye := []string{"1111111", "1000001", "1011101", "1011101", "1011101", "1000001", "1111111"}
		for y, want := range eye {
			if rows[y][:7] != want || rows[y][size-7:] != want || rows[size-7+y][:7] != want {
				t.Errorf("%d bytes: no eye in row %d", n, y)
			}
		}
		for i := 8; i < size-8; i++ {
			if want := "10"[i%2]; rows[6][i] != want || rows[i][6] != want {
				t.Errorf("%d bytes: timing module %d", n, i)
			}
		}
		if rows[size-8][8] != '1' {
			t.Errorf("%d bytes: the dark module is light", n)
		}
	}
}

// TestAReaderReadsTheMatrix stands for a reader: this matrix was given to one
// (jsQR 1.4.0) and came back as the address.
func TestAReaderReadsTheMatrix(t *testing.T) {
	const uri = "otpauth://totp/Vedette%20gate:owner?algorithm=SHA1&digits=6&issuer=Vedette%20gate&period=30&secret=" + rfcSecret
	rows, err := Matrix(uri)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte(strings.Join(rows, "\n")))
	const want = "81d6439eaf44ad2010e4b0418eaefd97c908a883c5eab9083d683e43b3292527"
	if got := hex.EncodeToString(sum[:]); got != want {
		t.Errorf("matrix of %d rows is %s, want %s; give it to a reader", len(rows), got, want)
	}
}

func TestWhatHasNoMatrixSaysSoWithoutTheSecret(t *testing.T) {
	for _, uri := range []string{"", "otpauth://totp/a:b?secret=" + rfcSecret + strings.Repeat("x", 3000)} {
		_, err := Matrix(uri)
		if err == nil || strings.Contains(err.Error(), rfcSecret) {
			t.Errorf("Matrix of %d bytes: %v", len(uri), err)
		}
	}
}
