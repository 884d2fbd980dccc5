package main

import (
	"context"
	"fmt"

	"vedette/internal/simcam"
	"vedette/recorder"
)

// simulated are the cameras of a development run.
var simulated = [...]struct{ id, name string }{{"yard", "Yard"}, {"door", "Front door"}}

// simAddress is where a development run serves them; fixed, so that the
// cameras are found again by the next run.
const simAddress = "127.0.0.1:18554"

// simulate serves and adds the simulated cameras of a development run, and
// adds the cameras named on the command line. Without either it does nothing.
func (p *process) simulate(ctx context.Context) error {
	for i, url := range p.flags.cameras {
		name := fmt.Sprintf("Camera %d", i+1)
		if err := p.ensureCamera(ctx, fmt.Sprintf("camera-%d", i+1), name, url); err != nil {
			return err
		}
	}
	if !p.flags.dev {
		return nil
	}
	o := simcam.Options{Listen: simAddress, Log: p.log}
	for _, c := range simulated {
		o.Paths = append(o.Paths, c.id)
	}
	server, err := simcam.New(o)
	if err != nil { // another run has the port: any other will do
		o.Listen = "127.0.0.1:0"
		if server, err = simcam.New(o); err != nil {
			return err
		}
	}
	for _, c := range simulated {
		if err := p.ensureCamera(ctx, c.id, c.name, server.URL(c.id)); err != nil {
			return err
		}
	}
	return server.Run(ctx)
}

// ensureCamera adds a camera, or points the one of that id at url.
func (p *process) ensureCamera(ctx context.Context, id, name, url string) error {
	in := recorder.CameraInput{MainURL: &url}
	if _, err := p.recorder.Camera(id); err == nil {
		_, err := p.recorder.UpdateCamera(ctx, id, in)
		return err
	}
	in.ID, in.Name = &id, &name
	_, err := p.recorder.AddCamera(ctx, in)
	return err
}
