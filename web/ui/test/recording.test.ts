import test from 'node:test';
import assert from 'node:assert/strict';
import { inputOf, valuesOf } from '../src/screens/camera-input';
import { checkRecording, days, daysText, windowText } from '../src/screens/record-mode';
import { recordingCount, waits } from '../src/state';
import { coalesce, placeAt, rows, valueText } from '../src/timeline/model';

test('a camera form sends how it records, as numbers, and nothing of what stayed', () => {
  const v = valuesOf({ id: 'yard', name: 'Yard', state: 'live', main_url: 'rtsp://a/b', record: true, audio: true });
  assert.equal(v.mode, 'continuous');
  const windows = [{ days: ['mon' as const], from: '22:00', to: '06:00' }];
  assert.deepEqual(inputOf({ ...v, mode: 'scheduled', schedule: windows }, v), { record_mode: 'scheduled', schedule: windows });
  assert.deepEqual(inputOf({ ...v, mode: 'event', preroll: ' 20', postroll: '60' }, v), { record_mode: 'event', preroll_s: 20, postroll_s: 60 });
  assert.deepEqual(inputOf({ ...v, preroll: 'soon' }, v), {});
  // A half written schedule that is not in use stays here.
  assert.deepEqual(inputOf({ ...v, mode: 'event', schedule: [{ days: [], from: '25:00', to: '' }] }, v), { record_mode: 'event' });
  assert.deepEqual(inputOf({ ...v, mode: 'event' }), { name: 'Yard', main_url: 'rtsp://a/b', record: true, audio: true, record_mode: 'event' });
});

test('how a camera records is checked before it is sent', () => {
  const v = { ...valuesOf(), mode: 'scheduled_event' as const, schedule: [{ days: ['sat' as const], from: '22:00', to: '24:00' }] };
  assert.deepEqual(checkRecording(v), {});
  assert.deepEqual(Object.keys(checkRecording({ ...v, schedule: [] })), ['schedule']);
  for (const [from, to] of [['24:00', '06:00'], ['22:60', '06:00'], ['2200', '06:00'], ['22:00', '24:01'], ['22:00', '']]) {
    assert.match(checkRecording({ ...v, schedule: [...v.schedule, { days: ['mon'], from, to }] }).schedule, /Window 2/, `${from} ${to}`);
  }
  assert.match(checkRecording({ ...v, schedule: [{ ...v.schedule[0], days: [] }] }).schedule, /no day/);
  assert.deepEqual(Object.keys(checkRecording({ ...v, preroll: '61', postroll: '4' })), ['preroll_s', 'postroll_s']);
  assert.deepEqual(checkRecording({ ...v, record: false, schedule: [] }), {});
  assert.deepEqual(checkRecording({ ...v, mode: 'scheduled', preroll: '' }), {});
});

test('a window is said as people say it', () => {
  assert.equal(windowText({ days: ['mon', 'tue', 'wed', 'thu', 'fri'], from: '22:00', to: '06:00' }), 'Mon to Fri, 22:00 to 06:00 of the next day');
  assert.equal(windowText({ days: ['sun', 'sat'], from: '00:00', to: '24:00' }), 'Sat, Sun, 00:00 to 24:00');
  assert.equal(daysText(['mon', 'wed', 'fri']), 'Mon, Wed, Fri');
  assert.equal(daysText([...days]), 'every day');
});

test('a camera that waits is not one that fails', () => {
  const c = (more: object) => ({ id: 'a', name: 'A', state: 'live' as const, record: true, ...more });
  assert.ok(waits(c({ record_mode: 'event' })));
  assert.ok(waits(c({ record_mode: 'event', recording_now: { active: false, why: '' } })));
  assert.ok(!waits(c({ record_mode: 'event', recording_now: { active: true, why: 'event' } })));
  assert.ok(!waits(c({ record_mode: 'continuous' })));
  assert.ok(!waits(c({ record_mode: 'event', record: false })));
  assert.ok(!waits(c({ record_mode: 'event', state: 'offline' })));
  assert.deepEqual(recordingCount([c({ record_mode: 'event' }), c({}), c({ state: 'recording', record_mode: 'event' })]), { recording: 1, wanted: 2 });
});

const t0 = Date.UTC(2026, 10, 28, 9);
const at = (s: number) => t0 + s * 1000;

test('footage of one reason is one stretch, of two reasons it is two that touch', () => {
  assert.deepEqual(coalesce([{ start: 0, end: 10 }, { start: 10, end: 20, why: 'event' }, { start: 20, end: 30, why: 'event' }]), [{ start: 0, end: 10 }, { start: 10, end: 30, why: 'event' }]);
  // Whatever overlaps belongs to the first: ranges never overlap.
  assert.deepEqual(coalesce([{ start: 0, end: 10 }, { start: 5, end: 20, why: 'event' }, { start: 6, end: 8, why: 'manual' }]), [{ start: 0, end: 10 }, { start: 10, end: 20, why: 'event' }]);
});

test('why it was recorded is said, and what nobody asked for is no gap', () => {
  const ranges = [{ start: at(0), end: at(10), why: 'event' }, { start: at(60), end: at(70) }];
  const gaps = [{ start: at(10), end: at(60), reason: 'event' }, { start: at(70), end: at(80), reason: 'camera' }];
  const say = (s: number) => valueText('Yard', at(s), placeAt(ranges, gaps, at(s)), 'utc').replace(/^Yard, .*?, /, '');
  assert.equal(say(5), 'recorded by an event');
  assert.equal(say(30), 'not recorded: nothing happened');
  assert.equal(say(65), 'recorded');
  assert.equal(say(75), 'gap of 10 s, camera gave no picture');
  assert.deepEqual(rows(ranges, gaps, { from: at(0), to: at(80) }).map((r) => r.why ?? r.reason), ['event', 'event', '', 'camera']);
});
