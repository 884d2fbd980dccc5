import test from 'node:test';
import assert from 'node:assert/strict';
import * as m from '../src/timeline/model';

const h = 3600e3;
const t0 = Date.UTC(2026, 10, 23, 20, 0, 0);
const view = { from: t0, to: t0 + h };
const ranges = [{ start: t0, end: t0 + 10e3 }, { start: t0 + 20e3, end: t0 + 30e3 }];
const gaps = [{ start: t0 + 10e3, end: t0 + 20e3, reason: 'camera' }];

test('pixels and times are each other’s inverse', () => {
  for (const x of [0, 1, 333, 1000]) assert.ok(Math.abs(m.timeToX(view, m.xToTime(view, x, 1000), 1000) - x) < 1e-6);
});

test('zooming keeps the moment under the pointer where it is', () => {
  const anchor = t0 + h / 4;
  const z = m.zoom(view, 0.5, anchor);
  assert.equal(z.to - z.from, h / 2);
  assert.equal(m.timeToX(z, anchor, 1000), m.timeToX(view, anchor, 1000));
});

test('zooming stops at a minute and at a day', () => {
  assert.equal(m.viewSpan(m.zoom(view, 1e-9, t0)), m.minSpan);
  assert.equal(m.viewSpan(m.zoom(view, 1e9, t0)), m.maxSpan);
});

test('a view moves only when the position nears its edge', () => {
  assert.equal(m.reveal(view, t0 + h / 2), view);
  const r = m.reveal(view, t0 + h * 1.5, 0.1);
  assert.ok(Math.abs(m.timeToX(r, t0 + h * 1.5, 1) - 0.9) < 1e-9);
  const l = m.reveal(view, t0 - h, 0.1);
  assert.ok(Math.abs(m.timeToX(l, t0 - h, 1) - 0.1) < 1e-9);
});

test('two fingers hold the moments they landed on', () => {
  const v = m.pinch(t0 + h / 4, t0 + h / 2, 100, 900, 1000);
  assert.ok(Math.abs(m.timeToX(v, t0 + h / 4, 1000) - 100) < 1e-6);
  assert.ok(Math.abs(m.timeToX(v, t0 + h / 2, 1000) - 900) < 1e-6);
});

test('labels keep their distance at every zoom', () => {
  for (let span = m.minSpan; span <= m.maxSpan; span *= 1.37) {
    const v = { from: t0 + 12_345, to: t0 + 12_345 + span };
    const labelled = m.ticks(v, 900, 'utc').filter((t) => t.rank === 1);
    for (let i = 1; i < labelled.length; i++) {
      const dx = m.timeToX(v, labelled[i].t, 900) - m.timeToX(v, labelled[i - 1].t, 900);
      assert.ok(dx >= 83.9, `span ${span}: ${dx} px apart`);
    }
    assert.ok(m.ticks(v, 900, 'utc').length < 900);
    assert.ok(m.ticks(v, 900, 'utc').every((t) => t.t >= v.from && t.t <= v.to));
  }
});

test('the scale follows a day of 25 hours', () => {
  // Clocks in Berlin go back on 25 October 2026 at 03:00 summer time.
  const from = Date.UTC(2026, 9, 24, 22);
  const ticks = m.ticks({ from, to: from + 25 * h }, 1000, 'local').filter((t) => t.rank === 2);
  assert.deepEqual(ticks.map((t) => t.t - from), [0, 25 * h]);
});

test('a place is footage, a gap with its reason, or nothing', () => {
  assert.equal(m.placeAt(ranges, gaps, t0).kind, 'recorded');
  assert.equal(m.placeAt(ranges, gaps, t0 + 9999).kind, 'recorded');
  assert.deepEqual(m.placeAt(ranges, gaps, t0 + 10e3), { kind: 'gap', range: gaps[0], reason: 'camera' });
  assert.equal(m.placeAt(ranges, gaps, t0 + 30e3).kind, 'none');
  assert.equal(m.placeAt([], [], t0).kind, 'none');
});

test('the next footage is here, after the gap, or nowhere', () => {
  assert.equal(m.nextFootage(ranges, t0 + 5), t0 + 5);
  assert.equal(m.nextFootage(ranges, t0 + 10e3), t0 + 20e3);
  assert.equal(m.nextFootage(ranges, t0 + 30e3), null);
});

test('the last footage is here, before the gap, or nowhere', () => {
  assert.equal(m.lastFootage(ranges, t0 + 25e3), t0 + 25e3);
  assert.equal(m.lastFootage(ranges, t0 + 15e3), t0 + 10e3 - 1);
  assert.equal(m.lastFootage(ranges, t0 - 1), null);
});

test('ranges that touch become one, gaps cut at midnight too', () => {
  assert.deepEqual(m.coalesce([{ start: 5, end: 9 }, { start: 0, end: 5 }, { start: 12, end: 13 }]), [{ start: 0, end: 9 }, { start: 12, end: 13 }]);
  assert.deepEqual(m.joinGaps([{ start: 5, end: 9, reason: 'disk' }, { start: 0, end: 5, reason: 'disk' }]), [{ start: 0, end: 9, reason: 'disk' }]);
  assert.equal(m.joinGaps([{ start: 0, end: 5, reason: 'disk' }, { start: 5, end: 9, reason: 'camera' }]).length, 2);
});

test('the table holds what the view holds, in order', () => {
  assert.deepEqual(m.rows(ranges, gaps, view).map((r) => r.kind), ['recorded', 'gap', 'recorded']);
  assert.equal(m.rows(ranges, gaps, { from: t0 + 30e3, to: t0 + 40e3 }).length, 0);
});

test('the slider speaks', () => {
  assert.equal(m.valueText('Door', t0, m.placeAt(ranges, gaps, t0), 'utc'), 'Door, 23 Nov 20:00:00, recorded');
  assert.equal(m.valueText('Door', t0 + 11e3, m.placeAt(ranges, gaps, t0 + 11e3), 'utc'), 'Door, 23 Nov 20:00:11, gap of 10 s, camera gave no picture');
});
