import test from 'node:test';
import assert from 'node:assert/strict';
import { before, groups, merge, moment, newest, ofDay, queryOf, typeIn, wanted, type Filters } from '../src/screens/event-feed';
import type { EventQuery } from '../src/perception';
import type { Event } from '../src/types';

const t0 = Date.UTC(2026, 10, 28);
const all: Filters = { camera: '', group: '', severity: '', day: '' };
// Numbers skip some, as after a start of the recorder.
const log: Event[] = Array.from({ length: 300 }, (_, i) => ({
  seq: i * 3 + (i > 150 ? 1000 : 0) + 1, time: new Date(t0 + i * 600e3).toISOString(), type: i % 3 ? 'zone_enter' : 'camera_offline', severity: i % 5 ? 'info' : 'warning', camera: i % 2 ? 'yard' : 'gate',
}));
let asked = 0;
// The recorder's side, with other words than the panel's.
const ask = async (q: EventQuery, limit: number, since?: number): Promise<Event[]> => {
  asked++;
  const fits = log.filter((e) => (!q.camera || e.camera === q.camera) && (!q.severity || (q.severity === 'warning' ? e.severity !== 'info' : e.severity === q.severity)) &&
    (!q.type || q.type.split(',').some((t) => new RegExp(`^${t.replace('*', '.*')}$`).test(e.type))));
  return since === undefined ? fits.slice(-limit) : fits.filter((e) => e.seq > since).slice(0, limit);
};

test('the recorder is asked for what the filters say', () => {
  assert.deepEqual(queryOf(all), {});
  assert.deepEqual(queryOf({ camera: 'yard', group: 'zones', severity: 'warning', day: '' }), { type: 'zone_*', severity: 'warning', camera: 'yard' });
});

test('what happens meanwhile is on show if it is of that kind', () => {
  const e: Event = { seq: 1, time: '', type: 'zone_exit', severity: 'warning', camera: 'yard' };
  assert.ok(wanted(all, e));
  assert.ok(wanted({ ...all, group: 'zones', severity: 'warning', camera: 'yard' }, e));
  assert.ok(!wanted({ ...all, group: 'people' }, e));
  assert.ok(!wanted({ ...all, severity: 'critical' }, e));
  assert.ok(wanted({ ...all, severity: 'warning' }, { ...e, severity: 'critical' }));
  assert.ok(!wanted({ ...all, camera: 'gate' }, e));
  assert.ok(typeIn(['button'], 'button') && !typeIn(['button'], 'button_x') && !typeIn(['zone_*'], 'zon'));
});

test('no type is in two groups', () => {
  const types = Object.values(groups).flatMap((g) => g.types);
  for (const t of types) assert.equal(types.filter((x) => typeIn([x], t.replace('*', 'x'))).length, 1, t);
});

test('events come newest first, each once', () => {
  assert.deepEqual(merge([log[1]], [log[2], log[1], log[0]]).map((e) => e.seq), [7, 4, 1]);
});

test('the newest are shown, and whether there are more is known', async () => {
  const a = await newest(ask, all, 100);
  assert.deepEqual([a.list.length, a.list[0].seq, a.more], [100, log[299].seq, true]);
  assert.equal((await newest(ask, { ...all, camera: 'yard' }, 500)).more, false);
});

test('the place of a moment in the log is found in few steps', async () => {
  for (const [t, want] of [[t0, 0], [t0 + 1, 1], [t0 + 151 * 600e3, log[150].seq], [t0 + 150.5 * 600e3, log[150].seq], [t0 + 1e12, log[299].seq], [0, 0]]) {
    asked = 0;
    const seq = await before(ask, t);
    const after = log.filter((e) => e.seq > seq);
    assert.ok(after.every((e) => Date.parse(e.time) >= t), `${t}: ${seq}`);
    assert.equal(log.filter((e) => e.seq > want).length, after.length, `${t}: ${seq}`);
    assert.ok(asked <= 14, `${asked} questions`);
  }
  assert.equal(await before(async () => [], t0), 0);
});

test('a day has all of its events and none of the next', async () => {
  const whole = await ofDay(ask, all, t0 + 86_400e3, t0 + 2 * 86_400e3);
  assert.equal(whole.list.length, 144);
  const day = await ofDay(ask, { ...all, camera: 'yard' }, t0 + 86_400e3, t0 + 2 * 86_400e3);
  const want = log.filter((e) => e.camera === 'yard' && e.time.startsWith('2026-11-29'));
  assert.deepEqual(day.list.map((e) => e.seq), want.map((e) => e.seq).reverse());
  assert.equal(want.length, 72);
});

test('a moment is that of the picture where it is known', () => {
  assert.equal(moment({ ...log[0], payload: { captured_at: '2026-11-28T00:00:01Z' } }), t0 + 1000);
  assert.equal(moment(log[0]), t0);
});
