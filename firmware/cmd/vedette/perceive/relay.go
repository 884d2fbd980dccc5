package perceive

import (
	"context"

	"vedette/perception/relay"
	"vedette/web/api"
)

// Relay returns what the API needs of the relay of reports.
func (p *Perception) Relay() api.Relay { return relayDesk{p} }

type relayDesk struct{ *Perception }

func (d relayDesk) Relay(context.Context) (api.RelayInfo, error) {
	return relayView(d.relay.Get()), nil
}

func (d relayDesk) SetRelay(ctx context.Context, in api.RelayInput) (api.RelayInfo, error) {
	info, err := d.relay.Set(ctx, relay.Input(in))
	return relayView(info), err
}

func relayView(r relay.Info) api.RelayInfo {
	return api.RelayInfo{
		Enabled: r.Enabled, URL: r.URL, Stream: r.Stream, Subject: r.Subject, Username: r.Username, SecretSet: r.SecretSet,
		State: api.RelayState{Cursor: r.State.Cursor, Pending: r.State.Pending, LastAck: stamp(&r.State.LastAck), LastError: r.State.LastError, Dropped: r.State.Dropped},
	}
}
