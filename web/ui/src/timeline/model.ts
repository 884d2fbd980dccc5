// The arithmetic of the time line. Pure: no canvas, no clock, no zone state.
import { clock, dayStart, gapReason, shortDay, span, unasked, whyText, type Zone } from '../format';
import type { Footage, Gap, Range } from '../types';

/** The stretch of time on show, Unix milliseconds. */
export interface View {
  from: number;
  to: number;
}

export const minSpan = 60e3;
export const maxSpan = 24 * 3600e3;

const clamp = (v: number, lo: number, hi: number) => Math.min(hi, Math.max(lo, v));

export const viewSpan = (v: View) => v.to - v.from;

export function timeToX(v: View, t: number, width: number): number {
  return ((t - v.from) / (v.to - v.from)) * width;
}

export function xToTime(v: View, x: number, width: number): number {
  return v.from + (x / width) * (v.to - v.from);
}

/** zoom scales the view by factor (< 1 shows less time) and keeps anchor where it is on screen. */
export function zoom(v: View, factor: number, anchor: number): View {
  const old = v.to - v.from;
  const next = clamp(old * factor, minSpan, maxSpan);
  const share = clamp((anchor - v.from) / old, 0, 1);
  const from = anchor - share * next;
  return { from, to: from + next };
}

export function pan(v: View, ms: number): View {
  return { from: v.from + ms, to: v.to + ms };
}

/** reveal moves the view, as little as margin asks for, until t is inside. margin is a share of the span. */
export function reveal(v: View, t: number, margin = 0.1): View {
  const w = v.to - v.from;
  if (t < v.from + w * margin) return pan(v, t - (v.from + w * margin));
  if (t > v.to - w * margin) return pan(v, t - (v.to - w * margin));
  return v;
}

/** centred shows the same span with t in the middle. */
export function centred(v: View, t: number, w = v.to - v.from): View {
  const s = clamp(w, minSpan, maxSpan);
  return { from: t - s / 2, to: t + s / 2 };
}

/** pinch gives the view that puts the two times a and b (under the fingers when they landed) at xa and xb. */
export function pinch(a: number, b: number, xa: number, xb: number, width: number): View {
  const dx = Math.abs(xb - xa) < 8 ? 8 : Math.abs(xb - xa);
  const s = clamp((Math.abs(b - a) / dx) * width, minSpan, maxSpan);
  const mid = (a + b) / 2;
  const from = mid - ((xa + xb) / 2 / width) * s;
  return { from, to: from + s };
}

export interface Tick {
  t: number;
  label: string;
  /** 2 a day begins, 1 labelled, 0 a short line */
  rank: 0 | 1 | 2;
}

// Distance of labels and of the short lines between them, in seconds.
const steps: [number, number][] = [
  [5, 1], [10, 2], [15, 5], [30, 10], [60, 15], [120, 30], [300, 60], [600, 120], [900, 300],
  [1800, 600], [3600, 900], [7200, 1800], [10800, 3600], [21600, 3600], [43200, 10800],
];

/** ticks gives the marks of the scale; labels are at least labelWidth pixels apart. */
export function ticks(v: View, width: number, zone: Zone, labelWidth = 84): Tick[] {
  const perPx = (v.to - v.from) / 1000 / width;
  const [major, minor] = steps.find(([m]) => m / perPx >= labelWidth) ?? steps[steps.length - 1];
  const out: Tick[] = [];
  for (let midnight = dayStart(v.from, zone); midnight <= v.to; midnight = dayStart(midnight, zone, 1)) {
    const end = Math.min(dayStart(midnight, zone, 1), v.to + 1);
    const skip = Math.max(0, Math.floor((v.from - midnight) / (minor * 1000)));
    for (let t = midnight + skip * minor * 1000; t < end; t += minor * 1000) {
      if (t < v.from) continue;
      const since = Math.round((t - midnight) / 1000);
      const rank = since === 0 ? 2 : since % major === 0 ? 1 : 0;
      out.push({ t, rank, label: rank === 2 ? shortDay(t, zone) : rank === 1 ? clock(t, zone, major < 60) : '' });
    }
  }
  return out;
}

export type Place =
  | { kind: 'recorded'; range: Footage }
  | { kind: 'gap'; range: Range; reason: string }
  | { kind: 'none' };

/** firstAfter gives the index of the first range that ends after t; ranges ascend and do not overlap. */
export function firstAfter(ranges: readonly Range[], t: number): number {
  let lo = 0;
  let hi = ranges.length;
  while (lo < hi) {
    const mid = (lo + hi) >> 1;
    if (ranges[mid].end > t) hi = mid;
    else lo = mid + 1;
  }
  return lo;
}

export function placeAt(ranges: readonly Footage[], gaps: readonly Gap[], t: number): Place {
  const r = ranges[firstAfter(ranges, t)];
  if (r && r.start <= t) return { kind: 'recorded', range: r };
  const g = gaps[firstAfter(gaps, t)];
  if (g && g.start <= t) return { kind: 'gap', range: g, reason: g.reason };
  return { kind: 'none' };
}

/** nextFootage gives t itself inside footage, else the next moment with footage, else null. */
export function nextFootage(ranges: readonly Range[], t: number): number | null {
  const r = ranges[firstAfter(ranges, t)];
  return r ? Math.max(t, r.start) : null;
}

/** lastFootage gives the newest moment with footage at or before t, else null. */
export function lastFootage(ranges: readonly Range[], t: number): number | null {
  const i = firstAfter(ranges, t);
  const r = ranges[i];
  if (r && r.start <= t) return t;
  return i > 0 ? ranges[i - 1].end - 1 : null;
}

/** coalesce sorts ranges and joins those that touch or overlap within slack ms and were recorded for the same reason; others only lose what they overlap. */
export function coalesce(ranges: readonly Footage[], slack = 0): Footage[] {
  const out: Footage[] = [];
  for (const r of [...ranges].sort((a, b) => a.start - b.start)) {
    const last = out[out.length - 1];
    if (last && r.start <= last.end + slack && last.why === r.why) last.end = Math.max(last.end, r.end);
    else if (!last || r.end > last.end) out.push({ ...r, start: Math.max(r.start, last && r.start < last.end ? last.end : r.start) });
  }
  return out;
}

/** joinGaps sorts gaps and joins those cut apart at a border between two answers. */
export function joinGaps(gaps: readonly Gap[]): Gap[] {
  const out: Gap[] = [];
  for (const g of [...gaps].sort((a, b) => a.start - b.start)) {
    const last = out[out.length - 1];
    if (last && g.start <= last.end && g.reason === last.reason) last.end = Math.max(last.end, g.end);
    else if (!last || g.end > last.end) out.push({ ...g });
  }
  return out;
}

export interface Row {
  kind: 'recorded' | 'gap';
  start: number;
  end: number;
  reason: string;
  why?: string;
}

/** rows lists footage and gaps inside the view in order: what the canvas shows, as text. */
export function rows(ranges: readonly Footage[], gaps: readonly Gap[], v: View): Row[] {
  const within = (r: Range) => r.end > v.from && r.start < v.to;
  return [
    ...ranges.filter(within).map((r): Row => ({ kind: 'recorded', start: r.start, end: r.end, reason: '', ...(r.why && { why: r.why }) })),
    ...gaps.filter(within).map((g): Row => ({ kind: 'gap', start: g.start, end: g.end, reason: g.reason })),
  ].sort((a, b) => a.start - b.start);
}

/** valueText is what a screen reader says for the slider. */
export function valueText(name: string, t: number, place: Place, zone: Zone): string {
  const when = `${shortDay(t, zone)} ${clock(t, zone)}`;
  if (place.kind === 'recorded') return `${name}, ${when}, recorded${whyText(place.range.why) && ` ${whyText(place.range.why)}`}`;
  if (place.kind === 'gap' && unasked(place.reason)) return `${name}, ${when}, not recorded: ${gapReason(place.reason)}`;
  if (place.kind === 'gap') {
    return `${name}, ${when}, gap of ${span(place.range.end - place.range.start)}, ${gapReason(place.reason)}`;
  }
  return `${name}, ${when}, nothing recorded`;
}
