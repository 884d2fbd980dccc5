package api

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

const (
	// writeStall is how long a client may take for one piece of a download.
	writeStall = 30 * time.Second
	writePiece = 1 << 20 // bytes sent under one deadline
	// readStall is how long it may take for one piece of an upload.
	readStall = 30 * time.Second
	readPiece = 256 << 10 // bytes received under one deadline
)

// writer notes what was answered, and gives a download a deadline that
// moves on with every piece the client takes, and the answer to an upload one
// that begins when it is answered.
type writer struct {
	http.ResponseWriter
	rc      *http.ResponseController
	rolling bool
	aborted atomic.Bool
	code    int
}

// Unwrap lets http.ResponseController find what it needs.
func (w *writer) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *writer) WriteHeader(code int) {
	if w.code == 0 && code >= 200 || code == http.StatusSwitchingProtocols {
		w.code = code
	}
	// An answer without a body is sent after the handler; if it was aborted, that fails.
	_ = w.extend()
	w.ResponseWriter.WriteHeader(code)
}

func (w *writer) status() int {
	if w.code == 0 {
		return http.StatusOK
	}
	return w.code
}

func (w *writer) extend() error {
	if !w.rolling {
		return nil
	}
	// A deadline that cannot be set (a test's recorder) is none.
	_ = w.rc.SetWriteDeadline(time.Now().Add(writeStall))
	if w.aborted.Load() {
		_ = w.rc.SetWriteDeadline(time.Unix(1, 0))
		return http.ErrAbortHandler
	}
	return nil
}

// abort breaks the connection off; it may be called from any goroutine.
func (w *writer) abort() {
	w.aborted.Store(true)
	_ = w.rc.SetWriteDeadline(time.Unix(1, 0))
	_ = w.rc.SetReadDeadline(time.Unix(1, 0))
}

// received is the body of a request that may be long. Its deadline moves on with
// every piece that the client sends; the server lifts it at the body's end.
type received struct {
	body io.Reader
	w    *writer
	left int   // bytes that may still come under the present deadline
	err  error // why it ended early; nil if it did not
}

func (b *received) Read(p []byte) (int, error) {
	if b.left <= 0 {
		b.extend()
	}
	if b.w.aborted.Load() { // after the deadline was set: abort may have set its own before
		_ = b.w.rc.SetReadDeadline(time.Unix(1, 0))
		b.err = http.ErrAbortHandler
		return 0, b.err
	}
	n, err := b.body.Read(p[:min(len(p), b.left)])
	b.left -= n
	if err != nil && !errors.Is(err, io.EOF) {
		b.err = err
	}
	return n, err
}

// extend begins another piece.
func (b *received) extend() {
	// A deadline that cannot be set (a test's recorder) is none.
	_ = b.w.rc.SetReadDeadline(time.Now().Add(readStall))
	b.left = readPiece
}

func (w *writer) Write(p []byte) (int, error) {
	if w.code == 0 {
		w.code = http.StatusOK
	}
	if err := w.extend(); err != nil {
		return 0, err
	}
	return w.ResponseWriter.Write(p)
}

// ReadFrom hands pieces of r to the server as they are, so that it can send
// a file without copying it through the process.
func (w *writer) ReadFrom(r io.Reader) (total int64, err error) {
	if w.code == 0 {
		w.code = http.StatusOK
	}
	rf, ok := w.ResponseWriter.(io.ReaderFrom)
	if !ok {
		return io.Copy(struct{ io.Writer }{w}, r)
	}
	rest := &io.LimitedReader{R: r, N: 1<<63 - 1}
	if lr, ok := r.(*io.LimitedReader); ok {
		rest = lr
	}
	for rest.N > 0 {
		if err := w.extend(); err != nil {
			return total, err
		}
		piece := min(rest.N, writePiece)
		n, err := rf.ReadFrom(&io.LimitedReader{R: rest.R, N: piece})
		total += n
		rest.N -= n
		if err != nil || n < piece {
			return total, err
		}
	}
	return total, nil
}

// Flush sends what is buffered.
func (w *writer) Flush() { _ = w.rc.Flush() }

// Hijack hands the connection over to a websocket.
func (w *writer) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	w.code = http.StatusSwitchingProtocols
	return w.rc.Hijack()
}
