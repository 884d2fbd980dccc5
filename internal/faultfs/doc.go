// Package faultfs is a disk for tests: an in-memory volume.FS with two
// states, what the process sees and what would be there if the power went
// now. It owns the model of what a file system promises and, above all, of
// what it does not.
//
// The model is meaner than any one file system, and legal for all of them:
//
//   - Bytes reach the disk by Handle.Sync of their file or by SyncFS, and by
//     nothing else for certain. Of everything written since, any pages of
//     4 KiB may be there and any not, whatever the order of the writes, and
//     some in their first sectors alone; the size may be any that the file had
//     since. A page inside the size that did not survive holds what was there
//     before, or zeros. Write-back of a range promises nothing.
//   - Names reach the disk by SyncDir of the directory they are in or by
//     SyncFS. Of the changes since, any may survive in any directory, as long
//     as changes of one name come in their order: a rename survives only with
//     the creation of what it renamed. A directory whose own name is not on
//     the disk takes all that is in it along. A rename is one step: the file
//     is under one of both names, never under both and never under none; it
//     lasts for certain when the directory it went to was synced.
//   - A sync that fails may have written any pages. The others are dropped:
//     the process still reads them, but no later sync brings them to the
//     disk. Names stay as uncertain as they were.
//   - Space is counted in pages, preallocated ones included; a file that was
//     removed keeps its pages until nobody has it open.
//
// Every call is an operation with a number. The power can be cut before any
// of them, and any of them can be made to fail, to write less, or to take its
// time. All of it depends on the seed alone, given the same order of calls.
//
// The package must never promise more than the interface does: a test that
// passes here for a promise that no disk gives is worth less than none.
package faultfs
