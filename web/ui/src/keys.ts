// The keyboard: one table that drives both the shortcuts and the help sheet.
import { useEffect, useRef } from 'preact/hooks';
import { helpOpen, singleKeys } from './store';
import { go } from './router';

export interface Shortcut {
  /** As KeyboardEvent.key, several separated by a space; 'g l' in two strokes is written g,l. */
  keys: string;
  label: string;
  does: string;
}

export const table: Record<'Everywhere' | 'Live' | 'Playback' | 'Events', Record<string, Shortcut>> = {
  Everywhere: {
    live: { keys: 'g,l', label: 'g then l', does: 'Live' },
    playback: { keys: 'g,p', label: 'g then p', does: 'Playback' },
    events: { keys: 'g,e', label: 'g then e', does: 'Events' },
    cameras: { keys: 'g,c', label: 'g then c', does: 'Cameras' },
    status: { keys: 'g,s', label: 'g then s', does: 'Status' },
    help: { keys: '?', label: '?', does: 'This sheet' },
    close: { keys: 'Escape', label: 'Esc', does: 'Close or go back' },
  },
  Live: {
    move: { keys: 'ArrowLeft ArrowRight ArrowUp ArrowDown', label: '← → ↑ ↓', does: 'Move between cameras' },
    open: { keys: 'Enter', label: 'Enter', does: 'Enlarge' },
    nth: { keys: '1 2 3 4 5 6 7 8 9', label: '1–9', does: 'Open that camera' },
    full: { keys: 'f', label: 'F', does: 'Full screen' },
    mute: { keys: 'm', label: 'M', does: 'Sound on or off' },
    back: { keys: 'p', label: 'P', does: 'Playback, 30 seconds ago' },
    layout: { keys: 'l', label: 'L', does: 'Next layout' },
    record: { keys: 'r', label: 'R', does: 'Record now' },
    boxes: { keys: 'b', label: 'B', does: 'Boxes around what was seen' },
  },
  Playback: {
    toggle: { keys: ' ', label: 'Space', does: 'Play or pause' },
    shuttle: { keys: 'j k l', label: 'J K L', does: 'Backwards, pause, forwards' },
    ten: { keys: 'ArrowLeft ArrowRight', label: '← →', does: '10 seconds' },
    minute: { keys: 'Shift+ArrowLeft Shift+ArrowRight', label: 'Shift ← →', does: '1 minute' },
    frame: { keys: ', .', label: ', .', does: 'One frame, when paused' },
    zoom: { keys: '+ = -', label: '+ −', does: 'Zoom the time line' },
    ends: { keys: 'Home End', label: 'Home End', does: 'Start of the day, now' },
    marks: { keys: 'i o', label: 'I O', does: 'Mark in, mark out' },
    download: { keys: 'e', label: 'E', does: 'Download the marked range' },
    goto: { keys: 't', label: 'T', does: 'Go to a time' },
    live: { keys: 'n', label: 'N', does: 'Live' },
  },
  Events: {
    next: { keys: 'j', label: 'J', does: 'Next event' },
    before: { keys: 'k', label: 'K', does: 'Event before' },
    open: { keys: 'Enter', label: 'Enter', does: 'Play what happened' },
    keep: { keys: 'x', label: 'X', does: 'Keep the footage around it' },
  },
};

/** name gives the key of an event as the table writes it. */
export function name(e: { key: string; shiftKey: boolean }): string {
  const key = e.key.length === 1 ? e.key.toLowerCase() : e.key;
  return e.shiftKey && key.startsWith('Arrow') ? 'Shift+' + key : key;
}

/** typing tells whether the event belongs to a field, so shortcuts leave it alone. */
export function typing(e: Event): boolean {
  const el = e.target as HTMLElement | null;
  if (!el || !el.closest) return false;
  if (el.isContentEditable) return true;
  if (el.matches('textarea, select')) return true;
  return el.matches('input') && !['checkbox', 'radio', 'button', 'range'].includes((el as HTMLInputElement).type);
}

/** ownsKey tells whether the focused control itself answers this key: Space on a button presses it. */
function ownsKey(e: KeyboardEvent): boolean {
  const el = e.target as HTMLElement | null;
  if (!el?.matches) return false;
  if (e.key === 'Enter' || e.key === ' ') return el.matches('button, a, summary, [role=radio], input');
  return e.key.startsWith('Arrow') && el.matches('[role=radio], input');
}

let chord = 0; // when g was pressed

/** useKeys hands key names to on while the component is shown; on answers true when it used the key. */
export function useKeys(on: (key: string, e: KeyboardEvent) => boolean | void) {
  const latest = useRef(on);
  latest.current = on;
  useEffect(() => {
    const down = (e: KeyboardEvent) => {
      if (e.defaultPrevented || e.ctrlKey || e.metaKey || e.altKey || typing(e) || ownsKey(e)) return;
      if (document.querySelector('dialog[open]')) return;
      if (e.key.length === 1 && e.key !== ' ' && (singleKeys.value === 'off' || Date.now() - chord < 1200)) return;
      if (latest.current(name(e), e)) e.preventDefault();
    };
    addEventListener('keydown', down);
    return () => removeEventListener('keydown', down);
  }, []);
}

/** listen starts the keys that work on every screen. */
export function listen() {
  const places: Record<string, 'live' | 'playback' | 'events' | 'cameras' | 'status'> = { l: 'live', p: 'playback', e: 'events', c: 'cameras', s: 'status' };
  addEventListener(
    'keydown',
    (e) => {
      if (e.ctrlKey || e.metaKey || e.altKey || typing(e)) return;
      if (e.key === '?') {
        helpOpen.value = !helpOpen.value;
        e.preventDefault();
        return;
      }
      if (singleKeys.value === 'off' || document.querySelector('dialog[open]')) return;
      if (e.key === 'g') {
        chord = Date.now();
      } else if (Date.now() - chord < 1200) {
        const to = places[e.key];
        setTimeout(() => (chord = 0));
        if (to) {
          go(to);
          e.preventDefault();
        }
      }
    },
    true,
  );
}
