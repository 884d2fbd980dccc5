// Live view through the real panel: how long from the click to the first
// picture, how long until the present is on show, and how old pictures are
// from then on. Pictures carry their number (bench/clip.sh), and the simulated
// camera sends picture n at n × 40 ms after the full minute of the same clock.
// Usage: node live.mjs CLIP [JOINS]
import { Box, api, browser, claim, eventually, id, open, sleep } from '../../test/browser/box.mjs';
import { load, quantile, reader, spread } from './measure.mjs';

const [clip, joins = '10'] = process.argv.slice(2);
const watchMs = 8_000;
const settled = 2_000; // latency counts from here on, ms after the click

// In the page: clicks, then notes every picture as [ms since the click, its age in ms or null].
async function join(ms) {
  const seen = [];
  const began = performance.now();
  document.querySelector('[data-testid="nav-live"]').click();
  const video = await new Promise((done) => {
    const look = () => {
      const v = document.querySelector('[data-testid="tile-video-cam0"]');
      if (v) done(v);
      else setTimeout(look, 1);
    };
    look();
  });
  const note = () => {
    const at = performance.now() - began;
    const now = Date.now();
    const frame = globalThis.readNumber(video);
    seen.push([at, frame === null ? null : ((((now - frame * 40) % 60_000) + 90_000) % 60_000) - 30_000]);
    video.requestVideoFrameCallback(note);
  };
  video.requestVideoFrameCallback(note);
  await new Promise((done) => setTimeout(done, ms));
  return seen;
}

const box = await Box.start({ paths: ['cam0'], clip });
const chrome = await browser();
try {
  const page = await open(chrome, box.url);
  await claim(page, box.code);
  await api(page, 'POST', '/api/v1/cameras', { name: 'cam0', main_url: `rtsp://${box.camera}/cam0`, record: true, audio: true });
  await eventually('recording', 20_000, async () => (await api(page, 'GET', '/api/v1/cameras'))[0].state === 'recording');
  await page.evaluate(reader);
  console.log('join load  first picture ms  its age ms  in the present after ms  latency median ms  p95 ms');
  const first = [];
  const present = [];
  const latency = [];
  for (let n = 1; n <= Number(joins); n++) {
    await id(page, 'nav-status').click();
    await sleep(2_000 + Math.random() * 2_000); // any phase of the GOP
    const seen = await page.evaluate(join, watchMs);
    if (!seen.length) throw new Error(`join ${n}: no picture in ${watchMs} ms`);
    const ages = seen.filter(([at, age]) => at >= settled && age !== null).map(([, age]) => age);
    const now = seen.find(([, age]) => age !== null && age <= 200);
    first.push(seen[0][0]);
    present.push(now ? now[0] : Infinity);
    latency.push(...ages);
    console.log(
      [String(n).padStart(4), load(), seen[0][0].toFixed(0).padStart(17), String(seen[0][1]).padStart(11), present.at(-1).toFixed(0).padStart(24),
        quantile(ages, 0.5).toFixed(0).padStart(18), quantile(ages, 0.95).toFixed(0).padStart(7)].join(' '),
    );
  }
  console.log(`first picture: ${spread(first)}`);
  console.log(`in the present after: ${spread(present)}`);
  console.log(`latency from ${settled} ms on: ${spread(latency)}, p95 ${quantile(latency, 0.95)} ms`);
} finally {
  await chrome.close();
  await box.stop();
}
