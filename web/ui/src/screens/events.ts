// Events: what happened, with pictures, and the way to the footage of it.
import { html } from 'htm/preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { ApiError, holds } from '../api';
import { dayStart, isoDay, stamp } from '../format';
import { Icon } from '../icons';
import { useKeys } from '../keys';
import { later } from '../later';
import { eventLog } from '../perception';
import { mayExport, mayManage } from '../roles';
import { go, href, route } from '../router';
import { socket } from '../socket';
import { boxNow, cameraList, panel, say, stale, user, zone } from '../store';
import type { Event } from '../types';
import { Ask } from '../ui/ask';
import { Field } from '../ui/kit';
import { groups, merge, moment, newest, ofDay, wanted, type Filters } from './event-feed';
import { sentence } from './sentences';

const Incidents = later(() => import('./incidents').then((m) => m.Incidents));
const Incident = later(() => import('./incidents').then((m) => m.IncidentScreen));
const HoldRules = later(() => import('./hold-rules').then((m) => m.HoldRules));

/** What is kept around an event by hand, ms before and after it. */
const around = { before: 60_000, after: 120_000 };

export function EventsScreen() {
  const { arg, part } = route.value;
  const role = user.value?.role;
  if (arg === 'incidents' && mayExport(role)) return part ? html`<${Incident} key=${part} id=${part} />` : html`<${Incidents} />`;
  if (arg === 'rules' && mayManage(role)) return html`<${HoldRules} />`;
  return html`<${Log} />`;
}

/** Tabs lead to what belongs to events, for who may see it. */
export function Tabs({ here }: { here: '' | 'incidents' | 'rules' }) {
  const role = user.value?.role;
  if (!mayExport(role)) return null;
  const tabs = [['', 'Events'], ['incidents', 'Incidents'], ...(mayManage(role) ? [['rules', 'Rules']] : [])];
  return html`<nav class="tabs" aria-label="Events and what is made of them">${tabs.map(([arg, name]) => html`<a key=${arg} href=${href('events', arg)} aria-current=${arg === here ? 'page' : undefined} data-testid="tab-${arg || 'events'}">${name}</a>`)}</nav>`;
}

const nameOf = (id?: string) => cameraList.value.find((c) => c.id === id)?.name ?? id ?? '';

/** useFeed loads what the filters want, and adds what happens meanwhile. */
function useFeed(f: Filters, limit: number) {
  const [list, setList] = useState<Event[] | null>(null);
  const [failed, setFailed] = useState('');
  const [more, setMore] = useState(false);
  const linked = panel.value.link === 'open';
  const z = zone.value;
  const asked = JSON.stringify(f);
  useEffect(() => {
    if (!linked) return;
    let live = true;
    const from = f.day ? Date.parse(`${f.day}T12:00Z`) : NaN;
    const start = Number.isFinite(from) ? dayStart(new Date(`${f.day}T12:00${z === 'utc' ? 'Z' : ''}`).getTime(), z) : null;
    const load = start === null ? newest(eventLog.list, f, limit) : ofDay(eventLog.list, f, start, dayStart(start, z, 1));
    load.then(
      (a) => live && (setList(a.list), setMore(a.more), setFailed('')),
      (e) => live && setFailed((e as Error).message),
    );
    const today = start === null || (boxNow.peek() >= start && boxNow.peek() < dayStart(start, z, 1));
    const off = socket.on((m) => m.t === 'event' && today && typeof m.d?.seq === 'number' && wanted(f, m.d) && setList((l) => l && merge(l, [m.d])));
    return () => {
      live = false;
      off();
    };
  }, [asked, limit, linked, z]);
  return { list, more, failed };
}

function Log() {
  const [f, setF] = useState<Filters>({ camera: route.value.query.get('camera') ?? '', group: '', severity: '', day: '' });
  const [limit, setLimit] = useState(100);
  const [at, setAt] = useState<number | null>(null);
  const [incident, setIncident] = useState<Event | null>(null);
  const { list, more, failed } = useFeed(f, limit);
  const keeps = mayExport(user.value?.role);
  const set = (k: keyof Filters) => (v: string) => {
    setF((o) => ({ ...o, [k]: v }));
    setLimit(100);
    setAt(null);
  };
  const open = (e: Event) => e.camera && go('playback', e.camera, `t=${moment(e) - 5000}`);
  const keep = async (e: Event) => {
    try {
      await holds.place(e.camera!, moment(e) - around.before, moment(e) + around.after, { reason: sentence(e, nameOf(e.camera), zone.value).text.slice(0, 200) });
      say('good', 'The footage around it is kept.');
    } catch (err) {
      say('error', err instanceof ApiError ? err.message : 'It could not be kept.');
    }
  };
  useKeys((key) => {
    if (!list?.length) return;
    const i = list.findIndex((e) => e.seq === at);
    const e = list[i];
    if (key === 'j' || key === 'k') {
      const next = list[Math.min(list.length - 1, Math.max(0, i < 0 ? 0 : i + (key === 'j' ? 1 : -1)))];
      setAt(next.seq);
      const row = document.getElementById(`event-${next.seq}`);
      row?.focus({ preventScroll: true });
      row?.scrollIntoView({ block: 'nearest' });
      return true;
    }
    if (key === 'Enter' && e) return open(e), true;
    if (key === 'x' && e?.camera && keeps) return void keep(e), true;
  });
  const today = isoDay(boxNow.value, zone.value);
  return html`<main id="main" class="screen events-screen">
    <header class="screen-head"><h1 tabIndex=${-1}>Events</h1><${Tabs} here="" /></header>
    <form class="filters-row" onSubmit=${(e: globalThis.Event) => e.preventDefault()} aria-label="Which events">
      <${Pick} id="f-camera" label="Camera" value=${f.camera} onPick=${set('camera')} options=${[['', 'All'], ...cameraList.value.map((c) => [c.id, c.name])]} />
      <${Pick} id="f-group" label="What" value=${f.group} onPick=${set('group')} options=${[['', 'Everything'], ...Object.entries(groups).map(([k, g]) => [k, g.name])]} />
      <${Pick} id="f-severity" label="At least" value=${f.severity} onPick=${set('severity')} options=${[['', 'All'], ['warning', 'Warnings'], ['critical', 'Critical']]} />
      <div class="field"><label for="f-day">Day</label><div class="field-box"><input type="date" id="f-day" value=${f.day} max=${today} data-testid="f-day" onInput=${(e: globalThis.Event) => set('day')((e.target as HTMLInputElement).value)} /></div></div>
      ${(f.camera || f.group || f.severity || f.day) && html`<button type="button" class="button" onClick=${() => setF({ camera: '', group: '', severity: '', day: '' })} data-testid="f-clear">Show all</button>`}
    </form>
    <p class="sr" role="status">${list ? `${list.length} events on show` : 'Loading'}</p>
    ${failed && html`<p class="form-error" role="alert"><${Icon} name="warn" />${failed}</p>`}
    ${list && !list.length && html`<p class="muted pad" data-testid="events-none">Nothing of that kind${f.day ? ' on that day' : ' yet'}.</p>`}
    <ol class="cards" data-testid="event-list">${(list ?? []).map((e) => html`<${Card} key=${e.seq} e=${e} here=${e.seq === at} onFocus=${() => setAt(e.seq)} onKeep=${keeps && e.camera ? () => keep(e) : null} onIncident=${keeps && e.camera ? () => setIncident(e) : null} />`)}</ol>
    ${more && html`<p class="older"><button type="button" class="button" disabled=${stale.value} onClick=${() => setLimit(limit >= 500 ? 2000 : 500)} data-testid="events-more">Show older</button></p>`}
    ${list && !more && list.length >= 2000 && html`<p class="muted older">Choose a day to see what happened before.</p>`}
    ${incident && html`<${OpenIncident} e=${incident} onClose=${() => setIncident(null)} />`}
  </main>`;
}

function Pick({ id, label, value, options, onPick }: { id: string; label: string; value: string; options: string[][]; onPick: (v: string) => void }) {
  return html`<div class="field"><label for=${id}>${label}</label><div class="field-box"><select id=${id} value=${value} data-testid=${id} onChange=${(e: globalThis.Event) => onPick((e.target as HTMLSelectElement).value)}>
    ${options.map(([v, text]) => html`<option key=${v} value=${v} selected=${v === value}>${text}</option>`)}</select></div></div>`;
}

/** Card is one event: its picture if there is one, what happened, and what may be done with it. */
function Card({ e, here, onFocus, onKeep, onIncident }: { e: Event; here: boolean; onFocus: () => void; onKeep: (() => void) | null; onIncident: (() => void) | null }) {
  const [gone, setGone] = useState(false);
  const name = nameOf(e.camera);
  const s = sentence(e, name, zone.value);
  const evidence = typeof e.payload?.evidence === 'string' ? e.payload.evidence : '';
  const icon = e.severity === 'critical' ? 'cross' : e.severity === 'warning' ? 'warn' : 'info';
  const known = cameraList.value.some((c) => c.id === e.camera);
  return html`<li class="happened happened-${e.severity} ${here ? 'is-here' : ''}" id="event-${e.seq}" tabIndex=${-1} onFocusIn=${onFocus} data-testid="happened-${e.seq}" data-type=${e.type}>
    ${evidence && e.camera && !gone && html`<a class="happened-picture" href=${href('playback', e.camera, `t=${moment(e) - 5000}`)} tabIndex=${-1} aria-hidden="true"><img src=${eventLog.evidenceURL(e.camera, evidence)} alt="" loading="lazy" decoding="async" onError=${() => setGone(true)} data-testid="evidence-${e.seq}" /></a>`}
    <div class="happened-says"><p><${Icon} name=${icon} size=${16} /><span class="sr">${e.severity}: </span> <b>${s.text}</b></p>
      <p class="muted small"><time class="mono" dateTime=${e.time}>${stamp(Date.parse(e.time), zone.value)}</time>${name ? ` · ${name}` : ''}${s.detail && ` · ${s.detail}`}</p></div>
    <div class="happened-does">
      ${known && html`<a class="button small" href=${href('playback', e.camera, `t=${moment(e) - 5000}`)} data-testid="play-${e.seq}"><${Icon} name="play" size=${16} /><span>Play</span><span class="sr"> what happened at ${stamp(Date.parse(e.time), zone.value)}</span></a>`}
      ${known && onKeep && html`<button type="button" class="button small" disabled=${stale.value} onClick=${onKeep} data-testid="keep-${e.seq}"><${Icon} name="keep" size=${16} /><span>Keep</span><span class="sr"> the footage around it</span></button>`}
      ${known && onIncident && html`<button type="button" class="button small" disabled=${stale.value} onClick=${onIncident} data-testid="incident-${e.seq}">Incident…</button>`}
    </div>
  </li>`;
}

/** OpenIncident begins an incident with an event, and keeps the footage around it. */
function OpenIncident({ e, onClose }: { e: Event; onClose: () => void }) {
  const [title, setTitle] = useState(() => `${sentence(e, nameOf(e.camera), zone.value).text}`.slice(0, 100));
  const made = useRef('');
  const act = async () => {
    const { incidents } = await import('../outward');
    // A second try after the hold was refused goes on with the same incident.
    if (!made.current) made.current = (await incidents.add(title.trim(), [e.camera!])).id;
    await holds.place(e.camera!, moment(e) - around.before, moment(e) + around.after, { reason: title.trim().slice(0, 200), incident: made.current });
    go('events', 'incidents', '', made.current);
  };
  return html`<${Ask} title="Open an incident" verb="Open it" keep="Cancel" danger=${false} ready=${!!title.trim()} waits="Opening…" act=${act} onClose=${onClose} testid="incident">
    <${Field} id="incident-title" label="Title" value=${title} onInput=${setTitle} testid="incident-title" />
    <p class="muted">The footage of ${nameOf(e.camera)} from one minute before to two minutes after is kept with it.</p><//>`;
}
