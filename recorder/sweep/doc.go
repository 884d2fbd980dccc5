// Package sweep keeps a footage volume above its free floor by deleting the
// oldest unlocked segments, and says when it cannot.
//
// Plan decides, and is a pure function of figures. Sweeper measures, acts in
// an order that survives a power cut at every step, measures again, and
// remembers what did not help. Rules other than the floor and the reserve
// will take their place beside them: a rule chooses rows, everything behind
// the choice is shared.
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
// one that somebody reads, and never a file that the index does not name. It
// decides by figures of the disk alone, so a wrong clock deletes nothing.
package sweep
