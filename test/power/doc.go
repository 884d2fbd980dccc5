// Package power proves what a power cut costs. It runs the product, with
// simulated cameras, in an emulated machine whose disk requests are logged,
// and builds from the log the disks that a power cut could have left: as of
// every flush, and with any part of what came after one. On each it mounts the
// file system, lets the product's own recovery work, and compares what is
// there with what the product had promised by then (package marker). Controls
// that must lose prove that it sees.
//
// It needs root, for mounting, and what packages.sh installs; run.sh, which is
// `make test-power`, does it all. docs/decisions/power-cut-lab.md says what is
// proved and what is not.
package power
