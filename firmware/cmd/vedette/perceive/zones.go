package perceive

import (
	"context"
	"errors"

	bolt "go.etcd.io/bbolt"

	"vedette/perception/detections"
	"vedette/perception/events"
	"vedette/perception/zones"
	"vedette/recorder/media"
	"vedette/web/api"
)

// Zones returns what the API needs of zones.
func (p *Perception) Zones() api.Zones { return zoneDesk{p} }

// Evidence returns what the API needs of the pictures of events.
func (p *Perception) Evidence() api.Evidence { return zoneDesk{p} }

type zoneDesk struct{ *Perception }

func (d zoneDesk) Zones(_ context.Context, camera string) ([]api.Zone, error) {
	if !d.cameraExists(camera) {
		return nil, api.ErrNotFound
	}
	out := []api.Zone{}
	for _, z := range d.zones.Of(camera) {
		out = append(out, zoneView(z))
	}
	return out, nil
}

func (d zoneDesk) Zone(_ context.Context, id string) (api.Zone, error) {
	z, err := d.zones.Get(id)
	return zoneView(z), zoneErr(err)
}

func (d zoneDesk) AddZone(_ context.Context, camera string, in api.ZoneInput) (api.Zone, error) {
	if !d.cameraExists(camera) {
		return api.Zone{}, api.ErrNotFound
	}
	z := zones.Default()
	z.Camera = camera
	if in.Kind != nil {
		z.Kind = zones.Kind(*in.Kind)
	}
	changeZone(&z, in)
	z, err := d.zones.Add(z)
	return zoneView(z), zoneErr(err)
}

func (d zoneDesk) ChangeZone(_ context.Context, id string, in api.ZoneInput) (api.Zone, error) {
	z, err := d.zones.Change(id, func(z *zones.Zone) error {
		changeZone(z, in)
		return nil
	})
	return zoneView(z), zoneErr(err)
}

func (d zoneDesk) RemoveZone(_ context.Context, id string) error { return zoneErr(d.zones.Remove(id)) }

func (d zoneDesk) Occupancy(_ context.Context, camera string) ([]api.ZoneOccupancy, error) {
	if !d.cameraExists(camera) {
		return nil, api.ErrNotFound
	}
	out := []api.ZoneOccupancy{}
	for _, o := range d.watcher.Occupancy(camera) {
		v := api.ZoneOccupancy{Zone: o.Zone, Name: o.Name, Total: o.Total, Labels: o.Labels, Tracks: []api.ZoneTrack{}}
		for _, t := range o.Tracks {
			v.Tracks = append(v.Tracks, api.ZoneTrack{Track: t.Track, Label: t.Label, Since: api.Timestamp(t.Since)})
		}
		out = append(out, v)
	}
	return out, nil
}

// Evidence returns a picture of an event of the camera.
func (d zoneDesk) Evidence(_ context.Context, camera, name string) ([]byte, error) {
	jpeg, err := d.evidence.Read(camera, name)
	switch {
	case errors.Is(err, zones.ErrNoPicture):
		return nil, api.ErrNotFound
	case errors.Is(err, zones.ErrAway):
		return nil, api.ErrUnavailable
	}
	return jpeg, err
}

func changeZone(z *zones.Zone, in api.ZoneInput) {
	set(&z.Name, in.Name)
	if in.Points != nil {
		z.Points = make([]zones.Point, len(*in.Points))
		for i, xy := range *in.Points {
			z.Points[i] = xy
		}
	}
	if in.Direction != nil {
		z.Direction = zones.Direction(*in.Direction)
	}
	set(&z.Labels, in.Labels)
	set(&z.MinConfidence, in.MinConfidence)
	set(&z.ConfirmFrames, in.ConfirmFrames)
	set(&z.DwellSeconds, in.DwellSeconds)
	set(&z.LostSeconds, in.LostSeconds)
	if in.Severity != nil {
		z.Severity = events.Severity(*in.Severity)
	}
	set(&z.Enabled, in.Enabled)
	set(&z.Record, in.Record)
}

// set changes what was said.
func set[T any](into, said *T) {
	if said != nil {
		*into = *said
	}
}

func zoneErr(err error) error {
	switch {
	case errors.Is(err, zones.ErrNoZone):
		return api.ErrNotFound
	case errors.Is(err, zones.ErrTooMany):
		return errors.Join(api.ErrConflict, err)
	}
	return err
}

func zoneView(z zones.Zone) api.Zone {
	v := api.Zone{
		ID: z.ID, Camera: z.Camera, Name: z.Name, Kind: string(z.Kind), Points: make(api.Points, len(z.Points)), Direction: string(z.Direction),
		Labels: append([]string{}, z.Labels...), MinConfidence: z.MinConfidence, ConfirmFrames: z.ConfirmFrames, DwellSeconds: z.DwellSeconds,
		LostSeconds: z.LostSeconds, Severity: string(z.Severity), Enabled: z.Enabled, Record: z.Record,
	}
	for i, xy := range z.Points {
		v.Points[i] = xy
	}
	return v
}

// source is the log of reports as the zones read it.
type source struct{ *detections.Log }

func (s source) Since(after uint64, limit int) ([]zones.Batch, error) {
	list, err := s.Log.Since(after, limit)
	if err != nil {
		return nil, err
	}
	out := make([]zones.Batch, len(list))
	for i := range list {
		b := &list[i]
		out[i] = zones.Batch{
			Seq: b.Seq, Received: b.Received, Time: b.Time, Camera: b.Camera, Task: b.TaskType, Profile: b.Profile,
			Detections: make([]zones.Detection, len(b.Detections)),
		}
		if b.Ticketed { // the number of a frame is believed of the box alone
			out[i].Frame = b.FrameSeq
		}
		if b.Event != nil && len(b.Detections) == 0 { // it says nothing of the picture
			out[i].Camera = ""
		}
		for j, x := range b.Detections {
			out[i].Detections[j] = zones.Detection{Track: x.Track, Label: x.Label, Confidence: x.Confidence, Box: x.Box}
		}
	}
	return out, nil
}

// Last returns the number of the newest batch.
func (s source) Last() (uint64, error) { return s.Bounds().Last, nil }

// sink takes what the zones tell.
type sink struct{ *Perception }

func (s sink) Load() (zones.Checkpoint, bool, error) { return s.zones.Checkpoint() }

// Commit has events and the checkpoint that belongs to them last together, and
// has recorded what is to be.
func (s sink) Commit(found []zones.Event, cp zones.Checkpoint) error {
	list := make([]events.Event, len(found))
	for i := range found {
		z := &found[i]
		list[i] = events.Event{Time: z.Time, Type: string(z.Type), Severity: z.Severity, Camera: z.Camera, Payload: z.Payload()}
	}
	if err := s.o.Events.Append(list, func(tx *bolt.Tx) error { return s.zones.PutCheckpoint(tx, cp) }); err != nil {
		return err
	}
	for i := range found {
		if found[i].Record {
			s.trigger(found[i].Camera, string(found[i].Type)+" "+found[i].Name)
		}
	}
	return nil
}

// picture returns a frame of the sampler, for evidence.
func (p *Perception) picture(camera, profile string, seq uint64) ([]byte, bool) {
	f, ok := p.sampler.Find(camera, media.StreamName(profile), seq)
	if !ok {
		return nil, false
	}
	return f.JPEG, true
}
