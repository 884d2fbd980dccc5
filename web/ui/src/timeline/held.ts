// What of a camera's footage is held as evidence, for its time line.
import { useEffect, useState } from 'preact/hooks';
import { holds as api } from '../api';
import { byWhom, stamp, type Zone } from '../format';
import { mayExport } from '../roles';
import { panel, user, zone } from '../store';
import type { Hold } from '../types';

/** Held is a stretch of time that somebody keeps. */
export interface Held {
  start: number;
  end: number;
  /** Who, and why, for people. */
  says: string;
}

/** heldOf gives the stretches of one camera, in their order, with moments for people in a time zone. Pure. */
export function heldOf(list: readonly Hold[], cam: string, at: Zone): Held[] {
  return list
    .filter((h) => !h.cameras?.length || h.cameras.includes(cam))
    .map((h) => ({ start: Date.parse(h.from), end: Date.parse(h.to), says: `Kept by ${byWhom(h.by)}${h.reason ? `: ${h.reason}` : ''}${h.until ? `, until ${stamp(Date.parse(h.until), at)}` : ''}` }))
    .filter((h) => h.end > h.start)
    .sort((a, b) => a.start - b.start);
}

/** heldAt gives the stretch that covers t. */
export const heldAt = (held: readonly Held[], t: number) => held.find((h) => h.start <= t && t < h.end);

/** holdsTold changes whenever an event tells that holds were placed or released. */
export const holdsTold = () => panel.value.events.find((e) => e.type === 'evidence_hold' || e.type === 'evidence_released')?.seq;

/** useHeld loads them for whoever may know of them, again whenever an event tells that some were placed or released. */
export function useHeld(cam: string): Held[] {
  const [list, setList] = useState<Held[]>([]);
  const told = holdsTold();
  const at = zone.value;
  const may = mayExport(user.value?.role);
  useEffect(() => {
    if (!may) return;
    let live = true;
    api.list(cam).then((l) => live && setList(heldOf(l, cam, at))).catch(() => {});
    return () => {
      live = false;
    };
  }, [cam, told, at, may]);
  return list;
}
