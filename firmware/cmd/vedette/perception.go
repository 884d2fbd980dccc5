package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"
	"strconv"
	"strings"

	"github.com/asdine/storm/v3"

	"vedette/firmware/cmd/vedette/perceive"
	"vedette/firmware/egress"
	"vedette/perception/proof"
	"vedette/web/panel"
)

// budgetEach is what may be decoded for workers on each processor if nobody said,
// in millions of pixels a second.
const budgetEach = 10

// openPerception makes what looks at pictures, and tells of them.
func (p *process) openPerception() (err error) {
	if p.signing, err = proof.OpenKey(p.state, p.vault); err != nil {
		return err
	}
	id, err := p.boxID()
	if err != nil {
		return err
	}
	host, _ := os.Hostname() // empty: it has no name
	c := p.config.Perception
	budget := c.Budget
	if budget == 0 {
		budget = budgetEach * float64(runtime.NumCPU())
	}
	p.perception, err = perceive.New(perceive.Options{
		State: p.state, Events: p.events, Recorder: p.recorder, Seal: p.vault, Box: host, BoxID: id, Version: version,
		FFmpeg: c.FFmpeg, Budget: budget, DetectionBytes: c.DetectionBytes, EvidenceBytes: c.EvidenceBytes,
		Dial: p.egress.Dial(egress.Web), HTTP: p.egress.Client(egress.Web), Reach: p.reach, Now: p.clock.Now, KeyName: p.keyName,
		Show: func(d panel.Detections) { p.panel.Show(d) }, Log: p.log,
	})
	return err
}

// reach returns why the box would not connect to host, as far as that shows in its
// name, or nil.
func (p *process) reach(host string, port int) error {
	return p.egress.CheckURL(egress.Web, "http://"+net.JoinHostPort(host, strconv.Itoa(port)))
}

// beside is the recorder's: it has what belongs beside footage there. Before the
// process runs there is none.
func (p *process) beside(ctx context.Context, volume, dir string) {
	p.perception.Beside(ctx, volume, dir)
}

// keyEnded is told what an account or a key that is no more came in with.
func (p *process) keyEnded(via string) {
	if id, is := strings.CutPrefix(via, "key:"); is && p.perception != nil {
		p.perception.EndKey(id)
	}
}

func (p *process) keyName(id string) string {
	for _, k := range p.auth.Keys() {
		if k.ID == id {
			return k.Name
		}
	}
	return ""
}

// tickets says how a worker's reports are taken.
func (p *process) tickets() string {
	switch mode := p.config.Perception.Tickets; {
	case mode != "auto":
		return mode
	case p.flags.appliance:
		return "enforce"
	}
	return "warn"
}

// boxID returns what tells this box from all others, for ever: made once.
func (p *process) boxID() (id string, err error) {
	const bucket, key = "box", "id"
	err = p.state.Get(bucket, key, &id)
	if !errors.Is(err, storm.ErrNotFound) {
		return id, err
	}
	var raw [8]byte
	_, _ = rand.Read(raw[:]) // it never fails
	id = hex.EncodeToString(raw[:])
	if err := p.state.Set(bucket, key, id); err != nil {
		return "", fmt.Errorf("name the box: %w", err)
	}
	return id, nil
}
