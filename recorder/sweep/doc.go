// Package sweep deletes the oldest unlocked segments of a footage volume: to keep
// free space above the floor, and by age, quota and cap where a person set
// them. It says what it deletes and why, and when it cannot do what it should.
//
// Plan decides, and is a pure function of figures. Sweeper measures, acts in
// an order that survives a power cut at every step, measures again, and
// remembers what did not help. A rule chooses rows, everything behind the choice
// is shared; one that fails does not keep the others from working.
//
// The order on disk, for each batch of at most 256 segments:
//
//  1. one index transaction looks at the locks again and moves the rows to
//     the garbage list, with the reason;
//  2. the files are unlinked, and day directories that became empty;
//  3. each directory touched is synced once;
//  4. one index transaction drops the garbage rows and appends the audit entry.
//
// A cut before 3 may bring files back, and their rows are still garbage: the
// next sweep unlinks them again. So a row always means a whole file, and a
// file without a row is never left behind.
//
// The package must never touch evidence, a segment that is being written or
// one that somebody reads, and never a file that the index does not name. The
// wall clock decides by age alone, while it is trusted, and braked.
package sweep
