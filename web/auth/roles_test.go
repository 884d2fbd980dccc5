package auth

import (
	"fmt"
	"strings"
	"testing"
)

// matrix is the whole of who may do what. It is meant to be read; a change of
// it is a decision.
const matrix = `
            nobody public self view export manage operate account measure work forward report watch
admin       -      x      x    x    x      x      x       x       x       -    -       x      x
manager     -      x      x    x    x      x      -       x       -       -    -       x      x
guard       -      x      x    x    x      -      -       x       -       -    -       -      x
viewer      -      x      x    x    -      -      -       x       -       -    -       -      x
worker      -      x      x    -    -      -      -       -       -       x    -       -      x
metrics     -      x      x    -    -      -      -       -       x       -    -       -      -
relay       -      x      x    -    -      -      -       -       -       -    x       -      -
integration -      x      x    x    -      -      -       -       -       -    -       x      x
root        -      x      -    -    -      -      -       -       -       -    -       -      -
""          -      x      -    -    -      -      -       -       -       -    -       -      -
`

func TestRolesCanWhatTheyAreFor(t *testing.T) {
	var got strings.Builder
	fmt.Fprintf(&got, "\n%-11s", "")
	for p := Nobody; p <= Watch; p++ {
		fmt.Fprint(&got, " ", p)
	}
	for _, role := range []Role{Admin, Manager, Guard, Viewer, Worker, Metrics, Relay, Integration, "root", `""`} {
		fmt.Fprintf(&got, "\n%-11s", role)
		for p := Nobody; p <= Watch; p++ {
			can := "-"
			if Role(strings.Trim(string(role), `"`)).Can(p) {
				can = "x"
			}
			line := fmt.Sprintf(" %-*s", len(p.String()), can)
			if p == Watch {
				line = " " + can
			}
			got.WriteString(line)
		}
	}
	if got.String()+"\n" != matrix {
		t.Errorf("the roles can%s\nwant%s", got.String(), matrix)
	}
	for _, role := range []Role{Admin, Worker} {
		if role.Can(Watch + 1) {
			t.Errorf("%s can what there is not", role)
		}
	}
}

func TestEveryRoleIsOfPeopleOrOfMachines(t *testing.T) {
	for role, want := range map[Role][2]bool{
		Admin: {true, false}, Manager: {true, false}, Guard: {true, false}, Viewer: {true, false},
		Worker: {false, true}, Metrics: {false, true}, Relay: {false, true}, Integration: {false, true},
		"": {false, false}, "root": {false, false}, "ADMIN": {false, false},
	} {
		if role.Valid() != want[0] || role.Machine() != want[1] {
			t.Errorf("%q: of people %v, of machines %v; want %v", role, role.Valid(), role.Machine(), want)
		}
	}
}

func TestPrincipals(t *testing.T) {
	var none *Principal
	if none.Can(View) || none.Can(Public) || none.Sees("yard") {
		t.Error("no principal may do something")
	}
	some := &Principal{Role: Viewer, Cameras: []string{"yard"}}
	if !some.Sees("yard") || some.Sees("gate") || (&Principal{Cameras: []string{}}).Sees("yard") || !(&Principal{}).Sees("yard") {
		t.Error("the limit to cameras does not hold")
	}
	if some.Machine() || some.Via() != "" || some.Context().Err() != nil {
		t.Error("a principal without a key is a machine")
	}
	machine := &Principal{Role: Admin, Key: "abc"} // which no key can have
	if machine.Can(Account) || !machine.Machine() || machine.Via() != "key:abc" || machine.Session() != "" {
		t.Error("a machine has a person's account")
	}
}
