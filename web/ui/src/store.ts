// The state that screens share, as signals.
import { computed, effect, signal } from '@preact/signals';
import { initial, recordingCount, type PanelState } from './state';
import type { Zone } from './format';
import type { Me } from './api';

/** What the websocket says. Written by the socket alone. */
export const panel = signal<PanelState>(initial);

/** undefined: not asked yet; null: signed out. */
export const user = signal<Me | null | undefined>(undefined);

/** Whether the last session ended by itself: the way in says so. */
export const ended = signal(false);

/** sessionEnded leads to the way in; the address stays, so that one goes on where one was. */
export function sessionEnded() {
  if (user.value) ended.value = true;
  user.value = null;
}

export type Theme = 'auto' | 'dark' | 'light';

function remembered<T extends string>(key: string, fallback: T, allowed: readonly T[]): T {
  try {
    const v = localStorage.getItem('vedette.' + key) as T;
    return allowed.includes(v) ? v : fallback;
  } catch {
    return fallback;
  }
}

function remember(key: string, value: string) {
  try {
    localStorage.setItem('vedette.' + key, value);
  } catch {
    // Private windows may refuse; the choice then lasts until the page is closed.
  }
}

export const theme = signal<Theme>(remembered('theme', 'auto', ['auto', 'dark', 'light']));
export const zone = signal<Zone>(remembered('zone', 'local', ['utc', 'local']));
export const layout = signal<'auto' | '1' | '4' | '9'>(remembered('layout', 'auto', ['auto', '1', '4', '9']));
export const boxes = signal<'on' | 'off'>(remembered('boxes', 'on', ['on', 'off']));
export const singleKeys = signal<'on' | 'off'>(remembered('keys', 'on', ['on', 'off']));

/** Browser clock, one tick a second while the page is visible. */
export const tick = signal(Date.now());

export const boxNow = computed(() => tick.value + panel.value.skew);
export const cameraList = computed(() => panel.value.cameras);
export const recording = computed(() => recordingCount(panel.value.cameras));
export const stale = computed(() => panel.value.staleSince !== null);

export const helpOpen = signal(false);

export interface Note {
  id: number;
  kind: 'info' | 'good' | 'error';
  text: string;
}

export const notes = signal<Note[]>([]);
let lastNote = 0;

/** say shows a short message and reads it out; errors stay longer. */
export function say(kind: Note['kind'], text: string) {
  const id = ++lastNote;
  notes.value = [...notes.value.slice(-2), { id, kind, text }];
  setTimeout(() => unsay(id), kind === 'error' ? 10_000 : 5_000);
}

export function unsay(id: number) {
  notes.value = notes.value.filter((n) => n.id !== id);
}

/** start begins what the signals need from the page: the clock and the theme on the root element. */
export function start() {
  setInterval(() => {
    if (!document.hidden) tick.value = Date.now();
  }, 1000);
  effect(() => {
    document.documentElement.dataset.theme = theme.value;
    remember('theme', theme.value);
  });
  effect(() => remember('zone', zone.value));
  effect(() => remember('layout', layout.value));
  effect(() => remember('keys', singleKeys.value));
  effect(() => remember('boxes', boxes.value));
}
