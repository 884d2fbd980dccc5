package testkit

import (
	"net"
	"testing"
	"time"
)

// FreePort returns a TCP port of the loopback interface that was free a moment
// ago.
func FreePort(t testing.TB) int {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().(*net.TCPAddr).Port
}

// Until waits for ok to hold and fails the test if it does not in time. It is
// for tests with real processes; what runs in this one is better tested with
// testing/synctest. ok is called at once and then every 20 ms.
func Until(t testing.TB, within time.Duration, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(within)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within %v", what, within)
		}
		time.Sleep(20 * time.Millisecond)
	}
}
