// Package playback answers what footage there is and hands it out: the
// timeline, the index a player fetches groups of pictures by, HLS playlists,
// clips and single pictures. It reads segment files through a Source, never
// writes to a disk, and never re-encodes: whatever it returns are bytes of
// the files with new tables in front.
//
// Times are UTC in Unix milliseconds. The name of a segment says when it
// begins; media time inside the file is added to that.
package playback
