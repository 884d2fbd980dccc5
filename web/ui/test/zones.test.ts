import test from 'node:test';
import assert from 'node:assert/strict';
import * as z from '../src/zones/shape';
import type { Point } from '../src/perception';

const square: Point[] = [[0.2, 0.2], [0.8, 0.2], [0.8, 0.8], [0.2, 0.8]];
const bow: Point[] = [[0.2, 0.2], [0.8, 0.8], [0.8, 0.2], [0.2, 0.8]];

test('a point stays within the picture', () => {
  assert.deepEqual(z.move(square, 1, [1.2, -0.1])[1], [1, 0]);
  assert.deepEqual(z.move(square, 1, [0.123456, 0.5])[1], [0.1235, 0.5]);
  assert.deepEqual(z.move(square, 1, [0.5, 0.5])[0], square[0]);
});

test('a shape slides as a whole, and stops at the edge with its form kept', () => {
  assert.deepEqual(z.slide(square, 0.1, 0), [[0.3, 0.2], [0.9, 0.2], [0.9, 0.8], [0.3, 0.8]]);
  assert.deepEqual(z.slide(square, 0.5, -0.5), [[0.4, 0], [1, 0], [1, 0.6], [0.4, 0.6]]);
});

test('points are taken away as long as a shape is left', () => {
  assert.equal(z.drop(square, 0, 'polygon').length, 3);
  assert.equal(z.drop(square.slice(0, 3), 0, 'polygon').length, 3);
  assert.equal(z.drop(square.slice(0, 2), 0, 'line').length, 2);
});

test('a new point lies half way to the next, round the corner too', () => {
  assert.deepEqual(z.split(square, 0, 'polygon')[1], [0.5, 0.2]);
  assert.deepEqual(z.split(square, 3, 'polygon')[4], [0.2, 0.5]);
  // A line has no way back: it grows on.
  assert.deepEqual(z.split([[0.2, 0.5], [0.4, 0.5]], 1, 'line'), [[0.2, 0.5], [0.4, 0.5], [0.5, 0.5]]);
});

test('no more points are added than the recorder takes', () => {
  const line = Array.from({ length: 64 }, (_, i): Point => [i / 64, 0.5]);
  assert.equal(z.split(line, 3, 'line').length, 64);
  assert.equal(z.split(line, 3, 'polygon').length, 65);
});

test('a tap on a side goes in there', () => {
  assert.equal(z.nearestSide(square, 'polygon', [0.5, 0.21]), 0);
  assert.equal(z.nearestSide(square, 'polygon', [0.21, 0.5]), 3);
  assert.equal(z.nearestSide(square, 'line', [0.21, 0.45]), 0);
});

test('an outline that crosses itself is found, and only its sides', () => {
  assert.deepEqual(z.crossings(square, 'polygon'), []);
  assert.deepEqual(z.crossings(bow, 'polygon'), [0, 2]);
  assert.deepEqual(z.crossings(bow, 'line'), []);
  // A corner that touches a far side.
  assert.deepEqual(z.crossings([[0, 0], [1, 0], [1, 1], [0.5, 0], [0, 1]], 'polygon'), [0, 2, 3]);
  // A spike that runs back on itself.
  assert.deepEqual(z.crossings([[0, 0], [1, 0], [0.5, 0]], 'polygon'), [0, 1, 2]);
  assert.deepEqual(z.crossings([[0, 0], [0.5, 0], [1, 0], [0.5, 1]], 'polygon'), []);
});

test('what is wrong is said before it is saved', () => {
  assert.equal(z.wrong(square, 'polygon'), '');
  assert.match(z.wrong(square.slice(0, 2), 'polygon'), /three points/);
  assert.match(z.wrong([[0.1, 0.1]], 'line'), /two points/);
  assert.match(z.wrong(bow, 'polygon'), /crosses itself/);
  assert.match(z.wrong([[0.1, 0.1], [0.1, 0.1], [0.5, 0.5]], 'polygon'), /Point 2 lies on/);
  assert.match(z.wrong([[0.1, 0.1], [0.3, 0.1], [0.5, 0.5], [0.1, 0.1]], 'polygon'), /Point 1 lies on/);
  assert.equal(z.wrong(z.first('polygon'), 'polygon'), '');
  assert.equal(z.wrong(z.first('line'), 'line'), '');
});

test('what is sent of a zone has everything that can be set, and nothing else', () => {
  const zone = { ...z.fresh, id: 'zone_1', camera_id: 'yard', name: 'Drive', points: square, evidence: 7 } as any;
  assert.deepEqual(z.inputOf(zone), { ...z.fresh, name: 'Drive', points: square });
  delete zone.record;
  assert.equal(z.inputOf(zone).record, true);
});

test('a point is read out by its place', () => {
  assert.equal(z.pointText(square, 2), 'Point 3 of 4, 80 % from the left, 80 % from the top');
});
