import test from 'node:test';
import assert from 'node:assert/strict';
import { backoff, initial, keepDays, lost, maxEvents, recordingCount, reduce, type PanelState } from '../src/state';
import type { Camera, Event } from '../src/types';

const cam = (id: string, more: Partial<Camera> = {}): Camera => ({ id, name: id, state: 'recording', record: true, ...more });
const msg = (t: string, d: unknown) => ({ v: 1, t, d });
const snap = (cams: Camera[], events: Event[] = []): PanelState =>
  reduce(initial, msg('snapshot', { cameras: cams, system: { version: '1' }, board: { board: 'sim' }, events }), 1000);
const event = (seq: number): Event => ({ seq, time: '2026-11-23T20:00:00.000Z', type: 'x', severity: 'info' });

test('hello sets the box’s clock against ours, whichever way it is written', () => {
  assert.equal(reduce(initial, msg('hello', { now: '2026-11-23T20:00:05.000Z' }), Date.UTC(2026, 10, 23, 20)).skew, 5000);
  assert.equal(reduce(initial, msg('hello', { now: 9000 }), 4000).skew, 5000);
  assert.equal(reduce({ ...initial, skew: 7 }, msg('hello', {}), 4000).skew, 7);
});

test('a snapshot replaces everything and orders cameras by name, numbers as numbers', () => {
  const s = snap([cam('Cam 10'), cam('Cam 2')]);
  assert.deepEqual(s.cameras.map((c) => c.id), ['Cam 2', 'Cam 10']);
  const again = reduce(s, msg('snapshot', { cameras: [] }), 2000);
  assert.equal(again.cameras.length, 0);
  assert.equal(again.ready, true);
});

test('a camera’s delta changes that camera alone and never the old state', () => {
  const s = snap([cam('a'), cam('b')]);
  const n = reduce(s, msg('camera', cam('a', { state: 'offline' })), 2000);
  assert.equal(n.cameras[0].state, 'offline');
  assert.equal(n.cameras[1], s.cameras[1]);
  assert.equal(s.cameras[0].state, 'recording');
  assert.equal(reduce(n, msg('camera.removed', { id: 'a' }), 1).cameras.length, 1);
});

test('events come newest first, once each, and not without end', () => {
  let s = snap([], [event(1), event(3)]);
  s = reduce(s, msg('event', event(2)), 1);
  s = reduce(s, msg('event', event(2)), 1);
  assert.deepEqual(s.events.map((e) => e.seq), [3, 2, 1]);
  for (let i = 10; i < 10 + 2 * maxEvents; i++) s = reduce(s, msg('event', event(i)), 1);
  assert.equal(s.events.length, maxEvents);
  assert.equal(s.events[0].seq, 9 + 2 * maxEvents);
});

test('what is not known changes nothing', () => {
  const s = snap([cam('a')]);
  assert.equal(reduce(s, msg('weather', { rain: true }), 1), s);
  assert.equal(reduce(s, { v: 1, t: 'camera' }, 1), s);
  assert.equal(reduce(s, { v: 1, t: 'event' }, 1), s);
});

test('a lost link keeps the state, stamped with the first loss, until a snapshot', () => {
  let s = lost(lost(snap([cam('a')]), 5000), 9000);
  assert.equal(s.staleSince, 5000);
  assert.equal(s.link, 'lost');
  assert.equal(s.cameras.length, 1);
  s = reduce(s, msg('snapshot', { cameras: [cam('a')] }), 10_000);
  assert.equal(s.staleSince, null);
});

test('waits double from a second to thirty, less a quarter by chance', () => {
  assert.deepEqual([0, 1, 4, 5, 50].map((n) => backoff(n, 0)), [1000, 2000, 16_000, 30_000, 30_000]);
  assert.equal(backoff(0, 1), 750);
});

test('only cameras that should record are counted as missing', () => {
  const c = recordingCount([cam('a'), cam('b', { state: 'offline' }), cam('c', { state: 'disabled' }), cam('d', { state: 'live', record: false })]);
  assert.deepEqual(c, { recording: 1, wanted: 2 });
});

test('how long footage lasts', () => {
  const v = { total_bytes: 1e12, free_bytes: 5e10, floor_bytes: 5e10, footage_bytes: 8.64e11, held_bytes: 0 };
  assert.equal(keepDays(v, 1e7), 1);
  assert.equal(keepDays(v, 0), null);
  assert.equal(keepDays({ ...v, footage_bytes: 0, free_bytes: 0 }, 1e7), 0);
});
