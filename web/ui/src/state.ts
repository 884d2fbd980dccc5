// What the websocket told us, and how each message changes it. Pure.
import type { Board, Camera, Envelope, Event, System } from './types';

export type Link = 'connecting' | 'open' | 'lost' | 'refused';

export interface PanelState {
  link: Link;
  /** Everything shown is as old as this; null while the link is open. Unix ms of this browser. */
  staleSince: number | null;
  ready: boolean;
  version: string;
  boot: string;
  /** Box clock minus browser clock, ms. */
  skew: number;
  cameras: Camera[];
  system: System;
  board: Board;
  /** When the board object arrived, Unix ms of this browser: the countdown runs on from there. */
  boardAt: number;
  events: Event[];
}

export const maxEvents = 200;

export const initial: PanelState = {
  link: 'connecting',
  staleSince: null,
  ready: false,
  version: '',
  boot: '',
  skew: 0,
  cameras: [],
  system: {},
  board: {},
  boardAt: 0,
  events: [],
};

const byName = (a: Camera, b: Camera) => a.name.localeCompare(b.name, undefined, { numeric: true }) || a.id.localeCompare(b.id);

/** withCamera puts one camera in, in order of names. */
export function withCamera(list: readonly Camera[], c: Camera): Camera[] {
  return [...list.filter((x) => x.id !== c.id), c].sort(byName);
}

/** withEvent puts one event in, newest first; the same event twice is one. */
export function withEvent(list: readonly Event[], e: Event): Event[] {
  return [e, ...list.filter((x) => x.seq !== e.seq)].sort((a, b) => b.seq - a.seq).slice(0, maxEvents);
}

/** reduce applies one message that arrived at now (Unix ms). Unknown types change nothing. */
export function reduce(s: PanelState, m: Envelope, now: number): PanelState {
  const d = m.d ?? {};
  switch (m.t) {
    case 'hello': {
      const at = typeof d.now === 'number' ? d.now : Date.parse(d.now ?? '');
      return {
        ...s, link: 'open', staleSince: null, version: d.version ?? s.version, boot: d.boot ?? s.boot,
        skew: Number.isFinite(at) ? at - now : s.skew,
      };
    }
    case 'snapshot':
      return {
        ...s, link: 'open', staleSince: null, ready: true,
        cameras: [...(d.cameras ?? [])].sort(byName),
        system: d.system ?? {},
        board: d.board ?? {},
        boardAt: now,
        events: [...(d.events ?? [])].sort((a: Event, b: Event) => b.seq - a.seq).slice(0, maxEvents),
      };
    case 'camera':
      return d.id ? { ...s, cameras: withCamera(s.cameras, d) } : s;
    case 'camera.removed':
      return { ...s, cameras: s.cameras.filter((c) => c.id !== d.id) };
    case 'system':
      return { ...s, system: d };
    case 'board':
      return { ...s, board: d, boardAt: now };
    case 'event':
      return typeof d.seq === 'number' ? { ...s, events: withEvent(s.events, d) } : s;
    default:
      return s;
  }
}

/** lost marks everything stale; the time of the first loss stays until the link is back. */
export function lost(s: PanelState, now: number): PanelState {
  return { ...s, link: 'lost', staleSince: s.staleSince ?? now };
}

/** backoff gives the wait in ms before try n (from 0): 1 s doubling to 30 s, and as much as a quarter off by chance (0..1). */
export function backoff(n: number, chance: number): number {
  const full = Math.min(30_000, 1000 * 2 ** Math.min(n, 10));
  return full * (1 - 0.25 * chance);
}

/** recordingCount counts cameras that write to disk, of those that should. */
export function recordingCount(cameras: readonly Camera[]): { recording: number; wanted: number } {
  return {
    recording: cameras.filter((c) => c.state === 'recording').length,
    wanted: cameras.filter((c) => c.state !== 'disabled' && c.record !== false && !waits(c)).length,
  };
}

/** waits tells whether a camera records nothing because nothing asks for it now: not its schedule, and no event. */
export function waits(c: Camera): boolean {
  return c.record !== false && c.state === 'live' && (c.record_mode ?? 'continuous') !== 'continuous' && c.recording_now?.active !== true;
}

/**
 * keepDays estimates for how many days footage lasts on a volume: everything
 * above the floor, at the present rate (bytes per second). null when the rate
 * is not known.
 */
export function keepDays(v: { total_bytes: number; free_bytes: number; floor_bytes: number; footage_bytes: number; held_bytes: number }, rate: number): number | null {
  if (!(rate > 0)) return null;
  const room = Math.max(0, v.footage_bytes - v.held_bytes + v.free_bytes - v.floor_bytes);
  return room / rate / 86400;
}
