// Incidents: what belongs together of kept footage, notes and exports.
import { html } from 'htm/preact';
import { useEffect, useState } from 'preact/hooks';
import { holds as holdsAPI } from '../api';
import { bytes, clock, isoDay, parseTime, plural, stamp } from '../format';
import { Icon } from '../icons';
import { incidents as api, type Incident } from '../outward';
import { mayManage } from '../roles';
import { go, href } from '../router';
import { boxNow, cameraList, panel, say, stale, user, zone } from '../store';
import type { Hold } from '../types';
import { useTry, Wrong } from '../ui/ask';
import { Dialog, Field } from '../ui/kit';
import { Tabs } from './events';

const nameOf = (id: string) => cameraList.value.find((c) => c.id === id)?.name ?? id;
const when = (t: string) => stamp(Date.parse(t), zone.value);

/** told changes with every event about incidents and holds. */
const told = () => panel.value.events.find((e) => /^(incident|evidence|hold)_/.test(e.type))?.seq;

export function Incidents() {
  const [list, setList] = useState<Incident[] | null>(null);
  const [failed, setFailed] = useState('');
  const [add, setAdd] = useState(false);
  const news = told();
  useEffect(() => void api.list().then((l) => { setList([...l].sort((a, b) => Date.parse(b.created) - Date.parse(a.created))); setFailed(''); }, (e) => setFailed(e.message)), [news]);
  return html`<main id="main" class="screen">
    <header class="screen-head"><h1 tabIndex=${-1}>Incidents</h1><${Tabs} here="incidents" />
      <button type="button" class="button primary" disabled=${stale.value} onClick=${() => setAdd(true)} data-testid="incident-add"><${Icon} name="plus" /><span>Open an incident</span></button></header>
    ${failed && html`<p class="form-error" role="alert"><${Icon} name="warn" />${failed}</p>`}
    ${list && !list.length && html`<p class="muted pad">None. An incident keeps footage, notes and exports of one matter together.</p>`}
    ${list && list.length > 0 && html`<section class="card" aria-label="Incidents"><div class="table-box"><table class="table stackable" data-testid="incidents">
      <thead><tr><th scope="col">What</th><th scope="col">State</th><th scope="col">Cameras</th><th scope="col">Since</th><th scope="col">By</th></tr></thead>
      <tbody>${list.map((i) => html`<tr key=${i.id}><th scope="row"><a href=${href('events', 'incidents', '', i.id)} data-testid="incident-${i.id}">${i.title}</a></th>
        <td data-label="State"><${StateTag} state=${i.state} /></td><td data-label="Cameras">${(i.cameras ?? []).map(nameOf).join(', ') || '–'}</td><td data-label="Since" class="mono">${when(i.created)}</td><td data-label="By">${i.by}</td></tr>`)}</tbody></table></div></section>`}
    <${SigningKey} />
    ${add && html`<${Add} onClose=${() => setAdd(false)} />`}
  </main>`;
}

const StateTag = ({ state }: { state: string }) => html`<span class="tag ${state === 'open' ? '' : 'tag-good'}"><${Icon} name=${state === 'open' ? 'clock' : 'check'} size=${14} />${state}</span>`;

function Add({ onClose }: { onClose: () => void }) {
  const [title, setTitle] = useState('');
  const [cameras, setCameras] = useState<string[]>([]);
  const { busy, error, go: attempt } = useTry();
  const submit = async (e: Event) => {
    e.preventDefault();
    await attempt(async () => go('events', 'incidents', '', (await api.add(title.trim(), cameras)).id));
  };
  return html`<${Dialog} title="Open an incident" onClose=${onClose} testid="incident-dialog"><form class="ask" onSubmit=${submit}>
    <${Field} id="title" label="Title" value=${title} onInput=${setTitle} placeholder="Bicycle taken from the yard" testid="incident-name" />
    <${PickCameras} legend="Cameras" value=${cameras} onChange=${setCameras} />
    <${Wrong} error=${error} />
    <div class="dialog-foot"><button type="button" class="button" onClick=${onClose}>Cancel</button><button type="submit" class="button primary" disabled=${busy || !title.trim()} data-testid="incident-save">Open it</button></div>
  </form><//>`;
}

/** PickCameras ticks some of the cameras. */
export function PickCameras({ legend, value, onChange }: { legend: string; value: string[]; onChange: (v: string[]) => void }) {
  return html`<fieldset class="picks"><legend>${legend}</legend>${cameraList.value.map((c) => html`<label key=${c.id}><input type="checkbox" checked=${value.includes(c.id)} data-testid="pick-${c.id}"
    onChange=${(e: Event) => onChange((e.target as HTMLInputElement).checked ? [...value, c.id] : value.filter((x) => x !== c.id))} /> ${c.name}</label>`)}</fieldset>`;
}

/** SigningKey shows what exports of this box are signed with. */
function SigningKey() {
  const [key, setKey] = useState<{ key_id: string; public_key: string; words?: string } | null>(null);
  useEffect(() => void api.key().then(setKey, () => undefined), []);
  if (!key) return null;
  return html`<section class="card signing" aria-labelledby="signing-h"><h2 id="signing-h">The key that signs exports</h2>
    <p class="muted">Whoever gets an export can check with this that it comes from this recorder and was not changed: vedette verify FILE --key ${key.key_id}</p>
    <dl class="trust"><div><dt>Key</dt><dd class="mono wrap" data-testid="signing-key">${key.key_id}</dd></div>${key.words && html`<div><dt>As words</dt><dd class="wrap">${key.words}</dd></div>`}<div><dt>In full</dt><dd class="mono wrap">${key.public_key}</dd></div></dl></section>`;
}

export function IncidentScreen({ id }: { id: string }) {
  const [i, setI] = useState<Incident | null>(null);
  const [holds, setHolds] = useState<Hold[]>([]);
  const [failed, setFailed] = useState('');
  const news = told();
  const load = () => api.get(id).then((x) => { setI(x); setFailed(''); }, (e) => setFailed(e.message));
  useEffect(() => {
    void load();
    holdsAPI.list().then((l) => setHolds(l.filter((h) => h.incident === id)), () => setHolds([]));
  }, [id, news]);
  const state = async (to: Incident['state']) => {
    try {
      await api.change(id, { state: to });
      await load();
    } catch (e) {
      say('error', (e as Error).message);
    }
  };
  return html`<main id="main" class="screen narrow incident">
    <header class="screen-head"><a class="ib" href=${href('events', 'incidents')} aria-label="Back to all incidents"><${Icon} name="back" /></a><h1 tabIndex=${-1}>${i?.title ?? 'Incident'}</h1>${i && html`<${StateTag} state=${i.state} />`}</header>
    ${failed && html`<p class="form-error" role="alert"><${Icon} name="warn" />${failed}</p>`}
    ${i && html`<p class="muted">Opened by ${i.by} on ${when(i.created)}${i.cameras?.length ? ` · ${i.cameras.map(nameOf).join(', ')}` : ''}</p>
      <p><button type="button" class="button" disabled=${stale.value} onClick=${() => state(i.state === 'open' ? 'closed' : 'open')} data-testid="incident-state">${i.state === 'open' ? 'Close it' : 'Open it again'}</button></p>
      <${Notes} i=${i} onDone=${load} />
      <${Kept} list=${holds} count=${i.holds?.length ?? 0} onDone=${() => holdsAPI.list().then((l) => setHolds(l.filter((h) => h.incident === id)))} />
      <${Exports} i=${i} holds=${holds} onDone=${load} />`}
  </main>`;
}

function Notes({ i, onDone }: { i: Incident; onDone: () => void }) {
  const [text, setText] = useState('');
  const { busy, error, go: attempt } = useTry();
  const submit = async (e: Event) => {
    e.preventDefault();
    if (!(await attempt(() => api.note(i.id, text.trim())))) return;
    setText('');
    onDone();
  };
  return html`<section class="card" aria-labelledby="notes-h"><h2 id="notes-h">Notes</h2>
    ${i.notes?.length ? html`<ol class="notes-list" data-testid="incident-notes">${i.notes.map((n) => html`<li key=${n.at + n.by}><p class="muted small"><b>${n.by}</b> · <time dateTime=${n.at}>${when(n.at)}</time></p><p class="note-text">${n.text}</p></li>`)}</ol>` : html`<p class="muted">None yet.</p>`}
    <form class="ask" onSubmit=${submit}><div class="field"><label for="note">Add a note</label><textarea id="note" rows="3" value=${text} onInput=${(e: Event) => setText((e.target as HTMLTextAreaElement).value)} data-testid="note-text"></textarea></div>
      <${Wrong} error=${error} /><p><button type="submit" class="button" disabled=${busy || stale.value || !text.trim()} data-testid="note-save">Add note</button></p></form></section>`;
}

function Kept({ list, count, onDone }: { list: Hold[]; count: number; onDone: () => void }) {
  const release = (h: Hold) => holdsAPI.release(h.id).then(onDone, (e) => say('error', e.message));
  const may = mayManage(user.value?.role);
  return html`<section class="card" aria-labelledby="kept-h"><h2 id="kept-h">Kept footage</h2>
    ${!list.length ? html`<p class="muted">${count ? `${plural(count, 'hold')} not on show: released, or of cameras that you do not see.` : 'None. Keep some from an event, or from playback.'}</p>` : html`<div class="table-box"><table class="table stackable" data-testid="incident-holds">
      <thead><tr><th scope="col">Cameras</th><th scope="col">From</th><th scope="col">To</th><th scope="col"><span class="sr">What may be done</span></th></tr></thead>
      <tbody>${list.map((h) => html`<tr key=${h.id}><th scope="row">${(h.cameras ?? []).map(nameOf).join(', ') || 'All'}</th><td data-label="From" class="mono">${when(h.from)}</td><td data-label="To" class="mono">${when(h.to)}</td>
        <td class="actions">${h.cameras?.[0] && html`<a class="button small" href=${href('playback', h.cameras[0], `t=${Date.parse(h.from)}`)}>Play<span class="sr"> from ${when(h.from)}</span></a>`}
          ${may && html` <button type="button" class="button small" disabled=${stale.value} onClick=${() => release(h)}>Release</button>`}</td></tr>`)}</tbody></table></div>`}</section>`;
}

const written = (t: number) => `${isoDay(t, zone.value)} ${clock(t, zone.value)}`;

/** Exports makes a signed file of footage, and lists what was made before. */
function Exports({ i, holds, onDone }: { i: Incident; holds: Hold[]; onDone: () => void }) {
  const first = Math.min(...holds.map((h) => Date.parse(h.from)));
  const last = Math.max(...holds.map((h) => Date.parse(h.to)));
  const [from, setFrom] = useState('');
  const [to, setTo] = useState('');
  const [cameras, setCameras] = useState<string[]>(i.cameras ?? []);
  const now = boxNow.value;
  const begin = Number.isFinite(first) ? first : now - 600e3;
  const a = parseTime(from || written(begin), begin, now, zone.value);
  const b = parseTime(to || written(Number.isFinite(last) ? Math.min(last, now) : now), begin, now, zone.value);
  const bad = a === null || b === null ? 'Write times as 2026-11-28 14:05.' : b <= a ? 'The end lies before the start.' : '';
  const ready = !bad && cameras.length > 0 && !stale.value;
  return html`<section class="card" aria-labelledby="exports-h"><h2 id="exports-h">Exports</h2>
    <div class="ask"><div class="pair"><${Field} id="from" label="From" value=${from || written(begin)} onInput=${setFrom} mono testid="export-from" />
      <${Field} id="to" label="To" value=${to || written(Number.isFinite(last) ? Math.min(last, now) : now)} onInput=${setTo} error=${bad || undefined} mono testid="export-to" /></div>
      <${PickCameras} legend="Cameras" value=${cameras} onChange=${setCameras} />
      <p>${ready ? html`<a class="button primary" href=${api.exportURL(cameras, a!, b!, i.id)} download onClick=${() => setTimeout(onDone, 3000)} data-testid="export-make"><${Icon} name="download" /><span>Download a signed export</span></a>`
        : html`<button type="button" class="button" disabled>Download a signed export</button>`}</p>
      <p class="muted small">A zip with a film of each camera, a list with the SHA-256 of each, who made it and when, and a signature of that list.</p></div>
    ${i.exports?.length ? html`<div class="table-box"><table class="table stackable" data-testid="incident-exports"><thead><tr><th scope="col">Made</th><th scope="col">By</th><th scope="col">Of</th><th scope="col">Size</th><th scope="col">SHA-256 of the list</th></tr></thead>
      <tbody>${i.exports.map((x) => html`<tr key=${x.manifest_sha256 + x.at}><th scope="row" class="mono">${when(x.at)}</th><td data-label="By">${x.by}</td><td data-label="Of">${x.cameras.map(nameOf).join(', ')}, ${when(x.from)} – ${when(x.to)}</td><td data-label="Size">${bytes(x.bytes)}</td><td data-label="SHA-256 of the list" class="mono wrap small">${x.manifest_sha256}</td></tr>`)}</tbody></table></div>` : null}
  </section>`;
}
