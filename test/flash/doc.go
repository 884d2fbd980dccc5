// Package flash proves flash.sh: its tests run the real script, under dash and under
// BusyBox's shell, on plain files and loop devices. It must never name a disk of the
// machine without --dry-run.
package flash
