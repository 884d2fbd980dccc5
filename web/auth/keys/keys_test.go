package keys

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestAKeyOpensUntilItIsRemoved(t *testing.T) {
	b := newBox(t)
	k, secret := b.add(t, New{Name: "constructor", Role: "worker", Cameras: []string{"door"}, CreatedBy: "owner", Expires: time.Now().Add(time.Hour)})
	other, otherSecret := b.add(t, worker())
	b.reopen(t)
	got, ctx, ok := b.Check(secret)
	got.LastUsed = time.Time{}
	if !ok || ctx.Err() != nil || !reflect.DeepEqual(got, k) {
		t.Fatalf("after a restart: %+v, %v, %v, want %+v", got, ctx.Err(), ok, k)
	}
	if err := b.Remove(k.ID); err != nil {
		t.Fatal(err)
	}
	for _, when := range []string{"at once", "after a restart"} {
		if got, ended, ok := b.Check(secret); ok || ended.Err() == nil || got.ID != "" {
			t.Errorf("%s: a removed key opens: %+v", when, got)
		}
		if _, ctx, ok := b.Check(otherSecret); !ok || ctx.Err() != nil {
			t.Errorf("%s: another key went with it", when)
		}
		if list := b.List(); len(list) != 1 || list[0].ID != other.ID {
			t.Errorf("%s: list %+v, want the other one", when, list)
		}
		if err := b.Remove(k.ID); !errors.Is(err, ErrNotFound) {
			t.Errorf("%s: Remove = %v, want ErrNotFound", when, err)
		}
		if ctx.Err() == nil {
			t.Error("what ran under the removed key goes on")
		}
		b.reopen(t)
	}
}

func TestWhatAKeyMaySeeSurvivesARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBox(t)
		limits := [][]string{nil, {}, {"door", "yard-2"}}
		for _, cameras := range limits {
			n := worker()
			n.Cameras = slices.Clone(cameras)
			b.add(t, n)
			for i := range n.Cameras {
				n.Cameras[i] = "vault" // the caller's to change
			}
			time.Sleep(time.Microsecond) // the next is created later
		}
		for _, when := range []string{"at once", "after a restart"} {
			for i, k := range b.List() {
				if !reflect.DeepEqual(k.Cameras, limits[i]) {
					t.Errorf("%s: key %d sees %#v, want %#v", when, i, k.Cameras, limits[i])
				}
			}
			b.reopen(t)
		}
	})
}

func TestAddRefusesWhatWillNotDo(t *testing.T) {
	b := newBox(t)
	hour := time.Now().Add(time.Hour)
	tests := []struct {
		name  string
		n     New
		field string
	}{
		{"all as it should be", New{Name: "a", Role: "worker"}, ""},
		{"a name of 64 characters", New{Name: strings.Repeat("é", 64), Role: "metrics"}, ""},
		{"a camera's id of 48 characters", New{Name: "a", Role: "relay", Cameras: []string{strings.Repeat("c", 48)}}, ""},
		{"256 cameras, expiring", New{Name: "a", Role: "integration", Cameras: slices.Repeat([]string{"c"}, 256), Expires: hour}, ""},
		{"no name", New{Role: "worker"}, "name"},
		{"a name of 65 characters", New{Name: strings.Repeat("e", 65), Role: "worker"}, "name"},
		{"a name of spaces", New{Name: "  ", Role: "worker"}, "name"},
		{"a name with a line end", New{Name: "a\nb", Role: "worker"}, "name"},
		{"a name that turns the line around", New{Name: "a\u202eb", Role: "worker"}, "name"},
		{"a name that is no text", New{Name: "a\xff", Role: "worker"}, "name"},
		{"no role", New{Name: "a"}, "role"},
		{"a person's role", New{Name: "a", Role: "admin"}, "role"},
		{"a role in capitals", New{Name: "a", Role: "Worker"}, "role"},
		{"257 cameras", New{Name: "a", Role: "worker", Cameras: slices.Repeat([]string{"c"}, 257)}, "cameras"},
		{"a camera's id of 49 characters", New{Name: "a", Role: "worker", Cameras: []string{strings.Repeat("c", 49)}}, "cameras"},
		{"a camera's id with a way out", New{Name: "a", Role: "worker", Cameras: []string{"ok", "../x"}}, "cameras"},
		{"an empty camera's id", New{Name: "a", Role: "worker", Cameras: []string{""}}, "cameras"},
		{"an expiry that is over", New{Name: "a", Role: "worker", Expires: time.Now().Add(-time.Second)}, "expires_at"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			before := len(b.List())
			_, secret, err := b.Add(tt.n)
			if tt.field == "" {
				if err != nil || secret == "" {
					t.Fatalf("Add = %v", err)
				}
				return
			}
			var field *FieldError
			if !errors.As(err, &field) || field.Field() != tt.field || field.Message == "" || secret != "" {
				t.Errorf("Add = %v, want an error of %s", err, tt.field)
			}
			if len(b.List()) != before {
				t.Error("and yet it was added")
			}
		})
	}
}

func TestThereIsRoomFor256Keys(t *testing.T) {
	b := newBox(t)
	var first Key
	for i := range maxKeys {
		k, _ := b.add(t, worker())
		if i == 0 {
			first = k
		}
	}
	if _, _, err := b.Add(worker()); !errors.Is(err, ErrFull) || len(b.List()) != maxKeys {
		t.Errorf("Add = %v with %d keys, want ErrFull", err, len(b.List()))
	}
	if err := b.Remove(first.ID); err != nil {
		t.Fatal(err)
	}
	b.add(t, worker())
}

// TestNoSecretIsKept looks for all of a secret, and for its random part, on
// disk, in the log and in what is listed.
func TestNoSecretIsKept(t *testing.T) {
	b := newBox(t)
	var secrets []string
	for i := range 20 {
		k, secret := b.add(t, worker())
		b.Check(secret)
		b.Check(secret + "x")
		if i%2 == 0 {
			if err := b.Remove(k.ID); err != nil {
				t.Fatal(err)
			}
		}
		secrets = append(secrets, secret)
	}
	if err := b.flush(); err != nil {
		t.Fatal(err)
	}
	b.reopen(t)
	list, err := json.Marshal(b.List())
	if err != nil {
		t.Fatal(err)
	}
	disk, err := os.ReadFile(b.path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(disk, []byte(b.List()[0].ID)) {
		t.Error("the database is not where it is looked for")
	}
	for _, secret := range secrets {
		for place, content := range map[string][]byte{"disk": disk, "list": list, "log": []byte(b.logged())} {
			if bytes.Contains(content, []byte(secret[:len(Prefix)+idLen+1])) || bytes.Contains(content, []byte(secret[len(Prefix)+idLen+1:])) {
				t.Errorf("a secret is in the %s", place)
			}
		}
	}
}

// TestARemovedKeyIsOverEvenIfTheDiskIsNot: it is in force for this process,
// and the administrator can try again.
func TestARemovedKeyIsOverEvenIfTheDiskIsNot(t *testing.T) {
	b := newBox(t)
	k, secret := b.add(t, worker())
	_, ctx, _ := b.Check(secret)
	b.db.Close()
	for range 2 {
		if err := b.Remove(k.ID); err == nil || errors.Is(err, ErrNotFound) || strings.Contains(err.Error(), secret) {
			t.Errorf("Remove = %v, want an error of the database", err)
		}
		if _, _, ok := b.Check(secret); ok || ctx.Err() == nil {
			t.Error("the key goes on")
		}
		if len(b.List()) != 1 {
			t.Error("the key is not listed any more, though it will be back")
		}
	}
	if _, secret, err := b.Add(worker()); err == nil || secret != "" || len(b.List()) != 1 {
		t.Errorf("Add without a disk = %v", err)
	}
}

func TestAKeyThatIsGoneFromDiskCanBeRemoved(t *testing.T) {
	b := newBox(t)
	k, secret := b.add(t, worker())
	if err := b.db.Drop(bucket); err != nil {
		t.Fatal(err)
	}
	if err := b.Remove(k.ID); err != nil {
		t.Errorf("Remove = %v", err)
	}
	if _, _, ok := b.Check(secret); ok || len(b.List()) != 0 {
		t.Error("the key is still there")
	}
}

func TestDamagedRowsOpenNothingAndKeepNothingFromStarting(t *testing.T) {
	b := newBox(t)
	_, secret := b.add(t, worker())
	hash := strings.Repeat("ab", 32)
	rows := []struct{ name, key, value string }{
		{"no JSON", hash, `{`},
		{"empty", strings.Replace(hash, "ab", "a1", 1), `{}`},
		{"a role there is not", strings.Replace(hash, "ab", "a2", 1), `{"id":"aaaaaaaaaaaa","name":"a","role":"admin"}`},
		{"no id", strings.Replace(hash, "ab", "a3", 1), `{"name":"a","role":"worker"}`},
		{"an id that is a path", strings.Replace(hash, "ab", "a4", 1), `{"id":"aaaa/../aaaa","name":"a","role":"worker"}`},
		{"an id that is taken", strings.Replace(hash, "ab", "ff", 1), `{"id":"` + b.List()[0].ID + `","name":"a","role":"worker"}`},
		{"a name that is no hash", strings.Replace(hash, "ab", "zz", 1), `{"id":"bbbbbbbbbbbb","name":"a","role":"worker"}`},
		{"a short name", "abcd", `{"id":"cccccccccccc","name":"a","role":"worker"}`},
	}
	for _, row := range rows {
		if err := b.db.SetBytes(bucket, row.key, []byte(row.value)); err != nil {
			t.Fatal(err)
		}
	}
	b.reopen(t)
	if _, _, ok := b.Check(secret); !ok || len(b.List()) != 1 {
		t.Errorf("%d keys, the good one opens %v, want one that does", len(b.List()), ok)
	}
	if n := strings.Count(b.logged(), "level=ERROR"); n != len(rows) {
		t.Errorf("%d rows logged, want %d:\n%s", n, len(rows), b.logged())
	}
}
