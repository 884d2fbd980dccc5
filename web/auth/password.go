package auth

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	_ "embed"
	"encoding/base64"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
)

// The cost of one password check. 19 MiB twice over is what a board with
// 512 MB can spend on a login and still record.
const (
	defaultMemory = 19 << 10 // KiB
	passes        = 2
	lanes         = 1
	saltBytes     = 16
	hashBytes     = 32

	maxConcurrent = 2  // checks at a time
	maxWaiting    = 16 // logins waiting for one
)

// ErrBusy says that too many passwords are being checked at this moment.
var ErrBusy = errors.New("too many logins at once")

//go:embed blocklist.txt
var blocklist string

// hasher checks and makes password hashes, at most two at a time.
type hasher struct {
	memory uint32 // KiB
	slots  chan struct{}
	queue  chan struct{}
	dummy  string // a hash nobody has the password of
}

func newHasher(memory uint32) *hasher {
	if memory == 0 {
		memory = defaultMemory
	}
	h := &hasher{memory: memory, slots: make(chan struct{}, maxConcurrent), queue: make(chan struct{}, maxConcurrent+maxWaiting)}
	h.dummy = format(h.memory, make([]byte, saltBytes), make([]byte, hashBytes))
	return h
}

// acquire waits for a slot. It returns ErrBusy if too many wait already, or
// ctx's error.
func (h *hasher) acquire(ctx context.Context) (release func(), err error) {
	select {
	case h.queue <- struct{}{}:
	default:
		return nil, ErrBusy
	}
	select {
	case h.slots <- struct{}{}:
	case <-ctx.Done():
		<-h.queue
		return nil, ctx.Err()
	}
	return func() {
		// Each check leaves its memory behind as garbage. Logins are rare:
		// collecting it now keeps a flood of them from adding up.
		runtime.GC()
		<-h.slots
		<-h.queue
	}, nil
}

// hash returns the stored form of password.
func (h *hasher) hash(ctx context.Context, password string) (string, error) {
	release, err := h.acquire(ctx)
	if err != nil {
		return "", err
	}
	defer release()
	salt := make([]byte, saltBytes)
	rand.Read(salt) // never fails
	return format(h.memory, salt, argon2.IDKey([]byte(password), salt, passes, h.memory, lanes, hashBytes)), nil
}

// verify reports whether password belongs to stored. An empty stored costs
// the same time and never matches.
func (h *hasher) verify(ctx context.Context, stored, password string) (bool, error) {
	release, err := h.acquire(ctx)
	if err != nil {
		return false, err
	}
	defer release()
	known := stored != ""
	if !known {
		stored = h.dummy
	}
	p, err := parse(stored)
	if err != nil {
		return false, err
	}
	got := argon2.IDKey([]byte(password), p.salt, p.passes, p.memory, p.lanes, uint32(len(p.hash)))
	return subtle.ConstantTimeCompare(got, p.hash) == 1 && known, nil
}

// phc is a parsed hash in the PHC string format.
type phc struct {
	memory, passes uint32
	lanes          uint8
	salt, hash     []byte
}

func format(memory uint32, salt, hash []byte) string {
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, memory, passes, lanes,
		b64.EncodeToString(salt), b64.EncodeToString(hash))
}

var errHash = errors.New("stored password hash cannot be read")

// parse refuses whatever would cost more than this box can spend.
func parse(s string) (phc, error) {
	parts := strings.Split(s, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return phc{}, errHash
	}
	var p phc
	if n, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &p.memory, &p.passes, &p.lanes); err != nil || n != 3 {
		return phc{}, errHash
	}
	var err, err2 error
	p.salt, err = base64.RawStdEncoding.DecodeString(parts[4])
	p.hash, err2 = base64.RawStdEncoding.DecodeString(parts[5])
	if err != nil || err2 != nil || len(p.salt) < 8 || len(p.salt) > 64 || len(p.hash) < 16 || len(p.hash) > 64 ||
		p.memory < 8 || p.memory > 64<<10 || p.passes < 1 || p.passes > 8 || p.lanes != 1 {
		return phc{}, errHash
	}
	return p, nil
}

// FieldError says which value of a request is wrong, and why.
type FieldError struct{ Name, Message string }

func (e *FieldError) Error() string { return e.Name + ": " + e.Message }

// Field returns the name of the field, as in the API.
func (e *FieldError) Field() string { return e.Name }

// Passwords are 8 to 128 characters long.
const (
	minPassword = 8
	maxPassword = 128
)

// checkPassword returns a *FieldError if password is not good enough for
// user. Any characters are welcome; length is what counts.
func checkPassword(user, password string) error {
	refuse := func(msg string) error { return &FieldError{"password", msg} }
	if !utf8.ValidString(password) {
		return refuse("The password is not valid text.")
	}
	n := utf8.RuneCountInString(password)
	if n < minPassword || n > maxPassword {
		return refuse(fmt.Sprintf("The password must have %d to %d characters.", minPassword, maxPassword))
	}
	lower := strings.ToLower(password)
	if strings.Count(lower, lower[:1]) == len(lower) {
		return refuse("The password is one character repeated.")
	}
	base := strings.TrimFunc(lower, func(r rune) bool { return strings.ContainsRune("0123456789!?.,-_#$*@ ", r) })
	if strings.EqualFold(base, user) || strings.EqualFold(password, user) {
		return refuse("The password is the user name.")
	}
	for line := range strings.Lines(blocklist) {
		if word := strings.TrimSpace(line); word == lower || word == base {
			return refuse("The password is among the first that anybody would try.")
		}
	}
	return nil
}
