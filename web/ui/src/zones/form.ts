// What a zone looks for, and what it tells.
import { html } from 'htm/preact';
import { useState } from 'preact/hooks';
import { ApiError } from '../api';
import { Icon } from '../icons';
import { changed, zones as api, type Point, type Zone, type ZoneInput } from '../perception';
import { say, stale } from '../store';
import { Ask } from '../ui/ask';
import { Choice, Field, Toggle } from '../ui/kit';
import { Numbers } from './editor';
import { first, fresh, inputOf, wrong } from './shape';

/** What the form holds: numbers as they are typed. */
export interface ZoneForm extends Omit<ZoneInput, 'labels' | 'min_confidence' | 'confirm_frames' | 'dwell_seconds' | 'lost_seconds'> {
  labels: string;
  min_confidence: string;
  confirm_frames: string;
  dwell_seconds: string;
  lost_seconds: string;
}

export function formOf(z: ZoneInput = fresh): ZoneForm {
  return {
    ...z, labels: z.labels.join(', '), min_confidence: String(Math.round(z.min_confidence * 100)), confirm_frames: String(z.confirm_frames),
    dwell_seconds: String(z.dwell_seconds), lost_seconds: String(z.lost_seconds),
  };
}

/** zoneOf makes a request of the form; what is no number goes in as NaN, which check names. */
export function zoneOf(f: ZoneForm): ZoneInput {
  const number = (s: string) => (s.trim() === '' ? NaN : Number(s.replace(',', '.')));
  return {
    ...f, name: f.name.trim(), direction: f.kind === 'line' ? f.direction : 'any', labels: f.labels.split(/[,\n]+/).map((s) => s.trim()).filter(Boolean), min_confidence: Math.round(number(f.min_confidence) * 100) / 1e4,
    confirm_frames: number(f.confirm_frames), dwell_seconds: number(f.dwell_seconds), lost_seconds: number(f.lost_seconds),
  };
}

/** check says what the recorder would refuse, by field. */
export function check(z: ZoneInput): Record<string, string> {
  const bad: Record<string, string> = {};
  if (!z.name) bad.name = 'Give the zone a name.';
  const shape = wrong(z.points, z.kind);
  if (shape) bad.points = shape;
  const range = (k: 'min_confidence' | 'confirm_frames' | 'dwell_seconds' | 'lost_seconds', lo: number, hi: number, scale = 1) => {
    if (!(z[k] >= lo && z[k] <= hi)) bad[k] = `Enter a number from ${lo * scale} to ${hi * scale}.`;
  };
  range('min_confidence', 0, 1, 100);
  range('confirm_frames', 1, 10);
  range('dwell_seconds', 0, 86_400);
  range('lost_seconds', 1, 600);
  return bad;
}

const known = ['name', 'points', 'labels', 'min_confidence', 'confirm_frames', 'dwell_seconds', 'lost_seconds', 'severity', 'direction', 'kind'];

export function ZoneFields({ camera, zone, form, onForm, onDone }: { camera: string; zone: Zone | null; form: ZoneForm; onForm: (f: ZoneForm) => void; onDone: (saved: Zone | null) => void }) {
  const [errors, setErrors] = useState<Record<string, string>>({});
  const [busy, setBusy] = useState(false);
  const [removing, setRemoving] = useState(false);
  const set = <K extends keyof ZoneForm>(k: K) => (v: ZoneForm[K]) => onForm({ ...form, [k]: v });
  const crossed = form.points.length >= 2 && wrong(form.points, form.kind);

  const submit = async (e: Event) => {
    e.preventDefault();
    const z = zoneOf(form);
    const bad = check(z);
    setErrors(bad);
    if (Object.keys(bad).length) return focusOn(Object.keys(bad)[0]);
    setBusy(true);
    try {
      const saved = zone ? await api.change(zone.id, changed(z, inputOf(zone))) : await api.add(camera, z);
      say('good', `${z.name} was saved.`);
      onDone(saved ?? null);
    } catch (err) {
      const a = err as ApiError;
      // points[3].x, or whatever else says more than the field.
      const field = (a.field ?? 'form').replace(/[.[].*/, '');
      setErrors({ [known.includes(field) ? field : 'form']: a.message });
      focusOn(field);
    } finally {
      setBusy(false);
    }
  };
  const remove = async () => {
    await api.remove(zone!.id);
    say('good', `${zone!.name} was removed.`);
    onDone(null);
  };
  const pick = (kind: string) => onForm({ ...form, kind: kind as Zone['kind'], points: kind === 'line' ? form.points.slice(0, 64) : form.points });
  return html`<form class="form zone-form" onSubmit=${submit} noValidate data-testid="zone-form">
    <div role="alert">${errors.form && html`<p class="form-error"><${Icon} name="warn" />${errors.form}</p>`}</div>
    <${Field} id="name" label="Name" value=${form.name} onInput=${set('name')} error=${errors.name} placeholder="Driveway" testid="zone-name" />
    <div class="field ${errors.points ? 'field-bad' : ''}"><span class="label" id="points-h">Where</span>
      ${!zone && html`<${Choice} label="What to draw" testid="zone-kind" value=${form.kind} onPick=${pick} options=${[{ value: 'polygon', label: 'Area' }, { value: 'line', label: 'Line' }]} />`}
      <p class="field-hint">${form.kind === 'line' ? 'What crosses the line is told.' : 'What enters, leaves or stays in the area is told.'} A thing is where the bottom of its box is.</p>
      ${!form.points.length && html`<p><button type="button" class="button small" onClick=${() => set('points')(first(form.kind))} data-testid="zone-first">Begin with ${form.kind === 'line' ? 'a line' : 'a rectangle'}</button></p>`}
      <div role="status">${(errors.points || crossed) && html`<p class="field-error" id="points" tabIndex=${-1} data-testid="zone-wrong"><${Icon} name="warn" size=${16} />${crossed || errors.points}</p>`}</div>
      ${form.points.length > 0 && html`<${Numbers} shape=${form.points} kind=${form.kind} onShape=${(p: Point[]) => set('points')(p)} />`}</div>
    ${form.kind === 'line' && html`<${Select} id="direction" label="Direction" value=${form.direction} error=${errors.direction} onPick=${(v: string) => set('direction')(v as Zone['direction'])}
      options=${[['any', 'Both'], ['ab', 'From A to B'], ['ba', 'From B to A']]} />`}
    <${Field} id="labels" label="Looks for" required=${false} value=${form.labels} onInput=${set('labels')} error=${errors.labels} placeholder="person, car" testid="zone-labels" hint="Labels as the worker writes them, with commas. Empty: everything." />
    <div class="pair">
      <${Field} id="min_confidence" label="At least this sure, %" value=${form.min_confidence} onInput=${set('min_confidence')} error=${errors.min_confidence} inputmode="decimal" testid="zone-confidence" />
      <${Field} id="confirm_frames" label="Pictures in a row" value=${form.confirm_frames} onInput=${set('confirm_frames')} error=${errors.confirm_frames} inputmode="numeric" testid="zone-confirm" />
      ${form.kind === 'polygon' && html`<${Field} id="dwell_seconds" label="Tells of stays after, s" value=${form.dwell_seconds} onInput=${set('dwell_seconds')} error=${errors.dwell_seconds} inputmode="numeric" testid="zone-dwell" hint="0: never." />`}
      <${Field} id="lost_seconds" label="Gone if unseen for, s" value=${form.lost_seconds} onInput=${set('lost_seconds')} error=${errors.lost_seconds} inputmode="numeric" testid="zone-lost" />
    </div>
    <${Select} id="severity" label="How serious" value=${form.severity} error=${errors.severity} onPick=${(v: string) => set('severity')(v as Zone['severity'])} options=${[['info', 'Information'], ['warning', 'Warning'], ['critical', 'Critical']]} />
    <${Toggle} id="zone-record" label="Records" hint="What happens here begins a recording, where the camera records on events." checked=${form.record} onChange=${set('record')} testid="zone-record" />
    <${Toggle} id="zone-enabled" label="Switched on" checked=${form.enabled} onChange=${set('enabled')} testid="zone-enabled" />
    <div class="form-foot">
      <button type="submit" class="button primary" disabled=${busy || stale.value || !!crossed} data-testid="zone-save">${busy ? 'Saving…' : 'Save zone'}</button>
      <button type="button" class="button" onClick=${() => onDone(null)} data-testid="zone-cancel">Cancel</button>
      ${zone && html`<button type="button" class="button" disabled=${stale.value} onClick=${() => setRemoving(true)} data-testid="zone-remove">Remove…</button>`}
    </div>
    ${removing && zone && html`<${Ask} title="Remove ${zone.name}?" verb="Remove zone" keep="Keep it" act=${remove} onClose=${() => setRemoving(false)} testid="zone-gone">
      <p>It tells of nothing any more. What it told stays in the events.</p><//>`}
  </form>`;
}

/** Select is a labelled choice from a list. */
export function Select({ id, label, value, options, onPick, error, hint }: { id: string; label: string; value: string; options: string[][]; onPick: (v: string) => void; error?: string; hint?: string }) {
  const notes = [error && `${id}-error`, hint && `${id}-hint`].filter(Boolean).join(' ') || undefined;
  return html`<div class="field ${error ? 'field-bad' : ''}"><label for=${id}>${label}</label>
    <div class="field-box"><select id=${id} value=${value} data-testid=${id} aria-invalid=${error ? 'true' : undefined} aria-describedby=${notes} onChange=${(e: Event) => onPick((e.target as HTMLSelectElement).value)}>
      ${options.map(([v, text]) => html`<option key=${v} value=${v} selected=${v === value}>${text}</option>`)}</select></div>
    ${error && html`<p class="field-error" id="${id}-error"><${Icon} name="warn" size=${16} />${error}</p>`}
    ${hint && html`<p class="field-hint" id="${id}-hint">${hint}</p>`}</div>`;
}

const focusOn = (name: string) => name && setTimeout(() => document.getElementById(name)?.focus());
