package live

import (
	"context"

	"vedette/recorder/media"
)

// Reader gives the access units of one stream in order. One goroutine calls
// Next; Close may be called from any.
//
// It is an alias of an unnamed interface, so that a package which this one
// may not be imported by can return the identical type.
type Reader = interface {
	// Next waits for one unit. A nil unit without an error is the end of a
	// run: the camera went away and may come back. gap says that units are
	// missing before this one. An error (ctx's, or the stream is gone for
	// good) ends the reader.
	Next(ctx context.Context) (u *media.AccessUnit, gap bool, err error)
	// Close releases the reader.
	Close()
}

// Source is what live view needs of the recorder. It is used concurrently.
type Source interface {
	// HasStream reports whether the camera exists and has the stream.
	HasStream(camera string, stream media.StreamName) bool
	// Run returns the run under way on the stream, waiting for one until ctx
	// is done. A stream that is fetched on demand is started by this call.
	Run(ctx context.Context, camera string, stream media.StreamName) (*media.Run, error)
	// Subscribe adds a reader that begins with the units since the last key
	// frame and, when it is too slow, goes on at the next one. It must not
	// wait for the camera.
	Subscribe(camera string, stream media.StreamName) (Reader, error)
}
