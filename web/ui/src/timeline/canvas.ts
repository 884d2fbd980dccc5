// Draws the time line. All it knows comes in through Scene.
import type { Footage, Gap, Range } from '../types';
import { dayStart, unasked, type Zone } from '../format';
import { firstAfter, ticks, timeToX, type View } from './model';

export interface Scene {
  view: View;
  ranges: readonly Footage[];
  gaps: readonly Gap[];
  /** What is kept as evidence, by start. */
  held: readonly Range[];
  /** Position, marks and pointer, Unix ms or null. */
  at: number | null;
  now: number;
  markIn: number | null;
  markOut: number | null;
  hover: number | null;
  zone: Zone;
}

/** Heights in CSS pixels: the day strip, the space under it, the scale, the lane. */
export const heights = { strip: 18, space: 10, scale: 22, lane: 46, foot: 6 };
export const totalHeight = heights.strip + heights.space + heights.scale + heights.lane + heights.foot;
export const laneTop = heights.strip + heights.space + heights.scale;

export interface Paint {
  footage: string;
  footageDim: string;
  lane: string;
  line: string;
  text: string;
  muted: string;
  gap: string;
  gapLine: string;
  head: string;
  now: string;
  mark: string;
  schedule: string;
  event: string;
  manual: string;
  window: string;
  font: string;
}

/** paintOf reads the theme's colours from the element's custom properties. */
export function paintOf(el: HTMLElement): Paint {
  const s = getComputedStyle(el);
  const v = (n: string) => s.getPropertyValue(n).trim();
  return {
    footage: v('--footage'), footageDim: v('--footage-dim'), lane: v('--lane'), line: v('--line'),
    text: v('--text'), muted: v('--muted'), gap: v('--gap'), gapLine: v('--gap-line'), head: v('--head'),
    now: v('--now'), mark: v('--mark'), schedule: v('--schedule'), event: v('--event'), manual: v('--manual'), window: v('--window'), font: `11px ${v('--mono')}`,
  };
}

/** stripDay gives the calendar day that the strip above shows. */
export function stripDay(s: { view: View; at: number | null; zone: Zone }): View {
  const mid = (s.view.from + s.view.to) / 2;
  const t = s.at !== null && s.at >= s.view.from && s.at <= s.view.to ? s.at : mid;
  const from = dayStart(t, s.zone);
  return { from, to: dayStart(from, s.zone, 1) };
}

export function draw(ctx: CanvasRenderingContext2D, width: number, ratio: number, p: Paint, s: Scene) {
  ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
  ctx.clearRect(0, 0, width, totalHeight);
  ctx.font = p.font;
  ctx.textBaseline = 'middle';
  strip(ctx, width, p, s);
  scale(ctx, width, p, s);
  lane(ctx, width, p, s);
  marks(ctx, width, p, s);
  heads(ctx, width, p, s);
}

function strip(ctx: CanvasRenderingContext2D, width: number, p: Paint, s: Scene) {
  const day = stripDay(s);
  const h = heights.strip;
  ctx.fillStyle = p.lane;
  round(ctx, 0, 3, width, h - 6, 3);
  ctx.fill();
  ctx.save();
  round(ctx, 0, 3, width, h - 6, 3);
  ctx.clip();
  ctx.fillStyle = p.footageDim;
  bands(s.ranges, day, width, (x, w) => ctx.fillRect(x, 3, w, h - 6));
  ctx.restore();
  const a = timeToX(day, s.view.from, width);
  const b = timeToX(day, s.view.to, width);
  ctx.strokeStyle = p.window;
  ctx.lineWidth = 1.5;
  round(ctx, Math.max(1, a), 1, Math.max(5, Math.min(width - 1, b) - Math.max(1, a)), h - 2, 4);
  ctx.stroke();
  if (s.at !== null) {
    ctx.fillStyle = p.head;
    ctx.fillRect(Math.round(timeToX(day, s.at, width)) - 1, 1, 2, h - 2);
  }
}

function scale(ctx: CanvasRenderingContext2D, width: number, p: Paint, s: Scene) {
  const y = heights.strip + heights.space;
  let free = -1; // the last label ends here
  for (const t of ticks(s.view, width, s.zone)) {
    const x = Math.round(timeToX(s.view, t.t, width)) + 0.5;
    ctx.strokeStyle = p.line;
    ctx.lineWidth = 1;
    ctx.beginPath();
    ctx.moveTo(x, t.rank ? y + heights.scale - 6 : y + heights.scale - 3);
    ctx.lineTo(x, y + heights.scale);
    ctx.stroke();
    if (!t.label) continue;
    const w = ctx.measureText(t.label).width;
    const left = Math.min(Math.max(2, x - w / 2), width - w - 2);
    if (left < free + 10) continue;
    ctx.fillStyle = t.rank === 2 ? p.text : p.muted;
    ctx.fillText(t.label, left, y + 7);
    free = left + w;
  }
}

function lane(ctx: CanvasRenderingContext2D, width: number, p: Paint, s: Scene) {
  const y = laneTop;
  const h = heights.lane;
  ctx.save();
  round(ctx, 0, y, width, h, 5);
  ctx.fillStyle = p.lane;
  ctx.fill();
  ctx.clip();
  for (const g of s.gaps) {
    if (g.end <= s.view.from || g.start >= s.view.to) continue;
    const x = timeToX(s.view, g.start, width);
    const w = Math.max(2, timeToX(s.view, g.end, width) - x);
    if (unasked(g.reason)) quiet(ctx, x, y, w, h, p, width);
    else hatch(ctx, x, y, w, h, p, width);
  }
  ctx.fillStyle = p.footage;
  bands(s.ranges, s.view, width, (x, w) => ctx.fillRect(x, y + 8, w, h - 16));
  for (const why of whyLook) {
    const some = s.ranges.filter((r) => r.why === why);
    if (some.length) bands(some, s.view, width, (x, w) => because(ctx, why, x, y + 8, w, h - 16, p));
  }
  ctx.fillStyle = p.mark;
  for (const k of s.held) {
    if (k.end <= s.view.from || k.start >= s.view.to) continue;
    const x = timeToX(s.view, k.start, width);
    ctx.fillRect(x, y + 1, Math.max(3, timeToX(s.view, k.end, width) - x), 5);
  }
  for (const t of ticks(s.view, width, s.zone)) {
    if (!t.rank) continue;
    ctx.fillStyle = p.line;
    ctx.globalAlpha = 0.5;
    ctx.fillRect(Math.round(timeToX(s.view, t.t, width)), y, 1, h);
    ctx.globalAlpha = 1;
  }
  if (s.now < s.view.to) {
    const x = Math.max(0, timeToX(s.view, s.now, width));
    ctx.clearRect(x, y, width - x, h);
    ctx.strokeStyle = p.line;
    ctx.setLineDash([2, 4]);
    ctx.strokeRect(x + 0.5, y + 0.5, width - x - 1, h - 1);
    ctx.setLineDash([]);
  }
  ctx.restore();
}

/** bands hands out one rectangle per run of pixels, so a day of short ranges costs no more than its width. */
function bands(ranges: readonly Range[], v: View, width: number, fill: (x: number, w: number) => void) {
  let from = -1;
  let to = -1;
  for (let i = firstAfter(ranges, v.from); i < ranges.length && ranges[i].start < v.to; i++) {
    const a = Math.max(0, timeToX(v, ranges[i].start, width));
    const b = Math.min(width, Math.max(a + 1, timeToX(v, ranges[i].end, width)));
    if (from >= 0 && a <= to + 0.25) {
      to = b;
      continue;
    }
    if (from >= 0) fill(from, to - from);
    from = a;
    to = b;
  }
  if (from >= 0) fill(from, to - from);
}

const whyLook = ['schedule', 'event', 'manual'] as const;

/** because draws footage that something asked for: its own colour, and a pattern for who does not see that. */
function because(ctx: CanvasRenderingContext2D, why: (typeof whyLook)[number], x: number, y: number, w: number, h: number, p: Paint) {
  ctx.fillStyle = p[why];
  ctx.fillRect(x, y, w, h);
  ctx.fillStyle = p.lane;
  const [first, last] = [Math.ceil(x / 6) * 6, x + w];
  for (let i = first; i + 2 <= last; i += 6) {
    if (why === 'schedule') ctx.fillRect(i, y + h - 5, 3, 3); // dots below
    else if (why === 'event') ctx.fillRect(i, y, 1.5, h); // upright lines
    else if ((i / 6) % 2 === 0) ctx.fillRect(i, y + 4, 3, 3); // two rows of squares
    else ctx.fillRect(i, y + h - 8, 3, 3);
  }
}

/** quiet draws a time for which nothing asked to be recorded: a thin line, no fault. */
function quiet(ctx: CanvasRenderingContext2D, x: number, y: number, w: number, h: number, p: Paint, width: number) {
  const a = Math.max(0, x);
  const b = Math.min(width, x + w);
  if (b <= a) return;
  ctx.strokeStyle = p.muted;
  ctx.lineWidth = 1;
  ctx.setLineDash([2, 5]);
  ctx.beginPath();
  ctx.moveTo(a, y + h / 2 + 0.5);
  ctx.lineTo(b, y + h / 2 + 0.5);
  ctx.stroke();
  ctx.setLineDash([]);
}

function hatch(ctx: CanvasRenderingContext2D, x: number, y: number, w: number, h: number, p: Paint, width: number) {
  const a = Math.max(0, x);
  const b = Math.min(width, x + w);
  if (b <= a) return;
  ctx.save();
  ctx.beginPath();
  ctx.rect(a, y + 8, b - a, h - 16);
  ctx.clip();
  ctx.fillStyle = p.gap;
  ctx.fillRect(a, y, b - a, h);
  ctx.strokeStyle = p.gapLine;
  ctx.lineWidth = 1.25;
  ctx.beginPath();
  for (let i = Math.floor((a - h) / 7) * 7; i < b; i += 7) {
    ctx.moveTo(i, y + h);
    ctx.lineTo(i + h, y);
  }
  ctx.stroke();
  ctx.restore();
}

function marks(ctx: CanvasRenderingContext2D, width: number, p: Paint, s: Scene) {
  const y = laneTop;
  const h = heights.lane;
  const xa = s.markIn === null ? null : timeToX(s.view, s.markIn, width);
  const xb = s.markOut === null ? null : timeToX(s.view, s.markOut, width);
  ctx.fillStyle = p.mark;
  if (xa !== null && xb !== null) {
    const a = Math.max(0, xa);
    const b = Math.min(width, xb);
    ctx.globalAlpha = 0.22;
    if (b > a) ctx.fillRect(a, y, b - a, h);
    ctx.globalAlpha = 1;
  }
  if (xa !== null) bracket(ctx, xa, y, h, 1);
  if (xb !== null) bracket(ctx, xb, y, h, -1);
}

function bracket(ctx: CanvasRenderingContext2D, x: number, y: number, h: number, dir: 1 | -1) {
  const left = dir > 0 ? x : x - 2;
  ctx.fillRect(left, y, 2, h);
  ctx.fillRect(dir > 0 ? x : x - 7, y, 7, 3);
  ctx.fillRect(dir > 0 ? x : x - 7, y + h - 3, 7, 3);
}

function heads(ctx: CanvasRenderingContext2D, width: number, p: Paint, s: Scene) {
  const y = laneTop;
  const h = heights.lane;
  const xn = timeToX(s.view, s.now, width);
  if (xn >= 0 && xn <= width) {
    ctx.fillStyle = p.now;
    ctx.fillRect(Math.round(xn) - 1, y, 2, h);
  }
  if (s.hover !== null) {
    ctx.fillStyle = p.muted;
    ctx.fillRect(Math.round(timeToX(s.view, s.hover, width)), y, 1, h);
  }
  if (s.at === null) return;
  const x = Math.round(timeToX(s.view, s.at, width));
  if (x < -8 || x > width + 8) return;
  ctx.fillStyle = p.head;
  ctx.fillRect(x - 1, y - 4, 2, h + 8);
  ctx.beginPath();
  ctx.moveTo(x - 6, y - 9);
  ctx.lineTo(x + 6, y - 9);
  ctx.lineTo(x + 6, y - 5);
  ctx.lineTo(x, y + 2);
  ctx.lineTo(x - 6, y - 5);
  ctx.closePath();
  ctx.fill();
}

function round(ctx: CanvasRenderingContext2D, x: number, y: number, w: number, h: number, r: number) {
  ctx.beginPath();
  ctx.roundRect(x, y, Math.max(0, w), h, Math.min(r, Math.max(0, w) / 2));
}
