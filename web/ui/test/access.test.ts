import assert from 'node:assert/strict';
import { test } from 'node:test';
import { agentText, camerasText, deedText, qrPath } from '../src/access';
import { mayExport, mayManage } from '../src/roles';

test('which cameras somebody sees', () => {
  const name = (id: string) => ({ yard: 'Yard' })[id] ?? id;
  assert.equal(camerasText(undefined, name), 'All cameras');
  assert.equal(camerasText([], name), 'No camera');
  assert.equal(camerasText(['yard', 'gone'], name), 'Yard, gone');
});

test('what a browser calls itself, in a few words', () => {
  assert.equal(agentText('Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Safari/537.36'), 'Chrome on Linux');
  assert.equal(agentText('Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/126.0 Safari/537.36 Edg/126.0'), 'Edge on Windows');
  assert.equal(agentText('Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1 Version/17.0 Safari/604.1'), 'Safari on iPhone');
  assert.equal(agentText('curl/8.5.0'), 'curl/8.5.0');
  assert.equal(agentText(''), 'unknown');
});

test('an entry of the audit as words', () => {
  const base = { seq: 1, time: '', actor: 'ann', result: 'ok' as const };
  assert.equal(deedText({ ...base, action: 'camera.update', camera: 'yard', detail: { fields: 'name record' } }), 'camera update camera yard (fields: name record)');
  assert.equal(deedText({ ...base, action: 'user.remove', target: 'bob' }), 'user remove bob');
  assert.equal(deedText({ ...base, action: 'login' }), 'login');
});

test('a QR code is squares where a module is dark', () => {
  assert.equal(qrPath(['10', '01']), 'M0 0h1v1h-1zM1 1h1v1h-1z');
  assert.equal(qrPath([]), '');
});

test('roles of which something is hidden', () => {
  assert.deepEqual(['admin', 'manager', 'guard', 'viewer', undefined].map(mayExport), [true, true, true, false, false]);
  assert.deepEqual(['admin', 'manager', 'guard', 'viewer', undefined].map(mayManage), [true, true, false, false, false]);
});
