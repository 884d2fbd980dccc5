import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { afterEach, mock, test } from 'node:test';
import { account, agentText, audit, auditQuery, camerasText, certificateOf, deedText, qrPath, type CertificateForm } from '../src/access';
import { ApiError, auth } from '../src/api';
import { mayAdd, mayExport, mayManage, mayOperate } from '../src/roles';
import { contact, supportedUntil } from '../src/screens/security';
import { sentence } from '../src/screens/sentences';
import { ended, sessionEnded, user } from '../src/store';

afterEach(() => mock.restoreAll());

/** answer has the next calls of fetch answered so, and gives what was asked. */
function answer(status: number, body: unknown, headers: Record<string, string> = {}) {
  const asked: string[] = [];
  mock.method(globalThis, 'fetch', async (path: string, init: RequestInit) => {
    asked.push(`${init.method} ${path} ${init.body ?? ''}`.trim());
    return new Response(status === 204 ? null : JSON.stringify(body), { status, headers });
  });
  return asked;
}

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
  assert.deepEqual(['admin', 'manager', 'guard', 'viewer', undefined].map(mayOperate), [true, false, false, false, false]);
  assert.deepEqual([{ role: 'manager' }, { role: 'manager', cameras: ['yard'] }, { role: 'guard' }, null].map(mayAdd), [true, false, false, false]);
});

test('the audit is asked for what a form says, in whole days', () => {
  assert.deepEqual(auditQuery({}, 'utc'), {});
  assert.deepEqual(auditQuery({ text: ' ', actor: ' ann ', action: 'user', camera: '' }, 'utc'), { actor: 'ann', action: 'user' });
  assert.deepEqual(auditQuery({ from: '2026-11-30', to: '2026-11-30' }, 'utc'), { from: '2026-11-30T00:00:00.000Z', to: '2026-12-01T00:00:00.000Z' });
  assert.deepEqual(auditQuery({ from: '2026-11-30', to: 'soon' }, 'local'), { from: '2026-11-29T23:00:00.000Z' });
});

test('pages and files of the audit are asked for by what was looked for', async () => {
  const asked = answer(200, { entries: [], next: 0 });
  await audit.list({ actor: 'ann', from: '2026-11-30T00:00:00.000Z' }, 7);
  assert.deepEqual(asked, ['GET /api/v1/audit?limit=50&actor=ann&from=2026-11-30T00%3A00%3A00.000Z&before=7']);
  assert.equal(audit.exportURL('csv', { actor: 'ann', to: '2026-12-01T00:00:00.000Z' }), '/api/v1/audit/export?format=csv&to=2026-12-01T00%3A00%3A00.000Z');
});

test('a certificate is asked for with what its mode needs, and secrets that were written', () => {
  const v: CertificateForm = { mode: 'own', certificate: 'C', key: 'K', hsts: true, domain: ' nvr.example.org ', email: '', directory: '', challenge: 'http-01', server: '10.0.0.53', zone: '', keyName: 'k', keySecret: '', algorithm: 'hmac-sha256' };
  assert.deepEqual(certificateOf(v), { mode: 'own' });
  assert.deepEqual(certificateOf({ ...v, mode: 'given', key: '' }), { mode: 'given', hsts: true, certificate: 'C' });
  assert.deepEqual(certificateOf({ ...v, mode: 'acme' }), { mode: 'acme', hsts: true, acme: { challenge: 'http-01', domain: 'nvr.example.org' } });
  assert.deepEqual(certificateOf({ ...v, mode: 'acme', challenge: 'dns-01', keySecret: 'c2VjcmV0' }), {
    mode: 'acme', hsts: true,
    acme: { challenge: 'dns-01', domain: 'nvr.example.org', dns: { server: '10.0.0.53', key_name: 'k', key_secret: 'c2VjcmV0', algorithm: 'hmac-sha256' } },
  });
});

test('a session that ended leads to the way in, which says so; a wrong password does not', async () => {
  user.value = { username: 'ann', role: 'guard' };
  answer(401, { error: { code: 'bad_credentials', message: 'No.' } });
  await assert.rejects(auth.login('ann', 'x'), (e: ApiError) => e.code === 'bad_credentials');
  assert.equal(user.value?.username, 'ann');
  assert.equal(ended.value, false);
  await assert.rejects(account.sessions());
  assert.equal(user.value, null);
  assert.equal(ended.value, true);
});

test('who was not signed in is not told that a session ended', () => {
  ended.value = false;
  user.value = undefined;
  sessionEnded();
  assert.equal(user.value, null);
  assert.equal(ended.value, false);
});

test('how long a recorder can be claimed is told by its own clock', async () => {
  answer(200, { claimable: true, claimed: false, until: '1970-01-01T00:20:00Z', words: 'a b c d' }, { Date: 'Thu, 01 Jan 1970 00:05:30 GMT' });
  assert.deepEqual(await auth.setup(), { claimable: true, claimed: false, until: '1970-01-01T00:20:00Z', words: 'a b c d', left: 870_000 });
  answer(200, { claimable: false, claimed: true });
  assert.deepEqual(await auth.setup(), { claimable: false, claimed: true });
});

test('who somebody is, and which cameras they see', async () => {
  answer(200, { username: 'ann', role: 'manager', cameras: ['yard'], totp: true, session: '4711' });
  assert.deepEqual(await auth.me(), { username: 'ann', role: 'manager', cameras: ['yard'], totp: true });
});

test('who asks too often is told how long to wait', async () => {
  answer(429, { error: { code: 'throttled', message: 'Too many.' } }, { 'Retry-After': '12' });
  await assert.rejects(auth.login('ann', 'x'), (e: ApiError) => e.wait === 12);
});

test('what the panel says of updates and weaknesses is what the documents say', () => {
  assert.ok(readFileSync('../../SECURITY.md', 'utf8').includes(`security updates until ${supportedUntil}**`));
  const txt = readFileSync('src/static/.well-known/security.txt', 'utf8');
  assert.ok(txt.includes(`Contact: mailto:${contact}\n`) && txt.includes(`updates until ${supportedUntil}`), txt);
});

test('what happens at the door is told in sentences', () => {
  const said = (type: string, payload = {}) => {
    const { text, detail } = sentence({ seq: 1, time: '', severity: 'info', type, payload });
    return detail ? `${text} (${detail})` : text;
  };
  const table: [string, object, string][] = [
    ['auth_recovered', { user: 'ann', address: '192.0.2.7:50000' }, 'ann got another password with the code of the box (from 192.0.2.7)'],
    ['auth_second_factor_failed', { user: 'ann', address: '[::1]:5' }, 'A wrong code of the second factor for ann (from ::1)'],
    ['auth_login_failed', { user: 'ann' }, 'A wrong password for ann'],
    ['auth_login_failed', { detail: 'API key', address: '192.0.2.7:5' }, 'Somebody came with a key that is none (from 192.0.2.7)'],
    ['auth_login_failed', { detail: 'setup code' }, 'Somebody tried a wrong code for setting up'],
    ['auth_user_added', { user: 'bob', by: 'ann', detail: 'guard' }, 'bob was added (by ann, guard)'],
    ['auth_user_changed', { user: 'bob', by: 'ann', detail: 'role' }, 'The account of bob was changed (by ann, role)'],
    ['auth_user_changed', { user: 'ann', detail: 'recovery codes' }, 'The account of ann was changed (recovery codes)'],
    ['auth_user_removed', { user: 'bob', by: 'ann' }, 'bob was removed (by ann)'],
    ['auth_password_changed', { user: 'ann', address: '192.0.2.7:5' }, 'ann has another password (from 192.0.2.7)'],
    ['auth_session_ended', { user: 'bob', target: '4711' }, 'A session of bob was ended'],
    ['auth_key_added', { user: 'ann', target: 'abc', detail: 'metrics prometheus' }, 'ann made a key for a machine (metrics prometheus)'],
    ['auth_key_removed', { user: 'ann', target: 'abc' }, 'ann revoked the key of a machine (abc)'],
    ['auth_totp_added', { user: 'ann' }, 'ann uses a second factor'],
    ['auth_totp_removed', { user: 'bob', by: 'ann' }, 'bob uses no second factor any more (by ann)'],
    ['auth_setup_opened', {}, 'Somebody held the button: an admin can be made for 15 minutes'],
    ['certificate_renewed', {}, 'The certificate of this panel was renewed'],
    ['certificate_failing', { error: 'no answer' }, 'The certificate of this panel cannot be renewed (no answer)'],
    ['certificate_expiring', { not_after: '2026-12-01T12:00:00Z' }, 'The certificate of this panel ends soon (on 1 Dec, 12:00:00)'],
    ['audit_broken', { entry: 7, reason: 'hash' }, 'The audit was changed from outside (entry 7: hash)'],
    ['secrets_rotated', { secrets: 3 }, 'The secrets are sealed under a new key (3 of them)'],
    ['backup_made', {}, 'A backup was made'],
    ['backup_restored', {}, 'A backup was restored'],
    ['outgoing_changed', { by: 'ann' }, 'ann changed where the recorder may connect to'],
    ['retention_changed', { by: 'ann' }, 'ann changed how much footage is kept'],
    ['button', { gesture: 'long', action: 'setup_opened' }, 'The button was held for 10 s: the setup window is open, and its code is on the console'],
  ];
  for (const [type, payload, want] of table) assert.equal(said(type, payload), want);
});
