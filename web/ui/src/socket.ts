// The one websocket: state in, commands out. It reconnects by itself.
import { panel, say, sessionEnded, user } from './store';
import { backoff, lost, reduce } from './state';
import type { Envelope } from './types';

type Listener = (m: Envelope) => void;

const pingEvery = 15_000;
const deadAfter = 40_000;

class PanelSocket {
  private ws: WebSocket | null = null;
  private wanted = false;
  private tries = 0;
  private retry = 0;
  private beat = 0;
  private heard = 0;
  private nextId = 1;
  private listeners = new Set<Listener>();

  /** open connects and stays connected until close. */
  open() {
    if (this.wanted) return;
    this.wanted = true;
    this.tries = 0;
    this.connect();
    addEventListener('online', this.now);
    document.addEventListener('visibilitychange', this.now);
  }

  close() {
    this.wanted = false;
    clearTimeout(this.retry);
    clearInterval(this.beat);
    removeEventListener('online', this.now);
    document.removeEventListener('visibilitychange', this.now);
    this.ws?.close(1000);
    this.ws = null;
  }

  /** aside does something that replaces the session: the connection of the old one is given up first, as its end would look like that of the session. */
  async aside<T>(f: () => Promise<T>): Promise<T> {
    this.close();
    try {
      return await f();
    } finally {
      if (user.value) this.open();
    }
  }

  /** send gives false when there is no connection: commands are never kept for later. */
  send(t: string, d: unknown): boolean {
    if (this.ws?.readyState !== WebSocket.OPEN) return false;
    this.ws.send(JSON.stringify({ v: 1, t, id: this.nextId++, d }));
    return true;
  }

  /** on hears every message until the returned function is called. */
  on(l: Listener): () => void {
    this.listeners.add(l);
    return () => this.listeners.delete(l);
  }

  // Somebody is looking, or the network came back: no reason to sit out the wait.
  private now = () => {
    if (document.hidden || !this.wanted || this.ws) return;
    clearTimeout(this.retry);
    this.connect();
  };

  private connect() {
    const scheme = location.protocol === 'https:' ? 'wss:' : 'ws:';
    const ws = new WebSocket(`${scheme}//${location.host}/api/v1/panel`);
    this.ws = ws;
    this.heard = Date.now();
    ws.onopen = () => {
      clearInterval(this.beat);
      this.beat = window.setInterval(() => this.pulse(ws), pingEvery);
    };
    ws.onmessage = (e) => this.receive(e);
    ws.onclose = (e) => this.closed(ws, e);
  }

  private pulse(ws: WebSocket) {
    if (Date.now() - this.heard > deadAfter) {
      ws.close(4000);
      this.closed(ws, null);
      return;
    }
    this.send('ping', {});
  }

  private receive(e: MessageEvent) {
    this.heard = Date.now();
    let m: Envelope;
    try {
      m = JSON.parse(e.data);
    } catch {
      return;
    }
    if (m.t === 'snapshot') this.tries = 0;
    // A recorder that is older than this page does not know all it may ask for.
    if (m.t === 'error' && m.d?.message && m.d.code !== 'unknown_type') say('error', m.d.message);
    panel.value = reduce(panel.value, m, Date.now());
    for (const l of this.listeners) l(m);
  }

  private closed(ws: WebSocket, e: CloseEvent | null) {
    if (this.ws !== ws) return;
    this.ws = null;
    clearInterval(this.beat);
    if (!this.wanted) return;
    panel.value = lost(panel.value, Date.now());
    if (e && e.code === 4401) {
      sessionEnded();
      return;
    }
    this.retry = window.setTimeout(() => this.connect(), backoff(this.tries++, Math.random()));
    if (this.tries === 2 || this.tries % 8 === 0) void this.stillSignedIn();
  }

  // A refused upgrade looks like any other failure to a script: ask over HTTP.
  private async stillSignedIn() {
    try {
      const res = await fetch('/api/v1/auth/me');
      if (res.status === 401) sessionEnded();
    } catch {
      // Not reachable: keep trying.
    }
  }
}

export const socket = new PanelSocket();
