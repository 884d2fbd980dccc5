// The panel as a person uses it: claim, live, scrub, download, camera away.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Box, api, browser, claim, eventually, frameAt, frameDistance, id, open, owner, readFrame, sleep } from './box.mjs';

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
  const first = await eventually('showing a picture', 15_000, () => readFrame(page, 'tile-video-yard').then((f) => f !== null && { f, at: Date.now() }));
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
  const real = page.problems.filter((p) => !/401|Failed to load resource|WebSocket/.test(p));
  assert.deepEqual(real, []);
});
