package auth

import (
	"context"
	"slices"
)

// Principal is who is asking. It is immutable: a change of role, cameras or
// password ends the session, and with it the principal.
type Principal struct {
	Name string // of the person, or of the API key
	Role Role
	// Cameras, if not nil, are the only cameras this principal may see.
	Cameras []string
	// Key is the id of the API key that a machine came with, "" for a person.
	Key string

	session *session
	ctx     context.Context // of the key
	touch   func()
}

// Can reports whether p may do what perm stands for.
func (p *Principal) Can(perm Permission) bool {
	return p != nil && p.Role.Can(perm) && (perm != Account || p.Key == "")
}

// Sees reports whether p may see the camera with this id. Whether there is
// such a camera does not matter: the answer is no oracle.
func (p *Principal) Sees(camera string) bool {
	return p != nil && (p.Cameras == nil || slices.Contains(p.Cameras, camera))
}

// Machine reports whether p came with an API key.
func (p *Principal) Machine() bool { return p.Key != "" }

// Session identifies p's session; it is not secret. It is "" for a machine:
// whatever belongs to either of the two goes by Via.
func (p *Principal) Session() string {
	if p.session == nil { // a machine, or as tests make them
		return ""
	}
	return p.session.id
}

// Via identifies what p came in with: the session, or "key:" and the id of
// the API key. It is not secret.
func (p *Principal) Via() string {
	if p.Key != "" {
		return viaKey(p.Key)
	}
	return p.Session()
}

func viaKey(id string) string { return "key:" + id }

// Context ends when p's session does: by logout, by its limits, or because
// the user changed; or when p's key is revoked or expires. Whatever outlives
// one request watches it.
func (p *Principal) Context() context.Context {
	switch {
	case p.session != nil:
		return p.session.ctx
	case p.ctx != nil:
		return p.ctx
	}
	return context.Background()
}

// ended reports whether p has come to its end; nobody has none.
func (p *Principal) ended() bool { return p != nil && p.Context().Err() != nil }

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
