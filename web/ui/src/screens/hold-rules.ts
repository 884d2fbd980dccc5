// Rules that keep footage by themselves when something happens.
import { html } from 'htm/preact';
import { useEffect, useState } from 'preact/hooks';
import { ApiError } from '../api';
import { plural, span } from '../format';
import { Icon } from '../icons';
import { holdRules as api, words, type HoldRule } from '../outward';
import { zones as zonesAPI, type Zone } from '../perception';
import { cameraList, say, stale } from '../store';
import { Ask } from '../ui/ask';
import { Dialog, Field, Toggle } from '../ui/kit';
import { Select } from '../zones/form';
import { Tabs } from './events';
import { PickCameras } from './incidents';

const nameOf = (id: string) => cameraList.value.find((c) => c.id === id)?.name ?? id;

export function HoldRules() {
  const [list, setList] = useState<HoldRule[] | null>(null);
  const [failed, setFailed] = useState('');
  const [edit, setEdit] = useState<HoldRule | 'new' | null>(null);
  const [gone, setGone] = useState<HoldRule | null>(null);
  const load = () => api.list().then((l) => { setList(l); setFailed(''); }, (e) => setFailed(e.message));
  useEffect(() => void load(), []);
  const close = () => [setEdit(null), setGone(null), void load()];
  const flip = (r: HoldRule) => api.change(r.id, { enabled: !r.enabled }).then(load, (e) => say('error', e.message));
  return html`<main id="main" class="screen">
    <header class="screen-head"><h1 tabIndex=${-1}>Rules</h1><${Tabs} here="rules" />
      <button type="button" class="button primary" disabled=${stale.value} onClick=${() => setEdit('new')} data-testid="rule-add"><${Icon} name="plus" /><span>Add a rule</span></button></header>
    ${failed && html`<p class="form-error" role="alert"><${Icon} name="warn" />${failed}</p>`}
    ${list && !list.length && html`<p class="muted pad">None. A rule keeps the footage around certain events, so that it is still there when somebody asks.</p>`}
    ${list && list.length > 0 && html`<section class="card" aria-label="Rules"><div class="table-box"><table class="table stackable" data-testid="rules">
      <thead><tr><th scope="col">Rule</th><th scope="col">When</th><th scope="col">Keeps</th><th scope="col"><span class="sr">What may be done</span></th></tr></thead>
      <tbody>${list.map((r) => html`<tr key=${r.id} data-testid="rule-${r.name}"><th scope="row">${r.name} ${!r.enabled && html`<span class="tag">switched off</span>`}</th>
        <td data-label="When">${r.types.length && r.types[0] !== '*' ? r.types.join(', ') : 'anything'}, ${severityText(r.min_severity)}${r.cameras ? `, on ${r.cameras.map(nameOf).join(', ') || 'no camera'}` : ''}</td><td data-label="Keeps">${keepsText(r)}</td>
        <td class="actions"><button type="button" class="button small" disabled=${stale.value} onClick=${() => flip(r)}>${r.enabled ? 'Switch off' : 'Switch on'}<span class="sr"> ${r.name}</span></button>
          <button type="button" class="button small" disabled=${stale.value} onClick=${() => setEdit(r)}>Change…<span class="sr"> ${r.name}</span></button>
          <button type="button" class="button small" disabled=${stale.value} onClick=${() => setGone(r)}>Remove…<span class="sr"> ${r.name}</span></button></td></tr>`)}</tbody></table></div></section>`}
    ${edit && html`<${RuleDialog} r=${edit === 'new' ? null : edit} onClose=${close} />`}
    ${gone && html`<${Ask} title="Remove ${gone.name}?" verb="Remove" act=${() => api.remove(gone.id)} onClose=${close} testid="rule-gone"><p>What it kept stays kept until it is released.</p><//>`}
  </main>`;
}

const severityText = (s: string) => (s === 'critical' ? 'critical' : s === 'warning' ? 'a warning at least' : 'however serious');

/** keepsText says what a rule keeps. Pure. */
export function keepsText(r: Pick<HoldRule, 'before_seconds' | 'after_seconds' | 'keep_days' | 'open_incident'>): string {
  return `from ${span(r.before_seconds * 1000)} before to ${span(r.after_seconds * 1000)} after, ${r.keep_days ? `for ${plural(r.keep_days, 'day')}` : 'until somebody releases it'}${r.open_incident ? ', and opens an incident' : ''}`;
}

interface Form {
  name: string;
  enabled: boolean;
  types: string;
  cameras: string[] | null;
  zones: string[];
  min_severity: string;
  before: string;
  after: string;
  days: string;
  open_incident: boolean;
}

function RuleDialog({ r, onClose }: { r: HoldRule | null; onClose: () => void }) {
  const [f, setF] = useState<Form>({
    name: r?.name ?? '', enabled: r?.enabled ?? true, types: (r?.types ?? ['zone_*']).join(', '), cameras: r?.cameras ?? null, zones: r?.zones ?? [], min_severity: r?.min_severity || 'warning',
    before: String(r?.before_seconds ?? 60), after: String(r?.after_seconds ?? 120), days: String(r?.keep_days ?? 30), open_incident: r?.open_incident ?? false,
  });
  const [errors, setErrors] = useState<Record<string, string>>({});
  const [busy, setBusy] = useState(false);
  const [zones, setZones] = useState<Zone[]>([]);
  useEffect(() => void Promise.all(cameraList.peek().map((c) => zonesAPI.list(c.id).catch(() => []))).then((l) => setZones(l.flat())), []);
  const set = <K extends keyof Form>(k: K) => (v: Form[K]) => setF((o) => ({ ...o, [k]: v }));
  const submit = async (e: Event) => {
    e.preventDefault();
    setBusy(true);
    try {
      const body = {
        name: f.name.trim(), enabled: f.enabled, types: f.types.trim() ? words(f.types) : ['*'], cameras: f.cameras, zones: f.zones, min_severity: f.min_severity,
        before_seconds: Number(f.before), after_seconds: Number(f.after), keep_days: Number(f.days), open_incident: f.open_incident,
      };
      await (r ? api.change(r.id, body) : api.add(body));
      say('good', `${body.name} was saved.`);
      onClose();
    } catch (err) {
      const a = err as ApiError;
      setErrors({ [a.field ?? 'form']: a.message });
    } finally {
      setBusy(false);
    }
  };
  const known = ['name', 'types', 'min_severity', 'before_seconds', 'after_seconds', 'keep_days'];
  const rest = Object.entries(errors).filter(([k]) => !known.includes(k)).map(([, m]) => m).join(' ');
  const flip = (id: string, on: boolean) => set('zones')(on ? [...f.zones, id] : f.zones.filter((z) => z !== id));
  const digits = (s: string) => /^\d+$/.test(s.trim());
  return html`<${Dialog} title=${r ? r.name : 'Add a rule'} onClose=${onClose} testid="rule-dialog"><form class="ask" onSubmit=${submit}>
    <${Field} id="name" label="Name" value=${f.name} onInput=${set('name')} error=${errors.name} placeholder="People at night" testid="rule-name" />
    <${Field} id="types" label="Kinds of events" value=${f.types} onInput=${set('types')} error=${errors.types} mono testid="rule-types" hint="As zone_enter, zone_*; several with commas. * is every kind." />
    <${Select} id="min_severity" label="At least" value=${f.min_severity} onPick=${set('min_severity')} error=${errors.min_severity} options=${[['info', 'Information'], ['warning', 'Warning'], ['critical', 'Critical']]} />
    <${Toggle} id="rule-all" label="All cameras" checked=${f.cameras === null} onChange=${(on: boolean) => set('cameras')(on ? null : [])} testid="rule-all" />
    ${f.cameras && html`<${PickCameras} legend="These cameras" value=${f.cameras} onChange=${set('cameras')} />`}
    ${zones.length > 0 && html`<fieldset class="picks"><legend>These zones alone; none: all</legend>${zones.map((z) => html`<label key=${z.id}><input type="checkbox" checked=${f.zones.includes(z.id)} onChange=${(e: Event) => flip(z.id, (e.target as HTMLInputElement).checked)} /> ${z.name} <small class="muted">${nameOf(z.camera_id)}</small></label>`)}</fieldset>`}
    <div class="pair"><${Field} id="before_seconds" label="Seconds before" value=${f.before} onInput=${set('before')} error=${errors.before_seconds} inputmode="numeric" testid="rule-before" />
      <${Field} id="after_seconds" label="Seconds after" value=${f.after} onInput=${set('after')} error=${errors.after_seconds} inputmode="numeric" testid="rule-after" /></div>
    <${Field} id="keep_days" label="Kept for days" value=${f.days} onInput=${set('days')} error=${errors.keep_days} inputmode="numeric" testid="rule-days" hint="0: until somebody releases it." />
    <${Toggle} id="rule-incident" label="Opens an incident" checked=${f.open_incident} onChange=${set('open_incident')} testid="rule-incident" />
    <div role="alert">${rest && html`<p class="form-error"><${Icon} name="warn" />${rest}</p>`}</div>
    <div class="dialog-foot"><button type="button" class="button" onClick=${onClose}>Cancel</button><button type="submit" class="button primary" disabled=${busy || !f.name.trim() || ![f.before, f.after, f.days].every(digits)} data-testid="rule-save">Save</button></div>
  </form><//>`;
}
