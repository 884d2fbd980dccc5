// The machine below the recorder. A recorder that runs on somebody's own system
// shows its version and no more; one that runs the image is played by answers.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { after, before, test } from 'node:test';
import { Box, api, browser, claim, eventually, id, open } from './box.mjs';

const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

let box, chrome, page;

before(async () => {
  box = await Box.start({ config: '[board]\nid = "sim"\n' });
  chrome = await browser();
  page = await open(chrome, box.url);
  await claim(page, box.code);
});

after(async () => {
  await chrome?.close();
  await box?.stop();
});

const text = (name) => id(page, name).innerText();
const button = (name) => id(page, `machine-${name}`);

test('a recorder on another system shows its version, and offers nothing it cannot do', async () => {
  await id(page, 'nav-status').click();
  await id(page, 'machine').waitFor();
  const { version } = await api(page, 'GET', '/api/v1/system');
  await eventually('telling its version', 5_000, async () => (await text('machine-version')) === version);
  await assert.rejects(api(page, 'GET', '/api/v1/system/update'), /501.*not_supported/);
  for (const what of ['update', 'restart', 'off', 'reset']) assert.equal(await button(what).count(), 0, what);
  assert.equal(await id(page, 'setup-mistakes').count(), 0);
});

test('the log of the recorder is read', async () => {
  await id(page, 'log-open').click();
  await eventually('showing it', 5_000, async () => /level=INFO msg=/.test(await text('log-lines')));
  await id(page, 'log-level').selectOption('error');
  await eventually('errors alone', 5_000, async () => !/level=(DEBUG|INFO|WARN)/.test(await text('log-lines')));
  await id(page, 'log-open').click();
  assert.equal(await id(page, 'log-lines').count(), 0);
});

// What the played machine answers, and what it was asked.
const machine = { slot: 'A', version: 'v1.2.0', board: 'rpi4', supported: true, other: { slot: 'B', state: 'empty' }, busy: false, percent: 0, message: '', reset_phrase: 'wipe vedette' };
const asked = [];
let refuse = null;

async function play(page) {
  await page.route(/\/api\/v1\/system\/(update|restart|poweroff|reset)(\?|$)/, async (route) => {
    const r = route.request();
    if (r.method() === 'GET') return route.fulfill({ json: machine });
    const url = new URL(r.url());
    asked.push({ path: url.pathname.split('/').pop(), query: url.search, type: r.headers()['content-type'], body: (r.postDataBuffer() ?? '').toString() });
    if (refuse) return route.fulfill({ status: 422, json: { error: refuse } });
    return route.fulfill({ status: 202 });
  });
  await page.route(/\/api\/v1\/system\/log\?/, (route) => {
    const q = new URL(route.request().url()).searchParams;
    return route.fulfill({ contentType: 'text/plain', body: `time=1 level=WARN msg="${q.get('lines')} lines"\ntime=2 level=ERROR msg="of level ${q.get('level')}, previous ${q.get('previous')}"\n` });
  });
}

const show = async () => {
  await page.reload();
  await id(page, 'machine-other').waitFor();
};

const clean = async (what) => {
  await page.evaluate(axe);
  let found;
  await eventually(`clean (${what})`, 3_000, async () => {
    found = await page.evaluate(async () => (await window.axe.run(document, { resultTypes: ['violations'], runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] })).violations.flatMap((v) => v.nodes.map((n) => `${v.id}: ${n.target.join(' ')}`)));
    return found.length === 0;
  }).catch(() => assert.deepEqual(found, [], what));
};

test('a machine with the image tells its slots, and what it was provisioned with in vain', async () => {
  machine.setup = { errors: [{ line: 12, key: 'network.address', reason: 'is no address' }, { line: 0, key: 'wifi.ssid', reason: 'is missing' }] };
  await play(page);
  await show();
  assert.match(await text('machine-version'), /^v1\.2\.0\s+in slot A, rpi4$/);
  assert.equal(await text('machine-other'), 'nothing');
  assert.match(await text('setup-mistakes'), /Line 12, network\.address: is no address\.\s+Wifi\.ssid: is missing\./);
  delete machine.setup;
  await show();
  assert.equal(await id(page, 'setup-mistakes').count(), 0);
});

test('a bundle is sent, refused in plain words, and sent again', async () => {
  await button('update').click();
  assert.equal(await id(page, 'update-confirm').isDisabled(), true, 'there is nothing to install yet');
  await id(page, 'update-file').setInputFiles({ name: 'a.raucb', mimeType: '', buffer: Buffer.from('squashfs') });
  await clean('update');
  refuse = { code: 'older', message: 'It is v1.1.0.' };
  await id(page, 'update-confirm').click();
  await eventually('refused', 5_000, async () => (await id(page, 'update-refused').getAttribute('data-code')) === 'older');
  assert.match(await text('update-refused'), /older than what runs now.*v1\.1\.0/);
  assert.deepEqual(asked.pop(), { path: 'update', query: '?allow_older=false&restart=true', type: 'application/octet-stream', body: 'squashfs' });

  await button('update').click();
  await id(page, 'update-file').setInputFiles({ name: 'a.raucb', mimeType: '', buffer: Buffer.from('squashfs') });
  await page.locator('label[for=update-older]').click();
  await page.getByText('it lacks what was repaired since').waitFor();
  await page.getByRole('radio', { name: 'Later' }).click();
  refuse = null;
  Object.assign(machine, { busy: true, percent: 7, message: 'Installing v1.1.0.' });
  await id(page, 'update-confirm').click();
  await eventually('installing', 5_000, async () => /Installing v1\.1\.0\..*7 %/s.test(await text('update-installing')));
  assert.equal(asked.pop().query, '?allow_older=true&restart=false');
  assert.equal(await button('restart').isDisabled(), true, 'not while it installs');
  machine.percent = 61;
  await eventually('further', 5_000, async () => /61 %/.test(await text('update-installing')));
  Object.assign(machine, { busy: false, percent: 100, message: '', other: { slot: 'B', version: 'v1.1.0', state: 'ready' } });
  await eventually('installed', 5_000, async () => /v1\.1\.0 is installed/.test(await text('update-ready')));
  assert.equal(await button('restart').isDisabled(), false);
});

test('a bundle is fetched from an address', async () => {
  await button('update').click();
  await page.getByRole('radio', { name: 'An address' }).click();
  await id(page, 'update-url').fill('https://nas.lan/a.raucb');
  refuse = { code: 'update_busy', message: 'An update is going on.' };
  await id(page, 'update-confirm').click();
  await eventually('saying why not', 5_000, async () => /An update is going on\./.test(await text('update-dialog')));
  refuse = null;
  machine.error = { code: 'signature', reason: 'no certificate fits' };
  await id(page, 'update-confirm').click();
  await eventually('gone', 5_000, async () => (await id(page, 'update-dialog').count()) === 0);
  assert.equal(asked.pop().body, '{"url":"https://nas.lan/a.raucb","allow_older":false,"restart":true}');
  await eventually('refused later', 5_000, async () => /not signed by/.test(await text('update-refused')));
  delete machine.error;
});

test('a trial counts down, and says what it waits for', async () => {
  Object.assign(machine, { trial: { until: new Date(Date.now() + 80_000).toISOString(), waiting_for: 'a camera to record' } });
  await show();
  const left = async () => Number(/: 1:(\d\d) left, waiting for a camera to record/.exec(await text('machine-trial'))?.[1]);
  const first = await left();
  assert.ok(first <= 20 && first > 5, `1:${first} left`);
  assert.equal(await button('update').isDisabled(), true);
  await eventually('counting', 5_000, async () => (await left()) < first);
  await clean('trial');
  delete machine.trial;
  await eventually('over', 5_000, async () => (await id(page, 'machine-trial').count()) === 0);
});

test('power and reset are asked for twice', async () => {
  asked.length = 0;
  await button('restart').click();
  await id(page, 'restart-confirm').waitFor();
  await page.keyboard.press('Escape');
  await eventually('closed', 5_000, async () => (await id(page, 'restart-dialog').count()) === 0);
  assert.deepEqual(asked, []);
  await button('restart').click();
  await id(page, 'restart-confirm').click();
  await eventually('restarting', 5_000, async () => asked.pop()?.path === 'restart');
  await button('off').click();
  await id(page, 'poweroff-confirm').click();
  await eventually('off', 5_000, async () => asked.pop()?.path === 'poweroff');
  await button('reset').click();
  await id(page, 'reset-phrase').fill('wipe vedett');
  assert.equal(await id(page, 'reset-confirm').isDisabled(), true);
  assert.equal(await id(page, 'reset-footage').isChecked(), false);
  await clean('reset');
  await id(page, 'reset-phrase').fill('wipe vedette');
  await id(page, 'reset-confirm').click();
  await eventually('reset', 5_000, async () => asked.at(-1)?.body === '{"confirm":"wipe vedette","footage":false}');
  await eventually('gone', 5_000, async () => (await id(page, 'reset-dialog').count()) === 0);
  await button('reset').click();
  await page.locator('label[for=reset-footage]').click();
  await id(page, 'reset-phrase').fill('wipe vedette');
  await id(page, 'reset-confirm').click();
  await eventually('reset with footage', 5_000, async () => asked.at(-1)?.body === '{"confirm":"wipe vedette","footage":true}');
});

test('the log is read, filtered and downloaded', async () => {
  await id(page, 'log-open').click();
  await eventually('read', 5_000, async () => /200 lines"\s+time=2 level=ERROR msg="of level info, previous false"/.test(await text('log-lines')));
  assert.equal(await page.locator('.log-lines .log-error').count(), 1);
  await id(page, 'log-level').selectOption('error');
  await id(page, 'log-run').selectOption('before');
  await eventually('read again', 5_000, async () => /of level error, previous true/.test(await text('log-lines')));
  await clean('log');
  const [download] = await Promise.all([page.waitForEvent('download'), id(page, 'log-download').click()]);
  assert.equal(download.suggestedFilename(), 'vedette-before.log');
});

test('a telephone shows it without scrolling sideways', async () => {
  const phone = await chrome.newContext({ viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true, storageState: await page.context().storageState() });
  const p = await phone.newPage();
  await play(p);
  Object.assign(machine, { busy: true, percent: 50, message: 'Installing.', setup: { errors: [{ line: 3, key: 'cameras.0.a_very_long_key_that_goes_on_and_on', reason: 'is unknown' }] } });
  await p.goto(`${box.url}/#/status`);
  await id(p, 'update-installing').waitFor();
  await id(p, 'log-open').click();
  await id(p, 'log-lines').waitFor();
  const wide = async (what) => assert.ok((await p.evaluate(() => Math.max(document.documentElement.scrollWidth, ...[...document.querySelectorAll('dialog[open]')].map((d) => d.scrollWidth)))) <= 360, what);
  await wide('the card');
  Object.assign(machine, { busy: false });
  delete machine.setup;
  for (const [what, dialog] of [['update', 'update-dialog'], ['reset', 'reset-dialog']]) {
    await id(p, `machine-${what}`).click();
    await id(p, dialog).waitFor();
    await wide(what);
    const over = await p.evaluate(() => { const d = document.querySelector('dialog[open]'); return d.scrollWidth - d.clientWidth; });
    assert.ok(over <= 0, `${what} is ${over} px too wide`);
    await p.keyboard.press('Escape');
  }
  await phone.close();
});

test('nothing went wrong unseen', () => {
  assert.deepEqual(page.problems.filter((p) => !/Failed to load resource|501/.test(p)), []);
});
