// The points of a zone: moving, adding, removing them, and what is wrong with them. Pure.
import type { Point, Zone, ZoneInput } from '../perception';

export type Shape = readonly Point[];

export const least = (kind: Zone['kind']) => (kind === 'line' ? 2 : 3);
export const most = (kind: Zone['kind']) => (kind === 'line' ? 64 : 512);

const inside = (v: number) => Math.min(1, Math.max(0, Math.round(v * 1e4) / 1e4));

/** place keeps a point within the picture, to a ten-thousandth of it. */
export const place = (x: number, y: number): Point => [inside(x), inside(y)];

export const move = (s: Shape, i: number, to: Point): Point[] => s.map((p, n) => (n === i ? place(to[0], to[1]) : p));

/** slide moves the whole shape and stops it at the edges of the picture. */
export function slide(s: Shape, dx: number, dy: number): Point[] {
  const xs = s.map((p) => p[0]);
  const ys = s.map((p) => p[1]);
  const x = Math.min(1 - Math.max(...xs), Math.max(-Math.min(...xs), dx));
  const y = Math.min(1 - Math.max(...ys), Math.max(-Math.min(...ys), dy));
  return s.map((p) => place(p[0] + x, p[1] + y));
}

/** drop takes a point away, unless too few would be left. */
export const drop = (s: Shape, i: number, kind: Zone['kind']): Point[] => (s.length <= least(kind) ? [...s] : s.filter((_, n) => n !== i));

const middle = (a: Point, b: Point): Point => place((a[0] + b[0]) / 2, (a[1] + b[1]) / 2);

/** split puts a new point after point i: half way to the next, or for the end of a line as far again as the last step. */
export function split(s: Shape, i: number, kind: Zone['kind']): Point[] {
  if (s.length >= most(kind) || !s[i]) return [...s];
  const last = i === s.length - 1;
  const b = kind === 'line' && last ? place(s[i][0] + (s[i][0] - (s[i - 1]?.[0] ?? 0.5)) / 2, s[i][1] + (s[i][1] - (s[i - 1]?.[1] ?? 0.5)) / 2) : middle(s[i], s[(i + 1) % s.length]);
  return [...s.slice(0, i + 1), b, ...s.slice(i + 1)];
}

/** sides gives the pairs of points that are joined. */
export function sides(s: Shape, kind: Zone['kind']): [Point, Point][] {
  const out = s.slice(1).map((p, i): [Point, Point] => [s[i], p]);
  if (kind === 'polygon' && s.length > 2) out.push([s[s.length - 1], s[0]]);
  return out;
}

/** nearestSide gives which side a point lies nearest to: a new point goes in after that number. */
export function nearestSide(s: Shape, kind: Zone['kind'], [x, y]: Point): number {
  let best = 0;
  let least = Infinity;
  sides(s, kind).forEach(([a, b], i) => {
    const [dx, dy] = [b[0] - a[0], b[1] - a[1]];
    const t = Math.min(1, Math.max(0, ((x - a[0]) * dx + (y - a[1]) * dy) / (dx * dx + dy * dy || 1)));
    const d = (a[0] + t * dx - x) ** 2 + (a[1] + t * dy - y) ** 2;
    if (d < least) [least, best] = [d, i];
  });
  return best;
}

/** first is a shape to begin with, for hands that do not draw. */
export const first = (kind: Zone['kind']): Point[] => (kind === 'line' ? [[0.25, 0.6], [0.75, 0.6]] : [[0.3, 0.3], [0.7, 0.3], [0.7, 0.7], [0.3, 0.7]]);

const turn = (a: Point, b: Point, c: Point) => Math.sign((b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]));
const between = (a: Point, b: Point, p: Point) => Math.min(a[0], b[0]) <= p[0] && p[0] <= Math.max(a[0], b[0]) && Math.min(a[1], b[1]) <= p[1] && p[1] <= Math.max(a[1], b[1]);

function meet([a, b]: [Point, Point], [c, d]: [Point, Point]): boolean {
  const [p, q, r, s] = [turn(a, b, c), turn(a, b, d), turn(c, d, a), turn(c, d, b)];
  if (p !== q && r !== s) return true;
  return (p === 0 && between(a, b, c)) || (q === 0 && between(a, b, d)) || (r === 0 && between(c, d, a)) || (s === 0 && between(c, d, b));
}

/** crossings gives the sides of a polygon that touch others than their neighbours, or run back on these. */
export function crossings(s: Shape, kind: Zone['kind']): number[] {
  if (kind === 'line') return [];
  const all = sides(s, kind);
  const bad = new Set<number>();
  const n = all.length;
  for (let i = 0; i < n; i++) {
    for (let j = i + 1; j < n; j++) {
      const next = j === i + 1 ? 1 : i === 0 && j === n - 1 ? -1 : 0;
      // Neighbours share a point; they cross only where one runs back on the other.
      const back = next === 1 ? folds(all[i][0], all[i][1], all[j][1]) : next === -1 && folds(all[j][0], all[j][1], all[i][1]);
      if (next ? back : meet(all[i], all[j])) bad.add(i).add(j);
    }
  }
  return [...bad].sort((a, b) => a - b);
}

const folds = (a: Point, b: Point, c: Point) => turn(a, b, c) === 0 && (a[0] - b[0]) * (c[0] - b[0]) + (a[1] - b[1]) * (c[1] - b[1]) > 0;

/** wrong says what keeps a shape from being saved, or nothing. */
export function wrong(s: Shape, kind: Zone['kind']): string {
  if (s.length < least(kind)) return kind === 'line' ? 'A line has at least two points.' : 'An area has at least three points.';
  if (s.length > most(kind)) return `There are more than ${most(kind)} points.`;
  const twice = sides(s, kind).findIndex(([a, b]) => a[0] === b[0] && a[1] === b[1]);
  if (twice >= 0) return `Point ${((twice + 1) % s.length) + 1} lies on the one before it.`;
  if (crossings(s, kind).length) return 'The outline crosses itself: move the points of the red sides.';
  return '';
}

/** What a new zone is before anybody changes it. */
export const fresh: ZoneInput = {
  name: '', kind: 'polygon', points: [], direction: 'any', labels: [], min_confidence: 0.5, confirm_frames: 2,
  dwell_seconds: 0, lost_seconds: 10, severity: 'info', enabled: true, record: true,
};

/** inputOf gives what of a zone can be set. */
export function inputOf(z: Zone): ZoneInput {
  return Object.fromEntries(Object.keys(fresh).map((k) => [k, z[k as keyof ZoneInput] ?? fresh[k as keyof ZoneInput]])) as unknown as ZoneInput;
}

const percent = (v: number) => `${Math.round(v * 1000) / 10} %`;

/** pointText is what a screen reader says of a point. */
export const pointText = (s: Shape, i: number) => `Point ${i + 1} of ${s.length}, ${percent(s[i][0])} from the left, ${percent(s[i][1])} from the top`;
