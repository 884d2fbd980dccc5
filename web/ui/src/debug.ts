// Figures for measurements: window.vedette.debug gives a fresh, frozen copy.

export interface PlayerFigures {
  /** Wall clock of the picture on show, Unix ms; null before the first. */
  wall: number | null;
  state: string;
  bytes: number;
  requests: number;
  /** From the last seek to its first picture, ms. */
  lastSeekMs: number | null;
  /** Bytes of the last step while dragging. */
  lastScrubBytes: number;
  maxScrubBytes: number;
  rate: number;
  buffered: [number, number][];
}

export interface LiveFigures {
  state: string;
  stream: string;
  /** From starting the session to its first picture, ms. */
  firstPictureMs: number | null;
  frames: number;
  restarts: number;
}

let player: (() => PlayerFigures) | null = null;
let view: (() => { from: number; to: number }) | null = null;
const live = new Map<string, () => LiveFigures>();

export function showPlayer(f: (() => PlayerFigures) | null) {
  player = f;
}

export function showView(f: (() => { from: number; to: number }) | null) {
  view = f;
}

export function showLive(cam: string, f: (() => LiveFigures) | null) {
  if (f) live.set(cam, f);
  else live.delete(cam);
}

export function debug() {
  return Object.freeze({
    player: player ? Object.freeze(player()) : null,
    timeline: view ? Object.freeze(view()) : null,
    live: Object.freeze(Object.fromEntries([...live].map(([cam, f]) => [cam, Object.freeze(f())]))),
  });
}
