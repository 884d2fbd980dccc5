package update

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"vedette/firmware/slots"
)

// zeros is that many bytes.
func zeros(n int64) io.Reader { return io.LimitReader(nothing{}, n) }

type nothing struct{}

func (nothing) Read(b []byte) (int, error) { clear(b); return len(b), nil }

// room makes place for updates, as Run does.
func room(t *testing.T, u *Updater) *Updater {
	t.Helper()
	if err := os.MkdirAll(u.o.Dir, 0o700); err != nil {
		t.Fatal(err)
	}
	return u
}

func TestWhatCannotBeReceivedLeavesNothing(t *testing.T) {
	broken := errors.New("connection reset")
	tests := []struct {
		name string
		r    io.Reader
		size int64
		free int64
		want error
	}{
		{"as long as was said", zeros(3 << 20), 3 << 20, SpareBytes + 3<<20, nil},
		{"of a length that was not said", zeros(3 << 20), -1, 1 << 30, nil},
		{"too large by what was said", zeros(1), MaxBytes + 1, 1 << 40, ErrTooLarge},
		{"too large", zeros(MaxBytes + 1), -1, 1 << 40, ErrTooLarge},
		{"no room for what was said", zeros(3 << 20), 3 << 20, SpareBytes + 3<<20 - 1, ErrNoSpace},
		{"no room", zeros(3 << 20), -1, SpareBytes - 1, ErrNoSpace},
		{"shorter than was said", zeros(100), 101, 1 << 30, ErrDamaged},
		{"longer than was said", zeros(101), 100, 1 << 30, ErrDamaged},
		{"the connection breaks", io.MultiReader(zeros(2<<20), &failing{broken}), 3 << 20, 1 << 30, broken},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			u := room(t, newBox(t).boot(slots.A, "v1.0.0", 0))
			u.o.Free = func(string) (int64, error) { return tt.free, nil }
			if err := os.WriteFile(u.bundle(), []byte("of before"), 0o600); err != nil {
				t.Fatal(err)
			}
			err := u.Receive(t.Context(), tt.r, tt.size)
			if !errors.Is(err, tt.want) {
				t.Fatalf("%v, want %v", err, tt.want)
			}
			left, _ := os.ReadDir(u.o.Dir)
			if want := map[bool]int{true: 1}[err == nil]; len(left) != want {
				t.Errorf("left %v", left)
			}
			if st, serr := os.Stat(u.bundle()); err == nil && (serr != nil || st.Mode().Perm() != 0o600 || st.Size() != 3<<20) {
				t.Errorf("%v, %v", st, serr)
			}
			if s := u.Status(); s.Busy != Idle || (s.Error != "") != (err != nil) {
				t.Errorf("%+v", s)
			}
		})
	}
}

type failing struct{ err error }

func (f *failing) Read([]byte) (int, error) { return 0, f.err }

func TestTheRoomIsLookedAtWhileItShrinks(t *testing.T) {
	u := room(t, newBox(t).boot(slots.A, "v1.0.0", 0))
	left := int64(SpareBytes + 2<<20)
	u.o.Free = func(string) (int64, error) { left -= 1 << 20; return left, nil }
	if err := u.Receive(t.Context(), zeros(100<<20), -1); !errors.Is(err, ErrNoSpace) {
		t.Errorf("%v, want ErrNoSpace", err)
	}
}

func TestOneUpdateIsReceivedAtATime(t *testing.T) {
	u := room(t, newBox(t).boot(slots.A, "v1.0.0", 0))
	r, w := io.Pipe()
	done := make(chan error, 1)
	ctx, cancel := context.WithCancel(t.Context())
	go func() { done <- u.Receive(ctx, r, 4<<20) }()
	if _, err := io.Copy(w, zeros(2<<20)); err != nil {
		t.Fatal(err)
	}
	if s := u.Status(); s.Busy != Receiving {
		t.Errorf("%+v", s)
	}
	if err := u.Receive(t.Context(), zeros(1), 1); !errors.Is(err, ErrBusy) {
		t.Errorf("a second one: %v, want ErrBusy", err)
	}
	if _, err := u.Check(t.Context(), false); !errors.Is(err, ErrBusy) {
		t.Errorf("a check: %v, want ErrBusy", err)
	}
	cancel()
	w.Close()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want context.Canceled", err)
	}
}

func TestAnUpdateIsFetched(t *testing.T) {
	content := bundle()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/good":
			_, _ = w.Write(content)
		case "/short":
			w.Header().Set("Content-Length", "100000")
			_, _ = w.Write(content)
		case "/moved":
			http.Redirect(w, r, "/good", http.StatusFound)
		default:
			http.NotFound(w, r)
		}
	}))
	defer server.Close()
	tests := []struct {
		from string
		ok   bool
	}{
		{server.URL + "/good", true},
		{server.URL + "/moved", true},
		{server.URL + "/short", false},
		{server.URL + "/none?token=secret", false},
		{strings.Replace(server.URL, "http://", "http://user:secret@", 1) + "/none", false},
		{"http://127.0.0.1:1/secret", false},
		{"ftp://127.0.0.1/secret", false},
		{"file:///etc/secret", false},
		{"http:///secret", false},
		{"http://[secret", false},
	}
	for _, tt := range tests {
		u := room(t, newBox(t).boot(slots.A, "v1.0.0", 0))
		u.o.Client = server.Client()
		err := u.Fetch(t.Context(), tt.from)
		if (err == nil) != tt.ok {
			t.Errorf("%s: %v", tt.from, err)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: the error tells a secret: %v", tt.from, err)
		}
		if got, _ := os.ReadFile(u.bundle()); tt.ok != bytes.Equal(got, content) {
			t.Errorf("%s: received %d bytes", tt.from, len(got))
		}
	}
}

// roundTrip is a server without a network.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestADownloadThatStallsIsGivenUp(t *testing.T) {
	b := newBox(t)
	synctest.Test(t, func(t *testing.T) {
		r, w := io.Pipe()
		u := room(t, b.boot(slots.A, "v1.0.0", 0))
		u.o.Client = &http.Client{Transport: roundTrip(func(req *http.Request) (*http.Response, error) {
			context.AfterFunc(req.Context(), func() { w.CloseWithError(req.Context().Err()) }) // as the real one does
			return &http.Response{StatusCode: 200, Body: r, ContentLength: 4 << 20}, nil
		})}
		began := time.Now()
		done := make(chan error, 1)
		go func() { done <- u.Fetch(t.Context(), "https://updates.example/x") }()
		for range 5 { // slow is not stalled
			time.Sleep(stall - time.Second)
			if _, err := w.Write(make([]byte, 1000)); err != nil {
				t.Fatal(err)
			}
		}
		err := <-done
		if took := time.Since(began); err == nil || took != 5*(stall-time.Second)+stall || !strings.Contains(err.Error(), "nothing came") {
			t.Errorf("after %v: %v", took, err)
		}
	})
}

func TestAnUpdateIsFetchedAndInstalledInOne(t *testing.T) {
	b := newBox(t)
	synctest.Test(t, func(t *testing.T) {
		u := b.boot(slots.A, "v1.0.0", 0)
		ok := true
		u.o.Client = &http.Client{Transport: roundTrip(func(*http.Request) (*http.Response, error) {
			if !ok {
				return nil, errors.New("no route to host")
			}
			return &http.Response{StatusCode: 200, Body: io.NopCloser(bytes.NewReader(bundle())), ContentLength: -1}, nil
		})}
		run(t, u, func(context.CancelFunc) {
			if err := u.Install(Request{URL: "https://updates.example/x"}); err != nil {
				t.Fatal(err)
			}
			pass(2 * b.slow)
			if got := b.told(); len(got) != 1 || got[0] != "update_installed" || u.Status().Busy != Installed {
				t.Errorf("told %v, %+v", got, u.Status())
			}
			ok = false
			if err := u.Install(Request{URL: "https://updates.example/x"}); err != nil {
				t.Fatal(err)
			}
			pass(time.Second)
			if got := b.told(); len(got) != 1 || got[0] != "update_failed" || !strings.Contains(u.Status().Error, "no route") {
				t.Errorf("told %v, %+v", got, u.Status())
			}
			if s := u.Status(); s.Busy != Installed || !b.state().Bootable(slots.B) {
				t.Errorf("what was installed before is lost: %+v", s)
			}
		})
	})
}
