package auth

// Role is what a person or a machine is for.
type Role string

// The roles of people.
const (
	Admin   Role = "admin"   // everything
	Manager Role = "manager" // cameras and what is set for them
	Guard   Role = "guard"   // live, playback, export
	Viewer  Role = "viewer"  // live, playback
)

// The roles of machines, which come with an API key.
const (
	Worker      Role = "worker"      // looks at frames and says what it sees
	Metrics     Role = "metrics"     // reads the figures of the box
	Relay       Role = "relay"       // forwards streams
	Integration Role = "integration" // watches, and reports or triggers things
)

// Valid reports whether r is a role that a person can have.
func (r Role) Valid() bool {
	return r == Admin || r == Manager || r == Guard || r == Viewer
}

// Machine reports whether r is a role that an API key can have.
func (r Role) Machine() bool {
	return r == Worker || r == Metrics || r == Relay || r == Integration
}

// Permission is one thing a route or a message may ask for.
type Permission uint8

// The permissions. Public asks for nothing, not even a session; the zero
// Permission is granted to nobody, so that a forgotten one refuses.
const (
	Nobody  Permission = iota
	Public             // no session needed
	Self               // any session or key: what concerns the caller alone
	View               // live, playback, states of cameras, events
	Export             // take footage away as a file
	Manage             // add, change, test and remove cameras
	Operate            // the box itself: its buttons, its people
	Account            // a person's own account; never with a key
	Measure            // the figures of the box
	Work               // take tasks, send detections
	Forward            // take streams to forward them
	Report             // report or trigger something
	Watch              // what the box sees: frames, detections, who is in a zone
)

// Can reports whether r includes p. An unknown role has no permission.
func (r Role) Can(p Permission) bool {
	switch p {
	case Public:
		return true
	case Self:
		return r.Valid() || r.Machine()
	case View:
		return r.Valid() || r == Integration
	case Export:
		return r == Admin || r == Manager || r == Guard
	case Manage:
		return r == Admin || r == Manager
	case Operate:
		return r == Admin
	case Account:
		return r.Valid()
	case Measure:
		return r == Admin || r == Metrics
	case Work:
		return r == Worker
	case Forward:
		return r == Relay
	case Report:
		return r == Admin || r == Manager || r == Integration
	case Watch:
		return r.Valid() || r == Integration || r == Worker
	}
	return false
}

// String returns p's name in lower case, or "nobody".
func (p Permission) String() string {
	names := [...]string{"nobody", "public", "self", "view", "export", "manage", "operate",
		"account", "measure", "work", "forward", "report", "watch"}
	if int(p) >= len(names) {
		return names[Nobody]
	}
	return names[p]
}
