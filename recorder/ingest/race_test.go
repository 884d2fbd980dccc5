//go:build race

package ingest

// raceEnabled says that the race detector makes everything slow.
const raceEnabled = true
