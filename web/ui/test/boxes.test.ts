import test from 'node:test';
import assert from 'node:assert/strict';
import { boxesAt, boxText, fitted, remember, shownMs } from '../src/media/boxes';
import type { Seen } from '../src/perception';

const t0 = Date.UTC(2026, 10, 28, 9);
const seen = (ms: number, label: string, task = 'detection'): Seen => ({
  camera_id: 'yard', captured_at: new Date(t0 + ms).toISOString(), task_type: task, detections: label ? [{ label, bbox: [0.1, 0.1, 0.2, 0.2] }] : [],
});
const labels = (list: Seen[], ms: number, delay = 0) => boxesAt(list, t0 + ms, delay).map((d) => d.label);

test('the newest report of the moment on show is drawn, not one of later pictures', () => {
  const list = [seen(0, 'a'), seen(100, 'b'), seen(200, 'c')];
  assert.deepEqual(labels(list, 150), ['b']);
  assert.deepEqual(labels(list, 200), ['c']);
  assert.deepEqual(labels(list, -1), []);
  // The picture comes late: what was seen waits for it.
  assert.deepEqual(labels(list, 200, 120), ['a']);
});

test('boxes go after two seconds, and at once when nothing is seen any more', () => {
  assert.deepEqual(labels([seen(0, 'a')], shownMs), ['a']);
  assert.deepEqual(labels([seen(0, 'a')], shownMs + 1), []);
  assert.deepEqual(labels([seen(0, 'a'), seen(100, '')], 100), []);
});

test('every kind of task keeps its own boxes', () => {
  assert.deepEqual(labels([seen(0, 'car', 'anpr'), seen(100, 'person'), seen(150, '', 'anpr')], 120), ['car', 'person']);
  assert.deepEqual(labels([seen(0, 'car', 'anpr'), seen(100, 'person'), seen(150, '', 'anpr')], 160), ['person']);
});

test('reports are kept in the order of their pictures, and few', () => {
  let list: Seen[] = [];
  for (const ms of [200, 0, 100]) list = remember(list, seen(ms, String(ms)));
  assert.deepEqual(list.map((s) => s.detections[0].label), ['0', '100', '200']);
  for (let i = 0; i < 100; i++) list = remember(list, seen(300 + i, 'x'));
  assert.equal(list.length, 20);
  assert.equal(remember(list, { ...seen(0, 'a'), captured_at: 'soon' }).length, 20);
});

test('a clock that was set back leaves no boxes of the future behind', () => {
  const list = remember([seen(3600e3, 'later')], seen(0, 'now'));
  assert.deepEqual(list.map((s) => s.detections[0].label), ['now']);
});

test('a box says what is in it and how sure that is', () => {
  assert.equal(boxText({ label: 'person', confidence: 0.874 }), 'person 87 %');
  assert.equal(boxText({ label: 'person' }), 'person');
  assert.equal(boxText({ confidence: 0 }), '0 %');
});

test('boxes lie on the picture, not on the bars beside it', () => {
  assert.deepEqual(fitted(1000, 500, 1), { x: 250, y: 0, w: 500, h: 500 });
  assert.deepEqual(fitted(500, 1000, 1), { x: 0, y: 250, w: 500, h: 500 });
  assert.deepEqual(fitted(160, 90, 16 / 9), { x: 0, y: 0, w: 160, h: 90 });
});
