// The way in and the own account, where they are more than a name and a password:
// time that runs out, sessions that end, codes, and what a viewer is not asked for.
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Box, api, browser, claim, eventually, id, open, owner } from './box.mjs';

const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

// SHOTS names a directory for pictures of the screens.
const shot = async (page, name) => {
  if (!process.env.SHOTS) return;
  await mkdir(process.env.SHOTS, { recursive: true });
  await page.screenshot({ path: join(process.env.SHOTS, `${name}.png`), fullPage: !(await page.locator('dialog[open]').count()) });
};

const accessible = async (page) => {
  await page.evaluate(axe);
  const found = await page.evaluate(async () => (await window.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag22aa'] })).violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.target).join(' ; ')}`));
  assert.deepEqual(found, []);
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), 'it scrolls sideways');
};

const guard = { name: 'ann', password: 'another one 815' };
const viewer = { name: 'vic', password: 'some more words 4' };

const signIn = async (page, who) => {
  await id(page, 'login-user').fill(who.name);
  await id(page, 'login-pass').fill(who.password);
  await id(page, 'login-submit').click();
};

let box, chrome, page;

before(async () => {
  box = await Box.start({ config: '[board]\nid = "sim"\n' });
  chrome = await browser();
  page = await open(chrome, box.url);
});

after(async () => {
  await chrome?.close();
  await box?.stop();
});

test('a new box says how long it can be claimed', async () => {
  await id(page, 'claim-left').waitFor();
  assert.match(await id(page, 'claim-left').innerText(), /^Open for another 1[0-5] min\.$/);
  await shot(page, 'claim-left');
  await accessible(page);
  await claim(page, box.code);
  await api(page, 'POST', '/api/v1/cameras', { name: 'Yard', main_url: `rtsp://${box.camera}/yard` });
  await api(page, 'POST', '/api/v1/users', { username: guard.name, role: 'guard', password: guard.password });
  await api(page, 'POST', '/api/v1/users', { username: viewer.name, role: 'viewer', password: viewer.password });
});

test('a window that closes while the page is open takes the form away', async () => {
  const late = await open(chrome, 'about:blank');
  let asked = 0;
  await late.route('**/api/v1/auth/claim', (r) => {
    const now = Date.now();
    const open = asked++ === 0;
    return r.fulfill({ json: { claimed: false, claimable: open, ...(open && { until: new Date(now + 1000).toISOString() }) }, headers: { Date: new Date(now).toUTCString() } });
  });
  await late.goto(box.url);
  await id(late, 'claim-left').waitFor();
  await id(late, 'setup-closed').waitFor({ timeout: 8_000 });
  assert.match(await id(late, 'setup-closed').innerText(), /Hold the button of the recorder for 10 seconds/);
  await late.context().close();
});

test('a session that ends leads to the door, says so, and back to the same place', async () => {
  const p = await open(chrome, `${box.url}/#/cameras`);
  await signIn(p, guard);
  await p.locator('.cam').waitFor();
  assert.equal(await id(p, 'ended').count(), 0);
  const mine = await api(p, 'GET', '/api/v1/auth/me');
  let again = 0;
  p.on('websocket', () => again++);
  await api(page, 'DELETE', `/api/v1/sessions/${mine.session}`);
  await id(p, 'ended').waitFor({ timeout: 4_000 });
  assert.equal(again, 0, 'it was tried to link again first');
  await shot(p, 'ended');
  assert.equal(new URL(p.url()).hash, '#/cameras');
  await signIn(p, guard);
  await p.locator('.cam').waitFor();
  // Whoever signs out by hand is not told that anything ended.
  await id(p, 'logout').click();
  await id(p, 'login-user').waitFor();
  assert.equal(await id(p, 'ended').count(), 0);
  await p.context().close();
});

test('a password is changed without being thrown out; elsewhere one is', async () => {
  const p = await open(chrome, `${box.url}/#/settings`);
  const elsewhere = await open(chrome, box.url);
  await signIn(p, guard);
  await signIn(elsewhere, guard);
  await id(elsewhere, 'nav-live').waitFor();
  await id(p, 'password-current').fill('not this one');
  await id(p, 'password-next').fill('yet another one 16');
  await id(p, 'password-save').click();
  await p.getByText('The password is wrong.').waitFor();
  await id(p, 'password-current').fill(guard.password);
  await id(p, 'password-save').click();
  guard.password = 'yet another one 16';
  await id(elsewhere, 'ended').waitFor({ timeout: 4_000 });
  await p.getByText('The password is changed.').waitFor();
  assert.equal(await id(p, 'password-next').inputValue(), '');
  await eventually('linked again', 5_000, async () => (await id(p, 'link-banner').innerText()) === '');
  await id(p, 'nav-cameras').click();
  await p.locator('.cam').waitFor();
  assert.equal(await id(p, 'login-user').count(), 0);
  await p.context().close();
  await elsewhere.context().close();
});

test('a viewer finds the account alone, and is asked for nothing that is refused', async () => {
  const p = await open(chrome, 'about:blank');
  const refused = [];
  p.on('response', (r) => r.status() === 403 && refused.push(r.url()));
  await p.goto(box.url);
  await signIn(p, viewer);
  await id(p, 'nav-status').click();
  await id(p, 'events').waitFor();
  for (const what of ['machine', 'retention', 'machine-disks', 'kept']) assert.equal(await id(p, what).count(), 0, what);
  assert.equal(await p.locator('[data-testid^="board-button-"]').count(), 0, 'a button to press');
  await id(p, 'nav-playback').click();
  await id(p, 'timeline').waitFor();
  for (const what of ['mark-in', 'mark-out', 'download-clip', 'download-clip-off', 'keep']) assert.equal(await id(p, what).count(), 0, what);
  assert.equal((await id(p, 'nav-settings').innerText()).trim(), 'Account');
  await id(p, 'nav-settings').click();
  await id(p, 'own-sessions').locator('tbody tr').first().waitFor();
  assert.match(await id(p, 'support').innerText(), /until 20\d\d-\d\d-\d\d/);
  for (const what of ['people', 'keys', 'audit', 'certificate', 'certificate-off', 'backup-make', 'rotate', 'outgoing-save']) assert.equal(await id(p, what).count(), 0, what);
  assert.deepEqual(refused, []);
  await p.context().close();
});

test('a recovery code lets in once, after a wrong one did not', async () => {
  const p = await open(chrome, box.url, { viewport: { width: 390, height: 800 }, colorScheme: 'light' });
  await signIn(p, guard);
  await id(p, 'nav-settings').click();
  await id(p, 'second-add').click();
  await id(p, 'second-pass').fill(guard.password);
  await id(p, 'second-next').click();
  const secret = await id(p, 'second-secret').innerText();
  await accessible(p);
  await shot(p, 'second-phone');
  await id(p, 'second-code').fill(code(secret));
  await id(p, 'second-next').click();
  const [file] = await Promise.all([p.waitForEvent('download'), id(p, 'recovery-save').click()]);
  const shown = (await id(p, 'recovery-codes').innerText()).trim().split(/\s+/);
  const saved = await readFile(await file.path(), 'utf8');
  assert.equal(shown.length, 10);
  assert.ok(shown.every((c) => saved.includes(c)) && saved.includes(guard.name), saved);
  await p.emulateMedia({ media: 'print' });
  assert.ok(await id(p, 'recovery-codes').isVisible() && !(await id(p, 'own-sessions').isVisible()) && !(await id(p, 'second-state').isVisible()), 'what is printed');
  await p.emulateMedia({ media: null });
  await id(p, 'recovery-done').click();
  await id(p, 'logout').click();

  await signIn(p, guard);
  await id(p, 'login-code').waitFor();
  assert.equal(await id(p, 'login-pass').count(), 0);
  assert.ok(await id(p, 'login-code').evaluate((el) => el === document.activeElement), 'the code is not where one types');
  await accessible(p);
  await shot(p, 'second-step-phone');
  await id(p, 'login-code').fill('000000');
  await id(p, 'login-submit').click();
  await p.getByText('This code does not hold').waitFor();
  await id(p, 'login-recovery').click();
  await id(p, 'login-code').fill(shown[3]);
  await id(p, 'login-submit').click();
  await id(p, 'nav-live').waitFor();
  assert.ok(!(await p.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, location.href]))).includes(shown[3]));
  await p.context().close();
  await api(page, 'PATCH', `/api/v1/users/${guard.name}`, { totp: false });
});

test('too many attempts are counted down', async () => {
  const p = await open(chrome, 'about:blank');
  await p.route('**/api/v1/auth/login', (r) => r.fulfill({ status: 429, json: { error: { code: 'throttled', message: 'Too many.' } }, headers: { 'Retry-After': '2' } }));
  await p.goto(box.url);
  await signIn(p, guard);
  await p.getByText(/Too many attempts. Try again in [12] s\./).waitFor();
  assert.ok(await id(p, 'login-submit').isDisabled());
  await eventually('let again', 6_000, () => id(p, 'login-submit').isEnabled());
  await p.context().close();
});

test('the audit is looked through by kind and day', async () => {
  await page.reload();
  await id(page, 'nav-settings').click();
  await id(page, 'audit').locator('tbody tr').first().waitFor();
  await id(page, 'jump-audit').click();
  await eventually('there', 3_000, () => page.evaluate(() => document.activeElement?.id === 'audit-h' && document.activeElement.getBoundingClientRect().top < innerHeight));
  await id(page, 'audit-more').locator('summary').click();
  await id(page, 'audit-action').selectOption('user');
  await id(page, 'audit-search').click();
  await eventually('found', 5_000, async () => {
    const rows = await id(page, 'audit').locator('tbody tr td[data-label=What]').allInnerTexts();
    return rows.length >= 2 && rows.every((t) => t.startsWith('user '));
  });
  await shot(page, 'audit-filters');
  await id(page, 'audit-to').fill('2001-01-01');
  await id(page, 'audit-search').click();
  await id(page, 'audit-none').waitFor();
  assert.match(await id(page, 'audit-csv').getAttribute('href'), /format=csv&to=200[01]-/);
  await id(page, 'audit-clear').click();
  await eventually('all again', 5_000, async () => (await id(page, 'audit').locator('tbody tr').count()) > 3);
});

for (const [name, width, scheme] of [['wide', 1280, 'light'], ['narrow', 390, 'dark']]) {
  test(`a certificate is asked for by DNS, and its secret never comes back, ${name} and ${scheme}`, async () => {
    const p = await open(chrome, 'about:blank', { viewport: { width, height: 900 }, colorScheme: scheme });
    const own = {
      mode: 'own', names: ['vedette.local', '192.0.2.4'], fingerprint: 'AB:'.repeat(31) + 'AB', words: 'amber falcon river stone', not_after: '2027-12-30T12:00:00Z',
      publicly_trusted: false, hsts: false, ca_fingerprint: 'CD:'.repeat(31) + 'CD', redirect: true,
    };
    let now = own, sent;
    await p.route('**/api/v1/system/tls', (r) => {
      if (r.request().method() === 'PUT') {
        sent = r.request().postDataJSON();
        const { key_secret: _, ...dns } = sent.acme.dns;
        now = { ...own, mode: 'acme', acme: { ...sent.acme, email: '', directory: 'https://acme-v02.api.letsencrypt.org/directory', dns: { zone: '', ...dns }, state: 'failing', error: 'The name server does not answer.', next_try: '2026-12-30T12:00:00Z' } };
      }
      return r.fulfill({ json: now });
    });
    await p.goto(`${box.url}/#/settings`);
    await signIn(p, owner);
    await id(p, 'certificate').waitFor();
    await id(p, 'trust').locator('summary').click();
    await shot(p, `certificate-${name}`);
    await id(p, 'certificate-edit').click();
    await id(p, 'tls-mode').getByRole('radio', { name: 'Yours' }).click();
    await id(p, 'tls-key-file').setInputFiles({ name: 'box.key', mimeType: 'application/x-pem-file', buffer: Buffer.from('-----BEGIN PRIVATE KEY-----\n') });
    await eventually('read', 3_000, async () => /BEGIN PRIVATE KEY/.test(await id(p, 'tls-key').inputValue()));
    await accessible(p);
    await shot(p, `certificate-given-${name}`);
    await id(p, 'tls-mode').getByRole('radio', { name: 'ACME' }).click();
    await id(p, 'tls-challenge').getByRole('radio', { name: 'In the DNS' }).click();
    await id(p, 'tls-domain').fill('nvr.example.org');
    await id(p, 'tls-server').fill('192.0.2.53');
    await id(p, 'tls-keyName').fill('vedette');
    await id(p, 'tls-secret').fill('c2VjcmV0');
    await accessible(p);
    await shot(p, `certificate-acme-${name}`);
    await id(p, 'certificate-save').click();
    await id(p, 'certificate-dialog').waitFor({ state: 'detached' });
    assert.deepEqual(sent, { mode: 'acme', hsts: false, acme: { challenge: 'dns-01', domain: 'nvr.example.org', dns: { server: '192.0.2.53', key_name: 'vedette', key_secret: 'c2VjcmV0', algorithm: 'hmac-sha256' } } });
    await p.getByText('The name server does not answer.').waitFor();
    await id(p, 'certificate-edit').click();
    assert.equal(await id(p, 'tls-secret').inputValue(), '');
    assert.equal(await id(p, 'tls-domain').inputValue(), 'nvr.example.org');
    await p.context().close();
  });
}

// code gives the code of an authenticator app (RFC 6238) for a secret.
function code(secret) {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
  const bits = [...secret.replace(/[ =]/g, '')].map((c) => alphabet.indexOf(c).toString(2).padStart(5, '0')).join('');
  const key = Buffer.from(bits.match(/.{8}/g).map((b) => parseInt(b, 2)));
  const count = Buffer.alloc(8);
  count.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000)));
  const mac = createHmac('sha1', key).update(count).digest();
  return String((mac.readUInt32BE(mac[19] & 15) & 0x7fffffff) % 1_000_000).padStart(6, '0');
}
