// Package otp owns the second factor: codes by time (RFC 6238) as
// authenticator apps make them, recovery codes for when the phone is lost, and
// the QR code that brings the secret onto the phone. It keeps nothing; what
// must be kept, the secret and the last step used, is the caller's.
package otp

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base32"
	"errors"
	"image/color"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/boombuler/barcode/qr"
	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"
)

// What every app supports; some ignore other values and show wrong codes.
const (
	period      = 30 // seconds
	digits      = 6
	secretBytes = 20 // fills whole letters of base32
)

// NewSecret returns a secret of 160 bits in base32, and the otpauth address
// that makes an app know it. Issuer is what the app shows as the name of the
// box, account the user name; neither may be empty.
func NewSecret(issuer, account string) (secret, uri string, err error) {
	if issuer == "" || account == "" {
		return "", "", errors.New("make second factor: no name of the box or of the user")
	}
	raw := make([]byte, secretBytes)
	rand.Read(raw) // never fails
	secret = base32.StdEncoding.EncodeToString(raw)
	colons := strings.NewReplacer(":", " ") // they part the two in the address
	issuer, account = colons.Replace(issuer), colons.Replace(account)
	// Not totp.Generate: its addresses do not escape an & in the issuer.
	q := url.Values{
		"secret": {secret}, "issuer": {issuer}, "algorithm": {"SHA1"},
		"digits": {strconv.Itoa(digits)}, "period": {strconv.Itoa(period)},
	}
	u := url.URL{
		Scheme: "otpauth", Host: "totp", Path: "/" + issuer + ":" + account,
		RawQuery: strings.ReplaceAll(q.Encode(), "+", "%20"), // apps show a plus as it is
	}
	return secret, u.String(), nil
}

// Verify reports whether code is the one of now, or of the 30 s before or
// after it, for clocks that differ. Spaces in it do not matter. Only a step
// above last will do: who stores the step it returns, and gives it as last the
// next time, lets every code in once. Before the first use, last is 0. It
// takes the same time whichever digits are wrong.
func Verify(secret, code string, now time.Time, last int64) (step int64, ok bool) {
	code = strings.ReplaceAll(code, " ", "")
	current := now.Unix() / period
	for s := current - 1; s <= current+1; s++ {
		want, err := hotp.GenerateCodeCustom(secret, uint64(s), hotp.ValidateOpts{Digits: digits, Algorithm: otp.AlgorithmSHA1})
		if err != nil {
			return 0, false
		}
		// All three are looked at. Should two have the same code the later
		// counts, or the code would be good twice.
		if subtle.ConstantTimeCompare([]byte(want), []byte(code)) == 1 && s > last {
			step, ok = s, true
		}
	}
	return step, ok
}

// Matrix returns the QR code of uri, a row of 0 and 1 (dark) for each row of
// modules, without the four light modules that must surround it.
func Matrix(uri string) ([]string, error) {
	if uri == "" {
		return nil, errors.New("make QR code: nothing to say")
	}
	code, err := qr.Encode(uri, qr.M, qr.Auto)
	if err != nil {
		return nil, errors.New("make QR code: the address is too long") // err quotes it
	}
	size := code.Bounds().Dx()
	rows := make([]string, size)
	for y := range rows {
		row := make([]byte, size)
		for x := range row {
			row[x] = '0'
			if code.At(x, y) == color.Black {
				row[x] = '1'
			}
		}
		rows[y] = string(row)
	}
	return rows, nil
}
