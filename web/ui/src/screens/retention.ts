// How long footage is kept: the limits of each disk and the policy of each camera.
import { html } from 'htm/preact';
import { useEffect, useState } from 'preact/hooks';
import { ApiError, retention as api } from '../api';
import { bytes, plural, stamp } from '../format';
import { Icon } from '../icons';
import { cameraList, say, stale, user, zone } from '../store';
import type { Retention, RetentionPlan } from '../types';
import { collect, cameraFields, fill, force, place, unit, volumeFields, type Values } from './retention-input';

const rules: Record<string, string> = { free_floor: 'for free space', age: 'by age', quota: 'by quota', size_cap: 'for the cap' };

/** RetentionCard is for administrators: others are not asked. */
export function RetentionCard() {
  const [now, setNow] = useState<Retention | null>(null);
  const [values, setValues] = useState<Values>({});
  const [errors, setErrors] = useState<Record<string, string>>({});
  const [plan, setPlan] = useState<RetentionPlan[] | null>(null);
  const [busy, setBusy] = useState(false);
  const admin = user.value?.role === 'admin';
  useEffect(() => {
    if (admin) api.get().then((r) => { setNow(r); setValues(fill(r)); }).catch(() => setNow(null));
  }, [admin]);
  if (!admin || !now) return null;
  const disks = Object.keys(now.volumes ?? {});
  const cams = Object.keys(now.cameras ?? {});

  const ask = async (apply: boolean) => {
    const { set, errors: wrong } = collect(values, now);
    setErrors(wrong);
    setPlan(null);
    if (Object.keys(wrong).length > 0) return focusOn(Object.keys(wrong)[0]);
    setBusy(true);
    try {
      if (!apply) return setPlan(await api.preview(set));
      const r = await api.set(set);
      setNow(r);
      setValues(fill(r));
      say('good', 'Applied: it is in force now.');
    } catch (e) {
      const a = e instanceof ApiError ? e : null;
      const at = a?.field ? place(now, a.field) : '';
      if (a && at) {
        setErrors({ [at]: a.message });
        focusOn(at);
      } else say('error', a?.message ?? 'It could not be applied.');
    } finally {
      setBusy(false);
    }
  };

  const error = (key: string) => errors[key] && html`<p class="field-error" role="alert" id="${key}-error"><${Icon} name="warn" size=${14} />${errors[key]}</p>`;
  const describe = (key: string) => (errors[key] ? `${key}-error` : undefined);
  const cell = (key: string, label: string, of: string, none: string) => html`<td data-label="${label}, ${unit(key)}" class=${errors[key] ? 'field-bad' : ''}>
    <input id=${key} value=${values[key] ?? ''} placeholder=${none} aria-label="${label} of ${of}, in ${unit(key)}" aria-invalid=${errors[key] ? 'true' : undefined}
      aria-describedby=${describe(key)} data-testid=${key} autocomplete="off"
      onInput=${(e: Event) => { setValues({ ...values, [key]: (e.target as HTMLInputElement).value }); setPlan(null); }} />
    ${error(key)}</td>`;
  const camera = (id: string) => cameraList.value.find((c) => c.id === id);
  const name = (id: string) => camera(id)?.name ?? id;
  const head = (key: string, says: string, away: string) => html`<th scope="row" id=${key} tabIndex=${-1} aria-describedby=${describe(key)}>${says}${away && html` <small class="muted">${away}</small>`}
    ${error(key)}</th>`;

  return html`<section class="card span2 retention" aria-labelledby="retention-h"><h2 id="retention-h">How long footage is kept</h2>
    <p class="muted small">Disks fill up, and then the oldest footage goes. An empty field means the default. Kept footage is never deleted.</p>
    <form onSubmit=${(e: Event) => { e.preventDefault(); void ask(true); }} data-testid="retention">
      <div class="table-box"><table class="table stackable">
        <thead><tr><th scope="col">Disk</th>${volumeFields.map((f) => html`<th scope="col" key=${f.key}>${f.label} <small>GB</small></th>`)}</tr></thead>
        <tbody>${disks.map((d) => html`<tr key=${d}>${head(`volumes.${d}`, d, now.in_force?.[d] ? '' : 'not there')}
          ${volumeFields.map((f) => cell(`volumes.${d}.${f.key}`, f.label, d, force(now, d, f.key)))}</tr>`)}</tbody>
      </table></div>
      ${cams.length > 0 && html`<div class="table-box"><table class="table stackable">
        <thead><tr><th scope="col">Camera</th><th scope="col">Deleted after <small>days</small></th><th scope="col">Quota <small>GB</small></th><th scope="col">Kept at least <small>days</small></th></tr></thead>
        <tbody>${cams.map((c) => html`<tr key=${c}>${head(`cameras.${c}`, name(c), camera(c) ? '' : 'removed; its footage is there')}
          ${cameraFields.map((f) => cell(`cameras.${c}.${f.key}`, f.label, name(c), f.key === 'age_hours' ? 'as the disk allows' : 'none'))}</tr>`)}</tbody>
      </table></div>`}
      <p class="press-row">
        <button type="button" class="button" disabled=${busy || stale.value} onClick=${() => ask(false)} data-testid="retention-preview">Show what would go</button>
        <button type="submit" class="button primary" disabled=${busy || stale.value} data-testid="retention-apply">Apply</button></p>
    </form>
    ${plan && html`<${Plan} plan=${plan} name=${name} />`}
  </section>`;
}

/** Plan says what a setting would delete. */
function Plan({ plan, name }: { plan: RetentionPlan[]; name: (id: string) => string }) {
  return html`<div role="status" data-testid="retention-plan">${plan.map((p) => html`<div key=${p.volume}>
    <p><b>${p.volume}</b>: ${p.segments === 0 ? 'nothing would be deleted.' : html`${plural(p.segments, 'file')}, ${bytes(p.bytes)}, would be deleted: ${Object.entries(p.bytes_by_rule ?? {})
      .filter(([, n]) => n > 0).map(([rule, n]) => `${bytes(n)} ${rules[rule] ?? rule}`).join(', ')}.`}</p>
    <ul class="muted small">${Object.entries(p.oldest ?? {}).map(([id, at]) => html`<li key=${id}>${name(id)} ${p.segments > 0 ? 'would begin' : 'begins'} at ${stamp(Date.parse(at), zone.value)}</li>`)}</ul>
  </div>`)}</div>`;
}

function focusOn(key: string) {
  setTimeout(() => document.getElementById(key)?.focus());
}
