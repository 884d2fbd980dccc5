package ticket

import (
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func frame() Frame {
	return Frame{Key: "key_1", Camera: "door", Task: "task_abc", Profile: "sub", Seq: 7,
		Captured: time.Date(2026, 11, 28, 8, 0, 0, 123e6, time.UTC)}
}

func TestATicketSaysWhatItWasIssuedFor(t *testing.T) {
	o := New()
	want := frame()
	got, err := o.Check("key_1", o.Issue(want))
	if err != nil {
		t.Fatal(err)
	}
	id := got.ID
	if got.ID = ""; got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if !strings.HasSuffix(id, ".abc.7") || len(id) > 64 {
		t.Errorf("frame id is %q", id)
	}
}

func TestTheFrameIDIsOfFrameAndTaskAndBoot(t *testing.T) {
	o := New()
	id := func(o *Office, change func(*Frame)) string {
		f := frame()
		change(&f)
		got, err := o.Check(f.Key, o.Issue(f))
		if err != nil {
			t.Fatal(err)
		}
		return got.ID
	}
	one := id(o, func(*Frame) {})
	if got := id(o, func(f *Frame) { f.Key = "key_2" }); got != one {
		t.Errorf("for another key it is %q, want %q", got, one)
	}
	for name, change := range map[string]func(*Frame){
		"frame": func(f *Frame) { f.Seq++ }, "task": func(f *Frame) { f.Task = "task_abd" },
	} {
		if got := id(o, change); got == one {
			t.Errorf("of another %s it is the same", name)
		}
	}
	if got := id(New(), func(*Frame) {}); got == one {
		t.Error("of another boot it is the same")
	}
}

func TestATicketLivesTwoMinutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := New()
		time.Sleep(time.Hour)
		text := o.Issue(frame())
		time.Sleep(Life - time.Millisecond)
		if _, err := o.Check("key_1", text); err != nil {
			t.Errorf("before its end: %v", err)
		}
		time.Sleep(time.Millisecond)
		if f, err := o.Check("key_1", text); !errors.Is(err, ErrExpired) || f != (Frame{}) {
			t.Errorf("at its end: %+v, %v", f, err)
		}
		if _, err := o.Check("key_2", text); !errors.Is(err, ErrForeign) {
			t.Errorf("another key learns that it is over: %v", err)
		}
	})
}

func TestATicketIsOfOneKeyAndOneBox(t *testing.T) {
	o := New()
	text := o.Issue(frame())
	for _, key := range []string{"key_2", "", "key_1 ", "key_"} {
		if f, err := o.Check(key, text); !errors.Is(err, ErrForeign) || f != (Frame{}) {
			t.Errorf("for %q: %+v, %v", key, f, err)
		}
	}
	if _, err := New().Check("key_1", text); !errors.Is(err, ErrBadTicket) {
		t.Errorf("another box: %v", err)
	}
}

func TestNothingOfATicketCanBeChanged(t *testing.T) {
	o := New()
	text := o.Issue(frame())
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_=\n +/"
	for i := range text {
		for _, c := range letters {
			if other := text[:i] + string(c) + text[i+1:]; other != text {
				if _, err := o.Check("key_1", other); !errors.Is(err, ErrBadTicket) {
					t.Fatalf("with %q at %d: %v", c, i, err)
				}
			}
		}
	}
	for _, camera := range []string{"a", "ab", "abc"} { // so that the last letter is of 2, 4 and 6 bits
		f := frame()
		f.Camera = camera
		text := o.Issue(f)
		for _, c := range letters {
			if other := text[:len(text)-1] + string(c); other != text {
				if _, err := o.Check("key_1", other); !errors.Is(err, ErrBadTicket) {
					t.Errorf("a ticket for %s has two texts: %v", camera, err)
				}
			}
		}
	}
	for _, other := range []string{"", "=", text + "A", text + "=", text + "\n", text[:20] + "\n" + text[20:], text[1:], text[:len(text)-1],
		text + text, strings.Repeat("A", 1<<20), base64.RawURLEncoding.EncodeToString(make([]byte, 32)), base64.RawURLEncoding.EncodeToString(make([]byte, 33))} {
		if _, err := o.Check("key_1", other); !errors.Is(err, ErrBadTicket) {
			t.Errorf("%.40q: %v", other, err)
		}
	}
}

func TestNamesDoNotRunIntoEachOther(t *testing.T) {
	o := New()
	f := frame()
	f.Camera, f.Task = "doort", "ask_abc"
	got, err := o.Check("key_1", o.Issue(f))
	if err != nil || got.Camera != "doort" || got.Task != "ask_abc" {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestWhatDoesNotFitGetsNoTicket(t *testing.T) {
	o := New()
	for _, change := range []func(*Frame){
		func(f *Frame) { f.Key = "" }, func(f *Frame) { f.Camera = "" }, func(f *Frame) { f.Task = "" }, func(f *Frame) { f.Profile = "" },
		func(f *Frame) { f.Camera = strings.Repeat("c", 256) },
		func(f *Frame) {
			f.Camera, f.Task, f.Key = strings.Repeat("c", 255), strings.Repeat("t", 255), strings.Repeat("k", 255)
		},
	} {
		f := frame()
		change(&f)
		if text := o.Issue(f); text != "" {
			t.Errorf("%+.40v got a ticket", f)
		}
	}
	f := frame()
	f.Camera, f.Task = strings.Repeat("c", 255), strings.Repeat("t", 255)
	if got, err := o.Check(f.Key, o.Issue(f)); err != nil || got.Camera != f.Camera {
		t.Errorf("the longest names: %v", err)
	}
}

func FuzzCheck(f *testing.F) {
	o := New()
	f.Add(o.Issue(frame()))
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		if got, err := New().Check("key_1", text); err == nil || got != (Frame{}) {
			t.Fatalf("%q is a ticket: %+v", text, got)
		}
	})
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte{version})
	whole := append([]byte{version, 24: 0}, 1, 'k', 1, 'c', 1, 't', 1, 'p')
	f.Add(whole)
	f.Add(append(whole, 0))
	f.Add(whole[:len(whole)-1])
	f.Add(append([]byte{version + 1}, whole[1:]...))
	f.Fuzz(func(t *testing.T, data []byte) {
		got, _, ok := decode(data)
		if ok && (data[0] != version || 25+4+len(got.Key)+len(got.Camera)+len(got.Task)+len(got.Profile) != len(data)) {
			t.Fatalf("%x is %+v", data, got)
		}
	})
}

func BenchmarkIssueAndCheck(b *testing.B) {
	o, f := New(), frame()
	for b.Loop() {
		if _, err := o.Check(f.Key, o.Issue(f)); err != nil {
			b.Fatal(err)
		}
	}
}
