package main

import (
	"context"

	"vedette/recorder"
	"vedette/web/api"
)

func (a apiRecorder) Retention(context.Context) (api.Retention, map[string]api.RetentionInForce, error) {
	set := a.r.Retention()
	out := api.Retention{Volumes: map[string]api.VolumeRetention{}, Cameras: map[string]api.CameraRetention{}}
	force := map[string]api.RetentionInForce{}
	for name, v := range set.Volumes {
		out.Volumes[name] = api.VolumeRetention(v)
	}
	for id, c := range set.Cameras {
		out.Cameras[id] = api.CameraRetention(c)
	}
	for _, v := range a.r.Volumes() {
		if v.Total > 0 {
			force[v.Name] = api.RetentionInForce{Floor: v.Floor, High: v.High, Reserve: v.Reserve, Cap: v.Cap}
		}
	}
	return out, force, nil
}

func (a apiRecorder) SetRetention(_ context.Context, set api.Retention, by string) error {
	return apiError(a.r.SetRetention(retention(set), by))
}

func (a apiRecorder) PreviewRetention(ctx context.Context, set api.Retention) (out []api.RetentionPlan, err error) {
	plans, err := a.r.PreviewRetention(ctx, retention(set))
	for _, p := range plans {
		one := api.RetentionPlan{
			Volume: p.Volume, Segments: p.Deleted.Rows, Bytes: p.Deleted.Bytes,
			By: map[string]int64{}, Oldest: map[string]api.Timestamp{},
		}
		for rule, t := range p.By {
			one.By[rule] = t.Bytes
		}
		for id, at := range p.Oldest {
			one.Oldest[id] = api.Timestamp(at)
		}
		out = append(out, one)
	}
	return out, apiError(err)
}

func retention(in api.Retention) recorder.Retention {
	out := recorder.Retention{Volumes: map[string]recorder.VolumeRetention{}, Cameras: map[string]recorder.CameraRetention{}}
	for name, v := range in.Volumes {
		out.Volumes[name] = recorder.VolumeRetention(v)
	}
	for id, c := range in.Cameras {
		out.Cameras[id] = recorder.CameraRetention(c)
	}
	return out
}
