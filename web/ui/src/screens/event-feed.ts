// Which events are on show, and where in the log they are. Pure but for the asking, which comes in.
import type { EventQuery } from '../perception';
import type { Event } from '../types';

export interface Filters {
  camera: string;
  /** Of groups; empty: everything. */
  group: string;
  severity: string;
  /** 2026-11-28; empty: the newest. */
  day: string;
}

/** Kinds of events as people think of them; a type that ends in * stands for all that begin so. */
export const groups: Record<string, { name: string; types: string[] }> = {
  zones: { name: 'Zones', types: ['zone_*'] },
  cameras: { name: 'Cameras', types: ['camera_*', 'recording_gap', 'sampler_*'] },
  evidence: { name: 'Kept footage, incidents', types: ['evidence_*', 'hold_*', 'incident_*', 'retention_*'] },
  people: { name: 'People', types: ['auth_*', 'audit_*', 'outgoing_*'] },
  box: { name: 'Disk, box, system', types: ['disk_*', 'volume_*', 'system_*', 'update_*', 'clock_*', 'watchdog_*', 'button', 'crashed', 'certificate_*', 'backup_*', 'secrets_*', 'footage_*', 'data_*', 'factory_*', 'setup_*', 'reboot_*', 'poweroff_*', 'card_*', 'start_*'] },
  messages: { name: 'Notifications, relay', types: ['notification_*', 'relay_*', 'detections_*'] },
};

type Asks = (query: EventQuery, limit: number, since?: number) => Promise<Event[]>;

const ranks = ['info', 'warning', 'critical'];
const rank = (s: string) => Math.max(0, ranks.indexOf(s));

export const typeIn = (types: readonly string[], type: string) => types.some((t) => (t.endsWith('*') ? type.startsWith(t.slice(0, -1)) : t === type));

/** queryOf is what the recorder is asked for. */
export function queryOf(f: Filters): EventQuery {
  const types = groups[f.group]?.types;
  return { ...(types && { type: types.join(',') }), ...(f.severity && { severity: f.severity }), ...(f.camera && { camera: f.camera }) };
}

/** wanted tells whether an event that just happened belongs to what is on show. */
export function wanted(f: Filters, e: Event): boolean {
  const types = groups[f.group]?.types;
  return (!types || typeIn(types, e.type)) && (!f.severity || rank(e.severity) >= rank(f.severity)) && (!f.camera || e.camera === f.camera);
}

/** merge puts events together, newest first, each once. */
export function merge(a: readonly Event[], b: readonly Event[]): Event[] {
  return [...new Map([...a, ...b].map((e) => [e.seq, e])).values()].sort((x, y) => y.seq - x.seq);
}

/** moment is when it happened in the pictures: for a zone the picture that was looked at, else the time of the event. Unix ms. */
export function moment(e: Event): number {
  const seen = Date.parse(String(e.payload?.captured_at ?? ''));
  return Number.isFinite(seen) ? seen : Date.parse(e.time);
}

/** newest gives the last ones, and whether there may be more. */
export async function newest(ask: Asks, f: Filters, limit: number): Promise<{ list: Event[]; more: boolean }> {
  const list = await ask(queryOf(f), limit);
  return { list: merge(list, []), more: list.length >= limit && limit < 2000 };
}

/** before gives a number such that all events with a greater one happened at or after t: the log is in the order of time, so halving finds it. */
export async function before(ask: Asks, t: number): Promise<number> {
  const last = (await ask({}, 1)).at(-1);
  if (!last) return 0;
  let [low, high] = [0, last.seq];
  while (low < high) {
    const mid = Math.floor((low + high) / 2);
    const next = (await ask({}, 1, mid))[0];
    if (!next || Date.parse(next.time) >= t) high = mid;
    else low = next.seq;
  }
  return low;
}

const most = 2000;

/** ofDay gives what happened in [from, to), newest first. */
export async function ofDay(ask: Asks, f: Filters, from: number, to: number): Promise<{ list: Event[]; more: boolean }> {
  let list: Event[] = [];
  let since = await before(ask, from);
  for (let pages = 0; pages < 10; pages++) {
    const page = await ask(queryOf(f), most, since);
    list = list.concat(page.filter((e) => Date.parse(e.time) >= from && Date.parse(e.time) < to));
    const end = page.at(-1);
    if (page.length < most || !end || Date.parse(end.time) >= to) break;
    since = end.seq;
  }
  return { list: merge(list, []), more: false };
}
