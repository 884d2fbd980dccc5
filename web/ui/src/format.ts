// Numbers and times as people read them. Everything here is pure; times are
// Unix milliseconds and a zone is either UTC or the browser's own.

export type Zone = 'utc' | 'local';

const formats = new Map<string, Intl.DateTimeFormat>();

function format(zone: Zone, key: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const id = zone + key;
  let f = formats.get(id);
  if (!f) {
    f = new Intl.DateTimeFormat('en-GB', { ...options, timeZone: zone === 'utc' ? 'UTC' : undefined });
    formats.set(id, f);
  }
  return f;
}

/** clock gives 14:05:10, or 14:05 without seconds. */
export function clock(ms: number, zone: Zone, seconds = true): string {
  return seconds
    ? format(zone, 'hms', { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' }).format(ms)
    : format(zone, 'hm', { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }).format(ms);
}

/** clockTenths gives 14:05:10.4. */
export function clockTenths(ms: number, zone: Zone): string {
  const tenth = Math.floor((((ms % 1000) + 1000) % 1000) / 100);
  return `${clock(ms, zone)}.${tenth}`;
}

/** day gives Mon 23 Nov 2026. */
export function day(ms: number, zone: Zone): string {
  return format(zone, 'day', { weekday: 'short', day: 'numeric', month: 'short', year: 'numeric' }).format(ms).replace(',', '');
}

/** shortDay gives 23 Nov. */
export function shortDay(ms: number, zone: Zone): string {
  return format(zone, 'sd', { day: 'numeric', month: 'short' }).format(ms);
}

/** stamp gives 23 Nov, 14:05:10. */
export function stamp(ms: number, zone: Zone): string {
  return `${shortDay(ms, zone)}, ${clock(ms, zone)}`;
}

/** Calendar fields in the zone; month counts from 1. */
export interface Fields {
  y: number;
  m: number;
  d: number;
  h: number;
  min: number;
  s: number;
}

export function fields(ms: number, zone: Zone): Fields {
  const t = new Date(ms);
  return zone === 'utc'
    ? { y: t.getUTCFullYear(), m: t.getUTCMonth() + 1, d: t.getUTCDate(), h: t.getUTCHours(), min: t.getUTCMinutes(), s: t.getUTCSeconds() }
    : { y: t.getFullYear(), m: t.getMonth() + 1, d: t.getDate(), h: t.getHours(), min: t.getMinutes(), s: t.getSeconds() };
}

/** toMs is the inverse of fields; out-of-range fields carry over, as in Date. */
export function toMs(f: Partial<Fields> & { y: number; m: number; d: number }, zone: Zone): number {
  const { y, m, d, h = 0, min = 0, s = 0 } = f;
  return zone === 'utc' ? Date.UTC(y, m - 1, d, h, min, s) : new Date(y, m - 1, d, h, min, s).getTime();
}

/** dayStart is midnight before ms; offset moves by whole calendar days, so days of 23 or 25 hours come out right. */
export function dayStart(ms: number, zone: Zone, offset = 0): number {
  const f = fields(ms, zone);
  return toMs({ y: f.y, m: f.m, d: f.d + offset }, zone);
}

const two = (n: number) => String(n).padStart(2, '0');

/** isoDay gives 2026-11-23, the value of a date field. */
export function isoDay(ms: number, zone: Zone): string {
  const f = fields(ms, zone);
  return `${f.y}-${two(f.m)}-${two(f.d)}`;
}

/** zoneName gives UTC, or the browser's zone as in Europe/Berlin. */
export function zoneName(zone: Zone): string {
  return zone === 'utc' ? 'UTC' : Intl.DateTimeFormat().resolvedOptions().timeZone || 'local time';
}

/**
 * parseTime reads what a person types to go somewhere: 14:05, 14:05:10, 7pm,
 * 2026-11-23 14:05, 23.11. 14:05, yesterday 19:00, -10m, now, RFC 3339.
 * A bare time means the day of `at`; `now` is the box's clock. It returns
 * null for what it cannot read.
 */
export function parseTime(text: string, at: number, now: number, zone: Zone): number | null {
  const s = text.trim().toLowerCase();
  if (!s) return null;
  if (s === 'now') return now;
  const back = /^([+-])\s*(\d+(?:\.\d+)?)\s*(s|m|min|h|d)$/.exec(s);
  if (back) {
    const unit = { s: 1e3, m: 6e4, min: 6e4, h: 36e5, d: 864e5 }[back[3]] ?? 0;
    return at + (back[1] === '-' ? -1 : 1) * Number(back[2]) * unit;
  }
  if (/^\d{4}-\d\d-\d\dt.*(z|[+-]\d\d:?\d\d)$/.test(s)) {
    const t = Date.parse(s.toUpperCase());
    return Number.isNaN(t) ? null : t;
  }
  return parseLocal(s, at, now, zone);
}

function parseLocal(s: string, at: number, now: number, zone: Zone): number | null {
  let date = fields(at, zone);
  let rest = s;
  const word = /^(today|yesterday)\b/.exec(s);
  const iso = /^(\d{4})-(\d{1,2})-(\d{1,2})(?:t|\s+|$)/.exec(s);
  const dots = /^(\d{1,2})\.(\d{1,2})\.(\d{4})?(?:\s+|$)/.exec(s);
  if (word) {
    date = fields(dayStart(now, zone, word[1] === 'yesterday' ? -1 : 0), zone);
    rest = s.slice(word[0].length).trim();
  } else if (iso) {
    date = { ...date, y: +iso[1], m: +iso[2], d: +iso[3] };
    rest = s.slice(iso[0].length).trim();
  } else if (dots) {
    date = { ...date, y: dots[3] ? +dots[3] : date.y, m: +dots[2], d: +dots[1] };
    rest = s.slice(dots[0].length).trim();
  }
  if (date.m < 1 || date.m > 12 || date.d < 1 || date.d > 31) return null;
  if (!rest) return word || iso || dots ? toMs({ y: date.y, m: date.m, d: date.d }, zone) : null;
  const t = /^(\d{1,2})(?:[:.](\d{2}))?(?:[:.](\d{2}))?(?:\.(\d{1,3}))?\s*(am|pm)?$/.exec(rest);
  if (!t || (!t[2] && !t[5])) return null;
  let h = +t[1];
  if (t[5]) {
    if (h < 1 || h > 12) return null;
    h = (h % 12) + (t[5] === 'pm' ? 12 : 0);
  }
  const min = +(t[2] ?? 0);
  const sec = +(t[3] ?? 0);
  if (h > 23 || min > 59 || sec > 59) return null;
  return toMs({ y: date.y, m: date.m, d: date.d, h, min, s: sec }, zone) + (t[4] ? Number(t[4].padEnd(3, '0')) : 0);
}

/** span gives 45 s, 2 min 5 s, 3 h 20 min, 4 days. */
export function span(ms: number): string {
  const s = Math.round(ms / 1000);
  if (ms > 0 && ms < 1000) return `${Math.round(ms)} ms`;
  if (s < 60) return `${s} s`;
  if (s < 3600) return s % 60 ? `${Math.floor(s / 60)} min ${s % 60} s` : `${s / 60} min`;
  if (s < 172800) {
    const m = Math.floor((s % 3600) / 60);
    return m ? `${Math.floor(s / 3600)} h ${m} min` : `${Math.floor(s / 3600)} h`;
  }
  return `${Math.floor(s / 86400)} days`;
}

/** bytes gives 1.4 TB, 512 MB: powers of ten, as disks are sold. */
export function bytes(n: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];
  let i = 0;
  while (n >= 999.5 && i < units.length - 1) {
    n /= 1000;
    i++;
  }
  return `${i > 0 && n < 9.95 ? n.toFixed(1) : Math.round(n)} ${units[i]}`;
}

/** bitrate gives 4.1 Mb/s. */
export function bitrate(bps: number): string {
  return bps >= 1e6 ? `${(bps / 1e6).toFixed(1)} Mb/s` : `${Math.round(bps / 1e3)} kb/s`;
}

/** ago gives just now, 12 s ago, 3 min ago … */
export function ago(ms: number): string {
  if (ms < 2500) return 'just now';
  if (ms < 60e3) return `${Math.round(ms / 1e3)} s ago`;
  if (ms < 3600e3) return `${Math.floor(ms / 60e3)} min ago`;
  if (ms < 48 * 3600e3) return `${Math.floor(ms / 3600e3)} h ago`;
  return `${Math.floor(ms / 86400e3)} days ago`;
}

export function plural(n: number, one: string, many = one + 's'): string {
  return `${n} ${n === 1 ? one : many}`;
}

/** sentence makes a reason as the recorder writes it, in lower case, a sentence of its own. */
/** byWhom names who did something: a rule by its kind, since its id says nothing to people. */
export const byWhom = (by: string) => (by.startsWith('rule:') ? 'a rule' : by);

export function sentence(s: string): string {
  const t = s.trim();
  return t && t.charAt(0).toUpperCase() + t.slice(1) + (/[.!?…]$/.test(t) ? '' : '.');
}

const codecs: Record<string, string> = {
  h264: 'H.264', h265: 'H.265', hevc: 'H.265', aac: 'AAC', opus: 'Opus',
  pcmu: 'G.711 µ-law', pcma: 'G.711 A-law', g711u: 'G.711 µ-law', g711a: 'G.711 A-law', mulaw: 'G.711 µ-law', alaw: 'G.711 A-law',
};

/** codecLabel gives H.264 for h264; what it does not know stays as it is. */
export function codecLabel(codec: string): string {
  return codecs[codec.toLowerCase()] ?? codec;
}

const reasons: Record<string, string> = {
  camera: 'camera gave no picture',
  overload: 'recorder overloaded',
  disk: 'disk not writable',
  clock: 'clock was set',
  restart: 'recorder restarted',
  disabled: 'recording switched off',
  schedule: 'outside the schedule',
  event: 'nothing happened',
};

/** unasked tells whether footage is missing because nothing asked for it: no failure. */
export const unasked = (reason: string) => reason === 'schedule' || reason === 'event';

const whys: Record<string, string> = { schedule: 'by schedule', event: 'by an event', manual: 'by hand' };

/** whyText says what asked for footage; empty: it is recorded all the time, or nobody knows. */
export const whyText = (why?: string) => whys[why ?? ''] ?? '';

/** gapReason spells a gap's reason out; an empty one is not known. */
export function gapReason(reason: string): string {
  return reasons[reason] ?? (reason || 'reason not known');
}
