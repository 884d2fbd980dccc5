// Which bytes to fetch for which moment. Pure; times are Unix milliseconds.
import type { Gap } from '../types';

export interface Init {
  mime: string;
  video_only?: boolean;
}

/** offset and size in bytes, start and duration in ms */
export type GopTuple = [offset: number, size: number, start: number, dur: number];

export interface Segment {
  id: string;
  url: string;
  init: number;
  init_size: number;
  start: number;
  end: number;
  open: boolean;
  gops: GopTuple[];
}

export interface GopAnswer {
  inits: Init[];
  segments: Segment[];
  gaps: Gap[];
}

/** A whole group of pictures: what can be decoded by itself. */
export interface Gop {
  seg: string;
  url: string;
  mime: string;
  /** the file has sound that browsers do not play */
  silent: boolean;
  initSize: number;
  segStart: number;
  offset: number;
  size: number;
  start: number;
  end: number;
}

/** key names the bytes of a group; a group that has grown has another key. */
export const gopKey = (g: Gop) => `${g.seg}:${g.offset}:${g.size}`;

/** Index keeps the groups of every answer seen so far, ascending. */
export class Index {
  private bySeg = new Map<string, { start: number; open: boolean; gops: Map<number, Gop> }>();
  private flat: Gop[] | null = null;

  add(a: GopAnswer): void {
    for (const s of a.segments) {
      const init = a.inits[s.init];
      if (!init) continue;
      const e = this.bySeg.get(s.id) ?? { start: s.start, open: s.open, gops: new Map<number, Gop>() };
      e.open = s.open;
      for (const [offset, size, start, dur] of s.gops) {
        const old = e.gops.get(offset);
        if (old && old.size > size) continue;
        e.gops.set(offset, {
          seg: s.id, url: s.url, mime: init.mime, silent: init.video_only ?? false, initSize: s.init_size, segStart: s.start,
          offset, size, start, end: start + dur,
        });
      }
      this.bySeg.set(s.id, e);
    }
    this.flat = null;
  }

  /** forget drops segments that lie wholly inside [from, to): they can be asked for again. */
  forget(from: number, to: number): void {
    for (const [id, e] of this.bySeg) {
      const all = [...e.gops.values()];
      if (all.every((g) => g.start >= from && g.end <= to)) this.bySeg.delete(id);
    }
    this.flat = null;
  }

  /** gops gives every known group, ascending. */
  gops(): Gop[] {
    if (!this.flat) {
      this.flat = [];
      for (const e of this.bySeg.values()) this.flat.push(...e.gops.values());
      this.flat.sort((a, b) => a.start - b.start || a.offset - b.offset);
    }
    return this.flat;
  }

  /** at gives the group that shows t. Holes below slack ms (rounding between segments) belong to the group before them. */
  at(t: number, slack = 60): Gop | null {
    const all = this.gops();
    const i = lastStart(all, t);
    if (i < 0) return all[0] && all[0].start - t <= slack ? all[0] : null;
    return t < all[i].end + slack ? all[i] : all[i + 1] && all[i + 1].start - t <= slack ? all[i + 1] : null;
  }

  /** next gives the first known group that begins after g does. */
  next(g: Gop): Gop | null {
    const all = this.gops();
    const i = all.findIndex((x) => x.seg === g.seg && x.offset === g.offset);
    if (i >= 0) return all[i + 1] ?? null;
    return all.find((x) => x.start > g.start) ?? null;
  }

  /** after gives the first known group that ends after t. */
  after(t: number): Gop | null {
    return this.gops().find((g) => g.end > t) ?? null;
  }

  before(g: Gop): Gop | null {
    let prev: Gop | null = null;
    for (const x of this.gops()) {
      if (x.start >= g.start) break;
      prev = x;
    }
    return prev;
  }
}

function lastStart(all: readonly Gop[], t: number): number {
  let lo = 0;
  let hi = all.length;
  while (lo < hi) {
    const mid = (lo + hi) >> 1;
    if (all[mid].start <= t) lo = mid + 1;
    else hi = mid;
  }
  return lo - 1;
}

/** The most that one step of dragging may fetch, with room for the answer's header. */
export const scrubLimit = 1_400_000;

/**
 * scrubBytes gives how many bytes of a group to ask for while dragging: about
 * its first part (parts last at most a second), generous because the key
 * frame weighs more than its share.
 */
export function scrubBytes(g: Gop): number {
  const dur = Math.max(1, g.end - g.start);
  const part = dur <= 1100 ? g.size : (g.size * 1000) / dur + 0.15 * g.size + 32_768;
  return Math.ceil(Math.min(g.size, part, scrubLimit));
}

export interface Buffered {
  start: number;
  end: number;
}

/** Browsers stop this far before the end of what they have, ms. */
const tail = 250;

/**
 * jumpTarget decides where a player whose picture stands still at t goes:
 * over a crack in the buffer (at most crack ms), to the start of the next
 * footage when the present one is over, or nowhere (null): wait for data.
 */
export function jumpTarget(
  t: number,
  buffered: readonly Buffered[],
  here: Gop | null,
  next: number | null,
  crack = 1000,
): number | null {
  for (const b of buffered) {
    if (t >= b.start && t < b.end - tail) return null;
    if (b.start > t && b.start - t <= crack) return b.start + 1;
  }
  if (here && t < here.end - tail) return null;
  return next !== null && next > t + crack ? next : null;
}

/** isH265 tells whether the MIME type's video is H.265. */
export const isH265 = (mime: string) => /codecs="?[^"]*\b(hvc1|hev1)/i.test(mime);

/** codecName gives H.264, H.265 or the bare codec string. */
export function codecName(mime: string): string {
  if (isH265(mime)) return 'H.265';
  if (/\bavc[13]/.test(mime)) return 'H.264';
  return /codecs="?([^",]+)/.exec(mime)?.[1] ?? mime;
}

/** trackCount counts the codecs of a MIME type: a source buffer cannot change it. */
export const trackCount = (mime: string) => (/codecs="?([^"]*)/.exec(mime)?.[1] ?? '').split(',').filter(Boolean).length;
