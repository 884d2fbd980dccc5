import assert from 'node:assert/strict';
import { test } from 'node:test';
import { asked, log, refused, send, sending, upload } from '../src/machine';
import { countdown, lineLevel, mistakeSays, refusal, slotSays, trialSays } from '../src/screens/machine-words';

test('a refused update is told in plain words', () => {
  assert.match(refusal('signature', 'no certificate fits'), /^It is not signed by .*\. No certificate fits\.$/);
  assert.match(refusal('board', 'for rock5b'), /^It is made for another board\. For rock5b\.$/);
  assert.match(refusal('older', ''), /^It is older .* Allow an older version .*\.$/);
  assert.match(refusal('damaged', 'It is damaged or not whole. Get it again.'), /^It is damaged or not whole\. Get it again\.$/);
  assert.equal(refusal('failed', 'no room on the card'), 'No room on the card.');
  assert.equal(refusal('', ''), 'It could not be installed.');
});

test('the other slot is told by its state', () => {
  const of = (state: string, version?: string) => slotSays({ slot: 'B', state, version });
  assert.equal(of('empty'), 'nothing');
  assert.equal(of('good', 'v1.2.0'), 'v1.2.0, to fall back to');
  assert.equal(of('ready', 'v1.3.0'), 'v1.3.0, tried at the next start');
  assert.equal(of('failed', 'v1.3.0'), 'v1.3.0, which did not prove itself');
  assert.match(of('good'), /does not tell its version, to fall back to/);
  assert.equal(of('unheard of', 'v9'), 'v9');
});

test('a trial counts down by the clock of the box', () => {
  for (const [ms, text] of [[80_000, '1:20'], [79_001, '1:20'], [9_000, '0:09'], [600_000, '10:00'], [0, '0:00'], [-5_000, '0:00']] as const) assert.equal(countdown(ms), text);
  const until = '2026-11-23T20:05:00.000Z';
  assert.equal(trialSays({ until, waiting_for: 'a camera to record' }, Date.parse(until) - 80_000), 'This version is proving itself: 1:20 left, waiting for a camera to record.');
  assert.equal(trialSays({ until: '', waiting_for: '' }, 0), 'This version is proving itself.');
});

test('a mistake names its line and its key', () => {
  assert.equal(mistakeSays({ line: 12, key: 'network.address', reason: 'is no address' }), 'Line 12, network.address: is no address.');
  assert.equal(mistakeSays({ line: 0, key: 'wifi.ssid', reason: 'is missing' }), 'Wifi.ssid: is missing.');
  assert.equal(mistakeSays({ line: 0, key: '', reason: 'the file is too large' }), 'The file is too large.');
});

test('a line of the log has a level, and cannot pretend another', () => {
  assert.equal(lineLevel('time=2026-11-23T20:00:00.000Z level=WARN msg=x'), 'warn');
  assert.equal(lineLevel('level=ERROR+4 msg=x'), 'error');
  assert.equal(lineLevel('time=1 level=INFO msg="level=ERROR"'), 'info');
  assert.equal(lineLevel('panic: level=ERROR'), '');
});

test('the log is asked for as it is to be shown', () => {
  assert.equal(log.url({ lines: 20_000, level: 'warn', previous: true }), '/api/v1/system/log?lines=20000&level=warn&previous=true');
});

/** A request that a test answers. */
class FakeRequest {
  static last: FakeRequest;
  upload: { onprogress?: (e: { loaded: number; total: number }) => void; onload?: () => void } = {};
  onload = () => {};
  onerror = () => {};
  onabort = () => {};
  status = 0;
  responseText = '';
  sent: unknown[] = [];
  constructor() {
    FakeRequest.last = this;
  }
  open(...a: unknown[]) { this.sent.push(...a); }
  setRequestHeader(...a: unknown[]) { this.sent.push(...a); }
  send(body: unknown) { this.sent.push(body); }
  abort() { this.onabort(); }
  answer(status: number, text = '') {
    this.status = status;
    this.responseText = text;
    this.onload();
  }
}
(globalThis as any).XMLHttpRequest = FakeRequest;

const why = () => refused.value; // a call: an assertion narrows no type
const onTheWay = () => sending.value;

const file = Object.assign(new Blob(['squashfs']), { name: 'a.raucb' }) as File;

test('a bundle is sent as it is, and tells how far it has come', async () => {
  const shares: number[] = [];
  const sent = upload(file, { older: true, restart: false }, (s) => shares.push(s), new AbortController().signal);
  const x = FakeRequest.last;
  assert.deepEqual(x.sent, ['POST', '/api/v1/system/update?allow_older=true&restart=false', 'Content-Type', 'application/octet-stream', file]);
  x.upload.onprogress?.({ loaded: 2, total: 8 });
  x.upload.onprogress?.({ loaded: 0, total: 0 });
  x.upload.onload?.();
  x.answer(202);
  await sent;
  assert.deepEqual(shares, [0.25, 0, 1]);
});

test('what becomes of a bundle is told', async () => {
  const o = { older: false, restart: true };
  const before = asked.value;
  const taken = send(file, o);
  FakeRequest.last.upload.onprogress?.({ loaded: 4, total: 8 });
  assert.deepEqual({ ...onTheWay(), stop: 0 }, { name: 'a.raucb', bytes: 8, share: 0.5, stop: 0 });
  FakeRequest.last.answer(202);
  await taken;
  assert.equal(onTheWay(), null);
  assert.equal(why(), null);
  assert.equal(asked.value, before + 1);

  const bad = send(file, o);
  FakeRequest.last.answer(422, '{"error":{"code":"board","message":"For rock5b."}}');
  await bad;
  assert.deepEqual(why(), { code: 'board', reason: 'For rock5b.' });
  assert.equal(onTheWay(), null);

  const odd = send(file, o);
  assert.equal(why(), null, 'what was wrong with the last one is forgotten');
  FakeRequest.last.answer(502, '<html>');
  await odd;
  assert.deepEqual(why(), { code: 'http_502', reason: 'The recorder answered 502.' });

  const away = send(file, o);
  FakeRequest.last.onerror();
  await away;
  assert.equal(why()?.code, 'unreachable');

  const stopped = send(file, o);
  onTheWay()?.stop();
  await stopped;
  assert.equal(onTheWay(), null);
  assert.equal(why(), null, 'stopping it is no fault');
});
