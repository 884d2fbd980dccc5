// Package fmp4 turns media into the bytes of a segment file and back: the
// header (ftyp and moov with the private header box), parts (private part
// box, moof, mdat under one CRC), and the progressive files that are made of
// them for players. It owns the format that docs/format/segment.md
// describes, and does no I/O of its own beyond an io.ReaderAt.
//
// Writing is the hot path of recording: a sample is copied once, from the
// RTP payloads into the part's buffers, and buffers are reused. Reading takes
// hostile input: sizes are checked against the file before anything is
// allocated for them.
package fmp4
