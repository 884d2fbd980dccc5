package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"

	"github.com/asdine/storm/v3"

	"vedette/firmware/egress"
	"vedette/perception/events"
	"vedette/web/api"
)

// The place of the policy of outgoing connections in the state database.
const (
	outgoingBucket = "outgoing"
	outgoingKey    = "policy"
)

// openOutgoing makes the guard that every address people give has to pass. On a
// machine that is not ours alone cameras may be on it: a restreamer beside us.
func (p *process) openOutgoing() error {
	p.egress = egress.New(egress.Options{LocalCameras: !p.flags.appliance})
	kept, err := p.keptOutgoing()
	if err != nil {
		return err
	}
	policy, err := egressPolicy(kept)
	if err != nil {
		p.log.Error("what is let through beside private networks cannot be read; nothing is", "err", err)
	}
	p.egress.SetPolicy(policy)
	return nil
}

// keptOutgoing returns what is set, nothing if nobody set anything.
func (p *process) keptOutgoing() (kept api.OutgoingPolicy, err error) {
	if err := p.state.Get(outgoingBucket, outgoingKey, &kept); err != nil && !errors.Is(err, storm.ErrNotFound) {
		return kept, fmt.Errorf("read outgoing policy: %w", err)
	}
	return kept, nil
}

// mostAllowed bounds the networks that are let through.
const mostAllowed = 64

func egressPolicy(p api.OutgoingPolicy) (egress.Policy, error) {
	out := egress.Policy{CamerasPublic: p.CamerasPublic}
	if len(p.Allow) > mostAllowed {
		return egress.Policy{}, &api.FieldError{Name: "allow", Message: fmt.Sprintf("The list must not have more than %d networks.", mostAllowed)}
	}
	for _, text := range p.Allow {
		network, err := netip.ParsePrefix(text)
		if err != nil || network != network.Masked() {
			return egress.Policy{}, &api.FieldError{Name: "allow", Message: "A network is written like 10.1.0.0/16, with zeros behind its prefix."}
		}
		out.Allow = append(out.Allow, network)
	}
	return out, nil
}

// outgoing implements api.Outgoing.
type outgoing struct{ p *process }

func (o outgoing) Outgoing() api.OutgoingPolicy {
	kept, err := o.p.keptOutgoing()
	if err != nil {
		o.p.log.Error("the outgoing policy is shown as if nothing was set", "err", err)
	}
	return kept
}

func (o outgoing) SetOutgoing(_ context.Context, in api.OutgoingPolicy, by string) error {
	policy, err := egressPolicy(in)
	if err != nil {
		return err
	}
	if err := o.p.state.Set(outgoingBucket, outgoingKey, in); err != nil {
		return fmt.Errorf("store outgoing policy: %w", err)
	}
	o.p.egress.SetPolicy(policy)
	o.p.events.Emit(events.Event{Type: "outgoing_changed", Payload: map[string]any{"by": by}})
	return nil
}
