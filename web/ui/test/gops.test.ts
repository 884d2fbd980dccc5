import test from 'node:test';
import assert from 'node:assert/strict';
import { Index, codecName, gopKey, isH265, jumpTarget, scrubBytes, scrubLimit, trackCount, type GopAnswer, type Gop } from '../src/media/gops';
import { Catalogue, pieceMs } from '../src/media/catalogue';

const mime = 'video/mp4; codecs="avc1.640028,mp4a.40.2"';
const answer = (id: string, start: number, n: number, open = false): GopAnswer => ({
  inits: [{ mime }],
  segments: [{
    id, url: `/s/${id}`, init: 0, init_size: 1000, start, end: start + n * 2000, open,
    gops: Array.from({ length: n }, (_, i) => [1000 + i * 500, 500, start + i * 2000, 2000]),
  }],
  gaps: [],
});

test('a moment finds its group, at both of its edges', () => {
  const x = new Index();
  x.add(answer('a', 10_000, 3));
  assert.equal(x.at(10_000)?.start, 10_000);
  assert.equal(x.at(11_999)?.start, 10_000);
  assert.equal(x.at(12_000)?.start, 12_000);
  assert.equal(x.at(15_999)?.start, 14_000);
  assert.equal(x.at(16_500), null);
  assert.equal(x.at(9_000), null);
});

test('a crack of a few ms between segments is nobody’s gap', () => {
  const x = new Index();
  x.add(answer('a', 10_000, 1));
  x.add(answer('b', 12_030, 1));
  assert.equal(x.at(12_010)?.seg, 'a');
  assert.equal(x.at(12_030)?.seg, 'b');
});

test('the same segment in two answers is there once, and grows', () => {
  const x = new Index();
  x.add(answer('a', 10_000, 2, true));
  const small = x.at(12_000)!;
  const grown = answer('a', 10_000, 3, true);
  grown.segments[0].gops[1][1] = 900;
  x.add(grown);
  assert.equal(x.gops().length, 3);
  assert.notEqual(gopKey(x.at(12_000)!), gopKey(small));
  x.add(answer('a', 10_000, 2, true)); // a late answer does not shrink it
  assert.equal(x.at(12_000)!.size, 900);
});

test('groups follow each other across segments and gaps', () => {
  const x = new Index();
  x.add(answer('b', 60_000, 1));
  x.add(answer('a', 10_000, 2));
  const order = [];
  for (let g: Gop | null = x.at(10_000); g; g = x.next(g)) order.push(g.start);
  assert.deepEqual(order, [10_000, 12_000, 60_000]);
  assert.equal(x.before(x.at(60_000)!)?.start, 12_000);
  assert.equal(x.before(x.at(10_000)!), null);
  assert.equal(x.after(20_000)?.start, 60_000);
});

test('forgetting keeps what reaches outside', () => {
  const x = new Index();
  x.add(answer('a', 10_000, 2));
  x.add(answer('b', 60_000, 1));
  x.forget(0, 13_000);
  assert.equal(x.gops().length, 3);
  x.forget(0, 14_000);
  assert.deepEqual(x.gops().map((g) => g.seg), ['b']);
});

test('a segment whose init is missing is left out', () => {
  const x = new Index();
  const a = answer('a', 0, 1);
  a.inits = [];
  x.add(a);
  assert.equal(x.gops().length, 0);
});

test('a step of dragging asks for about a second, and never for more than the limit', () => {
  const g = (size: number, dur: number) => ({ size, start: 0, end: dur }) as Gop;
  assert.equal(scrubBytes(g(300_000, 1000)), 300_000);
  const two = scrubBytes(g(1_000_000, 2000));
  assert.ok(two > 500_000 && two < 1_000_000, String(two));
  assert.equal(scrubBytes(g(9_000_000, 1000)), scrubLimit);
  assert.ok(scrubBytes(g(40_000_000, 10_000)) <= scrubLimit);
  assert.equal(scrubBytes(g(10_000, 2000)), 10_000);
});

test('a dry player waits inside a group, hops cracks and jumps gaps', () => {
  const here = { start: 0, end: 10_000 } as Gop;
  assert.equal(jumpTarget(5_000, [{ start: 0, end: 10_000 }], here, null), null, 'there is data');
  assert.equal(jumpTarget(5_000, [{ start: 0, end: 5_000 }], here, null), null, 'more of the group is on its way');
  assert.equal(jumpTarget(5_000, [{ start: 0, end: 5_000 }, { start: 5_080, end: 9_000 }], here, null), 5_081, 'a crack');
  assert.equal(jumpTarget(9_990, [{ start: 0, end: 10_000 }], here, 300_000), 300_000, 'a gap');
  assert.equal(jumpTarget(9_960, [{ start: 0, end: 10_001 }], here, 300_000), 300_000, 'a browser stops a little early');
  assert.equal(jumpTarget(9_960, [{ start: 0, end: 10_001 }], here, 10_000), null, 'the next group follows at once: wait for it');
  assert.equal(jumpTarget(12_000, [], null, 300_000), 300_000, 'inside a gap');
  assert.equal(jumpTarget(9_990, [], here, null), null, 'nothing comes after');
});

test('MIME types are read', () => {
  assert.equal(isH265('video/mp4; codecs="hvc1.1.6.L120.90"'), true);
  assert.equal(isH265(mime), false);
  assert.equal(codecName(mime), 'H.264');
  assert.equal(codecName('video/mp4; codecs="hev1.1"'), 'H.265');
  assert.equal(trackCount(mime), 2);
  assert.equal(trackCount('video/mp4; codecs="avc1.640028"'), 1);
});

test('a finished piece is asked for once, one that can grow again and again', async () => {
  const asked: number[] = [];
  const now = 10 * pieceMs;
  const c = new Catalogue(async (from) => {
    asked.push(from / pieceMs);
    return { inits: [], segments: [], gaps: [] };
  }, () => now);
  await c.need(2 * pieceMs, 3 * pieceMs - 1);
  await c.need(2 * pieceMs, 3 * pieceMs - 1);
  assert.deepEqual(asked, [2]);
  await c.need(now + 10, now + 10);
  await new Promise((r) => setTimeout(r, 1000));
  await c.need(now + 10, now + 10);
  assert.deepEqual(asked, [2, 10, 10]);
});

test('a piece that failed is asked for again', async () => {
  let n = 0;
  const c = new Catalogue(async () => {
    if (n++ === 0) throw new Error('no');
    return { inits: [], segments: [], gaps: [] };
  }, () => 1e9);
  await assert.rejects(c.need(0, 1));
  await c.need(0, 1);
  assert.equal(n, 2);
});
