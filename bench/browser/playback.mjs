// Playback through the real panel over footage with a hole: from asking for a
// moment to its picture, bytes per seek, and bytes per step while the time
// line is dragged. Pictures carry their number (bench/clip.sh), so a picture
// counts only if it is the one that was asked for.
// Usage: node playback.mjs CLIP FOOTAGE_PROGRAM [SEEKS]
import { execFileSync, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { api, browser, claim, eventually, freePort, id, open, sleep } from '../../test/browser/box.mjs';
import { load, quantile, reader, spread } from './measure.mjs';

const [clip, program, seeks = '40'] = process.argv.slice(2);
const minute = 60_000;
const minutes = 30;
const hole = 5;

async function start(data) {
  const port = await freePort();
  const child = spawn(resolve(import.meta.dirname, '../../bin/vedette'), ['run', '--data', data, '--listen', `127.0.0.1:${port}`]);
  let log = '';
  for (const s of [child.stdout, child.stderr]) s.on('data', (b) => (log += b));
  const exited = new Promise((done) => child.once('exit', done));
  const m = await eventually('printing a claim code', 30_000, () => log.match(/claim code:?\s+([A-Z0-9-]{8,})/));
  const stop = () => child.kill('SIGTERM') && exited;
  return { url: `http://localhost:${port}`, code: m[1], stop };
}

// In the page: watches the pictures until one is the frame wanted (of the
// minute, or one of the next six) and the player is at the wall-clock moment
// wanted; answers how long that took since the form was submitted.
function watchFor([wanted, wall]) {
  const video = document.querySelector('[data-testid="playback-video"]');
  let began = null;
  addEventListener('submit', () => (began = performance.now()), { capture: true, once: true });
  globalThis.arrival = new Promise((done, fail) => {
    setTimeout(() => fail(new Error('no picture in 10 s')), 10_000);
    const look = () => {
      const now = performance.now();
      const frame = globalThis.readNumber(video);
      const ahead = frame === null ? -1 : (frame - wanted + 1500) % 1500;
      const p = window.vedette.debug.player;
      if (began !== null && ahead >= 0 && ahead <= 6 && Math.abs(p.wall - wall) < 1_000) done({ ms: now - began, said: p.lastSeekMs });
      else video.requestVideoFrameCallback(look);
    };
    video.requestVideoFrameCallback(look);
  });
  globalThis.arrival.catch(() => {}); // it is waited for below
}

async function seek(page, wall, lands) {
  const before = await page.evaluate(() => window.vedette.debug.player.bytes);
  // A frame is shown from its own moment on: the one before the next.
  await page.evaluate(watchFor, [Math.floor((lands % minute) / 40), lands]);
  await id(page, 'goto-input').fill(new Date(wall).toISOString());
  await id(page, 'goto-input').press('Enter');
  const r = await page.evaluate(() => globalThis.arrival);
  await sleep(700);
  return { ...r, bytes: (await page.evaluate(() => window.vedette.debug.player.bytes)) - before };
}

// In the page: the least a browser can do, for comparison: one group of
// pictures whose place is known beforehand, fetched and appended to a buffer
// that is open already; answers how long until the picture wanted is shown.
async function bareSeek([list, wanted, wall]) {
  const segment = list.segments.find((s) => s.start <= wall && wall < s.end);
  const [offset, size, start] = segment.gops.findLast((g) => g[2] <= wall);
  const bytes = async (from, to) => (await fetch(segment.url, { headers: { Range: `bytes=${from}-${to - 1}` } })).arrayBuffer();
  if (!globalThis.bare) {
    const video = document.createElement('video');
    video.muted = true;
    document.body.append(video);
    const source = new MediaSource();
    video.src = URL.createObjectURL(source);
    await new Promise((done) => source.addEventListener('sourceopen', done, { once: true }));
    const buffer = source.addSourceBuffer(list.inits[segment.init].mime);
    const append = (b) => new Promise((done) => {
      buffer.addEventListener('updateend', done, { once: true });
      buffer.appendBuffer(b);
    });
    await append(await bytes(0, segment.init_size));
    globalThis.bare = { video, buffer, append, origin: wall - 3_600_000 }; // before all footage
  }
  const { video, buffer, append, origin } = globalThis.bare;
  if (buffer.buffered.length) {
    const gone = new Promise((done) => buffer.addEventListener('updateend', done, { once: true }));
    buffer.remove(0, Infinity);
    await gone;
  }
  const began = performance.now();
  const shown = new Promise((done) => {
    const look = () => {
      const frame = globalThis.readNumber(video);
      const ahead = frame === null ? -1 : (frame - wanted + 1500) % 1500;
      if (ahead >= 0 && ahead <= 6) done(performance.now() - began);
      else video.requestVideoFrameCallback(look);
    };
    video.requestVideoFrameCallback(look);
  });
  const group = await bytes(offset, offset + size);
  buffer.timestampOffset = (segment.start - origin) / 1000;
  await append(group);
  video.currentTime = (Math.max(wall, start) - origin) / 1000;
  return Promise.race([shown, new Promise((_, fail) => setTimeout(() => fail(new Error('no picture in 10 s')), 10_000))]);
}

async function seekMany(page, first, what, { bare = false } = {}) {
  const times = [];
  const bareTimes = [];
  const bytes = [];
  const said = [];
  let holes = 0;
  let worst = '';
  for (let n = 0; n < Number(seeks); n++) {
    const offset = Math.floor(Math.random() * ((minutes + hole) * minute - 5_000));
    const inHole = offset >= (minutes / 2) * minute && offset < (minutes / 2 + hole) * minute;
    if (inHole) holes++;
    const r = await seek(page, first + offset, first + (inHole ? (minutes / 2 + hole) * minute : offset));
    if (r.ms > Math.max(0, ...times)) worst = `slowest at ${offset} ms${inHole ? ' (in the hole)' : ''}`;
    times.push(r.ms);
    said.push(r.said);
    bytes.push(r.bytes);
    if (!bare || inHole) continue;
    const wall = first + offset;
    const list = await api(page, 'GET', `/api/v1/cameras/yard/gops?from=${wall}&to=${wall + 1}`);
    bareTimes.push(await page.evaluate(bareSeek, [list, Math.floor((wall % minute) / 40), wall]));
    await sleep(300);
  }
  console.log(`${what}: ${spread(times)}, p95 ${quantile(times, 0.95).toFixed(0)} ms, ${holes} of them into the hole; ${worst}; load ${load().trim()}`);
  console.log(`  the panel's own figure: ${spread(said)}, p95 ${quantile(said, 0.95).toFixed(0)} ms`);
  if (bare) console.log(`  the same moments with one known group and nothing around it: ${spread(bareTimes)}, p95 ${quantile(bareTimes, 0.95).toFixed(0)} ms`);
  console.log(`  bytes from one seek to the next: median ${quantile(bytes, 0.5)}, max ${quantile(bytes, 1)}`);
}

async function drag(page, requests) {
  const box = await id(page, 'timeline').boundingBox();
  const view = await page.evaluate(() => window.vedette.debug.timeline);
  const at = await page.evaluate(() => window.vedette.debug.player.wall);
  const y = box.y + box.height / 2;
  const x = (t) => box.x + ((t - view.from) / (view.to - view.from)) * box.width;
  requests.length = 0;
  const before = await page.evaluate(() => window.vedette.debug.player);
  const steps = 60;
  const stepMs = 20_000; // ten groups of pictures: each step needs another key frame
  await page.mouse.move(x(at), y);
  await page.mouse.down();
  const perStep = [];
  let bytes = before.bytes;
  for (let n = 1; n <= steps; n++) {
    await page.mouse.move(x(at - n * stepMs), y);
    await sleep(100);
    const now = await page.evaluate(() => window.vedette.debug.player.bytes);
    perStep.push(now - bytes);
    bytes = now;
  }
  const after = await page.evaluate(() => window.vedette.debug.player);
  const sent = await Promise.all(requests.map((r) => r.sizes().then((s) => s.responseBodySize, () => 0)));
  await page.mouse.up();
  console.log(`drag, ${steps} steps of ${stepMs / 1000} s, 100 ms apart: bytes a step median ${quantile(perStep, 0.5)}, max ${quantile(perStep, 1)}; ` +
    `${after.requests - before.requests} requests, largest answer ${quantile(sent, 1)}, all ${sent.reduce((a, b) => a + b, 0)}; load ${load().trim()}`);
  console.log(`  the panel's own figure: max ${after.maxScrubBytes} a step`);
}

const data = await mkdtemp(join(tmpdir(), 'vedette-bench-'));
let box, chrome;
try {
  const first = Number(execFileSync(program, ['-clip', clip, '-volume', join(data, 'footage-volume'), '-minutes', String(minutes), '-hole', String(hole)]));
  box = await start(data);
  chrome = await browser();
  const page = await open(chrome, box.url);
  const requests = [];
  page.on('request', (r) => r.url().includes('/media.mp4') && requests.push(r));
  await claim(page, box.code);
  await api(page, 'POST', '/api/v1/cameras', { name: 'yard', main_url: 'rtsp://127.0.0.1:1/none', record: false, audio: true });
  const t = await api(page, 'GET', `/api/v1/cameras/yard/timeline?from=${first - minute}&to=${Date.now()}`);
  console.log(`footage: ${t.ranges.map((r) => `${(Date.parse(r.end) - Date.parse(r.start)) / minute} min`).join(' and ')}, holes of ${t.gaps.filter((g) => Date.parse(g.end) < first + 36 * minute).map((g) => `${(Date.parse(g.end) - Date.parse(g.start)) / minute} min`)}`);
  await page.goto(`${box.url}/#/playback/yard?t=${first + minute}`);
  await page.evaluate(reader);
  await eventually('playing', 15_000, () => page.evaluate(() => window.vedette.debug.player?.state === 'playing'));
  await seekMany(page, first, 'seek while playing');
  await id(page, 'play').click();
  await seekMany(page, first, 'seek while paused', { bare: true });
  await seek(page, first + 34 * minute, first + 34 * minute);
  await drag(page, requests);
} finally {
  await chrome?.close();
  await box?.stop();
  await rm(data, { recursive: true, force: true });
}
