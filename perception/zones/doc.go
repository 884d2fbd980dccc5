// Package zones makes events of what workers saw: a track came into a zone,
// stays there, left it, crossed a line. It owns the zones' definitions, the
// engine that evaluates them, the durable consumer that drives the engine, and
// the evidence: the pictures that were analysed when something happened.
//
// The engine is pure: no clock, no goroutine, the same batches give the same
// events. The consumer makes events and the place in the log that belongs to
// them durable in one transaction, so each event comes exactly once, whatever
// crashes when. The package never opens a camera and never touches footage.
package zones
