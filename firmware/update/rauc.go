package update

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

const (
	installLimit = 30 * time.Minute // 256 MiB onto a card at 150 kB/s
	busLimit     = 10 * time.Second // until the bus and RAUC's service are there
	again        = 100 * time.Millisecond

	// notThere is what dbus-daemon says of a name that nobody has yet. RAUC passes it on,
	// each version with words of its own before it.
	notThere = "was not provided by any .service files"
)

// busConfig is that of a message bus for RAUC's two halves: one user alone may
// connect, and there is one name to be had (dbus-daemon(1)).
const busConfig = `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:path=%s</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <deny user="*"/>
    <allow user="%d"/>
    <allow own="de.pengutronix.rauc"/>
    <allow send_destination="*"/>
    <allow receive_sender="*"/>
  </policy>
</busconfig>
`

// background is a program that runs beside the caller.
type background struct {
	done chan error // gets its end, once
	stop context.CancelFunc
}

func (u *Updater) background(ctx context.Context, p Program) background {
	ctx, cancel := context.WithCancel(ctx)
	b := background{make(chan error, 1), cancel}
	go func() { b.done <- u.o.Exec(ctx, p) }()
	return b
}

// end stops it and waits until it has ended.
func (b background) end() {
	b.stop()
	<-b.done
}

// ended puts back what done said, for end.
func (b background) ended(err error) error {
	b.done <- err
	if err == nil {
		err = errors.New("it has ended")
	}
	return err
}

// writeSlot has RAUC write the slot that does not run, through a message bus that
// lives as long as that takes. RAUC knows the slot by which one runs. When it returns, all it
// has started has ended. The error is ErrInstall, or ctx's.
func (u *Updater) writeSlot(ctx context.Context, progress func(percent int, message string)) error {
	ctx, cancel := context.WithTimeoutCause(ctx, installLimit, fmt.Errorf("it took more than %v", installLimit))
	defer cancel()
	dir, err := os.MkdirTemp(u.o.RunDir, "bus-")
	if err != nil {
		return fmt.Errorf("%w: %w", ErrInstall, err)
	}
	defer func() {
		if err := os.RemoveAll(dir); err != nil {
			u.o.Log.Warn("files of the installation not removed", "err", err)
		}
	}()
	address := make(chan string, 1)
	bus, err := u.bus(ctx, dir, address)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrInstall, err)
	}
	defer bus.end()
	limit := time.NewTimer(busLimit)
	defer limit.Stop()
	var env []string
	select {
	case a := <-address:
		env = []string{"DBUS_STARTER_BUS_TYPE=session", "DBUS_SESSION_BUS_ADDRESS=" + a, "TMPDIR=" + dir}
	case err := <-bus.done:
		return fmt.Errorf("%w: message bus: %w", ErrInstall, bus.ended(err))
	case <-limit.C:
		return fmt.Errorf("%w: the message bus does not start", ErrInstall)
	}
	mounts := filepath.Join(dir, "mnt")
	if err := os.Mkdir(mounts, 0o700); err != nil {
		return fmt.Errorf("%w: %w", ErrInstall, err)
	}
	service := u.background(ctx, Program{
		Name: "rauc", Env: env, Private: true,
		Args: []string{"--conf=" + u.o.Config, "--mount=" + mounts, "service", "--override-boot-slot=" + u.o.Running.String()},
	})
	defer service.end()
	return u.askService(ctx, service, env, progress)
}

// bus starts a message bus whose files are in dir; address gets where it is.
func (u *Updater) bus(ctx context.Context, dir string, address chan<- string) (background, error) {
	config := filepath.Join(dir, "bus.conf")
	text := fmt.Sprintf(busConfig, filepath.Join(dir, "bus"), os.Getuid())
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		return background{}, err
	}
	return u.background(ctx, Program{
		Name: "dbus-daemon", Args: []string{"--config-file=" + config, "--nofork", "--nopidfile", "--print-address"},
		Line: func(line string) {
			select {
			case address <- line:
			default: // the first line is it
			}
		},
	}), nil
}

// askService has the service install the bundle. It is asked again until it is there.
func (u *Updater) askService(ctx context.Context, service background, env []string, progress func(int, string)) error {
	limit := time.Now().Add(busLimit)
	for {
		last := ""
		err := u.o.Exec(ctx, Program{
			Name: "rauc", Args: []string{"--conf=" + u.o.Config, "install", u.bundle()}, Env: env,
			Line: func(line string) {
				if why, found := strings.CutPrefix(line, "LastError: "); found {
					last = why
				}
				if percent, message, ok := parseProgress(line); ok {
					progress(percent, message)
				}
			},
		})
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return fmt.Errorf("write update: %w", context.Cause(ctx))
		case last != "":
			return fmt.Errorf("%w: %s", ErrInstall, last)
		case !strings.Contains(err.Error(), notThere) || time.Now().After(limit):
			return fmt.Errorf("%w: %w", ErrInstall, err)
		}
		select {
		case err := <-service.done:
			return fmt.Errorf("%w: %w", ErrInstall, service.ended(err))
		case <-ctx.Done():
			return fmt.Errorf("write update: %w", context.Cause(ctx))
		case <-time.After(again):
		}
	}
}

// parseProgress reads a line like " 80% Updating slots".
func parseProgress(line string) (percent int, message string, ok bool) {
	number, message, ok := strings.Cut(line, "%")
	percent, err := strconv.Atoi(strings.TrimSpace(number))
	if !ok || err != nil || percent < 0 || percent > 100 {
		return 0, "", false
	}
	return percent, strings.TrimSpace(message), true
}
