// Who may come in, as people see it: accounts, the second factor, keys, the audit,
// and what a guard is not offered.
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
  await page.screenshot({ path: join(process.env.SHOTS, `${name}.png`), fullPage: true });
};

let box, chrome, page;

before(async () => {
  box = await Box.start({ config: '[board]\nid = "sim"\n' });
  chrome = await browser();
  page = await open(chrome, box.url);
  await shot(page, 'claim');
  await claim(page, box.code);
  await api(page, 'POST', '/api/v1/cameras', { name: 'Yard', main_url: `rtsp://${box.camera}/yard` });
  await api(page, 'POST', '/api/v1/cameras', { name: 'Door', main_url: `rtsp://${box.camera}/yard` });
});

after(async () => {
  await chrome?.close();
  await box?.stop();
});

// code gives the code of an authenticator app (RFC 6238) for a secret, steps away from now.
function code(secret, steps = 0) {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
  const bits = [...secret.replace(/[ =]/g, '')].map((c) => alphabet.indexOf(c).toString(2).padStart(5, '0')).join('');
  const key = Buffer.from(bits.match(/.{8}/g).map((b) => parseInt(b, 2)));
  const count = Buffer.alloc(8);
  count.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000) + steps));
  const mac = createHmac('sha1', key).update(count).digest();
  const at = mac[19] & 15;
  return String((mac.readUInt32BE(at) & 0x7fffffff) % 1_000_000).padStart(6, '0');
}

const signIn = async (page, name, password) => {
  await id(page, 'login-user').fill(name);
  await id(page, 'login-pass').fill(password);
  await id(page, 'login-submit').click();
};

test('an admin lets a guard in for one camera', async () => {
  await id(page, 'nav-settings').click();
  await id(page, 'person-add').click();
  await id(page, 'person-name').fill('ann');
  await id(page, 'role').selectOption('guard');
  await page.locator('label[for=all-cameras]').click();
  await id(page, 'pick-yard').check();
  await id(page, 'person-pass').fill('another one 815');
  await shot(page, 'person');
  await id(page, 'person-save').click();
  await eventually('listed', 5_000, async () => /guard\s+Yard/.test(await id(page, 'person-ann').innerText()));
});

test('the last admin stays one', async () => {
  await id(page, `person-edit-${owner.name}`).click();
  await page.locator('label[for=person-off]').click();
  await id(page, 'person-save').click();
  await eventually('refused', 5_000, async () => /last admin/.test(await id(page, 'person-dialog').innerText()));
  await page.keyboard.press('Escape');
  await id(page, 'person-dialog').waitFor({ state: 'detached' });
});

test('a guard sees one camera, and is offered what a guard may do', async () => {
  const guard = await open(chrome, box.url);
  await signIn(guard, 'ann', 'another one 815');
  await id(guard, 'nav-cameras').click();
  await eventually('one camera', 5_000, async () => (await guard.locator('.cam').count()) === 1);
  for (const what of ['camera-add', 'camera-edit-yard', 'camera-delete-yard']) assert.equal(await id(guard, what).count(), 0, what);
  await id(guard, 'nav-settings').click();
  await id(guard, 'own-sessions').waitFor();
  for (const what of ['people', 'keys', 'audit', 'backup-make']) assert.equal(await id(guard, what).count(), 0, what);
  await shot(guard, 'guard-settings');
  // Signed out by the admin, it is at the door within two seconds.
  const row = page.locator('[data-testid=all-sessions] tr', { hasText: 'ann' });
  await page.reload();
  await row.getByRole('button').click();
  const began = Date.now();
  await id(guard, 'login-user').waitFor({ timeout: 4_000 });
  assert.ok(Date.now() - began < 2_500, `${Date.now() - began} ms`);
  await guard.context().close();
});

test('a second factor is set up, asked for, and switched off', async () => {
  await id(page, 'second-add').click();
  await id(page, 'second-pass').fill(owner.password);
  await id(page, 'second-next').click();
  await id(page, 'second-qr').waitFor();
  await shot(page, 'second');
  const secret = await id(page, 'second-secret').innerText();
  await id(page, 'second-code').fill(code(secret, -1));
  await id(page, 'second-next').click();
  await id(page, 'recovery-codes').waitFor();
  const recovery = (await id(page, 'recovery-codes').innerText()).trim().split(/\s+/);
  assert.equal(recovery.length, 10);
  await shot(page, 'recovery');
  await id(page, 'recovery-done').click();
  await eventually('on', 5_000, async () => (await id(page, 'second-state').getAttribute('data-on')) === 'true');

  const other = await open(chrome, box.url);
  await signIn(other, owner.name, owner.password);
  await id(other, 'login-code').waitFor();
  await shot(other, 'second-asked');
  await id(other, 'login-code').fill(code(secret));
  await id(other, 'login-submit').click();
  await id(other, 'nav-live').waitFor();
  await other.context().close();

  await id(page, 'second-remove').click();
  await id(page, 'second-pass').fill(owner.password);
  await id(page, 'second-code').fill(recovery[0]);
  await id(page, 'second-off-confirm').click();
  await eventually('off', 5_000, async () => (await id(page, 'second-state').getAttribute('data-on')) === 'false');
});

test('a key is shown once, works, and is revoked', async () => {
  await id(page, 'key-add').click();
  await id(page, 'key-name').fill('prometheus');
  await id(page, 'role').selectOption('metrics');
  await id(page, 'key-save').click();
  const key = (await id(page, 'key-secret').innerText()).trim();
  const status = async () => (await fetch(`${box.url}/metrics`, { headers: { 'X-API-Key': key } })).status;
  assert.equal(await status(), 200);
  await id(page, 'key-done').click();
  assert.ok(!(await page.content()).includes(key));
  await id(page, 'key-remove-prometheus').click();
  await id(page, 'key-revoke-confirm').click();
  await eventually('revoked', 3_000, async () => (await status()) === 401);
});

test('the audit tells what was done, and that nobody changed it', async () => {
  await id(page, 'audit-text').fill('ann');
  await id(page, 'audit-text').press('Enter');
  await eventually('found', 5_000, async () => {
    const text = await id(page, 'audit').innerText();
    if (!/user add ann/.test(text) || /camera add/.test(text)) throw new Error(text);
    return true;
  });
  await id(page, 'audit-verify').click();
  await eventually('checked', 5_000, async () => /^Unbroken: \d+ entries/.test(await id(page, 'audit-checked').innerText()));
});

test('a backup is downloaded and restored', async () => {
  await id(page, 'backup-pass').fill('correct horse battery');
  const [download] = await Promise.all([page.waitForEvent('download'), id(page, 'backup-make').click()]);
  const file = await download.path();
  assert.match(download.suggestedFilename(), /^vedette-backup-\d{4}-\d\d-\d\d\.age$/);
  await api(page, 'DELETE', '/api/v1/users/ann');
  await id(page, 'backup-restore').click();
  await id(page, 'restore-file').setInputFiles(file);
  await id(page, 'restore-pass').fill('a wrong phrase');
  await id(page, 'restore-phrase').fill('restore');
  await id(page, 'restore-confirm').click();
  await eventually('refused', 15_000, async () => /passphrase does not open/i.test(await id(page, 'restore-dialog').innerText()));
  await id(page, 'restore-pass').fill('correct horse battery');
  await id(page, 'restore-confirm').click();
  await id(page, 'login-user').waitFor({ timeout: 20_000 });
  await signIn(page, 'ann', 'another one 815');
  await id(page, 'nav-live').waitFor();
});

test('a camera on the internet is refused until an admin allows it', async () => {
  const admin = await open(chrome, box.url);
  await signIn(admin, owner.name, owner.password);
  const add = () => api(admin, 'POST', '/api/v1/cameras', { name: 'Far', main_url: 'rtsp://8.8.8.8/x', record: false });
  await id(admin, 'nav-settings').click();
  await assert.rejects(add(), /main_url.*on the internet/s);
  await admin.locator('label[for=cameras-public]').click();
  await id(admin, 'outgoing-allow').fill('10.0.0.1/8');
  await id(admin, 'outgoing-save').click();
  await eventually('refused', 5_000, async () => (await admin.getByText('A network is written like').count()) === 1);
  await id(admin, 'outgoing-allow').fill('10.0.0.0/8');
  await id(admin, 'outgoing-save').click();
  await eventually('allowed', 5_000, async () => (await add().catch(() => null))?.id === 'far');
  await api(admin, 'DELETE', '/api/v1/cameras/far');
  await admin.context().close();
});

test('whoever lost the password is told what to do', async () => {
  const lost = await open(chrome, box.url, { viewport: { width: 390, height: 800 } });
  await id(lost, 'recover').click();
  await id(lost, 'setup-closed').waitFor();
  await shot(lost, 'lost');
  await lost.context().close();
});

for (const [name, width, scheme] of [['wide', 1280, 'dark'], ['narrow', 390, 'light']]) {
  test(`the settings are accessible, ${name} and ${scheme}`, async () => {
    const p = await open(chrome, box.url, { viewport: { width, height: 900 }, colorScheme: scheme });
    await signIn(p, owner.name, owner.password);
    await id(p, 'nav-settings').click();
    await eventually('filled', 5_000, async () => (await id(p, 'audit').locator('tbody tr').count()) > 3);
    await shot(p, `settings-${name}`);
    await p.evaluate(axe);
    const found = await p.evaluate(async () => (await window.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag22aa'] })).violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.target).join(' ; ')}`));
    assert.deepEqual(found, []);
    assert.ok((await p.evaluate(() => document.documentElement.scrollWidth)) <= width, 'it scrolls sideways');
    assert.deepEqual(p.problems.filter((t) => !/40[13]|422/.test(t)), []);
    await p.context().close();
  });
}
