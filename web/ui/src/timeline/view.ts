// The time line as a control: a slider for the eye, the hand and the keyboard.
import { html } from 'htm/preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { clock, gapReason, shortDay, span, unasked, whyText, type Zone } from '../format';
import { theme } from '../store';
import { showView } from '../debug';
import type { Footage, Gap } from '../types';
import { draw, heights, laneTop, paintOf, stripDay, totalHeight, type Paint } from './canvas';
import { heldAt, type Held } from './held';
import { centred, pan, pinch, placeAt, reveal, valueText, xToTime, zoom, timeToX, viewSpan, type View } from './model';

export interface TimelineProps {
  name: string;
  view: View;
  ranges: readonly Footage[];
  gaps: readonly Gap[];
  held: readonly Held[];
  at: number | null;
  now: number;
  markIn: number | null;
  markOut: number | null;
  zone: Zone;
  onView: (v: View) => void;
  /** The hand moves the position; done when it lets go. */
  onScrub: (t: number, done: boolean) => void;
}

interface Drag {
  kind: 'scrub' | 'strip' | 'pinch';
  /** pinch: the times under the two fingers */
  a: number;
  b: number;
}

export function Timeline(props: TimelineProps) {
  const box = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const paint = useRef<Paint | null>(null);
  const latest = useRef(props);
  latest.current = props;
  const [width, setWidth] = useState(0);
  const [hover, setHover] = useState<number | null>(null);
  const frame = useRef(0);

  useEffect(() => {
    const watch = new ResizeObserver(([e]) => setWidth(Math.floor(e.contentRect.width)));
    watch.observe(box.current!);
    const media = matchMedia('(prefers-color-scheme: dark)');
    const repaint = () => {
      paint.current = null;
      setHover((h) => h);
      setWidth((w) => w);
      redraw();
    };
    media.addEventListener('change', repaint);
    const stop = theme.subscribe(() => requestAnimationFrame(repaint));
    showView(() => ({ from: latest.current.view.from, to: latest.current.view.to }));
    return () => {
      watch.disconnect();
      media.removeEventListener('change', repaint);
      stop();
      showView(null);
    };
  }, []);

  const hoverRef = useRef<number | null>(null);
  hoverRef.current = hover;
  const redraw = () => {
    cancelAnimationFrame(frame.current);
    frame.current = requestAnimationFrame(() => {
      const c = canvas.current;
      const w = c?.clientWidth ?? 0;
      if (!c || !w) return;
      const ratio = devicePixelRatio || 1;
      if (c.width !== Math.round(w * ratio)) c.width = Math.round(w * ratio);
      if (c.height !== Math.round(totalHeight * ratio)) c.height = Math.round(totalHeight * ratio);
      paint.current ??= paintOf(box.current!);
      draw(c.getContext('2d')!, w, ratio, paint.current, { ...latest.current, hover: hoverRef.current });
    });
  };
  useEffect(redraw);

  useHands(box, latest, setHover);

  const place = props.at === null ? null : placeAt(props.ranges, props.gaps, props.at);
  const onFocusGap = place?.kind === 'gap' ? place : null;
  const kept = props.at === null ? undefined : heldAt(props.held, props.at);
  return html`<div class="timeline" ref=${box} role="slider" tabIndex=${0} data-testid="timeline"
      aria-label="Time line" aria-orientation="horizontal"
      aria-valuemin=${Math.round(props.view.from)} aria-valuemax=${Math.round(props.view.to)} aria-valuenow=${Math.round(props.at ?? props.view.from)}
      aria-valuetext=${place && props.at !== null ? valueText(props.name, props.at, place, props.zone) + (kept ? `. ${kept.says}` : '') : 'no position'} data-held=${props.held.length}>
    <canvas ref=${canvas} aria-hidden="true"></canvas>
    <${Tip} ...${props} width=${width} t=${hover ?? (onFocusGap ? props.at : null)} />
  </div>`;
}

/** Tip names the moment under the pointer, and why there is nothing if there is nothing. */
function Tip({ t, width, view, ranges, gaps, held, zone }: TimelineProps & { t: number | null; width: number }) {
  const ref = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const el = ref.current;
    if (!el || t === null) return;
    const half = el.offsetWidth / 2;
    el.style.transform = `translateX(${Math.min(Math.max(0, timeToX(view, t, width) - half), width - half * 2)}px)`;
  });
  if (t === null || !width) return null;
  const place = placeAt(ranges, gaps, t);
  const kept = heldAt(held, t);
  return html`<div class="timeline-tip" ref=${ref} aria-hidden="true">
    <b class="mono">${clock(t, zone)}</b> <span>${shortDay(t, zone)}</span>
    ${place.kind === 'recorded' && whyText(place.range.why) && html`<em class="plain">Recorded ${whyText(place.range.why)}</em>`}
    ${place.kind === 'gap' && unasked(place.reason) && html`<em class="plain">Not recorded: ${gapReason(place.reason)}</em>`}
    ${place.kind === 'gap' && !unasked(place.reason) && html`<em>Gap of ${span(place.range.end - place.range.start)}: ${gapReason(place.reason)}</em>`}
    ${place.kind === 'none' && html`<em>Nothing recorded</em>`}
    ${kept && html`<em>${kept.says}</em>`}
  </div>`;
}

/** useHands turns pointers and the wheel into positions and views. */
function useHands(
  box: { current: HTMLDivElement | null },
  latest: { current: TimelineProps },
  setHover: (t: number | null) => void,
) {
  useEffect(() => {
    const el = box.current!;
    const down = new Map<number, { x: number; y: number }>();
    let drag: Drag | null = null;
    let edge = 0;
    const rect = () => el.getBoundingClientRect();
    const xOf = (e: { clientX: number }) => e.clientX - rect().left;
    const p = () => latest.current;
    const timeAt = (x: number) => Math.min(xToTime(p().view, x, rect().width), p().now);

    const scrub = (x: number, done: boolean) => p().onScrub(timeAt(x), done);
    const strip = (x: number) => {
      const day = stripDay(p());
      p().onView(centred(p().view, xToTime(day, Math.min(rect().width, Math.max(0, x)), rect().width)));
    };

    const onDown = (e: PointerEvent) => {
      if (e.button !== 0) return;
      el.setPointerCapture(e.pointerId);
      down.set(e.pointerId, { x: xOf(e), y: e.clientY - rect().top });
      setHover(null);
      if (down.size === 2) {
        const [a, b] = [...down.values()];
        if (drag?.kind === 'scrub' && p().at !== null) p().onScrub(p().at!, true);
        drag = { kind: 'pinch', a: xToTime(p().view, a.x, rect().width), b: xToTime(p().view, b.x, rect().width) };
        return;
      }
      drag = { kind: e.clientY - rect().top < heights.strip + heights.space / 2 ? 'strip' : 'scrub', a: 0, b: 0 };
      if (drag.kind === 'strip') strip(xOf(e));
      else scrub(xOf(e), false);
    };

    const onMove = (e: PointerEvent) => {
      if (down.has(e.pointerId)) down.set(e.pointerId, { x: xOf(e), y: e.clientY - rect().top });
      if (!drag) {
        const y = e.clientY - rect().top;
        if (e.pointerType === 'mouse') setHover(y >= laneTop - heights.scale ? xToTime(p().view, xOf(e), rect().width) : null);
        return;
      }
      const [a, b] = [...down.values()];
      if (drag.kind === 'pinch' && a && b) p().onView(pinch(drag.a, drag.b, a.x, b.x, rect().width));
      else if (drag.kind === 'strip') strip(xOf(e));
      else if (drag.kind === 'scrub') {
        scrub(xOf(e), false);
        creep(xOf(e));
      }
    };

    // Near an edge the line moves on under the finger.
    const creep = (x: number) => {
      clearInterval(edge);
      const w = rect().width;
      const push = x < 12 ? -1 : x > w - 12 ? 1 : 0;
      if (!push) return;
      edge = window.setInterval(() => {
        const v = p().view;
        if (push > 0 && v.to > p().now + viewSpan(v) * 0.1) return;
        p().onView(pan(v, (push * viewSpan(v)) / 60));
        scrub(x, false);
      }, 50);
    };

    const onUp = (e: PointerEvent) => {
      if (!down.delete(e.pointerId)) return;
      clearInterval(edge);
      if (drag?.kind === 'scrub') scrub(xOf(e), true);
      if (drag?.kind !== 'pinch' || down.size === 0) drag = null;
    };

    const onWheel = (e: WheelEvent) => {
      e.preventDefault();
      const v = p().view;
      const w = rect().width;
      if (e.shiftKey || Math.abs(e.deltaX) > Math.abs(e.deltaY)) {
        p().onView(pan(v, ((e.deltaX || e.deltaY) / w) * viewSpan(v)));
        return;
      }
      const scale = e.deltaMode === 1 ? 30 : 1;
      p().onView(zoom(v, Math.exp(e.deltaY * scale * (e.ctrlKey ? 0.01 : 0.0022)), xToTime(v, xOf(e), w)));
    };

    const onLeave = () => setHover(null);
    const onDouble = (e: MouseEvent) => p().onView(zoom(p().view, 0.25, xToTime(p().view, xOf(e), rect().width)));

    el.addEventListener('pointerdown', onDown);
    el.addEventListener('pointermove', onMove);
    el.addEventListener('pointerup', onUp);
    el.addEventListener('pointercancel', onUp);
    el.addEventListener('pointerleave', onLeave);
    el.addEventListener('dblclick', onDouble);
    el.addEventListener('wheel', onWheel, { passive: false });
    return () => {
      clearInterval(edge);
      el.removeEventListener('pointerdown', onDown);
      el.removeEventListener('pointermove', onMove);
      el.removeEventListener('pointerup', onUp);
      el.removeEventListener('pointercancel', onUp);
      el.removeEventListener('pointerleave', onLeave);
      el.removeEventListener('dblclick', onDouble);
      el.removeEventListener('wheel', onWheel);
    };
  }, []);
}

/** follow keeps a moving position in view without fighting a view the person chose. */
export function follow(v: View, before: number | null, t: number): View {
  const seen = before !== null && before >= v.from && before <= v.to;
  return seen ? reveal(v, t, 0.08) : v;
}
