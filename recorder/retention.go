package recorder

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"vedette/recorder/index"
	"vedette/recorder/sweep"
)

// Retention is how much footage is kept, as a person set it. What is not in it
// has the defaults: the floor by the disk, and no other rule.
type Retention struct {
	Volumes map[string]VolumeRetention // by name
	Cameras map[string]CameraRetention // by id
}

// VolumeRetention are the limits of one volume, in bytes; nil is the default.
type VolumeRetention struct {
	Floor   *int64 // free space kept
	High    *int64 // free space that a sweep makes; above Floor
	Reserve *int64 // free space below which recording rests; below Floor
	Cap     *int64 // footage in all, evidence included; default none
}

// CameraRetention is the policy of one camera; nil is no limit.
type CameraRetention struct {
	AgeHours  *int64 // footage is deleted when it ended longer ago; 1 or more
	Quota     *int64 // bytes of the camera on each volume, evidence included
	KeepHours *int64 // footage this young is spared by quota and cap
}

// Rules returns the names of the rules that delete footage, in the order of what
// they protect.
func Rules() []string { return []string{sweep.FreeFloor, sweep.Age, sweep.Quota, sweep.SizeCap} }

// RetentionPlan is what rules would delete of one volume.
type RetentionPlan struct {
	Volume  string
	Deleted index.Tally
	By      map[string]index.Tally // by rule: age, quota, size_cap, free_floor
	Oldest  map[string]time.Time   // by camera: where its footage would begin
}

// Retention returns what is set. It names every volume, there or not, and every
// camera that there is or that left footage behind: what a person gets is what
// SetRetention takes.
func (r *Recorder) Retention() Retention {
	totals := r.totals()
	r.retentionMu.Lock()
	defer r.retentionMu.Unlock()
	out := Retention{map[string]VolumeRetention{}, map[string]CameraRetention{}}
	for _, b := range r.bays.all {
		out.Volumes[b.o.Name] = r.retention.Volumes[b.o.Name]
	}
	for _, c := range r.all() {
		out.Cameras[c.id] = r.retention.Cameras[c.id]
	}
	for id := range totals {
		out.Cameras[id] = r.retention.Cameras[id]
	}
	return out
}

// SetRetention replaces what is set, for good and at once, but for cameras that
// nothing is known of while a disk is away, or its index lacks rows still: their
// footage may be there. It
// returns a *FieldError for what nobody could mean. by is who asks, for the
// event.
func (r *Recorder) SetRetention(set Retention, by string) error {
	if err := r.checkRetention(set); err != nil {
		return err
	}
	r.retentionMu.Lock()
	defer r.retentionMu.Unlock() // until it is in force: the last one counts
	set = r.withAway(set)
	if err := r.store.saveRetention(set); err != nil {
		return err
	}
	r.retention = set
	for _, p := range r.bays.present() {
		p.retain(set)
	}
	r.emit("retention_changed", Info, "", map[string]any{"volumes": len(set.Volumes), "cameras": len(set.Cameras), "by": by})
	r.changes.notify()
	return nil
}

// withAway returns set with the policies that SetRetention keeps. The caller
// holds retentionMu.
func (r *Recorder) withAway(set Retention) Retention {
	if len(r.bays.unordered()) == 0 {
		return set
	}
	totals := r.totals()
	return set.withUnheard(r.retention, func(id string) bool { return r.heardOf(id, totals) })
}

// withUnheard returns set with the policies of old for cameras that are not in
// set nor heard of.
func (set Retention) withUnheard(old Retention, heard func(id string) bool) Retention {
	cameras := map[string]CameraRetention{}
	for id, c := range old.Cameras {
		if !heard(id) {
			cameras[id] = c
		}
	}
	maps.Copy(cameras, set.Cameras)
	return Retention{set.Volumes, cameras}
}

// PreviewRetention returns what set would delete of each volume that is there.
func (r *Recorder) PreviewRetention(ctx context.Context, set Retention) (plans []RetentionPlan, err error) {
	if err := r.checkRetention(set); err != nil {
		return nil, err
	}
	for _, p := range r.bays.present() {
		plan, err := p.previewRetention(ctx, set)
		if err != nil {
			return nil, fmt.Errorf("look at volume %s: %w", p.bay.o.Name, err)
		}
		plans = append(plans, plan)
	}
	return plans, nil
}

func (p *present) previewRetention(ctx context.Context, set Retention) (RetentionPlan, error) {
	space, err := p.volume.Space()
	if err != nil {
		return RetentionPlan{}, err
	}
	limits := p.sweeper.Effective(p.limits(set), space.Total)
	reading := sweep.Reading{Total: space.Total, Free: space.Available, Limits: limits}
	rows := func(yield func(index.Row, bool) bool) error {
		err := p.index.Range("", 0, math.MaxInt64, func(row index.Row, held bool) bool {
			return ctx.Err() == nil && yield(row, held)
		})
		if err == nil {
			err = ctx.Err()
		}
		return err
	}
	o, err := sweep.Preview(reading, set.policies(p.bay.o.Name), p.index.Totals(), rows, p.bay.r.o.Clock.Now().UnixMilli())
	plan := RetentionPlan{Volume: p.bay.o.Name, Deleted: o.Deleted, By: o.By, Oldest: map[string]time.Time{}}
	for id, ms := range o.Oldest {
		plan.Oldest[id] = time.UnixMilli(ms).UTC()
	}
	return plan, err
}

// retain puts what is set in force on the volume.
func (p *present) retain(set Retention) {
	p.sweeper.SetLimits(p.limits(set))
	p.sweeper.SetPolicies(set.policies(p.bay.o.Name))
}

// limits returns the limits of p that are not defaults.
func (p *present) limits(set Retention) sweep.Limits {
	v := set.Volumes[p.bay.o.Name]
	return sweep.Limits{Floor: value(v.Floor, p.bay.r.o.Floor), High: value(v.High, 0), Reserve: value(v.Reserve, 0)}
}

// policies returns what a sweeper needs of set.
func (set Retention) policies(volume string) sweep.Policies {
	p := sweep.Policies{Cap: value(set.Volumes[volume].Cap, 0), Cameras: map[string]sweep.Policy{}}
	for id, c := range set.Cameras {
		p.Cameras[id] = sweep.Policy{Age: hours(c.AgeHours), Quota: value(c.Quota, 0), Keep: hours(c.KeepHours)}
	}
	return p
}

func value(v *int64, otherwise int64) int64 {
	if v == nil {
		return otherwise
	}
	return *v
}

func hours(v *int64) time.Duration { return time.Duration(value(v, 0)) * time.Hour }

// Bounds of what may be set.
const (
	leastBytes = 1 << 20
	mostBytes  = 1 << 50
	mostHours  = 100 * 365 * 24
)

func (r *Recorder) checkRetention(set Retention) error {
	totals := r.totals()
	for _, name := range slices.Sorted(maps.Keys(set.Volumes)) {
		if r.bays.bay(name) == nil {
			return field("volumes."+name, "there is no volume of this name")
		}
		if err := set.Volumes[name].check("volumes." + name); err != nil {
			return err
		}
	}
	for _, id := range slices.Sorted(maps.Keys(set.Cameras)) {
		if !r.heardOf(id, totals) {
			return field("cameras."+id, "there is no camera of this id, and no footage of one")
		}
		if err := set.Cameras[id].check("cameras." + id); err != nil {
			return err
		}
	}
	return nil
}

func (v VolumeRetention) check(at string) error {
	for name, b := range map[string]*int64{"floor_bytes": v.Floor, "high_bytes": v.High, "reserve_bytes": v.Reserve, "cap_bytes": v.Cap} {
		if b != nil && (*b < leastBytes || *b > mostBytes) {
			return field(at+"."+name, "must be from 1 MiB to 1 PiB")
		}
	}
	switch {
	case v.High != nil && v.Floor != nil && *v.High <= *v.Floor:
		return field(at+".high_bytes", "must be more than floor_bytes: a sweep ends there")
	case v.Reserve != nil && v.Floor != nil && *v.Reserve >= *v.Floor:
		return field(at+".reserve_bytes", "must be less than floor_bytes: recording rests below it")
	}
	return nil
}

func (c CameraRetention) check(at string) error {
	switch {
	case c.AgeHours != nil && (*c.AgeHours < 1 || *c.AgeHours > mostHours):
		return field(at+".age_hours", "must be from 1 to %d", mostHours)
	case c.KeepHours != nil && (*c.KeepHours < 0 || *c.KeepHours > mostHours):
		return field(at+".keep_hours", "must be from 0 to %d", mostHours)
	case c.Quota != nil && (*c.Quota < leastBytes || *c.Quota > mostBytes):
		return field(at+".quota_bytes", "must be from 1 MiB to 1 PiB")
	case c.AgeHours != nil && c.KeepHours != nil && *c.KeepHours > *c.AgeHours:
		return field(at+".keep_hours", "must not be more than age_hours")
	}
	return nil
}
