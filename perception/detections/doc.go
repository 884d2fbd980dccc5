// Package detections owns what workers saw: a log of batches on the primary
// footage volume, which is the outbox and the store of detections at once. A
// batch is one record, so that the two never disagree, and many batches share
// one fdatasync. docs/format/detections.md says what lies on the disk.
//
//	Append ── queue ── Attach ── DIR/00000007.det   (written, synced, then shown)
//	                              00000006.det   (closed: a footer with what a reader looks for)
//
// A batch is visible when it is durable, and not before; Seq ascends in the
// order in which batches became visible. Whoever follows the log keeps StoreID and the
// last Seq: another StoreID is another disk, whose numbers mean nothing to it.
//
// The package never syncs a file again once a write or sync of it failed, never
// writes to a chunk of an earlier run but to close it, and never keeps anything
// outside of its directory. It knows nothing of zones, events or cameras.
package detections
