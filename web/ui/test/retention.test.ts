import assert from 'node:assert/strict';
import { test } from 'node:test';
import { collect, fill, force, place, read, show } from '../src/screens/retention-input';
import { heldAt, heldOf } from '../src/timeline/held';

test('texts become bytes and hours, and back', () => {
  for (const [key, text, n] of [
    ['floor_bytes', '2', 2e9], ['floor_bytes', '2,5', 2.5e9], ['cap_bytes', '1.5 TB', 1.5e12], ['cap_bytes', '500MB', 5e8],
    ['age_hours', '7', 168], ['age_hours', '36 h', 36], ['keep_hours', '1.5', 36], ['age_hours', '2 days', 48], ['quota_bytes', ' ', null],
  ] as const) assert.equal(read(key, text), n, text);
  for (const [key, text] of [['floor_bytes', 'much'], ['floor_bytes', '-1'], ['age_hours', '7 GB'], ['cap_bytes', '2 h'], ['age_hours', '0.4 h'], ['age_hours', '0.1']]) assert.ok(Number.isNaN(read(key, text)), text);
  for (const n of [null, 1, 24, 36, 168]) assert.equal(read('age_hours', show('age_hours', n)), n);
  for (const n of [null, 5e8, 2e9, 1.5e12]) assert.equal(read('cap_bytes', show('cap_bytes', n)), n);
});

test('a form is collected, with what is wrong by field', () => {
  const was = { volumes: { footage: { floor_bytes: 2e9, high_bytes: null, reserve_bytes: null, cap_bytes: null } }, cameras: { door: { age_hours: 48, quota_bytes: null, keep_hours: null } } };
  const v = fill(was);
  assert.equal(v['cameras.door.age_hours'], '2');
  v['volumes.footage.cap_bytes'] = 'all';
  const none = { age_hours: null, quota_bytes: null, keep_hours: null };
  const { set, errors } = collect(v, { ...was, cameras: { ...was.cameras, yard: none } });
  assert.deepEqual(Object.keys(errors), ['volumes.footage.cap_bytes']);
  assert.equal(set.volumes.footage.floor_bytes, 2e9);
  assert.equal(set.cameras.door.age_hours, 48);
  assert.deepEqual(set.cameras.yard, none);
});

test('what is left alone goes back as it came: odd numbers, and a disk that is not there', () => {
  const was = {
    volumes: { away: { floor_bytes: 1_234_567_891, high_bytes: null, reserve_bytes: 1 << 20, cap_bytes: null } },
    cameras: { gone: { age_hours: 25, quota_bytes: 1 << 20, keep_hours: 0 } },
    in_force: {},
  };
  const { set, errors } = collect(fill(was), was);
  assert.deepEqual(errors, {});
  assert.deepEqual(set, { volumes: was.volumes, cameras: was.cameras });
  assert.equal(force({ ...was, in_force: { away: { floor_bytes: 1 << 20, high_bytes: 3e9, reserve_bytes: 0, cap_bytes: 0 } } }, 'away', 'floor_bytes'), '1.049 MB');
});

test('an error finds its field, its row, or nothing', () => {
  const was = { volumes: {}, cameras: { door: { age_hours: 25, quota_bytes: null, keep_hours: null } } };
  for (const [field, at] of [['cameras.door.age_hours', 'cameras.door.age_hours'], ['cameras.door', 'cameras.door'], ['cameras.gone', ''], ['volumes', '']]) assert.equal(place(was, field), at);
});

test('holds of a camera are found, whole-box ones too', () => {
  const hold = (from: number, to: number, cameras: string[] | null) => ({ id: String(from), from: new Date(from).toISOString(), to: new Date(to).toISOString(), cameras, by: 'anna', reason: 'theft' });
  const held = heldOf([hold(5000, 6000, ['door']), hold(1000, 2000, null), hold(3000, 4000, ['yard'])], 'door', 'utc');
  assert.deepEqual(held.map((h) => h.start), [1000, 5000]);
  assert.equal(heldAt(held, 1999)?.says, 'Kept by anna: theft');
  assert.equal(heldAt(held, 2000), undefined);
  const [until] = heldOf([{ ...hold(0, 1000, null), reason: '', until: '2026-11-23T14:05:10Z' }], 'door', 'utc');
  assert.equal(until?.says, 'Kept by anna, until 23 Nov, 14:05:10');
});
