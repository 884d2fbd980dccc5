//go:build race

package crash

// raced says that the race detector is on: a part of the fixed subset, at the
// same speed, has to do.
const raced = true
