// Zones as people draw them: by mouse, touch and keyboard, over the live picture; and what workers see in them.
import assert from 'node:assert/strict';
import { mkdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Box, api, browser, claim, eventually, id, open, readFrame } from './box.mjs';

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

let box, chrome, page, key;

before(async () => {
  box = await Box.start({ config: '[board]\nid = "sim"\n' });
  chrome = await browser();
  page = await open(chrome, box.url);
  await claim(page, box.code);
  await api(page, 'POST', '/api/v1/cameras', { name: 'Yard', main_url: `rtsp://${box.camera}/yard`, record: true });
  ({ key } = await api(page, 'POST', '/api/v1/api-keys', { name: 'looker', role: 'worker' }));
});

after(async () => {
  await chrome?.close();
  await box?.stop();
});

const zones = () => api(page, 'GET', '/api/v1/cameras/yard/zones');
const named = async (name) => (await zones()).find((z) => z.name === name);
const go = async (p, hash, mark) => {
  await p.evaluate((to) => (location.hash = to), hash);
  await id(p, mark).first().waitFor();
};
// Where x and y, shares of the picture, are on the page.
const spot = async (p, x, y) => {
  await id(p, 'zone-surface').scrollIntoViewIfNeeded();
  const b = await id(p, 'zone-surface').boundingBox();
  return [b.x + b.width * x, b.y + b.height * y];
};
const near = (got, want, what) => want.forEach((w, i) => assert.ok(Math.abs(got[i] - w) <= 0.012, `${what}: ${got}, want ${want}`));

// report posts what a worker saw, in the words of the worker contract.
const report = async (detections) => {
  const res = await fetch(`${box.url}/api/v1/ai/events`, {
    method: 'POST', headers: { 'Content-Type': 'application/json', 'X-API-Key': key },
    body: JSON.stringify({ camera_id: 'yard', task_type: 'detection', timestamp: new Date().toISOString(), detections }),
  });
  assert.ok(res.ok, `${res.status} ${await res.text()}`);
};
const person = (x, y) => [{ label: 'person', confidence: 0.9, bbox: [x - 0.05, y - 0.3, 0.1, 0.3], track_id: '7' }];

test('an area is drawn by mouse over the live picture', async () => {
  await go(page, '#/cameras/yard/zones', 'zone-add');
  await eventually('live', 15_000, () => readFrame(page, 'zone-video').then((f) => f !== null));
  await id(page, 'zone-add').click();
  for (const [x, y] of [[0.2, 0.2], [0.7, 0.2], [0.3, 0.7]]) await page.mouse.click(...(await spot(page, x, y)));
  await id(page, 'zone-adding').click();
  const [fx, fy] = await spot(page, 0.3, 0.7);
  await page.mouse.move(fx, fy);
  await page.mouse.down();
  await page.mouse.move(...(await spot(page, 0.2, 0.8)), { steps: 5 });
  await page.mouse.up();
  // A click on a side adds a point there, which is dragged to the corner.
  await page.mouse.click(...(await spot(page, 0.45, 0.5)));
  const [px, py] = await spot(page, 0.45, 0.5);
  await page.mouse.move(px, py);
  await page.mouse.down();
  await page.mouse.move(...(await spot(page, 0.7, 0.8)), { steps: 5 });
  await page.mouse.up();
  await id(page, 'zone-name').fill('Drive');
  await id(page, 'zone-labels').fill('person, car');
  await shot(page, 'zone-drawing');
  assert.deepEqual(await violations(page), []);
  await id(page, 'zone-save').click();
  await id(page, 'zone-Drive').waitFor();
  const z = await named('Drive');
  assert.equal(z.points.length, 4);
  [[0.2, 0.2], [0.7, 0.2], [0.7, 0.8], [0.2, 0.8]].forEach((p, i) => near(z.points[i], p, `point ${i + 1}`));
  assert.deepEqual([z.kind, z.direction, z.labels, z.min_confidence, z.confirm_frames, z.record], ['polygon', 'any', ['person', 'car'], 0.5, 2, true]);
});

test('an outline that crosses itself is shown before it is saved', async () => {
  await id(page, 'zone-edit-Drive').click();
  await id(page, 'zone-point-0').waitFor();
  await page.locator('.numbers summary').click();
  await id(page, 'zone-x-0').fill('90');
  await id(page, 'zone-y-0').fill('50');
  await id(page, 'zone-y-0').press('Tab');
  assert.match(await id(page, 'zone-wrong').innerText(), /crosses itself/);
  assert.ok((await page.locator('.draw-side.is-bad').count()) >= 2);
  assert.ok(await id(page, 'zone-save').isDisabled());
  await shot(page, 'zone-crossed');
  await id(page, 'zone-cancel').click();
  near((await named('Drive')).points[0], [0.2, 0.2], 'it stays as it was');
});

test('a zone is changed by the keyboard alone', async () => {
  await id(page, 'zone-edit-Drive').focus();
  await page.keyboard.press('Enter');
  await id(page, 'zone-point-1').focus();
  for (const k of ['ArrowLeft', 'ArrowDown', 'Shift+ArrowRight']) await page.keyboard.press(k);
  const label = () => page.evaluate(() => document.activeElement.getAttribute('aria-label'));
  assert.match(await label(), /^Point 2 of 4, (79|78\.9|79\.1)/);
  await page.keyboard.press('Insert');
  assert.match(await label(), /^Point 3 of 5/);
  await page.keyboard.press('Delete');
  assert.match(await label(), /^Point 3 of 4/);
  await id(page, 'zone-dwell').fill('5');
  await id(page, 'zone-save').focus();
  await page.keyboard.press('Enter');
  await eventually('saved', 5_000, async () => (await named('Drive')).dwell_seconds === 5);
  near((await named('Drive')).points[1], [0.79, 0.21], 'the moved point');
});

test('a line is drawn by touch, and has its two sides', async () => {
  const phone = await chrome.newContext({ viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true, storageState: await page.context().storageState() });
  const p = await phone.newPage();
  await p.goto(`${box.url}/#/cameras/yard/zones`);
  await id(p, 'zone-add').tap();
  await p.getByRole('radio', { name: 'Line' }).tap();
  for (const [x, y] of [[0.9, 0.1], [0.9, 0.5]]) await p.touchscreen.tap(...(await spot(p, x, y)));
  await id(p, 'zone-adding').tap();
  const touch = await phone.newCDPSession(p);
  const [[ax, ay], [bx, by]] = [await spot(p, 0.9, 0.5), await spot(p, 0.9, 0.9)];
  await touch.send('Input.dispatchTouchEvent', { type: 'touchStart', touchPoints: [{ x: ax, y: ay }] });
  for (const s of [0.5, 1]) await touch.send('Input.dispatchTouchEvent', { type: 'touchMove', touchPoints: [{ x: ax, y: ay + (by - ay) * s }] });
  await touch.send('Input.dispatchTouchEvent', { type: 'touchEnd', touchPoints: [] });
  assert.equal(ax, bx);
  await id(p, 'zone-name').fill('Gate');
  await id(p, 'direction').selectOption('ab');
  await shot(p, 'zone-line-phone');
  assert.deepEqual(await violations(p), []);
  assert.ok((await p.evaluate(() => document.documentElement.scrollWidth)) <= 360, 'it scrolls sideways');
  await id(p, 'zone-save').tap();
  await id(p, 'zone-Gate').waitFor();
  const z = await named('Gate');
  assert.deepEqual([z.kind, z.direction, z.points.length], ['line', 'ab', 2]);
  near(z.points[1], [0.9, 0.9], 'the dragged end');
  await phone.close();
});

test('what the recorder refuses is said beside the field', async () => {
  await page.reload();
  await id(page, 'zone-add').click();
  await id(page, 'zone-first').click();
  await id(page, 'zone-name').fill('x'.repeat(200));
  await id(page, 'zone-save').click();
  await page.locator('#name-error').waitFor();
  assert.equal(await page.evaluate(() => document.activeElement.id), 'name');
  await id(page, 'zone-cancel').click();
});

test('boxes are drawn over the picture, and go when nothing is seen any more', async () => {
  await go(page, '#/live/yard', 'tile-boxes');
  const boxes = () => id(page, 'boxes-yard').getAttribute('data-boxes');
  await eventually('listening', 15_000, async () => (await boxes()) !== null);
  await eventually('a box', 10_000, async () => {
    await report(person(0.1, 0.5)); // beside the zone
    return (await boxes()) === '1';
  });
  await shot(page, 'boxes');
  await report([]);
  await eventually('none', 5_000, async () => (await boxes()) === '0');
  await page.keyboard.press('b');
  await eventually('switched off', 3_000, async () => (await id(page, 'boxes-yard').count()) === 0);
  await page.keyboard.press('b');
});

test('who is in a zone is shown while it lasts, and told as events', async () => {
  await go(page, '#/cameras/yard/zones', 'inside-Drive');
  await eventually('inside', 15_000, async () => {
    await report(person(0.4, 0.5));
    return /1 × person/.test(await id(page, 'inside-Drive').innerText());
  });
  await shot(page, 'zone-inside');
  await go(page, '#/events', 'event-list');
  await eventually('told', 10_000, async () => /Person entered Drive/.test(await id(page, 'event-list').innerText()));
  await eventually('left', 15_000, async () => {
    await report([]);
    return /Person left Drive/.test(await id(page, 'event-list').innerText());
  });
  await go(page, '#/cameras/yard/zones', 'inside-Drive');
  await eventually('nobody', 10_000, async () => /Nobody/.test(await id(page, 'inside-Drive').innerText()));
});

test('a viewer sees the zones and draws none', async () => {
  await api(page, 'POST', '/api/v1/users', { username: 'vera', role: 'viewer', password: 'another one 815' });
  const viewer = await open(chrome, box.url);
  await id(viewer, 'login-user').fill('vera');
  await id(viewer, 'login-pass').fill('another one 815');
  await id(viewer, 'login-submit').click();
  await id(viewer, 'nav-live').waitFor();
  await go(viewer, '#/cameras/yard/zones', 'zone-Drive');
  assert.equal(await id(viewer, 'zone-add').count(), 0);
  assert.equal(await id(viewer, 'zone-edit-Drive').count(), 0);
  assert.deepEqual(viewer.problems.filter((t) => !/401/.test(t)), []);
  await viewer.context().close();
});

test('a zone is removed when somebody is sure', async () => {
  await id(page, 'zone-edit-Gate').click();
  await id(page, 'zone-remove').click();
  await id(page, 'zone-gone-confirm').click();
  await eventually('gone', 5_000, async () => (await id(page, 'zone-Gate').count()) === 0);
  assert.deepEqual((await zones()).map((z) => z.name), ['Drive']);
});

for (const colorScheme of ['dark', 'light']) {
  test(`the zones break no rule of access, ${colorScheme}`, async () => {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    await go(page, '#/cameras/yard/zones', 'zone-list');
    assert.deepEqual(await violations(page), []);
    await id(page, 'zone-edit-Drive').click();
    await id(page, 'zone-point-0').waitFor();
    assert.deepEqual(await violations(page), []);
    await id(page, 'zone-cancel').click();
  });
}

test('nothing went wrong unseen', () => {
  assert.deepEqual(page.problems.filter((p) => !/40[01]|Failed to load resource/.test(p)), []);
});
