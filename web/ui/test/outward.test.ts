import test from 'node:test';
import assert from 'node:assert/strict';
import { deliveryText, formOf, incidents, subscriptionOf, words, type Subscription } from '../src/outward';
import { changed, listOf } from '../src/perception';
import { keepsText } from '../src/screens/hold-rules';
import { relayOf } from '../src/screens/relay';
import { check, formOf as zoneForm, zoneOf } from '../src/zones/form';
import { fresh } from '../src/zones/shape';

const sub: Subscription = {
  id: 'sub_1', name: 'Mail', kind: 'mail', enabled: true, types: ['zone_*', 'camera_offline'], min_severity: 'info', cameras: ['yard'],
  mail: { host: 'smtp.example.org', port: 587, tls: 'starttls', username: 'box', from: 'box@example.org', to: ['ann@example.org', 'ben@example.org'] }, secret_set: true,
};

test('a notification comes back from its form as it was, without a secret nobody wrote', () => {
  const { id: _, secret_set: __, ...same } = sub;
  assert.deepEqual(subscriptionOf(formOf(sub)), same);
  assert.equal((subscriptionOf({ ...formOf(sub), secret: 'x' }) as any).mail.password, 'x');
});

test('every kind of notification sends what it needs alone', () => {
  const f = { ...formOf(), name: ' Hook ', url: ' https://a/b ', secret: 's', host: 'left over' };
  assert.deepEqual(subscriptionOf(f), { name: 'Hook', kind: 'webhook', enabled: true, types: ['*'], min_severity: 'warning', cameras: null, webhook: { url: 'https://a/b', secret: 's' } });
  assert.deepEqual((subscriptionOf({ ...f, kind: 'mqtt', url: 'mqtt://b', secret: '' }) as any).mqtt, { url: 'mqtt://b', username: '', prefix: 'vedette', discovery: true, discovery_prefix: 'homeassistant' });
});

test('lists are written with commas, spaces or both', () => {
  assert.deepEqual(words(' zone_*,camera_offline  button;'), ['zone_*', 'camera_offline', 'button']);
  assert.deepEqual(words(' '), []);
});

test('an attempt is said as it ended', () => {
  assert.equal(deliveryText({ result: 'failed', status: 503 }), 'Failed (503)');
  assert.equal(deliveryText({ result: 'sent', status: 0 }), 'Sent');
  assert.equal(deliveryText({ result: 'given_up', status: 404 }), 'Given up (404)');
});

test('the relay is set with the secret that was written, under its name', () => {
  const f = { enabled: true, url: ' tls://n ', stream: 's', subject: 'v', way: 'token', username: 'u', secret: '' };
  assert.deepEqual(relayOf(f), { enabled: true, url: 'tls://n', stream: 's', subject: 'v', username: '' });
  assert.deepEqual(relayOf({ ...f, way: 'password', secret: 'p' }), { enabled: true, url: 'tls://n', stream: 's', subject: 'v', username: 'u', password: 'p' });
  assert.equal((relayOf({ ...f, secret: 't' }) as any).token, 't');
});

test('an export is asked for by cameras and times', () => {
  assert.equal(incidents.exportURL(['yard', 'gate'], 0, 1000, 'inc_1'), '/api/v1/export.zip?cameras=yard%2Cgate&from=1970-01-01T00%3A00%3A00.000Z&to=1970-01-01T00%3A00%3A01.000Z&incident=inc_1');
});

test('a rule says what it keeps', () => {
  assert.equal(keepsText({ before_seconds: 60, after_seconds: 120, keep_days: 0, open_incident: true }), 'from 1 min before to 2 min after, until somebody releases it, and opens an incident');
});

test('only what changed is sent, and lists come bare or under a name', () => {
  assert.deepEqual(changed({ a: 1, b: [1, 2], c: { d: 1 } }, { a: 1, b: [1], c: { d: 1 } }), { b: [1, 2] });
  assert.deepEqual(listOf([1], 'x'), [1]);
  assert.deepEqual(listOf({ x: [1] }, 'x'), [1]);
  assert.deepEqual(listOf(null, 'x'), []);
});

test('a zone comes back from its form as it was', () => {
  const z = { ...fresh, name: 'Drive', points: [[0.1, 0.1], [0.5, 0.1], [0.5, 0.5]] as [number, number][], labels: ['person', 'big dog'], min_confidence: 0.35, dwell_seconds: 30 };
  assert.deepEqual(zoneOf(zoneForm(z)), z);
  assert.deepEqual(check(z), {});
  // An area has no direction, whatever the line before it had.
  assert.equal(zoneOf({ ...zoneForm(z), direction: 'ab' }).direction, 'any');
  assert.equal(zoneOf({ ...zoneForm(z), kind: 'line', direction: 'ab' }).direction, 'ab');
});

test('what of a zone would be refused is named by its field', () => {
  const bad = check(zoneOf({ ...zoneForm(), min_confidence: '101', confirm_frames: 'two', dwell_seconds: '-1', lost_seconds: '0' }));
  assert.deepEqual(Object.keys(bad).sort(), ['confirm_frames', 'dwell_seconds', 'lost_seconds', 'min_confidence', 'name', 'points']);
  assert.match(bad.min_confidence, /from 0 to 100/);
});
