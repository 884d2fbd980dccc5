// Events, incidents, rules, notifications, tasks and record modes as people use them.
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Box, api, browser, claim, eventually, id, open, sleep } from './box.mjs';

const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

// What axe finds on the page, one line each.
const violations = async (page) => {
  await page.evaluate(axe);
  return page.evaluate(async () => (await window.axe.run(document, { resultTypes: ['violations'], runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }))
    .violations.flatMap((v) => v.nodes.map((n) => `${v.id}: ${n.target.join(' ')}`)));
};

// SHOTS names a directory for pictures of the screens.
const shot = async (page, name) => {
  if (!process.env.SHOTS) return;
  await mkdir(process.env.SHOTS, { recursive: true });
  await page.screenshot({ path: join(process.env.SHOTS, `${name}.png`), fullPage: true });
};

let box, chrome, page, key, hook;
const posts = []; // what the webhook received

before(async () => {
  hook = createServer((req, res) => {
    let body = '';
    req.on('data', (b) => (body += b));
    req.on('end', () => {
      posts.push({ headers: req.headers, body });
      res.writeHead(hook.answer ?? 204).end();
    });
  });
  await new Promise((done) => hook.listen(0, '127.0.0.1', done));
  box = await Box.start({ config: '[recording]\nsegment = "6s"\n[board]\nid = "sim"\n' });
  chrome = await browser();
  page = await open(chrome, box.url);
  await claim(page, box.code);
  await api(page, 'POST', '/api/v1/cameras', { name: 'Yard', main_url: `rtsp://${box.camera}/yard`, record: true });
  ({ key } = await api(page, 'POST', '/api/v1/api-keys', { name: 'looker', role: 'worker' }));
});

after(async () => {
  await chrome?.close();
  await box?.stop();
  hook?.close();
  hook?.closeAllConnections();
});

const go = async (p, hash, mark) => {
  await p.evaluate((to) => (location.hash = to), hash);
  await id(p, mark).first().waitFor();
};

const work = async (method, path, body) => {
  const res = await fetch(`${box.url}/api/v1${path}`, { method, headers: { 'Content-Type': 'application/json', 'X-API-Key': key }, body: body && JSON.stringify(body) });
  assert.ok(res.ok, `${method} ${path}: ${res.status} ${await res.clone().text()}`);
  return res.json();
};

// happen reports an event as a worker does.
const happen = (type, severity, payload = {}) => work('POST', '/ai/events', {
  camera_id: 'yard', task_type: 'detection', timestamp: new Date().toISOString(), detections: [], event: { event_type: type, severity, payload },
});

test('what a worker reports is on show at once, and told again by the filters', async () => {
  await go(page, '#/events', 'event-list');
  await happen('parcel_left', 'warning', { where: 'door' });
  const card = page.locator('.happened', { hasText: 'Yard: parcel left' });
  await card.waitFor({ timeout: 10_000 });
  await happen('bird_seen', 'info');
  await page.locator('.happened', { hasText: 'bird seen' }).waitFor();
  await id(page, 'f-severity').selectOption('warning');
  await eventually('filtered', 5_000, async () => (await page.locator('.happened', { hasText: 'bird seen' }).count()) === 0 && (await card.count()) === 1);
  await happen('bird_seen', 'info');
  await happen('parcel_left', 'warning');
  await eventually('only what is wanted', 5_000, async () => (await card.count()) === 2);
  assert.equal(await page.locator('.happened', { hasText: 'bird seen' }).count(), 0);
  await id(page, 'f-group').selectOption('people');
  await eventually('nothing', 5_000, async () => (await id(page, 'events-none').count()) === 1);
  await id(page, 'f-clear').click();
  await id(page, 'f-day').fill('2020-01-01');
  await eventually('nothing that day', 5_000, async () => /on that day/.test(await id(page, 'events-none').innerText()));
  await id(page, 'f-day').fill(await page.evaluate(() => document.getElementById('f-day').max));
  await eventually('all of today', 10_000, async () => (await page.locator('.happened').count()) >= 5);
  await id(page, 'f-clear').click();
  await shot(page, 'events');
});

test('the keyboard goes from event to event, and to the footage of one', async () => {
  await eventually('listed', 5_000, async () => (await page.locator('.happened').count()) >= 5);
  await page.locator('#main h1').focus();
  await page.keyboard.press('j');
  const first = await page.evaluate(() => document.activeElement.id);
  await page.keyboard.press('j');
  const second = await page.evaluate(() => document.activeElement.id);
  assert.ok(Number(second.slice(6)) < Number(first.slice(6)), `${first}, then ${second}`);
  await page.keyboard.press('k');
  assert.equal(await page.evaluate(() => document.activeElement.id), first);
  const time = Date.parse(await page.locator(`#${first} time`).getAttribute('datetime'));
  await page.keyboard.press('Enter');
  await id(page, 'timeline').waitFor();
  const t = Number(new URL(page.url()).hash.match(/t=(\d+)/)[1]);
  assert.ok(Math.abs(t - (time - 5000)) < 1500, `${t - time} ms from the event`);
});

let incident;

test('an incident begins with an event, keeps its footage, takes notes, and is exported signed', async () => {
  await go(page, '#/events', 'event-list');
  await page.locator('.happened', { hasText: 'parcel left' }).first().getByRole('button', { name: 'Incident' }).click();
  await id(page, 'incident-title').fill('A parcel nobody knows');
  await id(page, 'incident-confirm').click();
  await id(page, 'note-text').waitFor();
  incident = decodeURIComponent(new URL(page.url()).hash.split('/').pop());
  await id(page, 'note-text').fill('Blue, about 40 cm.\nIt ticks.');
  await id(page, 'note-save').click();
  await eventually('noted', 5_000, async () => /It ticks/.test(await id(page, 'incident-notes').innerText()));
  await eventually('kept', 10_000, async () => (await id(page, 'incident-holds').locator('tbody tr').count()) === 1);
  const { holds } = await api(page, 'GET', '/api/v1/holds');
  assert.ok(holds.some((h) => h.incident === incident), JSON.stringify(holds));
  await eventually('recorded 10 s', 30_000, async () => {
    const t = await api(page, 'GET', `/api/v1/cameras/yard/timeline?from=${Date.now() - 3_600_000}&to=${Date.now()}`);
    return t.ranges.length && Date.parse(t.ranges[0].end) - Date.parse(t.ranges[0].start) > 10_000;
  });
  const [download] = await Promise.all([page.waitForEvent('download'), id(page, 'export-make').click()]);
  assert.match(download.suggestedFilename(), /\.zip$/);
  const zip = await readFile(await download.path());
  assert.equal(zip.subarray(0, 2).toString(), 'PK');
  assert.ok(zip.includes('manifest.json') && zip.includes('manifest.sig'), 'it holds its list and the signature of it');
  await eventually('noted with the incident', 15_000, async () => (await api(page, 'GET', `/api/v1/incidents/${incident}`)).exports.length === 1);
  await page.reload();
  await id(page, 'incident-exports').waitFor();
  await shot(page, 'incident');
  await id(page, 'incident-state').click();
  await eventually('closed', 5_000, async () => (await api(page, 'GET', `/api/v1/incidents/${incident}`)).state === 'closed');
  await go(page, '#/events/incidents', 'incidents');
  assert.match(await id(page, 'incidents').innerText(), /A parcel nobody knows/);
  await id(page, 'signing-key').waitFor();
});

test('a rule keeps footage by itself', async () => {
  await go(page, '#/events/rules', 'rule-add');
  await id(page, 'rule-add').click();
  await id(page, 'rule-name').fill('Parcels');
  await id(page, 'rule-types').fill('parcel_*');
  await id(page, 'rule-before').fill('4000'); // the recorder's own word
  await id(page, 'rule-save').click();
  await page.locator('#before_seconds-error').waitFor();
  await id(page, 'rule-before').fill('5');
  await id(page, 'rule-after').fill('5');
  await shot(page, 'rule');
  assert.deepEqual(await violations(page), []);
  await id(page, 'rule-save').click();
  await id(page, 'rule-Parcels').waitFor();
  assert.match(await id(page, 'rule-Parcels').innerText(), /from 5 s before to 5 s after, for 30 days/);
  const count = async () => (await api(page, 'GET', '/api/v1/holds')).holds.length;
  const was = await count();
  await happen('parcel_left', 'warning');
  await eventually('kept by the rule', 15_000, async () => (await count()) > was);
});

test('a camera that waits for events says so, and records when somebody asks', async () => {
  await go(page, '#/cameras/yard', 'camera-mode');
  await id(page, 'camera-mode').selectOption('scheduled_event');
  await id(page, 'window-from-0').fill('25:00');
  await id(page, 'camera-save').click();
  await page.locator('#schedule').waitFor();
  assert.match(await page.locator('#schedule').innerText(), /Window 1/);
  await shot(page, 'schedule');
  assert.deepEqual(await violations(page), []);
  await id(page, 'camera-mode').selectOption('event');
  await id(page, 'camera-preroll').fill('1');
  await id(page, 'camera-postroll').fill('6');
  await id(page, 'camera-save').click();
  const camera = () => api(page, 'GET', '/api/v1/cameras/yard');
  await eventually('waiting', 20_000, async () => (await camera()).recording_now.active === false);
  const set = await camera();
  assert.deepEqual([set.record_mode, set.preroll_s, set.postroll_s], ['event', 1, 6]);
  await go(page, '#/live/yard', 'tile-record');
  const waits = async () => (await id(page, 'tile-yard').locator('[data-state=waiting]').count()) === 1;
  await eventually('said to wait', 10_000, waits);
  assert.match(await id(page, 'recording-count').innerText(), /0\/0/);
  await sleep(4000); // of which nothing is recorded
  await shot(page, 'waiting');
  await page.locator('#main h1').focus();
  await page.keyboard.press('r');
  await page.getByText(/Yard is recorded until/).waitFor();
  await eventually('recording by hand', 10_000, async () => /by hand, until/.test(await id(page, 'tile-yard').innerText()));
  await eventually('waiting again', 30_000, waits);
  // The time line tells why, and what nobody asked for is no gap.
  await page.reload();
  await go(page, '#/playback/yard', 'timeline-legend');
  await eventually('told', 10_000, async () => /By hand/.test(await id(page, 'timeline-legend').innerText()) && /Not asked for/.test(await id(page, 'timeline-legend').innerText()));
  await id(page, 'timeline-list-toggle').click();
  assert.match(await id(page, 'timeline-list').innerText(), /Recorded by hand/);
  assert.match(await id(page, 'timeline-list').innerText(), /Not recorded: nothing happened/);
  await shot(page, 'why');
  assert.deepEqual(await violations(page), []);
});

test('a task is given, a worker takes it, and both are seen', async () => {
  await go(page, '#/status', 'task-add');
  await id(page, 'task-add').click();
  await id(page, 'task-config').fill('[1]');
  await id(page, 'task-save').click();
  await page.locator('#config-error').waitFor();
  await id(page, 'task-config').fill('{"classes":["person"]}');
  await id(page, 'task-fps').fill('2');
  await id(page, 'stream_profile').selectOption('main');
  await shot(page, 'task');
  assert.deepEqual(await violations(page), []);
  await id(page, 'task-save').click();
  await id(page, 'task-yard-detection').waitFor();
  assert.match(await id(page, 'task-yard-detection').innerText(), /nobody/);
  const lease = await work('POST', '/ai/leases', { worker_id: 'eye-1' });
  assert.deepEqual(lease.tasks.map((t) => [t.task_type, t.fps, t.config.classes]), [['detection', 2, ['person']]]);
  await eventually('taken', 10_000, async () => /eye-1/.test(await id(page, 'task-yard-detection').innerText()));
  assert.match(await id(page, 'worker-eye-1').innerText(), /there[\s\S]*looker[\s\S]*1 task/);
  await id(page, 'sampler-yard-main').waitFor({ timeout: 15_000 });
  await shot(page, 'ai');
});

test('a webhook is told of events, signed, and its trouble is shown', async () => {
  await go(page, '#/settings', 'notify-add-webhook');
  await id(page, 'notify-add-webhook').click();
  await id(page, 'notify-name').fill('Hook');
  await id(page, 'notify-url').fill('ftp://nowhere');
  await id(page, 'notify-save').click();
  await page.locator('#url-error').waitFor();
  // The recorder itself is no place to send things to, until somebody says so.
  await id(page, 'notify-url').fill(`http://127.0.0.1:${hook.address().port}/in`);
  await id(page, 'notify-save').click();
  await eventually('refused', 5_000, async () => /recorder itself/.test(await page.locator('#url-error').innerText()));
  await api(page, 'PUT', '/api/v1/system/outgoing', { cameras_public: false, allow: ['127.0.0.0/8'] });
  await id(page, 'notify-secret').fill('a secret nobody sees again');
  await id(page, 'notify-types').fill('parcel_*');
  assert.deepEqual(await violations(page), []);
  await id(page, 'notify-save').click();
  await id(page, 'notify-Hook').waitFor();
  assert.ok(!(await page.content()).includes('a secret nobody'));
  await id(page, 'notify-test-Hook').click();
  await eventually('tested', 20_000, async () => (await id(page, 'notify-result').getAttribute('data-ok')) === 'true');
  await happen('parcel_left', 'warning', { n: 1 });
  const post = await eventually('posted', 15_000, () => posts.find((p) => p.body.includes('"parcel_left"')));
  const mac = createHmac('sha256', 'a secret nobody sees again').update(`${post.headers['x-vedette-timestamp']}.${post.body}`).digest('hex');
  assert.equal(post.headers['x-vedette-signature'], `sha256=${mac}`);
  hook.answer = 404;
  await id(page, 'notify-test-Hook').click();
  await eventually('refused', 20_000, async () => (await id(page, 'notify-result').getAttribute('data-ok')) === 'false');
  assert.match(await id(page, 'notify-result').innerText(), /404/);
  hook.answer = 204;
  await id(page, 'notify-log-Hook').click();
  await eventually('listed', 10_000, async () => /parcel_left/.test(await id(page, 'deliveries').innerText()));
  await shot(page, 'deliveries');
  await page.keyboard.press('Escape');
  await id(page, 'notify-edit-Hook').click();
  assert.equal(await id(page, 'notify-secret').inputValue(), '');
  await id(page, 'notify-types').fill('*');
  await id(page, 'notify-save').click();
  await eventually('changed', 5_000, async () => (await api(page, 'GET', '/api/v1/notifications'))[0].types[0] === '*');
});

test('the relay is set, and its secret never comes back', async () => {
  await id(page, 'relay-url').fill('tls://127.0.0.1:1');
  await id(page, 'relay-stream').fill('VEDETTE');
  await id(page, 'relay-subject').fill('vedette');
  await id(page, 'relay-user').fill('box');
  await id(page, 'relay-secret').fill('another secret');
  await id(page, 'relay-save').click();
  const r = await eventually('set', 5_000, async () => {
    const r = await api(page, 'GET', '/api/v1/system/relay');
    return r.stream === 'VEDETTE' && r;
  });
  assert.deepEqual([r.secret_set, r.username, JSON.stringify(r).includes('another secret')], [true, 'box', false]);
  assert.equal(await id(page, 'relay-secret').inputValue(), '');
});

test('a guard works with incidents and is offered no more; a viewer sees events alone', async () => {
  for (const role of ['guard', 'viewer']) {
    await api(page, 'POST', '/api/v1/users', { username: role, role, password: 'another one 815' });
    const p = await open(chrome, box.url);
    await id(p, 'login-user').fill(role);
    await id(p, 'login-pass').fill('another one 815');
    await id(p, 'login-submit').click();
    await id(p, 'nav-events').click();
    await p.locator('.happened', { hasText: 'parcel left' }).first().waitFor();
    const has = async (what) => (await p.locator(`[data-testid^="${what}"]`).count()) > 0;
    assert.deepEqual([await has('tab-incidents'), await has('tab-rules'), await has('keep-'), await has('play-')], role === 'guard' ? [true, false, true, true] : [false, false, false, true], role);
    await go(p, '#/live/yard', 'tile-boxes');
    assert.equal(await has('tile-record'), false);
    await id(p, 'nav-status').click();
    await id(p, 'samplers').waitFor();
    for (const what of ['task-add', 'tasks', 'workers']) assert.equal(await id(p, what).count(), 0, `${role}: ${what}`);
    // What the address would lead to is not there either.
    await go(p, '#/events/rules', 'event-list');
    assert.deepEqual(p.problems.filter((t) => !/401/.test(t)), [], role);
    await p.context().close();
  }
});

const screens = { 'events': 'event-list', 'events/incidents': 'incidents', 'events/rules': 'rules', 'cameras/yard': 'camera-mode', 'live/yard': 'tile-boxes', 'status': 'ai', 'settings': 'relay-save' };

for (const [name, width, colorScheme] of [['wide', 1280, 'dark'], ['narrow', 360, 'light']]) {
  test(`what is new breaks no rule of access, ${name} and ${colorScheme}`, async () => {
    const context = await chrome.newContext({ viewport: { width, height: 800 }, colorScheme, reducedMotion: 'reduce', storageState: await page.context().storageState() });
    const p = await context.newPage();
    await p.goto(box.url);
    for (const [screen, mark] of Object.entries({ ...screens, [`events/incidents/${incident}`]: 'incident-state' })) {
      await go(p, `#/${screen}`, mark);
      let last = [];
      await eventually('clean', 4_000, async () => (last = await violations(p)).length === 0).catch(() => assert.deepEqual(last, [], screen));
      assert.ok((await p.evaluate(() => document.documentElement.scrollWidth)) <= width, `${screen} scrolls sideways`);
      await shot(p, `${screen.replaceAll('/', '_')}-${name}`);
    }
    await context.close();
  });
}

test('nothing went wrong unseen', () => {
  assert.deepEqual(page.problems.filter((p) => !/40[01]|Failed to load resource/.test(p)), []);
});
