// A camera server that is not our own, with sound that no browser plays from
// MP4: the picture must play all the same, live and recorded.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { Box, api, browser, claim, eventually, id, open } from './box.mjs';

let box, chrome, page, camera;

before(async () => {
  camera = spawn('/usr/bin/python3', [resolve(import.meta.dirname, '../../internal/testkit/gstcam.py')], { stdio: ['pipe', 'pipe', 'inherit'] });
  camera.stdin.write('{}\n');
  const lines = createInterface({ input: camera.stdout });
  const [, port] = await new Promise((done, fail) => {
    lines.once('line', (l) => (l.startsWith('ready ') ? done(l.split(' ')) : fail(new Error(l))));
    camera.once('error', fail);
  });
  box = await Box.start({ config: '[recording]\nsegment = "5s"\n' });
  chrome = await browser();
  page = await open(chrome, box.url);
  await claim(page, box.code);
  await api(page, 'POST', '/api/v1/cameras', { name: 'Gate', main_url: `rtsp://127.0.0.1:${port}/h264-pcmu`, record: true, audio: true });
});

after(async () => {
  await chrome?.close();
  await box?.stop();
  camera?.stdin.end();
});

// Whether the picture of a video changes within a second.
const moves = (testid) =>
  page.evaluate(async (testid) => {
    const v = document.querySelector(`[data-testid="${testid}"]`);
    if (!v || v.readyState < 2 || !v.videoWidth) return false;
    const read = () => {
      const c = document.createElement('canvas');
      [c.width, c.height] = [64, 36];
      const g = c.getContext('2d', { willReadFrequently: true });
      g.drawImage(v, 0, 0, 64, 36);
      return g.getImageData(0, 0, 64, 36).data.join();
    };
    const before = read();
    await new Promise((done) => setTimeout(done, 800));
    return read() !== before;
  }, testid);

test('live shows a camera with G.711 sound', async () => {
  await eventually('moving live', 30_000, () => moves('tile-video-gate'));
});

test('playback shows footage with G.711 sound', async () => {
  const ranges = await eventually('recorded 8 s', 30_000, async () => {
    const t = await api(page, 'GET', `/api/v1/cameras/gate/timeline?from=${Date.now() - 600_000}&to=${Date.now()}`);
    return t.ranges.length && Date.parse(t.ranges[0].end) - Date.parse(t.ranges[0].start) > 8_000 && t.ranges;
  });
  const index = await api(page, 'GET', `/api/v1/cameras/gate/gops?from=${Date.parse(ranges[0].start)}&to=${Date.now()}`);
  assert.equal(index.inits[0].video_only, true, 'the footage has sound that browsers do not play');
  await id(page, 'nav-playback').click();
  await id(page, 'playback-video').waitFor();
  await id(page, 'goto-input').fill(new Date(Date.parse(ranges[0].start) + 2_000).toISOString());
  await id(page, 'goto-input').press('Enter');
  await eventually('moving in playback', 15_000, () => moves('playback-video'));
});
