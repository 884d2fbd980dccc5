// The machine below the recorder: its system, its power, its log. Fetched with the
// screens that show it.
import { signal } from '@preact/signals';
import { ask, base, call, problem, unreachable } from './api';
import type { Machine } from './types';

export interface UpdateOptions {
  /** Even if it is older than what runs. */
  older: boolean;
  /** Into it as soon as it is installed. */
  restart: boolean;
}

/** How often this browser had something done: the state is then another one. */
export const asked = signal(0);

async function have(path: string, body: object) {
  refused.value = null;
  await call('POST', path, body);
  asked.value++;
}

export const machine = {
  get: () => call<Machine>('GET', '/system/update'),
  fetch: (url: string, o: UpdateOptions) => have('/system/update', { url, allow_older: o.older, restart: o.restart }),
  restart: () => have('/system/restart', {}),
  powerOff: () => have('/system/poweroff', {}),
  reset: (confirm: string, footage: boolean) => have('/system/reset', { confirm, footage }),
};

export interface LogQuery {
  lines: number;
  level: string;
  /** Of the runs before this one. */
  previous: boolean;
}

const logPath = (q: LogQuery) => `/system/log?lines=${q.lines}&level=${q.level}&previous=${q.previous}`;

export const log = {
  read: async (q: LogQuery) => (await ask('GET', logPath(q))).text(),
  url: (q: LogQuery) => base + logPath(q),
};

/** upload sends a bundle; progress is told from 0 to 1, and 1 while the recorder checks it. It resolves once the bundle is taken. */
export function upload(file: Blob, o: UpdateOptions, progress: (share: number) => void, signal: AbortSignal): Promise<void> {
  const path = `/system/update?allow_older=${o.older}&restart=${o.restart}`;
  return new Promise((done, fail) => {
    const x = new XMLHttpRequest(); // fetch tells nothing of what it has sent
    x.upload.onprogress = (e) => progress(e.total > 0 ? e.loaded / e.total : 0);
    x.upload.onload = () => progress(1);
    x.onload = () => (x.status >= 200 && x.status < 300 ? done() : fail(problem(x.status, path, parse(x.responseText))));
    x.onerror = () => fail(unreachable());
    x.onabort = () => fail(new DOMException('Stopped', 'AbortError'));
    signal.addEventListener('abort', () => x.abort());
    x.open('POST', base + path);
    x.setRequestHeader('Content-Type', 'application/octet-stream');
    x.send(file);
  });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** A bundle on its way from this browser. */
export interface Sending {
  name: string;
  bytes: number;
  /** Sent, 0 to 1; 1 while the recorder checks it. */
  share: number;
  stop: () => void;
}

/** Outlasts the screen: an upload goes on while one looks elsewhere. */
export const sending = signal<Sending | null>(null);

/** Why the last bundle from this browser was not taken. */
export const refused = signal<{ code: string; reason: string } | null>(null);

/** send begins to send a bundle; sending and refused tell what becomes of it. */
export async function send(file: File, o: UpdateOptions) {
  const stop = new AbortController();
  refused.value = null;
  sending.value = { name: file.name, bytes: file.size, share: 0, stop: () => stop.abort() };
  try {
    await upload(file, o, (share) => sending.value && (sending.value = { ...sending.value, share }), stop.signal);
  } catch (e) {
    const x = e as Error & { code?: string };
    if (x.name !== 'AbortError') refused.value = { code: String(x.code ?? ''), reason: x.message };
  } finally {
    sending.value = null;
    asked.value++;
  }
}
