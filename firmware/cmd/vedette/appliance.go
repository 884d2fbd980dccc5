package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	neturl "net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"vedette/firmware/card"
	"vedette/firmware/egress"
	"vedette/firmware/firstboot"
	"vedette/firmware/health"
	"vedette/firmware/mdns"
	"vedette/firmware/slots"
	"vedette/firmware/update"
	"vedette/perception/events"
	"vedette/recorder"
	"vedette/web/api"
)

// appliance is the machine as ours: what a start did to it, its updates, its power.
type appliance struct {
	p       *process
	boot    bootReport
	pending firstboot.Pending
	store   *slots.Store
	updater *update.Updater // nil = there are no slots
	host    string
}

// openAppliance is called when the events are open and nothing of the panel is.
func (p *process) openAppliance() {
	a := &appliance{p: p}
	a.host, _ = os.Hostname() // empty: there is none to type
	var err error
	if a.boot, err = readReport(); err != nil {
		p.log.Error("what the start did is not known", "err", err)
	}
	if a.pending, _, err = firstboot.TakePending(systemDir); err != nil {
		p.log.Error("what the setup partition asks for cannot be taken up", "err", err)
	}
	p.appliance = a
	if err := a.openUpdater(); err != nil {
		p.log.Error("this system cannot be updated", "err", err)
	}
}

// apiAppliance shows the machine to the API, nil where it is not ours.
func (p *process) apiAppliance() api.Appliance {
	if p.appliance == nil {
		return nil
	}
	return p.appliance
}

func (a *appliance) openUpdater() error {
	running, trial, store, err := openSlots()
	if err != nil {
		return err
	}
	a.store = store
	a.p.closers = append(a.p.closers, store.Close)
	boot, err := os.ReadFile(filepath.Join(proc, "sys/kernel/random/boot_id"))
	if err != nil {
		return err
	}
	var up unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &up); err != nil {
		return fmt.Errorf("how long the system is up: %w", err)
	}
	if err := os.MkdirAll(updateDir, 0o700); err != nil {
		return fmt.Errorf("place for updates: %w", err)
	}
	part := func(name string) string { return filepath.Join(runDir, "part", name) }
	a.updater = update.New(update.Options{
		Dir: updateDir, RunDir: runDir, Confirmed: filepath.Join(runDir, "confirmed"), Config: "/etc/rauc/system.conf",
		Board: a.p.board.board.ID, Version: version, BootID: strings.TrimSpace(string(boot)),
		Running: running, Trial: trial, Started: time.Now().Add(-time.Duration(up.Nano())),
		Store: store, Devices: [2]string{part(card.SlotA), part(card.SlotB)},
		Client: a.p.egress.Client(egress.Web), Exec: update.System,
		Health: a.health, Why: a.why, Emit: a.emit, Reboot: func() { a.p.end("reboot") }, Log: a.p.log,
	})
	return nil
}

func (a *appliance) emit(kind, severity string, payload map[string]any) {
	a.p.events.Emit(events.Event{Type: kind, Severity: events.Severity(severity), Payload: payload})
}

// health is what the trial of a new system asks: whether everything vital is fresh, and how
// many cameras are recorded. Whether that is enough the trial knows.
func (a *appliance) health() update.Health {
	h := update.Health{OK: true}
	report := a.p.monitor.Last()
	if len(report.Checks) == 0 {
		return update.Health{Waiting: "the first look at everything"}
	}
	for _, c := range report.Checks {
		if c.Stale {
			return update.Health{Waiting: c.Name + ": " + c.Reason}
		}
	}
	wanted := 0
	for _, c := range a.p.recorder.Cameras() {
		if c.RecordingNow.Due {
			wanted++
		}
		if c.State == recorder.StateRecording || c.State == recorder.StateLive && c.Record && !c.RecordingNow.Due { // or waits for what it is recorded for
			h.Cameras++
		}
	}
	if wanted > 0 && h.Cameras == 0 {
		h.Waiting = "a camera to be recorded"
	}
	return h
}

// why says what ended the last start of this machine, as far as anybody knows.
func (a *appliance) why() string {
	if c := a.p.board.lastWords.Causes; len(c) > 0 {
		return "the watchdog reset it: " + c[0].Check
	}
	return firstLine(a.p.crashed)
}

// tell makes events of what the start did, and takes up what the setup asks for. It is
// called before run, with everything open.
func (a *appliance) tell(ctx context.Context) {
	if r := a.boot.Card; r != nil {
		for _, e := range r.Events {
			a.emit(e.Type, e.Severity, e.Payload)
		}
		if r.Reset != nil && r.Reset.Done {
			a.emit("factory_reset", "info", map[string]any{"footage": r.Reset.Footage})
		}
	}
	if a.boot.Error != "" {
		a.emit("start_trouble", "warning", map[string]any{"error": a.boot.Error})
	}
	if s := a.boot.Setup; s != nil && s.Applied {
		a.emit("setup_applied", "info", map[string]any{"keys": s.Keys})
	} else if s != nil && len(s.Errors) > 0 {
		a.emit("setup_refused", "warning", map[string]any{"errors": s.Errors})
	}
	a.addCameras(ctx)
	if a.p.auth.Claimed() || a.pending.ClaimCode == "" {
		a.taken()
	}
}

// addCameras adds those of the setup. After a power cut some may be there already.
func (a *appliance) addCameras(ctx context.Context) {
	known := map[string]bool{}
	for _, c := range a.p.recorder.Cameras() {
		known[c.Name] = true
	}
	for _, c := range a.pending.Cameras {
		if known[c.Name] {
			continue
		}
		_, err := a.p.recorder.AddCamera(ctx, recorder.CameraInput{Name: &c.Name, MainURL: &c.URL, Username: &c.Username, Password: &c.Password})
		if err != nil {
			a.emit("setup_refused", "warning", map[string]any{"camera": c.Name, "error": err.Error()})
		}
	}
}

// taken forgets what the setup asked for: a camera that is deleted later must not come
// back.
func (a *appliance) taken() {
	if err := firstboot.Done(systemDir); err != nil {
		a.p.log.Error("what the setup partition asked for is kept", "err", err)
	}
	a.withSetup(firstboot.HideCode)
}

// showCode puts the claim code of a box that nobody owns on its card, and has it
// be the same after a start. One that was chosen beforehand is known to who chose it.
func (a *appliance) showCode(code string) {
	if code == a.pending.ClaimCode {
		return
	}
	if err := firstboot.KeepCode(systemDir, code); err != nil {
		a.p.log.Error("the claim code is another one after a start", "err", err)
		return // what is on the card would not count
	}
	a.withSetup(func(dir string) error { return firstboot.ShowCode(dir, code) })
}

// withSetup has f work on the setup partition.
func (a *appliance) withSetup(f func(dir string) error) {
	c, err := card.Find(card.Places{}, "")
	if err == nil {
		err = c.WithSetup(setupDir, func(readOnly error) error { return errors.Join(readOnly, f(setupDir)) })
	}
	if err != nil {
		a.p.log.Warn("the claim code on the setup partition is not up to date", "err", err)
	}
}

// run is the updater's, for as long as it has one.
func (a *appliance) run(ctx context.Context) error {
	if a == nil || a.updater == nil {
		<-ctx.Done()
		return context.Cause(ctx)
	}
	return a.updater.Run(ctx)
}

// answer has the name of the box answered for on the local network.
func (a *appliance) answer(ctx context.Context) error {
	if a == nil || a.host == "" {
		<-ctx.Done()
		return context.Cause(ctx)
	}
	o := mdns.Options{Hostname: a.host, Log: a.p.log}
	if at, ok := a.p.front.Addr().(*net.TCPAddr); ok {
		o.HTTP = uint16(at.Port)
	}
	return mdns.New(o).Run(ctx)
}

// check tells of mistakes on the setup partition, and of a card that is worn.
func (a *appliance) check() health.Verdict {
	switch {
	case a == nil:
	case a.boot.Card != nil && a.boot.Card.Volatile:
		return health.Verdict{State: health.Degraded, Reason: "the system's card keeps nothing: settings are lost when the power goes"}
	case a.boot.Setup != nil && len(a.boot.Setup.Errors) > 0:
		return health.Verdict{State: health.Degraded, Reason: "settings on the card: " + a.boot.Setup.Errors[0].String()}
	}
	if a.updating() {
		return health.Verdict{State: health.Updating}
	}
	return health.Verdict{State: health.Recording}
}

// updating reports whether the lights are to say that power must stay on.
func (a *appliance) updating() bool {
	if a == nil || a.updater == nil {
		return false
	}
	b := a.updater.Status().Busy
	return b == update.Installing || b == update.Verifying
}

// Appliance implements api.Appliance.
func (a *appliance) Appliance(context.Context) (api.ApplianceInfo, error) {
	info := api.ApplianceInfo{Version: version, Board: a.p.board.board.ID, ResetPhrase: a.host}
	if s := a.boot.Setup; s != nil && (s.Applied || len(s.Errors) > 0) {
		info.Setup = &api.SetupInfo{}
		if s.Applied {
			at := api.Timestamp(s.At)
			info.Setup.AppliedAt = &at
		}
		for _, f := range s.Errors {
			info.Setup.Errors = append(info.Setup.Errors, api.SetupMistake{Line: f.Line, Key: f.Key, Reason: f.Reason})
		}
	}
	if a.updater == nil {
		return info, nil
	}
	s := a.updater.Status()
	info.Supported, info.Slot, info.Percent = true, s.Slot, s.Percent
	info.Busy = s.Busy != update.Idle && s.Busy != update.Installed
	info.Message = said(s)
	state := map[string]string{"good": "good", "trial": "ready", "bad": "failed", "empty": "empty"}[s.Other.State]
	info.Other = &api.SlotInfo{Slot: s.Other.Slot, Version: s.Other.Version, State: state}
	if s.Trial != nil {
		info.Trial = &api.TrialInfo{WaitingFor: s.Trial.WaitingFor}
		if until := s.Trial.Until; !until.IsZero() { // the wall clock may have been set since the trial began
			info.Trial.Until = api.Timestamp(time.Now().Add(time.Until(until)))
		}
	}
	if s.Error != "" {
		info.Error = &api.UpdateFault{Code: "failed", Reason: s.Error}
	}
	return info, nil
}

// said is what goes on, for people.
func said(s update.Status) string {
	text := map[update.Busy]string{
		update.Receiving: "Receiving the update", update.Checking: "Checking the update", update.Installing: "Writing the update",
		update.Verifying: "Reading back what was written", update.Installed: "Installed; it starts with the next restart",
	}[s.Busy]
	if s.Message != "" && text != "" {
		text += ": " + s.Message
	}
	return text
}

// refused maps errors to the API's.
func refused(err error) error {
	code := ""
	switch {
	case err == nil:
		return nil
	case errors.Is(err, update.ErrBusy):
		return api.ErrUpdateBusy
	case errors.Is(err, update.ErrTrial), errors.Is(err, update.ErrNothing), errors.Is(err, update.ErrNoSpace):
		return fmt.Errorf("%s: %w", err.Error(), api.ErrConflict)
	case errors.Is(err, update.ErrSignature):
		code = api.RefusedSignature
	case errors.Is(err, update.ErrBoard):
		code = api.RefusedBoard
	case errors.Is(err, update.ErrOlder):
		code = api.RefusedOlder
	case errors.Is(err, update.ErrDamaged), errors.Is(err, update.ErrTooLarge):
		code = api.RefusedDamaged
	default:
		return err
	}
	return &api.UpdateRefusedError{Code: code, Reason: err.Error()}
}

// ReceiveUpdate implements api.Appliance.
func (a *appliance) ReceiveUpdate(ctx context.Context, r io.Reader, size int64, o api.UpdateOptions) error {
	if a.updater == nil {
		return fmt.Errorf("this system has no slots: %w", api.ErrConflict)
	}
	if err := a.updater.Receive(ctx, r, size); err != nil {
		return refused(err)
	}
	b, err := a.updater.Check(ctx, o.AllowOlder)
	if err != nil {
		return refused(err)
	}
	a.emit("update_asked", "info", map[string]any{"to": b.Version, "by": o.By})
	return refused(a.updater.Install(update.Request{AllowOlder: o.AllowOlder, Restart: o.Restart}))
}

// FetchUpdate implements api.Appliance.
func (a *appliance) FetchUpdate(_ context.Context, url string, o api.UpdateOptions) error {
	if a.updater == nil {
		return fmt.Errorf("this system has no slots: %w", api.ErrConflict)
	}
	payload := map[string]any{"by": o.By}
	if u, err := neturl.Parse(url); err == nil {
		payload["url"] = u.Scheme + "://" + u.Host + u.Path // what follows may be a secret
	}
	a.emit("update_asked", "info", payload)
	return refused(a.updater.Install(update.Request{URL: url, AllowOlder: o.AllowOlder, Restart: o.Restart}))
}

// answerTime is how long an answer may be on its way before what it was about begins.
const answerTime = time.Second

// soon ends the process once the answer is out.
func (a *appliance) soon(how, by string) error {
	if a.updating() {
		return api.ErrUpdateBusy
	}
	a.emit(how+"_asked", "info", map[string]any{"by": by})
	time.AfterFunc(answerTime, func() { a.p.end(how) })
	return nil
}

// Restart implements api.Appliance.
func (a *appliance) Restart(_ context.Context, by string) error { return a.soon("reboot", by) }

// PowerOff implements api.Appliance.
func (a *appliance) PowerOff(_ context.Context, by string) error { return a.soon("poweroff", by) }

// Reset implements api.Appliance.
func (a *appliance) Reset(_ context.Context, footage bool, by string) error {
	if a.updating() {
		return api.ErrUpdateBusy
	}
	if err := card.RequestReset(dataDir, !footage); err != nil {
		return err
	}
	a.p.log.Warn("factory reset", "by", by, "footage", footage)
	a.emit("factory_reset_asked", "critical", map[string]any{"by": by, "footage": footage})
	return a.soon("reboot", by)
}

// resetWithin is how soon a second hold of 10 s must begin to wipe the machine.
const resetWithin = 5 * time.Second

// longHolds knows when the button was last held for 10 s. It is for one goroutine.
type longHolds struct{ ended time.Time }

// second takes a hold that ended now, and reports whether it began soon after another one.
// A third one is again a first.
func (l *longHolds) second(now time.Time, held time.Duration) bool {
	again := !l.ended.IsZero() && now.Add(-held).Sub(l.ended) <= resetWithin
	l.ended = now
	if again {
		l.ended = time.Time{}
	}
	return again
}

// wiped begins a factory reset that keeps footage, if that was asked for by hand, and
// reports whether it did.
func (a *appliance) wiped(asked bool) bool {
	if a == nil || !asked {
		return false
	}
	if err := a.Reset(context.Background(), false, ""); err != nil {
		a.p.log.Error("factory reset not begun", "err", err)
		return false
	}
	return true
}
