// Plays recorded footage by the wall clock. It fetches whole groups of
// pictures a little ahead of the picture, jumps gaps, follows a segment that
// is still being written, and while the time line is dragged fetches one
// key frame at a time.
import { silent } from './init';
import { Catalogue } from './catalogue';
import { Feed, playable } from './feed';
import { gopKey, isH265, jumpTarget, scrubBytes, type Gop, type GopAnswer } from './gops';
import { showPlayer, type PlayerFigures } from '../debug';

export type PlayerState = 'idle' | 'loading' | 'playing' | 'paused' | 'waiting' | 'edge' | 'empty' | 'unsupported' | 'error';

export interface PlayerHooks {
  load(from: number, to: number): Promise<GopAnswer>;
  /** The first moment with footage at or after t, or null. */
  nextFootage(t: number): Promise<number | null>;
  /** The last moment with footage at or before t, or null. */
  lastFootage(t: number): Promise<number | null>;
  /** Box clock, Unix ms. */
  now(): number;
  onState(s: PlayerState, detail: string): void;
  /** The picture moved on to t. */
  onWall(t: number): void;
  /** The player went over a hole by itself; to lies before from where nothing came later. */
  onJump(from: number, to: number): void;
}

/** How far before the end of all footage somebody lands who asks for later. */
export const lastMs = 1500;

const behindMs = 30_000;
const aheadMs = 120_000;
const aborted = (e: unknown) => (e as Error)?.name === 'AbortError';

export class Player {
  state: PlayerState = 'idle';
  wantPlay = false;
  rate = 1;
  private readonly cat: Catalogue;
  private readonly feed: Feed;
  private gen = 0;
  private ctl = new AbortController();
  private target: number | null = null; // asked for, not shown yet
  private seekAt = 0;
  private shown: number | null = null;
  private frameMs = 40;
  private lastMedia = -1;
  private inits = new Map<string, ArrayBuffer>();
  private timer: number;
  private lastTime = -1;
  private jumping = false;
  private scrubWish: number | null = null;
  private scrubBusy = false;
  private scrubCtl: AbortController | null = null;
  private scrubbed = new Set<string>();
  private scrubStart = 0;
  private fig = { bytes: 0, requests: 0, lastSeekMs: null as number | null, lastScrubBytes: 0, maxScrubBytes: 0 };
  private dead = false;

  constructor(private readonly video: HTMLVideoElement, private readonly hooks: PlayerHooks) {
    this.cat = new Catalogue((a, b) => hooks.load(a, b), () => hooks.now());
    this.feed = new Feed(video);
    this.timer = window.setInterval(() => void this.tick(), 200);
    this.watchFrames();
    showPlayer(() => this.figures());
  }

  destroy() {
    this.dead = true;
    this.gen++;
    this.ctl.abort();
    this.scrubCtl?.abort();
    clearInterval(this.timer);
    this.video.pause();
    this.feed.close();
    this.video.removeAttribute('src');
    this.video.load();
    showPlayer(null);
  }

  /** wall gives the moment on show or, while it loads, the one asked for. */
  wall(): number | null {
    if (this.target !== null) return this.target;
    return this.feed.origin ? this.video.currentTime * 1000 + this.feed.origin : null;
  }

  play() {
    this.wantPlay = true;
    this.video.playbackRate = this.rate;
    this.start();
    if (this.state === 'paused') this.set('playing');
  }

  pause() {
    this.wantPlay = false;
    this.video.pause();
    if (this.state === 'playing' || this.state === 'edge' || this.state === 'waiting') this.set('paused');
  }

  setRate(r: number) {
    this.rate = r;
    this.video.playbackRate = r;
  }

  /** step moves by frames while paused. */
  step(frames: number) {
    this.pause();
    const at = this.shown ?? this.wall();
    if (at !== null) void this.seek(at + frames * this.frameMs + 1);
  }

  /** seek shows the moment t; in a hole, the next footage. Playing goes on if it was on. */
  async seek(t: number): Promise<void> {
    const gen = ++this.gen;
    this.ctl.abort();
    this.scrubCtl?.abort();
    this.scrubWish = null;
    this.ctl = new AbortController();
    this.seekAt = performance.now();
    this.target = t;
    this.set('loading');
    try {
      const g = await this.find(t);
      if (gen !== this.gen) return;
      if (!g) {
        this.set('empty');
        return;
      }
      // Sound may end before the picture, and nothing plays where either is missing: the very end is no place to stand.
      const at = t < g.end ? Math.max(t, g.start) : Math.max(g.start, g.end - lastMs);
      if (at - t > 500 || t - g.end > 500) this.hooks.onJump(t, at);
      this.target = at;
      if (!(await this.ready(g, at)) || gen !== this.gen) return;
      this.moveTo(at);
      await this.pump(gen);
    } catch (e) {
      if (!aborted(e) && gen === this.gen) this.set('error', (e as Error).message);
    }
  }

  /** scrub shows the key frame nearest before t, cheaply; calls may come at any rate. */
  scrub(t: number) {
    this.gen++;
    this.ctl.abort();
    this.video.pause();
    this.target = t;
    this.scrubWish = t;
    if (this.scrubCtl && performance.now() - this.scrubStart > 120) this.scrubCtl.abort();
    if (!this.scrubBusy) void this.scrubLoop();
  }

  private async scrubLoop() {
    this.scrubBusy = true;
    while (this.scrubWish !== null && !this.dead) {
      const t = this.scrubWish;
      this.scrubWish = null;
      try {
        await this.scrubTo(t);
      } catch (e) {
        if (!aborted(e)) await new Promise((r) => setTimeout(r, 200));
      }
    }
    this.scrubBusy = false;
  }

  private async scrubTo(t: number) {
    await this.cat.need(t, t);
    const g = this.cat.index.at(t);
    if (!g) return;
    if (!(await this.ready(g, t))) return;
    if (!this.feed.has(g) && !this.scrubbed.has(gopKey(g))) {
      this.scrubCtl = new AbortController();
      this.scrubStart = performance.now();
      const before = this.fig.bytes;
      if (this.scrubbed.size > 24) {
        this.scrubbed.clear();
        await this.feed.keep(g.start - 1000, g.end + 1000);
      }
      await this.fetchInto(g, g.offset, g.offset + scrubBytes(g), this.scrubCtl.signal);
      this.fig.lastScrubBytes = this.fig.bytes - before;
      this.fig.maxScrubBytes = Math.max(this.fig.maxScrubBytes, this.fig.lastScrubBytes);
      this.scrubbed.add(gopKey(g));
    }
    const exact = this.feed.buffered().some((b) => t >= b.start && t < b.end - 20);
    this.moveTo(exact ? t : g.start + 1, true);
  }

  /** find gives the group for t or, in a hole, the next one, or the last of all. */
  private async find(t: number): Promise<Gop | null> {
    await this.cat.need(t, t);
    const here = this.cat.index.at(t);
    if (here) return here;
    const next = await this.hooks.nextFootage(t);
    if (next !== null) {
      await this.cat.need(next, next + 1000);
      return this.cat.index.at(next, 1000) ?? this.cat.index.after(next);
    }
    const last = await this.hooks.lastFootage(t);
    if (last === null) return null;
    await this.cat.need(last - 2000, last);
    return this.cat.index.at(last, 2000);
  }

  /** ready opens the buffer for g if what is open cannot take it. */
  private async ready(g: Gop, at: number): Promise<boolean> {
    if (!playable(g.mime)) {
      this.video.pause();
      this.set('unsupported', isH265(g.mime) ? 'H.265' : g.mime);
      return false;
    }
    if (!this.feed.suits(g, at)) {
      this.scrubbed.clear();
      await this.feed.open(g.mime, at);
    }
    return true;
  }

  private moveTo(t: number, quiet = false) {
    const s = Math.max(0, (t - this.feed.origin) / 1000);
    if (this.video.readyState >= 1) this.video.currentTime = s;
    else this.video.addEventListener('loadedmetadata', () => {
      this.video.currentTime = Math.max(0, ((this.target ?? t) - this.feed.origin) / 1000);
    }, { once: true });
    if (!quiet) this.start();
  }

  private start() {
    if (!this.wantPlay) return;
    this.video.playbackRate = this.rate;
    this.video.play().catch((e) => {
      if (e?.name !== 'NotAllowedError') return;
      this.video.muted = true; // not without a click, says the browser: then without sound
      this.video.play().catch(() => {});
    });
  }

  /** pump keeps the buffer filled from the picture onwards until gen is over. */
  private async pump(gen: number): Promise<void> {
    for (let failures = 0; gen === this.gen && !this.dead; ) {
      try {
        const g = await this.wanted();
        if (gen !== this.gen) return;
        if (!g) {
          await this.nap(this.decoding() ? 20 : 150);
          continue;
        }
        if (!this.feed.suits(g, g.start)) {
          // Another number of tracks: only a fresh buffer can take it, once the picture is there.
          const t = this.wall() ?? g.start;
          if (t < g.start - 300) await this.nap(100);
          else return void this.seek(Math.max(t, g.start));
          continue;
        }
        if (!playable(g.mime) && (this.wall() ?? 0) < g.start - 300) {
          await this.nap(150);
          continue;
        }
        if (!(await this.ready(g, g.start))) return;
        const from = this.feed.continues(g) ?? g.offset;
        await this.fetchInto(g, from, g.offset + g.size, this.ctl.signal);
        await this.evict();
        failures = 0;
      } catch (e) {
        if (aborted(e) || gen !== this.gen) return;
        if (++failures > 4) {
          this.set('error', (e as Error).message);
          return;
        }
        await this.nap(250 * 2 ** failures);
      }
    }
  }

  /** wanted gives the next group to fetch, or null when enough is there. */
  private async wanted(): Promise<Gop | null> {
    const t = this.wall();
    if (t === null || this.decoding()) return null;
    const ahead = this.wantPlay ? 4_000 * Math.max(1, this.rate) + 1_000 : 1_200;
    await this.cat.need(t, t + ahead);
    const index = this.cat.index;
    let g = index.at(t) ?? index.after(t);
    while (g && g.start < t + ahead) {
      if (!this.feed.has(g)) return g;
      g = index.next(g);
    }
    return null;
  }

  /** decoding says that the picture asked for has its data and is on its way: whatever else is appended now delays it. */
  private decoding(): boolean {
    const t = this.target;
    if (t === null || this.state !== 'loading' || performance.now() - this.seekAt > 1500) return false;
    return this.feed.buffered().some((b) => t >= b.start && t + 400 < b.end);
  }

  private nap = (ms: number) => new Promise<void>((r) => setTimeout(r, ms));

  private async fetchInto(g: Gop, from: number, to: number, signal: AbortSignal) {
    const init = this.feed.needsInit(g) ? this.init(g, signal) : null;
    const [head, data] = await Promise.all([init, this.range(g.url, from, to, signal)]);
    signal.throwIfAborted();
    await this.feed.append(g, head, data, from);
  }

  private async init(g: Gop, signal: AbortSignal): Promise<ArrayBuffer> {
    const known = this.inits.get(g.seg);
    if (known) return known;
    const raw = await this.range(g.url, 0, g.initSize, signal);
    const b = g.silent ? silent(raw) : raw;
    if (this.inits.size > 200) this.inits.clear();
    this.inits.set(g.seg, b);
    return b;
  }

  private async range(url: string, from: number, to: number, signal: AbortSignal): Promise<ArrayBuffer> {
    this.fig.requests++;
    const res = await fetch(url, { headers: { Range: `bytes=${from}-${to - 1}` }, signal });
    if (res.status !== 206) {
      void res.body?.cancel();
      throw new Error(res.status === 404 || res.status === 410 ? 'This footage is no longer there.' : `The recorder answered ${res.status}.`);
    }
    const b = await res.arrayBuffer();
    this.fig.bytes += b.byteLength;
    return b;
  }

  private async evict() {
    const t = this.wall();
    if (t === null) return;
    const b = this.feed.buffered();
    if (!b.length) return;
    if (b[0].start < t - behindMs - 10_000 || b[b.length - 1].end > t + aheadMs) {
      this.scrubbed.clear();
      await this.feed.keep(t - behindMs, t + aheadMs);
    }
  }

  /** tick notices a picture that stands still, and goes over the hole in front of it. */
  private async tick() {
    const v = this.video;
    if (this.dead || this.scrubBusy || this.jumping || !this.feed.origin) return;
    const moved = v.currentTime !== this.lastTime;
    this.lastTime = v.currentTime;
    if (!this.wantPlay || v.seeking) return;
    if (moved && v.readyState >= 3) {
      if (performance.now() - this.seekAt > 1000) this.target = null;
      if (this.target === null) this.set('playing');
      return;
    }
    if (this.state === 'unsupported' || this.state === 'empty' || this.state === 'error') return;
    if (v.paused) this.start();
    const t = v.currentTime * 1000 + this.feed.origin;
    // A fresh buffer begins at 0: until the picture is where it was sent, it is not stuck but on its way.
    if (this.target !== null && Math.abs(t - this.target) > 1500) return;
    this.jumping = true;
    try {
      await this.unstick(t);
    } finally {
      this.jumping = false;
    }
  }

  private async unstick(t: number) {
    const gen = this.gen;
    const here = this.cat.index.at(t, 0);
    const over = here ? here.end + 1 : t;
    // The index knows only what was loaded of it, the time line may be seconds old.
    const known = this.cat.index.after(over)?.start ?? null;
    const told = await this.hooks.nextFootage(over);
    const next = known !== null && told !== null ? Math.min(known, told) : known ?? told;
    if (gen !== this.gen) return;
    const to = jumpTarget(t, this.feed.buffered(), here, next);
    if (to === null) {
      const ended = next === null && (!here || (here.end - t < lastMs && this.feed.has(here)));
      this.set(this.state === 'loading' ? 'loading' : ended ? 'edge' : 'waiting');
      return;
    }
    if (to - t > 1000) this.hooks.onJump(t, to);
    if (to - t <= 1000) this.moveTo(to);
    else void this.seek(to);
  }

  /** watchFrames notes which picture is really on the screen. */
  private watchFrames() {
    const onFrame = (_: number, meta: { mediaTime: number }) => {
      if (this.dead) return;
      const wall = meta.mediaTime * 1000 + this.feed.origin;
      this.shown = wall;
      const d = (meta.mediaTime - this.lastMedia) * 1000;
      this.lastMedia = meta.mediaTime;
      if (this.wantPlay && this.rate <= 1 && d > 5 && d < 210) this.frameMs += (d - this.frameMs) * 0.1;
      this.arrived(wall);
      this.hooks.onWall(wall);
      this.video.requestVideoFrameCallback(onFrame);
    };
    if ('requestVideoFrameCallback' in this.video) this.video.requestVideoFrameCallback(onFrame);
    else (this.video as HTMLVideoElement).addEventListener('timeupdate', () => {
      const wall = this.video.currentTime * 1000 + this.feed.origin;
      this.shown = wall;
      this.arrived(wall);
      this.hooks.onWall(wall);
    });
  }

  private arrived(wall: number) {
    if (this.target === null || this.scrubBusy || this.state !== 'loading') return;
    // At speed the first picture drawn may already be a few frames on.
    if (wall < this.target - 250 || wall > this.target + 250 * Math.max(1, this.rate)) return;
    this.fig.lastSeekMs = Math.round((performance.now() - this.seekAt) * 10) / 10;
    this.target = null;
    this.set(this.wantPlay ? 'playing' : 'paused');
  }

  private set(s: PlayerState, detail = '') {
    if (s === this.state && !detail) return;
    this.state = s;
    this.hooks.onState(s, detail);
  }

  private figures(): PlayerFigures {
    return {
      wall: this.shown, state: this.state, ...this.fig, rate: this.rate,
      buffered: this.feed.buffered().map((b) => [b.start, b.end]),
    };
  }
}
