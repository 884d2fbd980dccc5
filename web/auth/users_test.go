package auth

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestAddUserRefusesWhatWillNotDo(t *testing.T) {
	b := newBox(t, Options{})
	b.claimed(t)
	tests := []struct {
		name, user string
		role       Role
		password   string
		field      string
	}{
		{"an empty name", "", Admin, goodPassword, "username"},
		{"a name with a slash", "../x", Admin, goodPassword, "username"},
		{"a name with a line break", "a\nb", Admin, goodPassword, "username"},
		{"a name of 65 letters", strings.Repeat("a", 65), Admin, goodPassword, "username"},
		{"an unknown role", "ann", "god", goodPassword, "role"},
		{"no role", "ann", "", goodPassword, "role"},
		{"a role of machines", "ann", Worker, goodPassword, "role"},
		{"seven characters", "ann", Admin, "abcdef7", "password"},
		{"seven characters of two bytes", "ann", Admin, "äöüßéèñ", "password"},
		{"129 characters", "ann", Admin, strings.Repeat("ab", 64) + "c", "password"},
		{"one character repeated", "ann", Admin, "zzzzzzzzzz", "password"},
		{"a common password", "ann", Admin, "QWERTZUIOP", "password"},
		{"a product word with a number", "ann", Admin, "Vedette2026!", "password"},
		{"the user name", "annemarie", Admin, "AnneMarie1", "password"},
		{"not text", "ann", Admin, "\xff\xfe12345678", "password"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var fe *FieldError
			_, err := b.AddUser(t.Context(), tt.user, tt.role, tt.password, nil)
			if !errors.As(err, &fe) || fe.Name != tt.field {
				t.Fatalf("AddUser = %v, want an error in %s", err, tt.field)
			}
			if tt.field == "password" && strings.Contains(err.Error(), tt.password) {
				t.Error("the error shows the password")
			}
		})
	}
	for _, pw := range []string{"eight ch", strings.Repeat("ab", 64), "пароль-длинный", "'; drop table --", "12 zwölf\x00\x01"} {
		if _, err := b.AddUser(t.Context(), "u"+newCode(), Viewer, pw, nil); err != nil {
			t.Errorf("password %q: %v, want it accepted", pw, err)
		}
	}
	if _, err := b.AddUser(t.Context(), "OWNER", Viewer, goodPassword, nil); !errors.Is(err, ErrExists) {
		t.Errorf("a name taken in another case: %v, want ErrExists", err)
	}
}

func TestADamagedUserIsAnErrorNotAFreshBox(t *testing.T) {
	b := newBox(t, Options{})
	b.claimed(t)
	if err := b.db.SetBytes(usersBucket, "owner", []byte("{")); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(b.db, Options{}); err == nil {
		t.Error("Open succeeded; the box could be claimed by anybody")
	}
}

func TestCamerasOfAUserAreIdsAndKeepTheirMeaning(t *testing.T) {
	many := make([]string, maxCameras+1)
	for i := range many {
		many[i] = fmt.Sprint("cam-", i)
	}
	tests := []struct {
		name     string
		in, want []string
		ok       bool
	}{
		{"nil is all", nil, nil, true},
		{"an empty list is none", []string{}, []string{}, true},
		{"some, sorted and each once", []string{"yard", "gate", "yard"}, []string{"gate", "yard"}, true},
		{"as many as there may be", many[:maxCameras], slices.Sorted(slices.Values(many[:maxCameras])), true},
		{"one too many", many, nil, false},
		{"a path", []string{"../x"}, nil, false},
		{"an empty name", []string{""}, nil, false},
		{"a star", []string{"*"}, nil, false},
		{"49 letters", []string{strings.Repeat("a", 49)}, nil, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := newBox(t, Options{})
			b.claimed(t)
			p, err := b.AddUser(t.Context(), "ann", Viewer, goodPassword, tt.in)
			var fe *FieldError
			if (err == nil) != tt.ok || !tt.ok && (!errors.As(err, &fe) || fe.Name != "cameras") {
				t.Fatalf("AddUser = %v, want ok %v or an error in cameras", err, tt.ok)
			}
			if !tt.ok {
				return
			}
			token := b.login(t, "ann", "")
			for range 2 { // before and after a restart
				if got := b.principal(t, token).Cameras; !reflect.DeepEqual(p.Cameras, tt.want) || !reflect.DeepEqual(got, tt.want) {
					t.Errorf("cameras %#v and %#v, want %#v", p.Cameras, got, tt.want)
				}
				b.reopen(t, Options{})
			}
		})
	}
}

func TestPeopleAreListedByNameWithWhatMayBeKnown(t *testing.T) {
	b := newBox(t, Options{})
	owner := b.principal(t, b.claimed(t))
	b.person(t, "Zoe", Viewer)
	b.person(t, "ann", Guard)
	b.login(t, "ann", "")
	b.enrolled(t, owner)
	off := true
	if _, err := b.ChangeUser(t.Context(), owner, "zoe", Change{Disabled: &off}); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range b.People() {
		got = append(got, fmt.Sprintf("%s %s disabled=%v totp=%v sessions=%d", p.Name, p.Role, p.Disabled, p.TOTP, p.Sessions))
		if p.Created.IsZero() || p.LastLogin.Before(p.Created) || time.Since(p.LastLogin) > time.Minute {
			t.Errorf("%s: created %v, last login %v", p.Name, p.Created, p.LastLogin)
		}
	}
	want := []string{"ann guard disabled=false totp=false sessions=2", "owner admin disabled=false totp=true sessions=1", "Zoe viewer disabled=true totp=false sessions=0"}
	if !slices.Equal(got, want) {
		t.Errorf("people\n%q, want\n%q", got, want)
	}
}

// TestRowsFromBeforeAreRead: users and sessions as the first release wrote them.
func TestRowsFromBeforeAreRead(t *testing.T) {
	b := newBox(t, Options{})
	token := b.claimed(t)
	hash := b.users["owner"].Hash
	key := hashToken(token)
	rows := map[string]string{
		usersBucket + "/owner":     `{"name":"Owner","role":"admin","hash":"` + hash + `","created":"2026-01-02T03:04:05Z"}`,
		usersBucket + "/ann":       `{"name":"ann","role":"viewer","cameras":["gate"],"hash":"` + hash + `","created":"2026-01-02T03:04:05Z"}`,
		sessionsBucket + "/" + key: fmt.Sprintf(`{"user":"owner","created":%q,"seen":%q,"address":"10.0.0.1"}`, time.Now().Format(time.RFC3339), time.Now().Format(time.RFC3339)),
	}
	for name, row := range rows {
		bucket, key, _ := strings.Cut(name, "/")
		if err := b.db.SetBytes(bucket, key, []byte(row)); err != nil {
			t.Fatal(err)
		}
	}
	b.reopen(t, Options{})
	if p := b.principal(t, token); p.Name != "Owner" || p.Cameras != nil || !b.Claimed() {
		t.Errorf("principal %+v, claimed %v", p, b.Claimed())
	}
	if p := b.principal(t, b.login(t, "ann", "")); !slices.Equal(p.Cameras, []string{"gate"}) {
		t.Errorf("cameras %v, want the gate", p.Cameras)
	}
}

// TestSessionsOfAUserWhoIsGoneDoNotComeBack with a user of the same name.
func TestSessionsOfAUserWhoIsGoneDoNotComeBack(t *testing.T) {
	b := newBox(t, Options{})
	b.claimed(t)
	b.person(t, "ann", Viewer)
	token := b.login(t, "ann", "")
	if err := b.db.Delete(usersBucket, "ann"); err != nil {
		t.Fatal(err)
	}
	b.reopen(t, Options{})
	b.person(t, "ann", Viewer)
	b.reopen(t, Options{})
	if _, err := b.Authenticate(token); !errors.Is(err, ErrNoSession) {
		t.Errorf("the session of who was ann: %v, want ErrNoSession", err)
	}
	if n := len(b.Sessions("ann")); n != 1 {
		t.Errorf("%d sessions of the new ann, want 1", n)
	}
}

// TestAPersonWithTheRoleOfAMachineCannotSignIn: such a row is damage.
func TestAPersonWithTheRoleOfAMachineCannotSignIn(t *testing.T) {
	b := newBox(t, Options{})
	b.claimed(t)
	b.person(t, "ann", Viewer)
	token := b.login(t, "ann", "")
	u := b.users["ann"]
	u.Role = Worker
	if err := b.db.Set(usersBucket, "ann", u); err != nil {
		t.Fatal(err)
	}
	b.reopen(t, Options{})
	if _, err := b.Login(t.Context(), from("10.0.0.1:1"), "ann", goodPassword, ""); !errors.Is(err, ErrCredentials) {
		t.Errorf("login: %v, want ErrCredentials", err)
	}
	if _, err := b.Authenticate(token); !errors.Is(err, ErrNoSession) {
		t.Errorf("session: %v, want ErrNoSession", err)
	}
}

func TestThereIsAnEndToTheNumberOfUsers(t *testing.T) {
	b := newBox(t, Options{})
	b.claimed(t)
	for i := range maxUsers - 1 {
		if _, err := b.AddUser(t.Context(), fmt.Sprint("u", i), Viewer, goodPassword, nil); err != nil {
			t.Fatal(err)
		}
	}
	var fe *FieldError
	if _, err := b.AddUser(t.Context(), "more", Viewer, goodPassword, nil); !errors.As(err, &fe) {
		t.Errorf("one more than %d: %v, want a FieldError", maxUsers, err)
	}
}
