// Package index owns segments.db, the list of the closed segments of one
// volume: one small row for each file, in the order of time, kept through
// storm on bbolt. It is the only place that opens that file.
//
// A row means a whole file: it is added after the file was synced and
// renamed. The reverse does not hold: after a power cut the last minutes of
// files have no row yet, and recovery adds them. The index can always be
// rebuilt from the names of the files, so it never decides what footage is.
//
// Rows wait in memory until the next commit, once a minute, because every
// commit costs the flash about 20 KiB however many rows it holds. Readers see
// waiting rows at once. All methods of Index may be called concurrently; one
// write transaction runs at a time, and readers wait for none.
//
// The package must never map a file that Verify did not pass: a torn page
// ends the process inside bbolt. It touches no footage file, and it decides
// nothing about which rows go; see package sweep.
package index
