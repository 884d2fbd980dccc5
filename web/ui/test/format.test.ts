import test from 'node:test';
import assert from 'node:assert/strict';
import * as f from '../src/format';
import { name as keyName } from '../src/keys';
import { arrange } from '../src/screens/arrange';
import { inputOf } from '../src/screens/camera-input';
import { sentence } from '../src/screens/sentences';
import { href, parse } from '../src/router';

// Tests run with TZ=Europe/Berlin: local is UTC+1 here.
const at = Date.UTC(2026, 10, 23, 20, 4, 5, 678);

test('a moment reads the same everywhere', () => {
  assert.equal(f.clock(at, 'utc'), '20:04:05');
  assert.equal(f.clock(at, 'local'), '21:04:05');
  assert.equal(f.clockTenths(at, 'utc'), '20:04:05.6');
  assert.equal(f.day(at, 'utc'), 'Mon 23 Nov 2026');
  assert.equal(f.isoDay(Date.UTC(2026, 10, 23, 23, 30), 'local'), '2026-11-24');
});

test('fields and their inverse agree, in summer and in winter', () => {
  for (const t of [Date.UTC(2026, 6, 1, 12), Date.UTC(2026, 11, 31, 23, 59, 59)]) {
    for (const z of ['utc', 'local'] as const) assert.equal(f.toMs(f.fields(t, z), z), t);
  }
});

test('days have the length their zone gives them', () => {
  const d = f.dayStart(Date.UTC(2026, 9, 25, 12), 'local');
  assert.equal(f.dayStart(d, 'local', 1) - d, 25 * 3600e3);
});

test('what people type to go somewhere', () => {
  const now = Date.UTC(2026, 10, 23, 21);
  const day = (h: number, m = 0, s = 0, d = 23) => Date.UTC(2026, 10, d, h, m, s);
  const cases: [string, number | null][] = [
    ['14:05', day(14, 5)], ['14:05:10', day(14, 5, 10)], ['7pm', day(19)], ['7:30 pm', day(19, 30)], ['12am', day(0)], ['12pm', day(12)],
    ['2026-11-22 14:05', day(14, 5, 0, 22)], ['2026-11-22T14:05:10', day(14, 5, 10, 22)], ['2026-11-22', day(0, 0, 0, 22)],
    ['22.11. 9:15', day(9, 15, 0, 22)], ['yesterday 7pm', day(19, 0, 0, 22)], ['today 06:00', day(6)], ['yesterday', day(0, 0, 0, 22)],
    ['2026-11-23T20:00:00.500Z', day(20) + 500], ['2026-11-23t21:00:00+01:00', day(20)], ['now', now], ['-10m', at - 600e3], ['+ 2h', at + 7200e3], ['14:05:10.25', day(14, 5, 10) + 250],
    ['', null], ['14', null], ['25:00', null], ['14:60', null], ['13pm', null], ['2026-13-01', null], ['soon', null], ['14:05 tea', null],
  ];
  for (const [text, want] of cases) assert.equal(f.parseTime(text, at, now, 'utc'), want, text);
});

test('lengths, sizes and rates', () => {
  assert.deepEqual([500, 45e3, 125e3, 120e3, 3600e3, 12e6, 5 * 864e5].map(f.span), ['500 ms', '45 s', '2 min 5 s', '2 min', '1 h', '3 h 20 min', '5 days']);
  assert.deepEqual([0, 999, 1400, 512e6, 1.42e12, 999.6e6].map(f.bytes), ['0 B', '999 B', '1.4 kB', '512 MB', '1.4 TB', '1.0 GB']);
  assert.deepEqual([4.1e6, 64e3].map(f.bitrate), ['4.1 Mb/s', '64 kb/s']);
  assert.deepEqual([0, 12e3, 3 * 60e3, 5 * 36e5].map(f.ago), ['just now', '12 s ago', '3 min ago', '5 h ago']);
});

test('cameras share the screen', () => {
  const shape = (n: number, c: 'auto' | '1' | '4' | '9', page = 0, phone = false) => {
    const a = arrange(n, c, page, phone);
    return [a.columns, a.rows, a.count, a.pages];
  };
  assert.deepEqual(shape(1, 'auto'), [1, 1, 1, 1]);
  assert.deepEqual(shape(2, 'auto'), [2, 1, 2, 1]);
  assert.deepEqual(shape(4, 'auto'), [2, 2, 4, 1]);
  assert.deepEqual(shape(5, 'auto'), [3, 2, 5, 1]);
  assert.deepEqual(shape(9, 'auto'), [3, 3, 9, 1]);
  assert.deepEqual(shape(16, 'auto'), [4, 4, 16, 1]);
  assert.deepEqual(shape(20, 'auto'), [4, 4, 16, 2]);
  assert.deepEqual(shape(16, '4'), [2, 2, 4, 4]);
  assert.deepEqual(shape(16, '1', 99), [1, 1, 1, 16]);
  assert.equal(arrange(16, '9', 99, false).first, 9);
  assert.deepEqual(shape(16, 'auto', 0, true), [1, 16, 16, 1]);
});

test('a form sends what is new, and a password only when one was written', () => {
  const v = { name: ' Door ', way: 'vendor' as const, vendor: 'axis', address: '10.0.0.2', main: '', sub: '', user: 'u', pass: '', record: true, audio: true, volume: '', mirror: '', mode: 'continuous' as const, schedule: [], preroll: '10', postroll: '30' };
  assert.deepEqual(inputOf(v), { name: 'Door', vendor: 'axis', address: '10.0.0.2', username: 'u', record: true, audio: true });
  assert.deepEqual(inputOf({ ...v, record: false }, v), { record: false });
  assert.deepEqual(inputOf({ ...v, mirror: '' }, { ...v, mirror: 'right' }), { mirror: '' });
  assert.deepEqual(inputOf({ ...v, pass: 'x' }, v), { password: 'x' });
  assert.deepEqual(inputOf({ ...v, way: 'urls', main: 'rtsp://a/b' }, v), { vendor: '', address: '', main_url: 'rtsp://a/b' });
});

test('events are sentences', () => {
  const e = (type: string, payload = {}, camera?: string) => ({ seq: 1, time: '', severity: 'info', type, payload, camera });
  assert.deepEqual(sentence(e('camera_state', { state: 'offline', reason: 'refused' }, 'a'), 'Door'), { text: 'Door went offline', detail: 'Refused.' });
  assert.deepEqual(sentence(e('floor_prune', { files: 3 })), { text: 'Floor prune', detail: 'files 3' });
  assert.deepEqual(sentence(e('volume_lost', { volume: 'left', reason: 'the disk reported an error' })), { text: 'Disk left was lost', detail: 'The disk reported an error.' });
  assert.equal(sentence(e('camera_added', { name: 'Yard' }, 'yard')).text, 'Yard was added');
  assert.equal(sentence(e('button', { gesture: 'press', action: 'evidence_hold' })).text, 'The button was pressed: the last 5 minutes are kept');
  assert.deepEqual(sentence(e('auth_login', { user: 'owner', address: '[::1]:50826' })), { text: 'owner signed in', detail: 'from ::1' });
  assert.deepEqual(sentence(e('evidence_hold', { from: '2026-11-23T20:00:00Z', to: '2026-11-23T20:05:00Z', segments: 1 })),
    { text: 'Footage from 20:00:00 to 20:05:00 is kept as evidence', detail: '1 file so far' });
  assert.equal(sentence(e('disk_pressure', { reason: 'reserve', cleared: true })).text, 'The disk has room again');
  assert.deepEqual(sentence(e('zone_exit', { label: 'person', zone_name: 'Drive', seconds: 75, by: 'lost' }, 'a'), 'Door'), { text: 'Person left Drive', detail: 'after 1 min 15 s, out of sight' });
  assert.deepEqual(sentence(e('zone_line_cross', { zone_name: 'Gate', direction: 'ba', confidence: 0.5 })), { text: 'Something crossed Gate', detail: 'from B to A, 50 % sure' });
  // What a worker reports has no words here: its type and what it says of it.
  assert.deepEqual(sentence(e('plate_read', { plate: 'B-AB 123', captured_at: '2026-11-23T20:00:00Z', _prov: { key: 'k' } }, 'a'), 'Door'), { text: 'Door: plate read', detail: 'plate B-AB 123' });
  assert.equal(sentence(e('relay_dropped', { count: 1 })).text, '1 report went before the relay could hand them on');
  assert.deepEqual(sentence(e('x', { message: 'It rains.' })), { text: 'It rains.', detail: '' });
});

test('addresses', () => {
  assert.deepEqual([parse('#/playback/front?t=5').screen, parse('#/playback/front?t=5').arg, parse('#/playback/front?t=5').query.get('t')], ['playback', 'front', '5']);
  assert.equal(parse('').screen, 'live');
  assert.equal(parse('#/secret').screen, 'live');
  assert.equal(parse('#/live/%E0%A4%A').arg, '%E0%A4%A');
  assert.deepEqual([parse('#/cameras/a%2Fb/zones').arg, parse('#/cameras/a%2Fb/zones').part, parse('#/cameras/a').part], ['a/b', 'zones', '']);
  assert.equal(href('cameras', 'a/b', 't=5', 'zones'), '#/cameras/a%2Fb/zones?t=5');
});

test('keys are named as the table writes them', () => {
  assert.equal(keyName({ key: 'ArrowLeft', shiftKey: true }), 'Shift+ArrowLeft');
  assert.equal(keyName({ key: 'K', shiftKey: true }), 'k');
  assert.equal(keyName({ key: ' ', shiftKey: false }), ' ');
});

test('who holds footage is said in words', () => {
  assert.equal(f.byWhom('rule:rule_3kcq6m52'), 'a rule');
  assert.equal(f.byWhom('owner'), 'owner');
});
