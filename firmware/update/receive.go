package update

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"vedette/firmware/durable"
)

const (
	// MaxBytes is the size of the largest bundle that is received. It must stay below
	// 2 GiB: RAUC before 1.15.2 checks the signature of a larger plain bundle wrongly
	// (CVE-2026-34155).
	MaxBytes = 512 << 20
	// SpareBytes are kept free where a bundle is received.
	SpareBytes = 64 << 20

	chunk = 1 << 20          // bytes between two looks at the room that is left
	stall = 60 * time.Second // without a byte, after which a download is given up
)

// free returns how many bytes are free for root and others.
func free(dir string) (int64, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return 0, fmt.Errorf("room in %s: %w", dir, err)
	}
	return int64(st.Bavail) * int64(st.Bsize), nil
}

// Receive takes a bundle in place of any that was received before, and makes it
// durable. size is how many bytes there are, -1 if that is not known. A reader that
// blocks has to be ended by the caller. Errors, after which there is no bundle:
// ErrTooLarge, ErrNoSpace, ErrDamaged if it has other than size bytes, those of r and
// ctx; and ErrBusy, after which all is as before.
func (u *Updater) Receive(ctx context.Context, r io.Reader, size int64) (err error) {
	if err := u.claim(Receiving); err != nil {
		return err
	}
	defer func() { u.release(err) }()
	return u.receive(ctx, r, size)
}

// Fetch does what Receive does with what an http or https server has. It is given up
// after a minute without a byte.
func (u *Updater) Fetch(ctx context.Context, from string) (err error) {
	if err := u.claim(Receiving); err != nil {
		return err
	}
	defer func() { u.release(err) }()
	return u.fetch(ctx, from)
}

func (u *Updater) receive(ctx context.Context, r io.Reader, size int64) (err error) {
	u.discard()
	defer func() {
		if err != nil {
			u.discard()
		}
	}()
	if size > MaxBytes {
		return fmt.Errorf("%w: %d bytes, and %d is the limit", ErrTooLarge, size, MaxBytes)
	}
	if err := u.room(max(size, 0)); err != nil {
		return err
	}
	f, err := os.OpenFile(u.incoming(), os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("receive update: %w", err)
	}
	err = u.take(ctx, f, r, size)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		if errors.Is(err, unix.ENOSPC) {
			return fmt.Errorf("%w: %w", ErrNoSpace, err)
		}
		return err
	}
	if err := os.Rename(u.incoming(), u.bundle()); err != nil {
		return fmt.Errorf("receive update: %w", err)
	}
	return durable.SyncDir(u.o.Dir)
}

// room returns ErrNoSpace unless there is room for so many bytes more.
func (u *Updater) room(bytes int64) error {
	free, err := u.o.Free(u.o.Dir)
	if err != nil {
		return err
	}
	if free-SpareBytes < bytes {
		return fmt.Errorf("%w: %d bytes are wanted, %d of them to be kept free, and %d are there",
			ErrNoSpace, bytes+SpareBytes, SpareBytes, free)
	}
	return nil
}

// take copies what r has.
func (u *Updater) take(ctx context.Context, w io.Writer, r io.Reader, size int64) error {
	for got := int64(0); ; {
		n, err := io.CopyN(w, r, chunk)
		if ctx.Err() != nil {
			return fmt.Errorf("receive update: %w", context.Cause(ctx))
		}
		got += n
		if size > 0 {
			u.show(Receiving, int(min(got, size)*100/size), "")
		}
		switch {
		case got > MaxBytes:
			return fmt.Errorf("%w: more than %d bytes", ErrTooLarge, MaxBytes)
		case size >= 0 && got > size:
			return fmt.Errorf("%w: more than the %d bytes that were promised", ErrDamaged, size)
		case errors.Is(err, io.EOF) && size >= 0 && got < size:
			return fmt.Errorf("%w: it ended after %d of %d bytes", ErrDamaged, got, size)
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("receive update: %w", err)
		}
		if err := u.room(0); err != nil {
			return err
		}
	}
}

func (u *Updater) fetch(ctx context.Context, from string) error {
	at, err := url.Parse(from)
	if err != nil || at.Scheme != "http" && at.Scheme != "https" || at.Host == "" {
		return errors.New("fetch update: want an address that begins with http:// or https://")
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watch := time.AfterFunc(stall, func() { cancel(fmt.Errorf("nothing came for %v", stall)) })
	defer watch.Stop()
	// The address may hold a password or a token: errors name its host alone.
	fail := func(err error) error {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		} else if e, ok := errors.AsType[*url.Error](err); ok {
			err = e.Err
		}
		return fmt.Errorf("fetch update from %s: %w", at.Host, err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at.String(), nil)
	if err != nil {
		return errors.New("fetch update: the address cannot be asked for")
	}
	req.Header.Set("Accept-Encoding", "identity")
	resp, err := u.o.Client.Do(req)
	if err != nil {
		return fail(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fail(errors.New("the server says " + resp.Status))
	}
	err = u.receive(ctx, &watched{resp.Body, func() { watch.Reset(stall) }}, resp.ContentLength)
	if err != nil {
		return fail(err)
	}
	return nil
}

// watched tells of each read that brought something.
type watched struct {
	io.Reader
	tell func()
}

func (w *watched) Read(b []byte) (int, error) {
	n, err := w.Reader.Read(b)
	if n > 0 {
		w.tell()
	}
	return n, err
}
