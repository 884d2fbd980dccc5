// Loads the index of groups in small pieces of time, as they are needed.
import { Index, type GopAnswer } from './gops';

export const pieceMs = 120_000;
/** An answer that reached up to the present is asked again after this. */
const freshMs = 900;
const maxPieces = 90;

type Load = (from: number, to: number) => Promise<GopAnswer>;

export class Catalogue {
  readonly index = new Index();
  private pieces = new Map<number, { at: number; final: boolean; busy: Promise<void> | null }>();

  /** now gives the box's clock: pieces that end after it can still grow. */
  constructor(private readonly load: Load, private readonly now: () => number) {}

  /** need makes sure the pieces of [from, to] are known, as fresh as can be of use. */
  async need(from: number, to: number): Promise<void> {
    const first = Math.floor(from / pieceMs);
    const last = Math.floor(Math.min(to, Math.max(from, this.now() + 1000)) / pieceMs);
    const waits: Promise<void>[] = [];
    for (let n = first; n <= last; n++) {
      const w = this.piece(n);
      if (w) waits.push(w);
    }
    if (waits.length) await Promise.all(waits);
  }

  private piece(n: number): Promise<void> | null {
    const p = this.pieces.get(n);
    if (p?.busy) return p.busy;
    if (p && (p.final || performance.now() - p.at < freshMs)) return null;
    const next = { at: 0, final: false, busy: null as Promise<void> | null };
    next.busy = this.fetch(n, next);
    this.pieces.delete(n);
    this.pieces.set(n, next);
    this.trim();
    return next.busy;
  }

  private async fetch(n: number, p: { at: number; final: boolean; busy: Promise<void> | null }) {
    try {
      const asked = this.now();
      const a = await this.load(n * pieceMs, (n + 1) * pieceMs);
      this.index.add(a);
      p.at = performance.now();
      // What a box reports late (a salvaged tail, a slow disk) has a minute to appear.
      p.final = asked > (n + 1) * pieceMs + 60_000 && !a.segments.some((s) => s.open);
    } catch (e) {
      this.pieces.delete(n);
      throw e;
    } finally {
      p.busy = null;
    }
  }

  private trim() {
    while (this.pieces.size > maxPieces) {
      const n = this.pieces.keys().next().value!;
      this.pieces.delete(n);
      this.index.forget(n * pieceMs, (n + 1) * pieceMs);
    }
  }
}
