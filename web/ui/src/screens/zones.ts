// The zones of a camera, drawn over its live picture, and who is in them now.
import { html } from 'htm/preact';
import { useEffect, useState } from 'preact/hooks';
import { plural, span } from '../format';
import { Icon } from '../icons';
import { useKeys } from '../keys';
import { LivePicture } from '../media/picture';
import { inputOf } from '../zones/shape';
import { zones as api, type Occupancy, type Point, type Zone } from '../perception';
import { mayManage } from '../roles';
import { go } from '../router';
import { boxNow, say, stale, tick, user } from '../store';
import type { Camera } from '../types';
import { Editor, Ends, outline } from '../zones/editor';
import { formOf, ZoneFields, type ZoneForm } from '../zones/form';
import { Overlay } from './overlay';

const watchMs = 2000;

/** useOccupancy asks who is where, again and again while somebody looks. */
function useOccupancy(cam: string, zones: number): Map<string, Occupancy> {
  const [list, setList] = useState<Occupancy[]>([]);
  useEffect(() => {
    if (!zones) return setList([]);
    let live = true;
    const ask = () => document.hidden || api.occupancy(cam).then((l) => live && setList(l), () => live && setList([]));
    void ask();
    const t = setInterval(ask, watchMs);
    return () => {
      live = false;
      clearInterval(t);
    };
  }, [cam, zones]);
  return new Map(list.map((o) => [o.zone_id, o]));
}

export function ZonesScreen({ camera: c }: { camera: Camera }) {
  const [list, setList] = useState<Zone[] | null>(null);
  const [failed, setFailed] = useState('');
  const [edited, setEdited] = useState<Zone | 'new' | null>(null);
  const [form, setForm] = useState<ZoneForm>(formOf());
  const [adding, setAdding] = useState(false);
  const [said, setSaid] = useState('');
  const manages = mayManage(user.value?.role);
  const inside = useOccupancy(c.id, list?.length ?? 0);
  const load = () => api.list(c.id).then((l) => { setList(l); setFailed(''); }, (e) => { setList([]); setFailed(e.message); });
  useEffect(() => void load(), [c.id]);

  const edit = (z: Zone | 'new') => {
    setEdited(z);
    setForm(formOf(z === 'new' ? undefined : inputOf(z)));
    setAdding(z === 'new');
    setTimeout(() => document.getElementById('edit-h')?.focus());
  };
  const close = () => {
    setEdited(null);
    setAdding(false);
    void load();
    setTimeout(() => document.querySelector<HTMLElement>('#main h1')?.focus());
  };
  useKeys((key) => key === 'Escape' && (edited ? (close(), true) : (go('cameras'), true)));

  const draw = (points: Point[]) => setForm((f) => ({ ...f, points }));
  const others = (list ?? []).filter((z) => edited === null || edited === 'new' || z.id !== edited.id);
  return html`<main id="main" class="screen zones">
    <header class="screen-head"><a class="ib" href="#/cameras" aria-label="Back to all cameras"><${Icon} name="back" /></a>
      <h1 tabIndex=${-1}>Zones of ${c.name}</h1>
      ${manages && !edited && html`<button type="button" class="button primary" disabled=${stale.value || list === null} onClick=${() => edit('new')} data-testid="zone-add"><${Icon} name="plus" /><span>Draw a zone</span></button>`}</header>
    <div class="zones-room">
      <section class="zones-picture" aria-label="Picture of ${c.name}">
        <${LivePicture} camera=${c}>
          <${Others} zones=${others} inside=${inside} quiet=${edited !== null} />
          <${Overlay} camera=${c.id} on=${true} />
          ${edited && html`<${Editor} shape=${form.points} kind=${form.kind} adding=${adding} onShape=${draw} onSay=${setSaid} />`}
        <//>
        ${edited && html`<div class="draw-tools">
          <button type="button" class="button small" aria-pressed=${adding} onClick=${() => setAdding(!adding)} data-testid="zone-adding"><${Icon} name="plus" size=${16} /><span>${adding ? 'Done with adding' : 'Add points by tapping'}</span></button>
          <button type="button" class="button small" disabled=${!form.points.length} onClick=${() => { draw([]); setAdding(true); }} data-testid="zone-clear">Start again</button></div>
          <p class="muted small" id="draw-keys">Drag a point, or tap a side to add one. On a point: arrow keys move it by 1 %, with Shift by 10 %; Delete removes it; Enter or Insert adds one after it.</p>`}
        <p class="sr" role="status">${said}</p>
      </section>
      <section class="zones-side" aria-labelledby="edit-h">
        <h2 id="edit-h" tabIndex=${-1}>${edited === 'new' ? 'New zone' : edited ? `Change ${edited.name}` : 'Zones'}</h2>
        ${edited
          ? html`<${ZoneFields} key=${edited === 'new' ? 'new' : edited.id} camera=${c.id} zone=${edited === 'new' ? null : edited} form=${form} onForm=${setForm} onDone=${close} />`
          : html`<${ZoneList} list=${list} failed=${failed} inside=${inside} onEdit=${manages ? edit : null} onChanged=${load} />`}
      </section>
    </div>
  </main>`;
}

/** Others draws the zones that are not being changed. */
function Others({ zones, inside, quiet }: { zones: Zone[]; inside: Map<string, Occupancy>; quiet: boolean }) {
  return html`<div class="drawn ${quiet ? 'is-quiet' : ''}" aria-hidden="true">
    <svg viewBox="0 0 1000 1000" preserveAspectRatio="none">${zones.map((z) => html`<${z.kind === 'line' ? 'polyline' : 'polygon'} key=${z.id} points=${outline(z.points)}
      class="drawn-zone drawn-${z.kind} ${z.enabled ? '' : 'is-off'} ${inside.get(z.id)?.total ? 'is-in' : ''}" />`)}</svg>
    ${zones.map((z) => z.points.length > 0 && html`<span key=${z.id} class="drawn-name" style=${{ left: `${Math.min(...z.points.map((p) => p[0])) * 100}%`, top: `${Math.min(...z.points.map((p) => p[1])) * 100}%` }}>${z.name}</span>`)}
    ${!quiet && zones.map((z) => z.kind === 'line' && z.points.length > 1 && html`<${Ends} key=${z.id} shape=${z.points} />`)}
  </div>`;
}

function ZoneList({ list, failed, inside, onEdit, onChanged }: { list: Zone[] | null; failed: string; inside: Map<string, Occupancy>; onEdit: ((z: Zone) => void) | null; onChanged: () => void }) {
  if (failed) return html`<p class="form-error" role="alert"><${Icon} name="warn" />${failed}</p>`;
  if (!list) return html`<p class="muted" role="status">Loading…</p>`;
  if (!list.length) return html`<p class="muted">${onEdit ? 'None yet. A zone tells when something that a worker sees enters, leaves, stays, or crosses a line.' : 'None yet.'}</p>`;
  const flip = (z: Zone) => api.change(z.id, { enabled: !z.enabled }).then(onChanged, (e) => say('error', e.message));
  return html`<ul class="zone-list" data-testid="zone-list">${list.map((z) => html`<li key=${z.id} data-testid="zone-${z.name}">
    <div class="zone-says"><b>${z.name}</b> <span class="tag">${z.kind === 'line' ? 'line' : 'area'}</span> ${!z.enabled && html`<span class="tag">switched off</span>`}
      <small class="muted">${z.labels.length ? z.labels.join(', ') : 'everything'}${z.dwell_seconds && z.kind === 'polygon' ? ` · stays of ${z.dwell_seconds} s` : ''}</small>
      ${z.kind === 'polygon' && html`<${Inside} o=${inside.get(z.id)} name=${z.name} />`}</div>
    ${onEdit && html`<div class="zone-tools"><button type="button" class="button small" disabled=${stale.value} onClick=${() => flip(z)}>${z.enabled ? 'Switch off' : 'Switch on'}<span class="sr"> ${z.name}</span></button>
      <button type="button" class="button small" disabled=${stale.value} onClick=${() => onEdit(z)} data-testid="zone-edit-${z.name}">Change…<span class="sr"> ${z.name}</span></button></div>`}
  </li>`)}</ul>`;
}

/** Inside says who is in a zone, and for how long the longest. */
function Inside({ o, name }: { o?: Occupancy; name: string }) {
  void tick.value;
  const labels = Object.entries(o?.labels ?? {}).map(([l, n]) => `${n} × ${l}`).join(', ');
  const first = Math.min(...(o?.tracks ?? []).map((t) => Date.parse(t.since)).filter(Number.isFinite));
  return html`<p class="zone-in ${o?.total ? 'is-in' : ''}" data-testid="inside-${name}">${o?.total
    ? html`<b>${labels || plural(o.total, 'thing')}</b> inside${Number.isFinite(first) ? `, for ${span(Math.max(1000, boxNow.value - first))}` : ''}` : 'Nobody inside'}</p>`;
}
