// The outline of a zone over the picture: points for the hand and for the keyboard.
import { html } from 'htm/preact';
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { Point, Zone } from '../perception';
import { crossings, drop, move, nearestSide, place, pointText, sides, slide, split, type Shape } from './shape';

export interface EditorProps {
  shape: Shape;
  kind: Zone['kind'];
  /** Taps on the picture add points. */
  adding: boolean;
  onShape: (s: Point[]) => void;
  /** What happened, to be read out. */
  onSay: (text: string) => void;
}

const at = (p: Point) => `${p[0] * 1000},${p[1] * 1000}`;
export const outline = (s: Shape) => s.map(at).join(' ');

const steps: Record<string, Point> = { ArrowLeft: [-0.01, 0], ArrowRight: [0.01, 0], ArrowUp: [0, -0.01], ArrowDown: [0, 0.01] };

/** centre is where the handle of the whole shape lies. */
const centre = (s: Shape): Point => place(s.reduce((n, p) => n + p[0], 0) / s.length, s.reduce((n, p) => n + p[1], 0) / s.length);

/** Editor lies over a picture of the same size. It never changes the shape itself. */
export function Editor(props: EditorProps) {
  const { shape, kind, adding, onShape, onSay } = props;
  const box = useRef<HTMLDivElement>(null);
  const drag = useRef<{ what: number; from: Point; was: Shape } | null>(null);
  const [focus, setFocus] = useState<number | null>(null);
  const bad = new Set(crossings(shape, kind));
  const where = (e: { clientX: number; clientY: number }): Point => {
    const r = box.current!.getBoundingClientRect();
    return [(e.clientX - r.left) / r.width, (e.clientY - r.top) / r.height];
  };

  // Before the next key: it has to find the focus where it belongs.
  useLayoutEffect(() => {
    if (focus === null) return;
    box.current?.querySelector<HTMLElement>(`[data-point="${focus}"]`)?.focus();
    setFocus(null);
  }, [focus]);

  // what: the number of a point, or -1 for all of them.
  const grab = (what: number) => (e: PointerEvent) => {
    if (e.button !== 0) return;
    e.stopPropagation();
    (e.currentTarget as Element).setPointerCapture(e.pointerId);
    drag.current = { what, from: where(e), was: shape };
  };
  const pull = (e: PointerEvent) => {
    const d = drag.current;
    if (!d) return;
    const to = where(e);
    onShape(d.what < 0 ? slide(d.was, to[0] - d.from[0], to[1] - d.from[1]) : move(d.was, d.what, to));
  };
  const letGo = () => (drag.current = null);
  const hands = (what: number) => ({ onPointerDown: grab(what), onPointerMove: pull, onPointerUp: letGo, onPointerCancel: letGo });

  const remove = (i: number) => {
    const next = drop(shape, i, kind);
    if (next.length === shape.length) return onSay(kind === 'line' ? 'A line keeps two points.' : 'An area keeps three points.');
    onShape(next);
    setFocus(Math.min(i, next.length - 1));
    onSay(`Point ${i + 1} removed.`);
  };
  const insert = (i: number) => {
    const next = split(shape, i, kind);
    if (next.length === shape.length) return onSay('There are as many points as there may be.');
    onShape(next);
    setFocus(i + 1);
    onSay(`Point ${i + 2} added.`);
  };
  const key = (i: number) => (e: KeyboardEvent) => {
    const step = steps[e.key];
    if (step) {
      const by = e.shiftKey ? 10 : 1;
      onShape(i < 0 ? slide(shape, step[0] * by, step[1] * by) : move(shape, i, [shape[i][0] + step[0] * by, shape[i][1] + step[1] * by]));
    } else if (i >= 0 && (e.key === 'Delete' || e.key === 'Backspace')) remove(i);
    else if (i >= 0 && (e.key === 'Insert' || e.key === 'Enter')) insert(i);
    else return;
    e.preventDefault();
    e.stopPropagation();
  };

  const tap = (e: MouseEvent) => {
    if (!adding || (e.target as Element).closest('button')) return;
    const p = where(e);
    onShape([...shape, place(p[0], p[1])]);
    onSay(`Point ${shape.length + 1} added.`);
  };
  const tapSide = (e: MouseEvent) => {
    if (adding) return;
    const p = where(e);
    const i = nearestSide(shape, kind, p);
    onShape([...shape.slice(0, i + 1), place(p[0], p[1]), ...shape.slice(i + 1)]);
    setFocus(i + 1);
  };

  return html`<div class="draw ${adding ? 'is-adding' : ''}" ref=${box} onClick=${tap} data-testid="zone-surface">
    <svg viewBox="0 0 1000 1000" preserveAspectRatio="none" aria-hidden="true">
      ${kind === 'polygon' && shape.length > 2 && html`<polygon class="draw-area" points=${outline(shape)} ...${adding ? {} : hands(-1)} />`}
      ${sides(shape, kind).map(([a, b], i) => html`<line key=${i} class="draw-side ${bad.has(i) ? 'is-bad' : ''}" x1=${a[0] * 1000} y1=${a[1] * 1000} x2=${b[0] * 1000} y2=${b[1] * 1000} />`)}
      ${sides(shape, kind).map(([a, b], i) => html`<line key=${`h${i}`} class="draw-catch" x1=${a[0] * 1000} y1=${a[1] * 1000} x2=${b[0] * 1000} y2=${b[1] * 1000} onClick=${tapSide} />`)}
    </svg>
    ${kind === 'line' && shape.length > 1 && html`<${Ends} shape=${shape} />`}
    ${shape.length > 1 && html`<button type="button" class="draw-all" style=${spot(centre(shape))} aria-label="Move all of it, with the arrow keys too" data-testid="zone-move" onKeyDown=${key(-1)} ...${hands(-1)}></button>`}
    ${shape.map((p, i) => html`<button key=${i} type="button" class="draw-point" style=${spot(p)} data-point=${i} data-testid="zone-point-${i}"
      aria-label=${pointText(shape, i)} aria-describedby="draw-keys" onKeyDown=${key(i)} ...${hands(i)}><span aria-hidden="true">${i + 1}</span></button>`)}
  </div>`;
}

const spot = (p: Point) => ({ left: `${p[0] * 100}%`, top: `${p[1] * 100}%` });

/** Ends marks the two sides of a line: a crossing goes from A to B, or back. */
export function Ends({ shape }: { shape: Shape }) {
  const [a, b] = shape;
  const mid: Point = [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2];
  const [dx, dy] = [b[0] - a[0], b[1] - a[1]];
  const far = 0.06 / (Math.hypot(dx, dy) || 1);
  return html`<span class="draw-end" aria-hidden="true" style=${spot(place(mid[0] + dy * far, mid[1] - dx * far))}>A</span>
    <span class="draw-end" aria-hidden="true" style=${spot(place(mid[0] - dy * far, mid[1] + dx * far))}>B</span>`;
}

/** Numbers is the same outline as a table of numbers, in percent of the picture. */
export function Numbers({ shape, kind, onShape }: { shape: Shape; kind: Zone['kind']; onShape: (s: Point[]) => void }) {
  const set = (i: number, axis: 0 | 1) => (e: Event) => {
    const v = Number((e.target as HTMLInputElement).value.replace(',', '.')) / 100;
    if (!Number.isFinite(v)) return;
    onShape(move(shape, i, axis === 0 ? [v, shape[i][1]] : [shape[i][0], v]));
  };
  const cell = (i: number, axis: 0 | 1) => html`<input inputmode="decimal" size=${5} value=${String(Math.round(shape[i][axis] * 1e4) / 100)} onChange=${set(i, axis)}
    aria-label="Point ${i + 1}, percent from the ${axis ? 'top' : 'left'}" data-testid="zone-${axis ? 'y' : 'x'}-${i}" />`;
  return html`<details class="numbers"><summary>The points as numbers</summary>
    <div class="table-box"><table class="table"><thead><tr><th scope="col">Point</th><th scope="col">From the left, %</th><th scope="col">From the top, %</th><th scope="col"><span class="sr">Change</span></th></tr></thead>
      <tbody>${shape.map((_, i) => html`<tr key=${i}><th scope="row">${i + 1}</th><td>${cell(i, 0)}</td><td>${cell(i, 1)}</td>
        <td class="actions"><button type="button" class="button small" onClick=${() => onShape(split(shape, i, kind))}>Add after<span class="sr"> point ${i + 1}</span></button>
          <button type="button" class="button small" disabled=${drop(shape, i, kind).length === shape.length} onClick=${() => onShape(drop(shape, i, kind))}>Remove<span class="sr"> point ${i + 1}</span></button></td></tr>`)}</tbody></table></div>
  </details>`;
}
