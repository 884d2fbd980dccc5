// Package crash proves the promise of the recorder after a power cut: at most
// two seconds of footage lost per camera, never a file, never evidence, never
// the index. It runs segment writers, a volume, the index and a sweeper on
// internal/faultfs, cuts the power before every operation, recovers what is
// left, and compares it with a ledger of what was promised.
//
// The oracle trusts nothing of what it tests: it knows every byte that a
// camera sent and looks for it. docs/decisions/crash-testing.md says how to
// run it in full and what it does not see.
package crash
