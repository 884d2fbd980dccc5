package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"math"
	"net"
	"os"
	"path/filepath"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/asdine/storm/v3"
	"golang.org/x/sync/errgroup"

	"vedette/firmware/audit"
	"vedette/firmware/certs"
	"vedette/firmware/cmd/vedette/perceive"
	"vedette/firmware/config"
	"vedette/firmware/disks"
	"vedette/firmware/egress"
	"vedette/firmware/health"
	"vedette/firmware/housekeeping"
	"vedette/firmware/journal"
	"vedette/firmware/seal"
	"vedette/hal/clock"
	"vedette/hal/gpio"
	"vedette/hal/memory"
	"vedette/perception/events"
	"vedette/perception/proof"
	"vedette/recorder"
	"vedette/web/api"
	"vedette/web/auth"
	"vedette/web/front"
	"vedette/web/live"
	"vedette/web/panel"
	"vedette/web/ui"
)

// gcPercent has the collector run when the heap has grown by half, not by all:
// most of it are packets in the GOP caches, which are few and large, so this
// costs no CPU that shows (docs/BENCHMARKS.md), and a small board has no memory
// to spare. The GOGC of the environment wins.
const gcPercent = 50

// runFlags are the command line of vedette run.
type runFlags struct {
	config, data, listen string
	dev, appliance       bool
	cameras              names
}

func runCommand(ctx context.Context, args []string, std streams) int {
	fs := flag.NewFlagSet("vedette run", flag.ContinueOnError)
	var f runFlags
	fs.StringVar(&f.config, "config", "", "configuration file (TOML; docs/CONFIGURATION.md); default DATA/vedette.toml if it is there")
	fs.StringVar(&f.data, "data", "./var", "data directory")
	fs.StringVar(&f.listen, "listen", "", "host:port of the panel; wins over the configuration")
	fs.BoolVar(&f.dev, "dev", false, "simulated board and two simulated cameras")
	fs.BoolVar(&f.appliance, "appliance", false, "this machine is ours: it was started from our image, and is updated, restarted and switched off from the panel")
	fs.Var(&f.cameras, "camera", "rtsp:// address of a camera to add at start; may be given several times")
	rest, code, ok := parse(fs, args, std)
	if !ok {
		return code
	}
	if len(rest) > 0 {
		return fail(std, 2, fmt.Errorf("run takes no arguments, got %q", rest))
	}
	for i, url := range f.cameras {
		if err := recorder.CheckURL(url); err != nil {
			return fail(std, 2, fmt.Errorf("--camera %d: %w", i+1, err))
		}
	}
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	p, err := build(f, std)
	if err != nil {
		return fail(std, 2, err)
	}
	err = errors.Join(p.run(ctx), p.close())
	if err != nil {
		p.board.show(health.LightsFor(health.Fault, false))
		return max(fail(std, 1, err), p.leave(std)) // a machine that is to be restarted is, all the same
	}
	p.board.show(health.LightsFor(health.Stopped, false)) // nothing of a disk is open or mounted by now
	if p.again.Load() && p.ending.Load() == nil {
		return beginAnew(std)
	}
	return p.leave(std)
}

// process is everything that runs, wired together.
type process struct {
	flags      runFlags
	config     config.Config
	std        streams
	log        *slog.Logger
	journal    *journal.Journal
	appliance  *appliance // nil = the machine is not ours
	clock      *wallClock
	started    time.Time
	closers    []func() error
	state      *storm.DB
	vault      *seal.Vault
	signing    *proof.Key // of exports
	audit      *audit.Log
	certs      *certs.Manager
	egress     *egress.Guard
	restored   bool        // this run is the first one with a restored backup
	archiving  sync.Mutex  // held while a backup is made or restored
	again      atomic.Bool // the process is to begin anew once it has ended
	events     *events.Log
	keeper     *housekeeping.Keeper
	disks      *diskWatch
	bays       *disks.Manager // nil where no volume has a place for a disk
	auth       *auth.Service
	recorder   *recorder.Recorder
	perception *perceive.Perception
	board      *hardware
	monitor    *health.Monitor
	words      *health.LastWords
	memory     *memoryGuard
	exports    *exports
	live       *live.Server
	panel      *panel.Panel
	front      *front.Front
	stop       context.CancelFunc     // ends run; set by it
	ending     atomic.Pointer[string] // a program of the init system that is to be run at the end
	longs      longHolds
	crashed    string // what the Go runtime said of the run before, "" = it did not crash
	// acknowledge is until when, counted from started, the lights show that a
	// hold was done.
	acknowledge atomic.Int64
}

// build makes every part and starts none. What it opened is closed again if
// it fails.
func build(f runFlags, std streams) (p *process, err error) {
	p = &process{flags: f, std: std, started: time.Now()}
	defer func() {
		if err != nil {
			err = errors.Join(err, p.close())
		}
	}()
	if err := p.configure(); err != nil {
		return p, err
	}
	limitMemory(os.DirFS(proc), p.log)
	if p.board.board.ID != "sim" {
		if err := memory.Protect(); err != nil {
			p.log.Info("when memory runs out, this process may be chosen to end", "err", err)
		}
	}
	p.memory = &memoryGuard{proc: os.DirFS(proc), log: p.log, shed: func() int {
		return p.live.Revoke(func(live.Info) bool { return true }) + p.exports.shed()
	}}
	p.exports = newExports(func() string { return p.memory.check().Reason })
	if err := p.openStores(); err != nil {
		return p, err
	}
	p.words = health.NewLastWords(filepath.Join(p.flags.data, "last-words.json"), p.log)
	p.board.handle(p.gesture)
	if err := p.openWeb(); err != nil {
		return p, err
	}
	// The watchdog counts from here: what came before may take its time.
	p.monitor = health.New(p.checks(), p.board.openWatchdog(), p.showHealth, p.log)
	p.monitor.Leave = p.words.Leave
	p.tellReset()
	p.tellCrash()
	return p, nil
}

// tellReset tells that the watchdog reset the machine, as its driver or the last
// words say, and what had hung.
func (p *process) tellReset() {
	words, spoken := p.words.Take()
	if !p.board.wasReset && !spoken {
		return
	}
	p.board.lastWords = words
	payload := map[string]any{"causes": words.Causes}
	if !words.At.IsZero() {
		payload["hung_at"] = words.At.UTC()
	}
	p.log.Error("the watchdog has reset the machine", "causes", words.Causes, "at", words.At)
	p.events.Emit(events.Event{Type: "watchdog_reset", Severity: events.Critical, Payload: payload})
}

// close releases what build opened, newest first.
func (p *process) close() error {
	var errs []error
	for i := len(p.closers) - 1; i >= 0; i-- {
		errs = append(errs, p.closers[i]())
	}
	p.closers = nil
	return errors.Join(errs...)
}

func (p *process) configure() error {
	name, optional := p.flags.config, false
	if name == "" {
		name, optional = filepath.Join(p.flags.data, "vedette.toml"), true
		if _, err := os.Lstat(name); p.flags.appliance && errors.Is(err, os.ErrNotExist) {
			name, optional = bakedConf, false
		}
	}
	c, err := config.Load(name, optional)
	if err != nil {
		return err
	}
	if p.flags.listen != "" {
		c.Server.Listen = p.flags.listen
	}
	if p.flags.dev {
		c.Board.ID = "sim"
	}
	p.config = c
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.Log.Level)); err != nil {
		return fmt.Errorf("log level: %w", err)
	}
	p.journal = journal.New(journal.Options{Dir: filepath.Join(p.flags.data, "log"), Out: p.std.err})
	p.log = slog.New(p.journal.Handler(level))
	p.keepCrashes()
	p.clock = newWallClock(c.Board.ID == "sim", p.log)
	p.board = openBoard(c.Board, sysfs, gpio.Chips{}, p.log)
	p.board.show(health.LightsFor(health.Starting, false))
	return nil
}

func (p *process) openStores() (err error) {
	if err := p.applyRestored(); err != nil {
		return err
	}
	db, err := openState(p.flags.data)
	if err != nil {
		return err
	}
	p.state = db
	p.closers = append(p.closers, db.Close)
	if p.events, err = events.Open(db, events.Options{Log: p.log}); err != nil {
		return err
	}
	if err := p.openVault(db); err != nil {
		return err
	}
	if err := p.openOutgoing(); err != nil {
		return err
	}
	if err := p.openPeople(); err != nil {
		return err
	}
	p.keeper = p.housekeeper()
	if err := p.openCerts(); err != nil {
		return err
	}
	volumes, err := p.volumes()
	if err != nil {
		return err
	}
	if err := p.openBays(db, volumes); err != nil {
		return err
	}
	p.eraseFootage(volumes)
	p.recorder, err = recorder.New(recorder.Options{
		Dial: p.egress.Dial(egress.Camera), CheckAddress: func(url string) error { return p.egress.CheckURL(egress.Camera, url) },
		State: db, Seal: p.vault, Volumes: volumes, System: p.flags.data,
		Cycle: time.Duration(p.config.Recording.SyncCycle), QueueBytes: p.config.Recording.QueueBytes,
		Segment: time.Duration(p.config.Recording.Segment),
		Floor:   p.config.Sweep.FloorBytes, SweepEvery: time.Duration(p.config.Sweep.Interval),
		Trim: trim, Beside: p.beside, PrerollBytes: prerollBytes(os.DirFS(proc)), Location: p.config.Recording.Location(), Clock: p.clock, Emit: emitter(p.events), Log: p.log,
	})
	if err != nil {
		return err
	}
	p.closers = append(p.closers, p.recorder.Close)
	if err := p.openPerception(); err != nil {
		return err
	}
	if err := p.finishRotation(); err != nil {
		return err
	}
	p.disks = &diskWatch{volumes: p.recorder.Volumes, known: map[string]diskState{}, emit: func(e events.Event) { p.events.Emit(e) }}
	p.clock.newest = p.recorder.Newest
	p.clock.refresh()
	return nil
}

// volumes returns where footage goes.
func (p *process) volumes() (out []recorder.VolumeOptions, err error) {
	for _, v := range p.config.FootageVolumes() {
		o := recorder.VolumeOptions{Name: v.Name, Dir: v.Path, Medium: v.Medium, MountPoint: v.MountPoint}
		if o.Medium == "auto" {
			o.Medium = ""
		}
		if !filepath.IsAbs(o.Dir) {
			o.Dir = filepath.Join(p.flags.data, o.Dir)
			if err := os.MkdirAll(filepath.Dir(o.Dir), 0o755); err != nil { // below the data directory, which is ours
				return nil, fmt.Errorf("make volume directory: %w", err)
			}
		}
		out = append(out, o)
	}
	return out, nil
}

func (p *process) openWeb() (err error) {
	if p.live, err = live.New(live.Options{
		Source: liveSource{p.recorder}, Log: p.log, Port: p.config.Live.UDPPort, Loopback: true,
		MaxViewers: p.config.Live.MaxViewers, Owner: whepOwner,
		Busy: func() string { return p.memory.check().Reason },
	}); err != nil {
		return err
	}
	p.panel = panel.New(panel.Options{
		Version: version, Boot: fmt.Sprintf("%x", p.started.UnixNano()),
		Cameras: panelCameras{p.recorder}, System: systemState{p}, Events: panelEvents{p.events},
		State: boardState{p}, Board: p.board, Signal: signaller{p.live}, Log: p.log,
	})
	handler, err := api.New(api.Options{
		Recorder: apiRecorder{p.recorder, p.exports}, Disks: p.apiDisks(), Auth: p.auth, Events: apiEvents{p.events}, System: systemState{p},
		Appliance: p.apiAppliance(), Journal: p.journal, Support: p.writeSupport,
		Audit: apiAudit{p}, Certificates: p.apiCertificates(), Outgoing: outgoing{p}, Secrets: secrets{p}, Backups: secrets{p},
		Tasks: p.perception.Tasks(), Frames: p.perception.Frames(), Detections: p.perception.Reports(), Zones: p.perception.Zones(),
		Evidence: p.perception.Evidence(), Notifications: p.perception.Notifications(), HoldRules: p.perception.HoldRules(), Relay: p.perception.Relay(),
		Incidents: p.perception.Incidents(), Exports: signed{p, apiRecorder{p.recorder, p.exports}}, Tickets: p.tickets(), EventsChanged: p.events.Changed,
		Live: whep(p.live), Panel: p.panel, UI: ui.Handler(), Metrics: []api.MetricsWriter{promText{p}},
		Hosts: p.config.Server.Hosts, Log: p.log,
	})
	if err != nil {
		return err
	}
	o := front.Options{
		Listen: p.config.Server.Listen, Handler: handler, Log: p.log,
		HostAllowed: func(host string) bool { return api.HostAllowed(host, p.config.Server.Hosts) },
	}
	if p.encrypted() {
		o.TLS, o.Redirect, o.Challenge, o.HSTS = p.certs.TLSConfig(), p.config.Server.Redirect, p.certs.Challenge, p.certs.HSTS
	}
	if p.front, err = front.Listen(o); err != nil {
		return fmt.Errorf("%w; choose another address with --listen", err)
	}
	p.closers = append(p.closers, p.front.Close)
	return nil
}

// run runs every part until ctx is done or one of them cannot go on, and
// returns when all of it has ended.
func (p *process) run(ctx context.Context) (err error) {
	// The monitor with its last words, the lights and the event log outlive the drain of the recorder.
	lateCtx, stopLate := context.WithCancel(context.WithoutCancel(ctx))
	var late errgroup.Group
	late.Go(func() error { return quietly(p.monitor.Run(lateCtx)) })
	late.Go(func() error { return quietly(p.events.Run(lateCtx)) })
	late.Go(func() error { return quietly(p.board.blink(lateCtx)) })
	late.Go(func() error { return quietly(p.words.Run(lateCtx)) })
	late.Go(func() error { return quietly(p.journal.Run(lateCtx)) })
	defer func() {
		stopLate()
		err = errors.Join(err, late.Wait())
	}()

	ctx, p.stop = context.WithCancel(ctx)
	defer p.stop()
	g, ctx := errgroup.WithContext(ctx)
	for name, run := range map[string]func(context.Context) error{
		"recorder": p.recorder.Run, "live view": p.live.Run, "panel": p.panel.Run, "sessions": p.auth.Run, "housekeeping": p.keeper.Run, "perception": p.perception.Run, "disks": p.disks.run, "button": p.board.readButton, "memory": p.memory.run, "bays": p.runBays, "updates": p.appliance.run, "name": p.appliance.answer,
		"audit": p.audit.Run, "certificates": p.certs.Run,
		"http": p.front.Run, "clock": p.watchClock, "greeting": p.greet, "simulated cameras": p.simulate,
	} {
		g.Go(func() error {
			if err := quietly(run(ctx)); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			return nil
		})
	}
	if p.appliance != nil {
		p.appliance.tell(ctx)
	}
	if p.restored {
		p.events.Emit(events.Event{Type: "backup_restored"})
		p.record(audit.Entry{Actor: "box", Via: "box", Action: "backup.in_force"})
	}
	p.events.Emit(events.Event{Type: "system_started", Payload: map[string]any{"version": version, "board": p.board.board.ID}})
	err = g.Wait()
	p.events.Emit(events.Event{Type: "system_stopped"})
	return err
}

// quietly drops the error that says no more than that we were told to stop.
func quietly(err error) error {
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// leastStep is how far the wall clock must go in a step to be told.
const leastStep = time.Second

// watchClock keeps knowing who vouches for the wall clock: it asks every few
// seconds, and at once when somebody sets it.
func (p *process) watchClock(ctx context.Context) error {
	stepped := make(chan time.Duration, 1)
	var g errgroup.Group
	g.Go(func() error {
		err := clock.Steps(ctx, func(by time.Duration) {
			select {
			case stepped <- by:
			case <-ctx.Done():
			}
		})
		if ctx.Err() == nil { // without it every few seconds must do
			p.log.Warn("steps of the wall clock are noticed late", "err", err)
		}
		return nil
	})
	tick := time.NewTicker(5 * time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return g.Wait()
		case by := <-stepped:
			p.clock.refresh()
			p.log.Info("the wall clock was set", "by", by, "trusted_by", p.clock.trust())
			if by.Abs() >= leastStep {
				p.events.Emit(events.Event{Type: "clock_stepped", Payload: map[string]any{"seconds": math.Round(by.Seconds()), "source": p.clock.trust()}})
			}
		case <-tick.C:
			p.clock.refresh()
		}
		if p.board.sys != nil {
			p.clock.keepRTC(p.board.sys, p.log)
		}
	}
}

// greet prints where the panel is, and the claim code while nobody owns the
// box.
func (p *process) greet(context.Context) error {
	host, port, err := net.SplitHostPort(p.front.Addr().String())
	if err != nil {
		return err
	}
	if ip := net.ParseIP(host); ip == nil || ip.IsUnspecified() || ip.IsLoopback() {
		host = "localhost"
	}
	scheme := "http"
	if p.encrypted() {
		scheme = "https"
		fmt.Fprintf(p.std.out, "certificate: %s\n", p.certs.Info().Words)
	}
	fmt.Fprintf(p.std.out, "panel: %s://%s\n", scheme, net.JoinHostPort(host, port))
	p.tellWindow(p.auth.Setup())
	return nil
}
