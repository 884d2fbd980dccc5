// The panel as a person uses it: claim, live, scrub, download, camera away.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { after, before, test } from 'node:test';
import { Box, api, browser, claim, eventually, frameAt, frameDistance, id, open, owner, readFrame, sleep } from './box.mjs';

// Evaluated in the page: the panel's content policy lets no script in from outside.
const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

// What axe finds on the page, one line each.
const violations = (page) => page.evaluate(async () => {
  const r = await window.axe.run(document, { resultTypes: ['violations'], runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] });
  return r.violations.flatMap((v) => v.nodes.map((n) => `${v.id}: ${n.target.join(' ')}: ${n.failureSummary.split('\n')[1]?.trim()}`));
});

let box, chrome, page;

before(async () => {
  box = await Box.start({ config: '[recording]\nsegment = "6s"\n[board]\nid = "sim"\n' });
  chrome = await browser();
  page = await open(chrome, box.url);
});

after(async () => {
  await chrome?.close();
  await box?.stop();
});

test('a fresh box is claimed with the code it printed', async () => {
  await claim(page, box.code);
  await api(page, 'POST', '/api/v1/cameras', { name: 'Yard', main_url: `rtsp://${box.camera}/yard`, record: true, audio: true });
  const stranger = await open(chrome, box.url);
  await id(stranger, 'login-user').waitFor(); // claimed: no second claim
  assert.equal(await id(stranger, 'claim-code').count(), 0);
  await stranger.context().close();
});

test('live video moves and shows the present', async () => {
  await id(page, 'nav-live').click();
  // A viewer begins with the cached group of pictures and catches up.
  const first = await eventually('showing the present', 15_000, async () => {
    const f = await readFrame(page, 'tile-video-yard');
    return f !== null && Math.abs(frameDistance(frameAt(Date.now()), f)) <= 20 && { f };
  });
  await sleep(1500);
  const f = await readFrame(page, 'tile-video-yard');
  const now = Date.now();
  assert.notEqual(f, null);
  const moved = frameDistance(f, first.f);
  assert.ok(moved >= 20 && moved <= 60, `1.5 s later the picture is ${moved} frames further, want about 37`);
  const behind = frameDistance(frameAt(now), f);
  assert.ok(behind >= -3 && behind <= 20, `the picture is ${behind * 40} ms behind the wall clock`);
});

test('a known second shows that second of the burned-in clock', async () => {
  // Enough footage first: more than two files.
  const ranges = await eventually('recorded 14 s', 40_000, async () => {
    const t = await api(page, 'GET', `/api/v1/cameras/yard/timeline?from=${Date.now() - 3_600_000}&to=${Date.now()}`);
    return t.ranges.length && Date.parse(t.ranges[0].end) - Date.parse(t.ranges[0].start) > 14_000 && t.ranges;
  });
  await id(page, 'nav-playback').click();
  await id(page, 'playback-video').waitFor();
  for (const offset of [2_300, 9_700, 6_100]) {
    const at = Date.parse(ranges[0].start) + offset;
    await id(page, 'goto-input').fill(new Date(at).toISOString());
    await id(page, 'goto-input').press('Enter');
    const f = await eventually(`showing ${offset} ms`, 10_000, async () => {
      const f = await readFrame(page, 'playback-video');
      return f !== null && Math.abs(frameDistance(f, frameAt(at))) <= 40 && { f };
    });
    assert.ok(f);
  }
});

test('a range is downloaded as a film', async () => {
  const t = await api(page, 'GET', `/api/v1/cameras/yard/timeline?from=${Date.now() - 3_600_000}&to=${Date.now()}`);
  const start = Date.parse(t.ranges[0].start);
  const go = async (ms) => {
    await id(page, 'goto-input').fill(new Date(ms).toISOString());
    await id(page, 'goto-input').press('Enter');
    await sleep(600);
  };
  await go(start + 1_000);
  await id(page, 'mark-in').click();
  await go(start + 5_000);
  await id(page, 'mark-out').click();
  const [download] = await Promise.all([page.waitForEvent('download'), id(page, 'download-clip').click()]);
  const stream = await download.createReadStream();
  let bytes = 0;
  let head = Buffer.alloc(0);
  for await (const chunk of stream) {
    if (head.length < 12) head = Buffer.concat([head, chunk]).subarray(0, 12);
    bytes += chunk.length;
  }
  assert.equal(head.subarray(4, 8).toString(), 'ftyp');
  assert.ok(bytes > 20_000, `the clip has ${bytes} bytes`);
});

test('a marked range is kept, told of, and released again', async () => {
  await id(page, 'keep').click();
  const [hold] = await eventually('held', 5_000, async () => {
    const { holds } = await api(page, 'GET', '/api/v1/holds');
    return holds.length && holds;
  });
  assert.deepEqual(hold.cameras, ['yard']);
  assert.equal(hold.by, owner.name);
  await eventually('on the time line', 5_000, async () => (await id(page, 'timeline').getAttribute('data-held')) === '1');
  await eventually('locked', 15_000, async () => (await api(page, 'GET', '/api/v1/system')).volumes[0].held_bytes > 0);
  await id(page, 'nav-status').click();
  assert.match(await id(page, `kept-${hold.id}`).innerText(), /Yard/);
  await eventually('told of', 5_000, async () => /is kept as evidence/.test(await id(page, 'events').innerText()));
  await id(page, `release-${hold.id}`).click();
  await eventually('off the list', 5_000, async () => (await id(page, 'kept').count()) === 0);
  assert.equal((await api(page, 'GET', '/api/v1/system')).volumes[0].held_bytes, 0);
});

test('how long footage is kept is set, tried and refused where it cannot be', async () => {
  const age = id(page, 'cameras.yard.age_hours');
  await age.fill('soon');
  await id(page, 'retention-preview').click();
  assert.match(await page.locator('[id="cameras.yard.age_hours-error"]').innerText(), /number of days/);
  assert.equal(await age.getAttribute('aria-invalid'), 'true');
  await age.fill('7');
  await id(page, 'cameras.yard.keep_hours').fill('8'); // the recorder's own word
  await id(page, 'retention-apply').click();
  await eventually('refused', 5_000, async () => /must not be more than/.test(await id(page, 'retention').innerText()));
  await id(page, 'cameras.yard.keep_hours').fill('');
  const quota = id(page, 'cameras.yard.quota_bytes');
  await quota.fill('2 MB');
  await id(page, 'retention-preview').click();
  const plan = id(page, 'retention-plan');
  await plan.waitFor();
  const { footage_bytes: has } = (await api(page, 'GET', '/api/v1/system')).volumes[0];
  assert.match(await plan.innerText(), has > 2_400_000 ? /would be deleted: .* by quota/s : /nothing would be deleted/, `${has} bytes`);
  assert.equal((await api(page, 'GET', '/api/v1/system/retention')).cameras.yard?.age_hours ?? null, null);
  await quota.fill('');
  await id(page, 'cameras.yard.keep_hours').fill('12 h');
  await id(page, 'retention-apply').click();
  const set = await eventually('applied', 5_000, async () => {
    const r = await api(page, 'GET', '/api/v1/system/retention');
    return r.cameras.yard?.age_hours === 168 && r;
  });
  assert.deepEqual(set.cameras.yard, { age_hours: 168, quota_bytes: null, keep_hours: 12 });
  await page.evaluate(axe);
  const found = await violations(page);
  assert.deepEqual(found, []);
  if (process.env.SHOTS) await page.screenshot({ path: `${process.env.SHOTS}/retention.png`, fullPage: true });
});

test('a camera that goes away is said to be away, and comes back by itself', async () => {
  await id(page, 'nav-live').click();
  await box.pullCamera();
  await eventually('saying offline', 20_000, async () => /offline/i.test(await id(page, 'tile-yard').innerText()));
  await box.plugCamera();
  await eventually('recording again', 40_000, async () => (await api(page, 'GET', '/api/v1/cameras'))[0].state === 'recording');
  await eventually('moving again', 20_000, async () => {
    const f = await readFrame(page, 'tile-video-yard');
    return f !== null && Math.abs(frameDistance(frameAt(Date.now()), f)) < 50;
  });
  const t = await api(page, 'GET', `/api/v1/cameras/yard/timeline?from=${Date.now() - 3_600_000}&to=${Date.now()}`);
  assert.equal(t.gaps.length, 1, JSON.stringify(t.gaps));
  assert.equal(t.gaps[0].reason, 'camera');
});

test('the board is shown, and its button pressed', async () => {
  await id(page, 'nav-status').click();
  await page.getByText('Simulated board').first().waitFor();
  await eventually('in order', 10_000, async () => (await id(page, 'overall').getAttribute('data-state')) === 'recording');
  assert.match(await id(page, 'overall').innerText(), /Everything is in order/);
  const button = page.locator('.press-cap');
  await button.click(); // as quick as a hand never is: still a press
  await eventually('telling of the hold', 10_000, async () => /kept as evidence/.test(await id(page, 'events').innerText()));
  const { events } = await api(page, 'GET', '/api/v1/events?limit=20');
  assert.ok(events.some((e) => e.type === 'evidence_hold' && e.payload.segments > 0), JSON.stringify(events.map((e) => e.type)));
});

test('the camera form names the field that is wrong, and tests what it added', async () => {
  await id(page, 'nav-cameras').click();
  await id(page, 'camera-add').click();
  await id(page, 'camera-save').click();
  await page.locator('#name[aria-invalid=true]').waitFor(); // found out by the page
  await id(page, 'camera-name').fill('Garage');
  await id(page, 'camera-vendor').selectOption('hikvision');
  await id(page, 'camera-address').fill('not an address');
  await id(page, 'camera-save').click();
  await page.locator('#address[aria-invalid=true]').waitFor(); // found out by the recorder
  assert.equal(await page.evaluate(() => document.activeElement.id), 'address');
  await page.getByText('By stream address').click();
  await id(page, 'camera-main-url').fill(`rtsp://${box.camera}/nosuch`);
  await id(page, 'camera-save').click();
  await eventually('saying why there is no picture', 20_000, async () => (await id(page, 'test-result').getAttribute('data-ok')) === 'false');
  await page.goto(`${box.url}/#/cameras`);
  await id(page, 'camera-test-yard').click();
  await eventually('finding the picture', 20_000, async () => (await id(page, 'test-result').getAttribute('data-ok')) === 'true');
  assert.match(await id(page, 'test-result').innerText(), /H\.264 · 640 × 360/);
  await page.keyboard.press('Escape');
  await id(page, 'camera-delete-garage').click();
  await id(page, 'remove-confirm').click();
  await eventually('removed', 5_000, async () => (await id(page, 'camera-garage').count()) === 0);
});

const wall = () => page.evaluate(() => window.vedette.debug.player?.wall ?? null);
const near = (ms, slack) => async () => Math.abs((await wall()) - ms) <= slack;

test('the keyboard drives playback', async () => {
  const t = await api(page, 'GET', `/api/v1/cameras/yard/timeline?from=${Date.now() - 3_600_000}&to=${Date.now()}`);
  const at = Date.parse(t.ranges[0].start) + 2_000;
  await id(page, 'nav-playback').click();
  await id(page, 'goto-input').fill(new Date(at).toISOString());
  await id(page, 'goto-input').press('Enter');
  await eventually('there', 10_000, near(at, 1500));
  await id(page, 'timeline').focus();
  await page.keyboard.press('k');
  await eventually('paused', 5_000, () => page.evaluate(() => window.vedette.debug.player.state === 'paused'));
  const from = await wall();
  await page.keyboard.press('ArrowRight');
  await eventually('10 s on', 10_000, near(from + 10_000, 100));
  await page.keyboard.press('ArrowLeft');
  await eventually('10 s back', 10_000, near(from, 100));
  const still = await wall();
  await page.keyboard.press('.');
  await eventually('one frame on', 5_000, async () => Math.abs((await wall()) - still - 40) <= 5);
  const before = await page.evaluate(() => window.vedette.debug.timeline);
  await page.keyboard.press('+');
  const after = await eventually('zoomed', 2_000, () => page.evaluate((w) => {
    const v = window.vedette.debug.timeline;
    return v.to - v.from < w * 0.6 && v;
  }, before.to - before.from));
  assert.ok(after.from < from && from < after.to, 'zooming keeps the position in sight');
  assert.match(await id(page, 'timeline').getAttribute('aria-valuetext'), /^Yard, .*, recorded(\. Kept by the box: button)?$/);
});

test('dragging over the time line shows pictures and stays cheap', async () => {
  for (let i = 0; i < 12 && !(await id(page, 'zoom-in').isDisabled()); i++) await page.keyboard.press('+');
  const b = await id(page, 'timeline').boundingBox();
  const y = b.y + b.height - 30;
  await page.mouse.move(b.x + b.width * 0.5, y);
  await page.mouse.down();
  const seen = new Set();
  for (let i = 0; i <= 30; i++) {
    await page.mouse.move(b.x + b.width * (0.5 + 0.2 * Math.sin((i / 30) * Math.PI)), y);
    seen.add(await wall());
    await page.evaluate(() => new Promise((done) => requestAnimationFrame(done)));
  }
  await eventually('another picture', 3_000, async () => seen.add(await wall()).size > 2);
  await page.mouse.up();
  const { maxScrubBytes } = await page.evaluate(() => window.vedette.debug.player);
  assert.ok(maxScrubBytes > 0 && maxScrubBytes <= 1_500_000, `${maxScrubBytes} bytes in one step`);
  await eventually('a picture after the drag', 5_000, () => readFrame(page, 'playback-video').then((f) => f !== null));
});

test('a restart of the recorder is said, and over without a reload', async () => {
  await id(page, 'nav-live').click();
  await eventually('live', 10_000, () => readFrame(page, 'tile-video-yard').then((f) => f !== null));
  const origin = await page.evaluate(() => performance.timeOrigin);
  await box.restart(async () => {
    await eventually('saying so', 10_000, async () => /Reconnecting/.test(await id(page, 'link-banner').innerText()));
    assert.equal(await page.locator('.shell.is-stale').count(), 1);
  });
  await eventually('linked again', 35_000, async () => (await id(page, 'link-banner').innerText()).trim() === '');
  await eventually('moving again', 20_000, async () => {
    const f = await readFrame(page, 'tile-video-yard');
    return f !== null && Math.abs(frameDistance(frameAt(Date.now()), f)) < 50;
  });
  assert.equal(await page.evaluate(() => performance.timeOrigin), origin, 'the page was loaded anew');
});

const screens = { live: 'live-grid', 'live/yard': 'tile-mute', playback: 'timeline', cameras: 'camera-yard', 'cameras/new': 'camera-name', 'cameras/yard': 'camera-name', status: 'overall' };

// A screen may need a moment to settle; a violation that stays is one.
async function settlesClean(page, screen) {
  let last = [];
  try {
    await eventually('clean', 3_000, async () => (last = await violations(page)).length === 0);
  } catch {
    assert.deepEqual(last, [], screen);
  }
}

for (const colorScheme of ['dark', 'light']) {
  test(`no screen breaks a rule of access, ${colorScheme}`, async () => {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    await page.evaluate(axe);
    for (const [screen, mark] of Object.entries(screens)) {
      await page.evaluate((to) => (location.hash = `#/${to}`), screen);
      await id(page, mark).first().waitFor();
      await settlesClean(page, screen);
    }
    await page.keyboard.press('?');
    await page.locator('dialog[open]').waitFor();
    await settlesClean(page, 'help');
    await page.keyboard.press('Escape');
  });
}

test('a telephone shows every screen without scrolling sideways', async () => {
  const phone = await chrome.newContext({ viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true, storageState: await page.context().storageState() });
  const p = await phone.newPage();
  await p.goto(box.url);
  await p.evaluate(axe);
  for (const [screen, mark] of Object.entries(screens)) {
    await p.evaluate((to) => (location.hash = `#/${to}`), screen);
    await id(p, mark).first().waitFor();
    const wide = await p.evaluate(() => document.documentElement.scrollWidth);
    assert.ok(wide <= 360, `${screen} is ${wide} px wide`);
    await settlesClean(p, screen);
  }
  await phone.close();
});

test('signing out ends it, signing in begins again', async () => {
  await api(page, 'POST', '/api/v1/auth/logout');
  await id(page, 'login-user').waitFor({ timeout: 5_000 });
  await id(page, 'login-user').fill(owner.name);
  await id(page, 'login-pass').fill('wrong password');
  await id(page, 'login-submit').click();
  await page.getByRole('alert').first().waitFor();
  await id(page, 'login-pass').fill(owner.password);
  await id(page, 'login-submit').click();
  await id(page, 'nav-live').waitFor();
});

test('nothing went wrong unseen', () => {
  const real = page.problems.filter((p) => !/401|Failed to load resource|WebSocket|ERR_CONNECTION_REFUSED/.test(p));
  assert.deepEqual(real, []);
});
