// Which boxes belong to the picture on show: what workers saw comes late, and the picture too. Pure.
import type { Detection, Seen } from '../perception';

/** Boxes are shown for so long after their moment, ms. */
export const shownMs = 2000;
/** A picture is as late as this where the browser does not tell, ms. */
export const usualDelay = 120;

const kept = 20;

/** remember puts one report in, by the time of its picture; the old ones go. Nothing else is left of reports of a task from the future, as after a step of the clock. */
export function remember(list: readonly Seen[], s: Seen): Seen[] {
  const t = Date.parse(s.captured_at);
  if (!Number.isFinite(t)) return [...list];
  return [...list.filter((x) => x.task_type !== s.task_type || Math.abs(Date.parse(x.captured_at) - t) <= shownMs * 2), s]
    .sort((a, b) => Date.parse(a.captured_at) - Date.parse(b.captured_at)).slice(-kept);
}

/**
 * boxesAt gives what to draw over the picture that is on show at now, in the box's
 * clock, when pictures come delay ms late: of every task its newest report of
 * that moment or before, unless it is too old.
 */
export function boxesAt(list: readonly Seen[], now: number, delay: number): Detection[] {
  const newest = new Map<string, Seen>();
  for (const s of list) if (Date.parse(s.captured_at) + delay <= now) newest.set(s.task_type, s);
  return [...newest.values()].filter((s) => now - delay - Date.parse(s.captured_at) <= shownMs).flatMap((s) => s.detections.filter((d) => d.bbox?.length === 4));
}

/** boxText is what stands at a box. */
export const boxText = (d: Detection) => [d.label, d.confidence === undefined ? '' : `${Math.round(d.confidence * 100)} %`].filter(Boolean).join(' ');

/** fitted gives where a picture of shape (width by height) lies in a frame of w by h when it is shown whole. */
export function fitted(w: number, h: number, shape: number): { x: number; y: number; w: number; h: number } {
  if (!(shape > 0) || !w || !h) return { x: 0, y: 0, w, h };
  return w / h > shape ? { x: (w - h * shape) / 2, y: 0, w: h * shape, h } : { x: 0, y: (h - w / shape) / 2, w, h: w / shape };
}
