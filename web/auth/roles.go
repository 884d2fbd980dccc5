package auth

import (
	"context"
	"slices"
)

// Role is what a user is for.
type Role string

// The roles. Only an admin can be made so far; the others have their rights
// fixed here so that whatever is built meanwhile asks for the right one.
const (
	Admin   Role = "admin"   // everything
	Manager Role = "manager" // cameras and what is set for them
	Guard   Role = "guard"   // live, playback, export
	Viewer  Role = "viewer"  // live, playback
)

// Valid reports whether r is one of the roles.
func (r Role) Valid() bool {
	return r == Admin || r == Manager || r == Guard || r == Viewer
}

// Permission is one thing a route or a message may ask for.
type Permission uint8

// The permissions. Public asks for nothing, not even a session; the zero
// Permission is granted to nobody, so that a forgotten one refuses.
const (
	Nobody  Permission = iota
	Public             // no session needed
	Self               // any session: what concerns the caller alone
	View               // live, playback, states of cameras, events
	Export             // take footage away as a file
	Manage             // add, change, test and remove cameras
	Operate            // the box itself: its buttons, its metrics
)

// Can reports whether r includes p. An unknown role has no permission.
func (r Role) Can(p Permission) bool {
	switch p {
	case Public:
		return true
	case Self, View:
		return r.Valid()
	case Export:
		return r == Admin || r == Manager || r == Guard
	case Manage:
		return r == Admin || r == Manager
	case Operate:
		return r == Admin
	}
	return false
}

// Principal is who is asking. It is immutable: a change of role or password
// ends the session, and with it the principal.
type Principal struct {
	Name string
	Role Role
	// Cameras, if not nil, are the only cameras this principal may see.
	Cameras []string

	session *session
	touch   func()
}

// Can reports whether p may do what perm stands for.
func (p *Principal) Can(perm Permission) bool { return p != nil && p.Role.Can(perm) }

// Sees reports whether p may see the camera with this id. Whether there is
// such a camera does not matter: the answer is no oracle.
func (p *Principal) Sees(camera string) bool {
	return p != nil && (p.Cameras == nil || slices.Contains(p.Cameras, camera))
}

// Session identifies p's session among those of this process; it is not
// secret.
func (p *Principal) Session() string {
	if p.session == nil { // as tests make them
		return ""
	}
	return p.session.id
}

// Context ends when p's session does: by logout, by its limits, or because
// the user changed. Whatever outlives one request watches it.
func (p *Principal) Context() context.Context {
	if p.session == nil {
		return context.Background()
	}
	return p.session.ctx
}

// Touch counts as activity of the session. It costs no write.
func (p *Principal) Touch() {
	if p.touch != nil {
		p.touch()
	}
}

type principalKey struct{}

// WithPrincipal returns ctx with p in it.
func WithPrincipal(ctx context.Context, p *Principal) context.Context {
	return context.WithValue(ctx, principalKey{}, p)
}

// From returns the principal of a request that has passed the floor, or nil.
func From(ctx context.Context) *Principal {
	p, _ := ctx.Value(principalKey{}).(*Principal)
	return p
}
