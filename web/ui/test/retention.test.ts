import assert from 'node:assert/strict';
import { test } from 'node:test';
import { collect, fill, read, show } from '../src/screens/retention-input';
import { heldAt, heldOf } from '../src/timeline/held';

test('texts become bytes and hours, and back', () => {
  for (const [key, text, n] of [
    ['floor_bytes', '2', 2e9], ['floor_bytes', '2,5', 2.5e9], ['cap_bytes', '1.5 TB', 1.5e12], ['cap_bytes', '500MB', 5e8],
    ['age_hours', '7', 168], ['age_hours', '36 h', 36], ['keep_hours', '1.5', 36], ['age_hours', '2 days', 48], ['quota_bytes', ' ', null],
  ] as const) assert.equal(read(key, text), n, text);
  for (const [key, text] of [['floor_bytes', 'much'], ['floor_bytes', '-1'], ['age_hours', '7 GB'], ['cap_bytes', '2 h']]) assert.ok(Number.isNaN(read(key, text)), text);
  for (const n of [null, 1, 24, 36, 168]) assert.equal(read('age_hours', show('age_hours', n)), n);
  for (const n of [null, 5e8, 2e9, 1.5e12]) assert.equal(read('cap_bytes', show('cap_bytes', n)), n);
});

test('a form is collected, with what is wrong by field', () => {
  const v = fill({ volumes: { footage: { floor_bytes: 2e9, high_bytes: null, reserve_bytes: null, cap_bytes: null } }, cameras: { door: { age_hours: 48, quota_bytes: null, keep_hours: null } } });
  assert.equal(v['cameras.door.age_hours'], '2');
  v['volumes.footage.cap_bytes'] = 'all';
  const { set, errors } = collect(v, ['footage'], ['door', 'yard']);
  assert.deepEqual(Object.keys(errors), ['volumes.footage.cap_bytes']);
  assert.equal(set.volumes.footage.floor_bytes, 2e9);
  assert.equal(set.cameras.door.age_hours, 48);
  assert.deepEqual(set.cameras.yard, { age_hours: null, quota_bytes: null, keep_hours: null });
});

test('holds of a camera are found, whole-box ones too', () => {
  const hold = (from: number, to: number, cameras: string[] | null) => ({ id: String(from), from: new Date(from).toISOString(), to: new Date(to).toISOString(), cameras, by: 'anna', reason: 'theft' });
  const held = heldOf([hold(5000, 6000, ['door']), hold(1000, 2000, null), hold(3000, 4000, ['yard'])], 'door');
  assert.deepEqual(held.map((h) => h.start), [1000, 5000]);
  assert.equal(heldAt(held, 1999)?.says, 'Kept by anna: theft');
  assert.equal(heldAt(held, 2000), undefined);
});
