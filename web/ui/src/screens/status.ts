// Status: the box, its disks, its cameras, its clock, and what happened.
import { html } from 'htm/preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { ApiError, holds, volumes as api } from '../api';
import { ago, bitrate, byWhom, bytes, clock, plural, sentence as sentenceOf, span, stamp } from '../format';
import { Icon, type IconName } from '../icons';
import { mayExport, mayManage } from '../roles';
import { boxNow, cameraList, panel, recording, say, stale, tick, user, zone } from '../store';
import { keepDays } from '../state';
import { holdsTold } from '../timeline/held';
import type { Camera, Event, Hold, Volume } from '../types';
import { hasPicture, shownState, StateChip } from '../ui/kit';
import { AiCard } from './ai';
import { BoardView } from './board';
import { MachineDisks } from './disks';
import { MachineCard, SetupBanner, useMachine } from './machine';
import { RetentionCard } from './retention';
import { sentence } from './sentences';

export function StatusScreen() {
  const p = panel.value;
  const machine = useMachine();
  return html`<main id="main" class="screen status">
    <header class="screen-head"><h1 tabIndex=${-1}>Status</h1>
      <p class="muted" data-testid="about">${[p.board.name || p.system.board || p.board.board, p.system.version || p.version, p.system.uptime_s !== undefined ? `up ${span(p.system.uptime_s * 1000)}` : ''].filter(Boolean).join(' · ')}</p></header>
    <${Overall} />
    <${SetupBanner} m=${machine} />
    <div class="status-grid">
      <${BoardView} />
      <div class="status-side">
        <${Disks} />
        <${ClockCard} />
      </div>
      <${CameraTable} />
      <${AiCard} />
      <${MachineDisks} />
      <${Kept} />
      <${RetentionCard} />
      <${MachineCard} m=${machine} />
      <${Events} />
    </div>
  </main>`;
}

const overall: Record<string, { good?: boolean; icon: IconName; says: string }> = {
  recording: { good: true, icon: 'check', says: 'Everything is in order' },
  starting: { icon: 'clock', says: 'Starting' },
  updating: { icon: 'clock', says: 'Updating' },
  degraded: { icon: 'warn', says: 'Something needs a look' },
  fault: { icon: 'cross', says: 'Something is wrong' },
  stopped: { icon: 'cross', says: 'Not recording' },
};

/** Overall is the state of the whole box in one line, and why it is not better. */
function Overall() {
  const b = panel.value.board;
  if (!b.state) return null;
  const o = overall[b.state] ?? { icon: 'info' as const, says: b.state };
  // "cameras: Garage: nothing answers": the first word names the check, the rest is for people.
  const reasons = (b.reasons ?? []).map((r) => sentenceOf(r.replace(/^[a-z ]+: /, '')));
  const says = o.good && !recording.value.wanted ? 'In order, but no camera is to be recorded yet' : o.says;
  return html`<div class="overall overall-${b.state}" role="status" data-testid="overall" data-state=${b.state}>
    <${Icon} name=${o.icon} /><b>${says}</b>
    ${reasons.length > 0 && html`<ul>${reasons.map((r) => html`<li key=${r}>${r}</li>`)}</ul>`}
  </div>`;
}

/** useRate measures the write rate from the footage's growth when the recorder does not report it, bytes per second. */
function useRate(v: Volume): number {
  const first = useRef<{ at: number; bytes: number } | null>(null);
  if (v.write_bytes_per_s) return v.write_bytes_per_s;
  const fromCameras = cameraList.value.reduce((n, c) => n + (c.state === 'recording' ? c.bitrate_bps ?? 0 : 0), 0) / 8;
  if (fromCameras > 0) return fromCameras;
  const now = tick.value;
  if (!first.current || v.footage_bytes < first.current.bytes) first.current = { at: now, bytes: v.footage_bytes };
  const dt = (now - first.current.at) / 1000;
  return dt > 20 ? (v.footage_bytes - first.current.bytes) / dt : 0;
}

function Disks() {
  const list = panel.value.system.volumes ?? [];
  return html`<section class="card" aria-labelledby="disk-h"><h2 id="disk-h">${list.length > 1 ? 'Disks' : 'Disk'}</h2>
    ${list.length === 0 && html`<p class="muted">No footage disk.</p>`}
    ${list.map((v) => html`<${['absent', 'foreign', 'resting'].includes(v.state) || !v.total_bytes ? NoDisk : Disk} key=${v.name ?? v.id} v=${v} named=${list.length > 1} />`)}
    ${panel.value.system.promise_s ? html`<p class="muted small">A power cut costs at most ${panel.value.system.promise_s} s of footage.</p>` : null}
  </section>`;
}

const volumeStates: Record<string, string> = { ok: 'In order', healthy: 'In order', recording: 'In order', full: 'Full', pressure: 'Too full', failed: 'Failed', readonly: 'Read only', read_only: 'Read only', absent: 'Not there', foreign: 'Another disk', resting: 'May be unplugged' };

const diskName = (v: Volume, named: boolean) => (named && v.name ? html`<b class="disk-name">${v.name}</b> ` : null);

/** NoDisk says why nothing can be recorded to a disk, and takes another one in its place when a person says so. */
function NoDisk({ v, named }: { v: Volume; named: boolean }) {
  const [busy, setBusy] = useState(false);
  const adopt = async () => {
    setBusy(true);
    try {
      await api.adopt(v.name ?? '', v.other ?? '');
      say('good', 'The disk is being taken in use.');
    } catch (e) {
      say('error', (e as Error).message);
    } finally {
      setBusy(false);
    }
  };
  return html`<div class="disk" data-testid="disk-${v.name ?? v.id}">
    <p class="disk-head">${diskName(v, named)}<span class="mono">${v.path ?? ''}</span>
      <span class="tag tag-bad"><${Icon} name="warn" size=${14} />${volumeStates[v.state] ?? v.state}</span></p>
    ${v.reason && html`<p class="disk-says bad">${sentenceOf(v.reason)}</p>`}
    ${v.state === 'foreign' && v.other && user.value?.role === 'admin' && html`<p><button class="button" type="button" disabled=${busy || stale.value} onClick=${adopt} data-testid="adopt-${v.name}">Use this disk</button>
      <span class="muted small"> Its footage stays and is shown; new footage goes to it.</span></p>`}
  </div>`;
}

function Disk({ v, named }: { v: Volume; named: boolean }) {
  const rate = useRate(v);
  const days = v.days_left || keepDays(v, rate);
  const total = Math.max(1, v.total_bytes);
  const share = (n: number) => Math.min(100, Math.max(0, (n / total) * 100));
  const used = v.total_bytes - v.free_bytes;
  const held = Math.min(v.held_bytes, v.footage_bytes);
  const other = Math.max(0, used - v.footage_bytes);
  const low = v.free_bytes < v.reserve_bytes ? 'reserve' : v.free_bytes < v.floor_bytes ? 'floor' : '';
  const good = ['ok', 'healthy', 'recording', 'open', 'in order'].includes(v.state || 'ok');
  const parts = [
    { k: 'other', w: share(other) }, { k: 'held', w: share(held) }, { k: 'footage', w: share(v.footage_bytes - held) },
  ];
  let x = 0;
  return html`<div class="disk" data-testid="disk-${v.id}">
    <p class="disk-head">${diskName(v, named)}<b>${bytes(v.free_bytes)} free</b> of ${bytes(v.total_bytes)} <span class="tag">${v.medium && v.medium !== 'unknown' ? v.medium.toUpperCase() : 'Disk'}</span>
      <span class="tag ${good ? 'tag-good' : 'tag-bad'}"><${Icon} name=${good ? 'check' : 'warn'} size=${14} />${volumeStates[v.state] ?? v.state ?? 'In order'}</span></p>
    <svg class="disk-bar" viewBox="0 0 100 10" preserveAspectRatio="none" role="img" aria-label="${bytes(v.footage_bytes)} footage, ${bytes(held)} of it held, ${bytes(other)} other, ${bytes(v.free_bytes)} free">
      <rect class="bar-free" x="0" y="0" width="100" height="10" />
      ${parts.map((p) => { const at = x; x += p.w; return html`<rect key=${p.k} class="bar-${p.k}" x=${at} y="0" width=${p.w} height="10" />`; })}
      <rect class="bar-line bar-high" x=${100 - share(v.high_bytes)} y="0" width="0.4" height="10" />
      <rect class="bar-line bar-floor" x=${100 - share(v.floor_bytes)} y="0" width="0.4" height="10" />
      <rect class="bar-line bar-reserve" x=${Math.min(99.6, 100 - share(v.reserve_bytes))} y="0" width="0.4" height="10" />
    </svg>
    <ul class="legend">
      <li><i class="key key-footage"></i>Footage <b>${bytes(v.footage_bytes - held)}</b></li>
      ${held > 0 && html`<li><i class="key key-held"></i>Held <b>${bytes(held)}</b></li>`}
      <li><i class="key key-other"></i>Other <b>${bytes(other)}</b></li>
      <li><i class="key key-high"></i>High mark <b>${bytes(v.high_bytes)}</b></li>
      <li><i class="key key-floor"></i>Floor <b>${bytes(v.floor_bytes)}</b></li>
      <li><i class="key key-reserve"></i>Reserve <b>${bytes(v.reserve_bytes)}</b></li>
    </ul>
    ${v.state === 'failed' && v.reason && html`<p class="disk-says bad">${sentenceOf(v.reason)}</p>`}
    <p class="disk-says ${low ? 'bad' : ''}">${low === 'reserve'
      ? html`<${Icon} name="warn" size=${16} /> Below the reserve: recording on this disk has stopped.`
      : low === 'floor'
        ? html`<${Icon} name="warn" size=${16} /> Below the floor: the oldest footage is being deleted now.`
        : days === null ? 'How long footage is kept shows once the write rate is known.' : html`Keeps <b>about ${keeps(days)}</b> at ${bitrate(rate * 8)}.`}</p>
    <${WearLine} v=${v} />
  </div>`;
}

/** WearLine says how the disk is and how long it lasts: what is not known is not called well. */
function WearLine({ v }: { v: Volume }) {
  const w = v.wear;
  if (!w) return null;
  const bad = w.status === 'worn' || w.status === 'failing';
  const years = w.years_left;
  return html`<p class="disk-says ${bad ? 'bad' : ''}" data-testid="wear-${v.id}" data-status=${w.status}>
    ${bad && html`<${Icon} name="warn" size=${16} /> `}${w.status === 'unknown' ? `Wear not known: ${w.reason ?? 'the disk does not tell'}.`
      : w.status === 'good' ? `The disk says it is well${w.used_percent === undefined ? '' : `: ${w.used_percent} % of its life is used`}.` : sentenceOf(w.reason ?? 'The disk is worn')}
    ${years !== undefined && html` Lasts <b>about ${years >= 100 ? 'a lifetime' : years < 1 ? plural(Math.max(1, Math.round(years * 12)), 'month') : plural(Math.round(years), 'year')}</b>${w.estimated ? ', as such disks usually do' : ''}.`}
  </p>`;
}

function keeps(days: number): string {
  if (days < 1) return plural(Math.max(1, Math.round(days * 24)), 'hour');
  return days < 10 ? `${days.toFixed(1)} days` : plural(Math.round(days), 'day');
}

const clockSources: Record<string, string> = {
  ntp: 'network time', rtc: 'the battery clock', network: 'network time', sntp: 'network time', system: 'the operating system',
  kernel: 'the operating system', simulated: 'the computer it runs on',
};

function ClockCard() {
  const p = panel.value;
  const c = p.system.clock;
  const z = zone.value;
  const off = Math.abs(p.skew);
  return html`<section class="card clockcard" aria-labelledby="clock-h"><h2 id="clock-h">Clock</h2>
    <p class="clock-big mono">${clock(boxNow.value, z)} <small>${z === 'utc' ? 'UTC' : 'local'}</small></p>
    <p class=${c?.trusted === false ? 'bad' : ''}><${Icon} name=${c?.trusted === false ? 'warn' : 'check'} size=${16} />
      ${c === undefined ? ' Not known' : c.trusted ? ` Trusted${c.source ? `, set by ${clockSources[c.source] ?? c.source}` : ''}` : ' Not trusted yet: footage is kept and stamped again once it is.'}</p>
    ${off > 5000 && html`<p class="warnline"><${Icon} name="warn" size=${16} /> ${span(off)} ${p.skew > 0 ? 'ahead of' : 'behind'} this device.</p>`}
  </section>`;
}

function CameraTable() {
  const list = cameraList.value;
  return html`<section class="card span2" aria-labelledby="cams-h"><h2 id="cams-h">Cameras</h2>
    ${list.length === 0 ? html`<p class="muted">None yet.</p>` : html`<div class="table-box"><table class="table stackable">
      <thead><tr><th scope="col">Camera</th><th scope="col">State</th><th scope="col">Last written</th><th scope="col">Rate</th><th scope="col">Reaches back</th><th scope="col">Drops</th></tr></thead>
      <tbody>${list.map((c) => html`<${CameraLine} key=${c.id} c=${c} />`)}</tbody>
    </table></div>`}
  </section>`;
}

function CameraLine({ c }: { c: Camera }) {
  const at = c.last_written ? Date.parse(c.last_written) : NaN;
  const age = boxNow.value - at;
  const reach = Math.max(0, ...(panel.value.system.volumes ?? []).map((v) => v.camera_days?.[c.id] ?? 0));
  const late = c.state === 'recording' && age > 15_000;
  return html`<tr data-testid="status-camera-${c.id}">
    <th scope="row"><a href="#/cameras/${encodeURIComponent(c.id)}">${c.name}</a></th>
    <td data-label="State"><${StateChip} state=${shownState(c)} />${c.state_reason && c.state !== 'recording' && html`<small class="why">${sentenceOf(c.state_reason)}</small>`}</td>
    <td data-label="Last written" class=${late ? 'bad' : ''}>${Number.isFinite(at) ? html`${late && html`<${Icon} name="warn" size=${14} /> `}${ago(age)}` : html`<span class="muted">never</span>`}</td>
    <td data-label="Rate" class="mono">${c.bitrate_bps && hasPicture(c) ? bitrate(c.bitrate_bps) : '–'}</td>
    <td data-label="Reaches back" class="mono">${reach > 0 ? keeps(reach) : '–'}</td>
    <td data-label="Drops" class="mono ${c.drops ? 'warnline' : ''}">${c.drops ?? 0}</td>
  </tr>`;
}

/** Kept lists the footage that is held as evidence, newest first, and gives it back. */
function Kept() {
  const [list, setList] = useState<Hold[]>([]);
  const told = holdsTold();
  const load = () => holds.list().then((l) => setList(l.reverse())).catch(() => setList([]));
  const asks = mayExport(user.value?.role);
  useEffect(() => { if (asks) void load(); }, [told, asks]);
  const release = async (h: Hold) => {
    try {
      await holds.release(h.id);
      say('good', 'Released: it is deleted when its time comes.');
    } catch (e) {
      say('error', e instanceof ApiError ? e.message : 'It could not be released.');
    }
    void load();
  };
  if (list.length === 0) return null;
  const may = mayManage(user.value?.role);
  return html`<section class="card span2" aria-labelledby="kept-h"><h2 id="kept-h">Kept footage</h2>
    <div class="table-box"><table class="table stackable" data-testid="kept">
      <thead><tr><th scope="col">Cameras</th><th scope="col">From</th><th scope="col">To</th><th scope="col">By</th>${may && html`<th scope="col"><span class="sr">Release</span></th>`}</tr></thead>
      <tbody>${list.slice(0, 100).map((h) => html`<tr key=${h.id} data-testid="kept-${h.id}">
        <th scope="row">${(h.cameras ?? []).map((c) => cameraList.value.find((x) => x.id === c)?.name ?? c).join(', ')}</th>
        <td data-label="From" class="mono">${stamp(Date.parse(h.from), zone.value)}</td>
        <td data-label="To" class="mono">${stamp(Date.parse(h.to), zone.value)}</td>
        <td data-label="By">${byWhom(h.by)}${h.reason && html` <small>${h.reason}</small>`}${h.until && html` <small>until ${stamp(Date.parse(h.until), zone.value)}</small>`}</td>
        ${may && html`<td><button type="button" class="button" onClick=${() => release(h)} data-testid="release-${h.id}">Release</button></td>`}
      </tr>`)}</tbody>
    </table></div>
  </section>`;
}

function Events() {
  const list = panel.value.events;
  return html`<section class="card span2" aria-labelledby="events-h"><h2 id="events-h">What happened</h2>
    ${list.length === 0 ? html`<p class="muted">Nothing yet.</p>` : html`<ol class="events" data-testid="events">${list.slice(0, 100).map((e) => html`<${EventLine} key=${e.seq} e=${e} />`)}</ol>`}
  </section>`;
}

function EventLine({ e }: { e: Event }) {
  const name = cameraList.value.find((c) => c.id === e.camera)?.name ?? e.camera;
  const icon = e.severity === 'critical' ? 'cross' : e.severity === 'warning' ? 'warn' : 'info';
  const s = sentence(e, name, zone.value);
  return html`<li class="event event-${e.severity}">
    <${Icon} name=${icon} size=${16} /><span class="sr">${e.severity}: </span>
    <time class="mono" dateTime=${e.time}>${stamp(Date.parse(e.time), zone.value)}</time>
    <span class="event-text">${s.text}${s.detail && html` <small>${s.detail}</small>`}</span>
  </li>`;
}
