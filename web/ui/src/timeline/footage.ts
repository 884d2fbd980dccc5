// What is recorded when, per camera, loaded by the UTC day and kept
// fresh near the present.
import { signal } from '@preact/signals';
import { footage as api } from '../api';
import type { Footage as Recorded, Gap } from '../types';
import { coalesce, firstAfter, joinGaps, lastFootage, nextFootage } from './model';

const block = 24 * 3600e3;
const freshMs = 4000;
/** How far to look for the next or the last footage, blocks. */
const reach = 45;

interface Block {
  at: number;
  final: boolean;
  busy: Promise<void> | null;
  ranges: Recorded[];
  gaps: Gap[];
}

/** Footage answers for one camera. */
export class Footage {
  readonly ranges = signal<Recorded[]>([]);
  readonly gaps = signal<Gap[]>([]);
  readonly error = signal('');
  private blocks = new Map<number, Block>();

  constructor(readonly cam: string, private readonly now: () => number) {}

  /** need loads what of [from, to] is not known or may have grown. */
  async need(from: number, to: number): Promise<void> {
    const waits: Promise<void>[] = [];
    const last = Math.floor(Math.min(to, this.now() + 60e3) / block);
    for (let n = Math.floor(from / block); n <= last; n++) {
      const b = this.blocks.get(n);
      if (b?.busy) waits.push(b.busy);
      else if (!b || (!b.final && Date.now() - b.at > freshMs)) waits.push(this.load(n, b));
    }
    await Promise.all(waits);
  }

  private load(n: number, old?: Block): Promise<void> {
    const b: Block = { at: Date.now(), final: false, busy: null, ranges: old?.ranges ?? [], gaps: old?.gaps ?? [] };
    this.blocks.set(n, b);
    b.busy = this.ask(n, b).finally(() => (b.busy = null));
    return b.busy;
  }

  private async ask(n: number, b: Block) {
    const asked = this.now();
    try {
      const a = await api.timeline(this.cam, n * block, (n + 1) * block);
      b.ranges = a.ranges;
      b.gaps = a.gaps;
      b.final = asked > (n + 1) * block + 120e3;
      this.error.value = '';
      this.publish();
    } catch (e) {
      this.blocks.delete(n);
      this.error.value = (e as Error).message;
      throw e;
    }
  }

  private publish() {
    const all = [...this.blocks.values()];
    this.ranges.value = coalesce(all.flatMap((b) => b.ranges), 1);
    this.gaps.value = joinGaps(all.flatMap((b) => b.gaps));
  }

  /** next gives the first moment with footage at or after t, loading as far as needed. */
  async next(t: number): Promise<number | null> {
    const end = this.now();
    for (let from = t, i = 0; from <= end + block && i < reach; from += block, i++) {
      await this.need(from, from);
      const n = nextFootage(this.ranges.value, t);
      if (n !== null && n < (Math.floor(from / block) + 1) * block) return n;
    }
    return null;
  }

  /** last gives the last moment with footage at or before t. */
  async last(t: number): Promise<number | null> {
    for (let to = Math.min(t, this.now()), i = 0; i < reach; to -= block, i++) {
      await this.need(to, to);
      const n = lastFootage(this.ranges.value, t);
      if (n !== null && n >= Math.floor(to / block) * block) return n;
    }
    return null;
  }

  /** recorded tells how much of [from, to) is footage, ms. */
  recorded(from: number, to: number): number {
    const r = this.ranges.value;
    let sum = 0;
    for (let i = firstAfter(r, from); i < r.length && r[i].start < to; i++) {
      sum += Math.min(r[i].end, to) - Math.max(r[i].start, from);
    }
    return sum;
  }
}
