// The buffer of the video element: one MediaSource with one SourceBuffer,
// whose media time is wall time less an origin. Calls must not overlap; the
// player sees to that.
import { trackCount, type Gop } from './gops';

const dayMs = 86_400_000;
/** How long a time line one MediaSource covers. */
const window_ = 8 * dayMs;

type AnyMediaSource = typeof MediaSource;

function source(): AnyMediaSource | null {
  return (globalThis as any).ManagedMediaSource ?? (globalThis as any).MediaSource ?? null;
}

/** playable tells whether this browser can play the MIME type from a buffer. */
export function playable(mime: string): boolean {
  return source()?.isTypeSupported(mime) ?? false;
}

export class Feed {
  /** Unix ms of media time 0. */
  origin = 0;
  private ms: MediaSource | null = null;
  private sb: SourceBuffer | null = null;
  private mime = '';
  private url = '';
  private initOf = ''; // segment whose init the buffer parsed last
  private partial = false; // the last append ended inside a part
  private tail: { seg: string; end: number } | null = null;
  private loaded = new Map<string, { end: number; from: number; to: number }>();

  constructor(private readonly video: HTMLVideoElement) {}

  /** suits tells whether g, shown at t, can be appended to what is open. */
  suits(g: Gop, t: number): boolean {
    return this.sb !== null && this.ms?.readyState === 'open' && trackCount(g.mime) === trackCount(this.mime) &&
      t > this.origin + 60_000 && t < this.origin + window_ - dayMs;
  }

  /** open starts an empty buffer around t. Whatever was buffered is gone. */
  async open(mime: string, t: number): Promise<void> {
    this.close();
    const MS = source();
    if (!MS) throw new Error('this browser has no MediaSource');
    this.origin = Math.floor(t / dayMs) * dayMs - dayMs;
    const ms = new MS();
    this.ms = ms;
    this.url = URL.createObjectURL(ms);
    const opened = new Promise<void>((ok) => ms.addEventListener('sourceopen', () => ok(), { once: true }));
    (this.video as any).disableRemotePlayback = true;
    this.video.src = this.url;
    await opened;
    if (this.ms !== ms) throw new DOMException('closed', 'AbortError');
    ms.duration = window_ / 1000;
    this.sb = ms.addSourceBuffer(mime);
    this.mime = mime;
  }

  close() {
    if (this.url) URL.revokeObjectURL(this.url);
    this.ms = null;
    this.sb = null;
    this.mime = this.url = this.initOf = '';
    this.partial = false;
    this.tail = null;
    this.loaded.clear();
  }

  /** has tells whether all of g is in the buffer. */
  has(g: Gop): boolean {
    return (this.loaded.get(`${g.seg}:${g.offset}`)?.end ?? 0) >= g.offset + g.size;
  }

  /** continues gives the offset from which the rest of a group that has grown can follow, or null. */
  continues(g: Gop): number | null {
    const t = this.tail;
    if (!t || this.partial || t.seg !== g.seg) return null;
    return t.end > g.offset && t.end < g.offset + g.size ? t.end : null;
  }

  needsInit = (g: Gop) => this.initOf !== g.seg;

  /**
   * append puts bytes of g, which begin at offset from and may be cut
   * anywhere, into the buffer, after the segment's init if it is given.
   */
  async append(g: Gop, init: ArrayBuffer | null, data: ArrayBuffer, from: number): Promise<void> {
    const sb = this.sb;
    if (!sb) throw new DOMException('closed', 'AbortError');
    if (this.partial) {
      sb.abort();
      this.partial = false;
    }
    if (g.mime !== this.mime) {
      sb.changeType(g.mime);
      this.mime = g.mime;
      this.initOf = '';
    }
    if (init) {
      await this.write(sb, init);
      this.initOf = g.seg;
    }
    const offset = (g.segStart - this.origin) / 1000;
    if (sb.timestampOffset !== offset) sb.timestampOffset = offset;
    const end = from + data.byteLength;
    this.partial = end < g.offset + g.size;
    this.tail = { seg: g.seg, end };
    await this.write(sb, data);
    if (!this.partial) this.loaded.set(`${g.seg}:${g.offset}`, { end, from: g.start, to: g.end });
  }

  private async write(sb: SourceBuffer, data: ArrayBuffer): Promise<void> {
    for (let tried = 0; ; tried++) {
      try {
        await settle(sb, () => sb.appendBuffer(data));
        return;
      } catch (e) {
        if ((e as Error).name !== 'QuotaExceededError' || tried > 0) throw e;
        const t = this.video.currentTime * 1000 + this.origin;
        await this.keep(t - 2_000, t + 6_000);
      }
    }
  }

  /** keep empties the buffer outside [from, to), Unix ms. */
  async keep(from: number, to: number): Promise<void> {
    const sb = this.sb;
    if (!sb) return;
    if (this.partial) {
      sb.abort();
      this.partial = false;
      this.tail = null;
    }
    const cut = async (a: number, b: number) => {
      if (b - a < 0.5 || !overlaps(sb.buffered, a, b)) return;
      await settle(sb, () => sb.remove(a, b));
      for (const [k, l] of this.loaded) {
        if ((l.to - this.origin) / 1000 > a && (l.from - this.origin) / 1000 < b) this.loaded.delete(k);
      }
    };
    await cut(0, Math.max(0, (from - this.origin) / 1000));
    await cut(Math.max(0, (to - this.origin) / 1000), window_ / 1000);
  }

  /** buffered gives what the video element can show, Unix ms. */
  buffered(): { start: number; end: number }[] {
    const b = this.video.buffered;
    return Array.from({ length: b.length }, (_, i) => ({
      start: b.start(i) * 1000 + this.origin,
      end: b.end(i) * 1000 + this.origin,
    }));
  }
}

function overlaps(r: TimeRanges, a: number, b: number): boolean {
  for (let i = 0; i < r.length; i++) {
    if (r.end(i) > a && r.start(i) < b) return true;
  }
  return false;
}

/** settle runs one buffer operation and waits for its end. */
function settle(sb: SourceBuffer, op: () => void): Promise<void> {
  return new Promise((ok, no) => {
    const done = (e: Event) => {
      sb.removeEventListener('updateend', done);
      sb.removeEventListener('error', done);
      if (e.type === 'error') no(new Error('the browser refused the footage'));
      else ok();
    };
    sb.addEventListener('updateend', done);
    sb.addEventListener('error', done);
    try {
      op();
    } catch (e) {
      sb.removeEventListener('updateend', done);
      sb.removeEventListener('error', done);
      no(e);
    }
  });
}
