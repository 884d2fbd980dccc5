// Starts the product for a browser test: a simulated camera, the built
// binary, a Chromium. Everything it starts, it ends.
import { spawn } from 'node:child_process';
import { mkdtemp, writeFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { chromium } from 'playwright-core';

// VEDETTE_BIN names another binary to test.
const binary = resolve(process.env.VEDETTE_BIN ?? join(import.meta.dirname, '../../bin/vedette'));

export const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

export async function freePort() {
  return new Promise((done, fail) => {
    const s = createServer();
    s.once('error', fail);
    s.listen(0, '127.0.0.1', () => {
      const { port } = s.address();
      s.close(() => done(port));
    });
  });
}

// Calls f until it returns something truthy, for limit ms at most.
export async function eventually(what, limit, f) {
  const end = Date.now() + limit;
  let last;
  for (;;) {
    try {
      const v = await f();
      if (v) return v;
    } catch (e) {
      last = e;
    }
    if (Date.now() > end) throw new Error(`not ${what} within ${limit} ms${last ? `: ${last}` : ''}`);
    await sleep(50);
  }
}

class Process {
  constructor(args) {
    this.log = '';
    this.child = spawn(binary, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    const keep = (b) => (this.log += b);
    this.child.stdout.on('data', keep);
    this.child.stderr.on('data', keep);
    this.exited = new Promise((done) => this.child.once('exit', done));
  }

  async stop(signal = 'SIGTERM') {
    this.child.kill(signal);
    const late = setTimeout(() => this.child.kill('SIGKILL'), 20_000);
    await this.exited;
    clearTimeout(late);
  }
}

// A box with its simulated cameras. Options: config (TOML text), paths.
export class Box {
  static async start({ config = '', paths = ['yard'], clip } = {}) {
    const b = new Box();
    b.data = await mkdtemp(join(tmpdir(), 'vedette-browser-'));
    b.config = join(b.data, 'vedette.toml');
    await writeFile(b.config, config);
    b.camera = `127.0.0.1:${await freePort()}`;
    b.cameraArgs = ['simcam', '--listen', b.camera, ...paths.flatMap((p) => ['--path', p]), ...(clip ? ['--clip', clip] : [])];
    await b.plugCamera();
    b.listen = `127.0.0.1:${await freePort()}`;
    b.url = `http://localhost:${b.listen.split(':')[1]}`;
    b.process = b.launch();
    const m = await eventually('printing a claim code', 10_000, () => b.process.log.match(/claim code:?\s+([A-Z0-9-]{8,})/));
    b.code = m[1];
    await eventually('ready', 10_000, async () => (await fetch(`${b.url}/readyz`)).ok);
    return b;
  }

  launch() {
    return new Process(['run', '--config', this.config, '--data', join(this.data, 'data'), '--listen', this.listen]);
  }

  // Ends the recorder cleanly and calls during while it is away; the page stays open.
  async restart(during) {
    await this.process.stop();
    await during?.();
    this.process = this.launch();
    await eventually('ready again', 15_000, async () => (await fetch(`${this.url}/readyz`)).ok);
  }

  async plugCamera() {
    this.cameraProcess = new Process(this.cameraArgs);
    await eventually('serving RTSP', 5_000, () => this.cameraProcess.log.includes('rtsp://'));
  }

  async pullCamera() {
    await this.cameraProcess.stop('SIGKILL');
  }

  async stop() {
    await this.process.stop();
    await this.cameraProcess.stop();
    await rm(this.data, { recursive: true, force: true });
  }
}

export async function browser() {
  return chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: [
      '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
      '--disable-background-networking', '--disable-component-update', '--disable-sync',
      '--autoplay-policy=no-user-gesture-required',
    ],
  });
}

// Opens a page whose console errors, failed requests to the box and
// exceptions are collected in page.problems.
export async function open(chrome, url, options = {}) {
  const context = await chrome.newContext({ viewport: { width: 1280, height: 800 }, ...options });
  const page = await context.newPage();
  page.problems = [];
  page.on('pageerror', (e) => page.problems.push(String(e)));
  page.on('console', (m) => m.type() === 'error' && page.problems.push(m.text()));
  await page.goto(url);
  return page;
}

export const id = (page, name) => page.locator(`[data-testid="${name}"]`);

export const owner = { name: 'owner', password: 'correct horse battery' };

export async function claim(page, code) {
  await id(page, 'claim-code').fill(code);
  await id(page, 'claim-user').fill(owner.name);
  await id(page, 'claim-pass').fill(owner.password);
  await id(page, 'claim-submit').click();
  await id(page, 'nav-live').waitFor();
}

// Calls the API as the signed-in page does.
export async function api(page, method, path, body) {
  return page.evaluate(
    async ([method, path, body]) => {
      const r = await fetch(path, { method, headers: body ? { 'Content-Type': 'application/json' } : {}, body: body && JSON.stringify(body) });
      if (!r.ok) throw new Error(`${method} ${path}: ${r.status} ${await r.text()}`);
      return r.status === 204 ? null : r.json();
    },
    [method, path, body],
  );
}

// Reads the barcode of the built-in clip from a video: which frame of the
// minute it shows (0 to 1499, 25 a second), or null. internal/simcam says how
// the barcode is laid out.
export async function readFrame(page, testid) {
  return page.evaluate((testid) => {
    const v = document.querySelector(`[data-testid="${testid}"]`);
    if (!v || v.readyState < 2 || !v.videoWidth) return null;
    const c = document.createElement('canvas');
    [c.width, c.height] = [v.videoWidth, v.videoHeight];
    const g = c.getContext('2d', { willReadFrequently: true });
    g.drawImage(v, 0, 0);
    const y = Math.floor(c.height * (1 - 20 / 360));
    const bit = Array.from({ length: 16 }, (_, i) => Number(g.getImageData(Math.floor(((i + 0.5) / 16) * c.width), y, 1, 1).data[1] > 127));
    if (!bit[0] || bit[1] || bit[14] || !bit[15]) return null;
    const number = bit.slice(2, 13);
    const parity = number.reduce((a, b) => a + b, 0) % 2;
    return parity === bit[13] ? number.reduce((a, b) => a * 2 + b, 0) : null;
  }, testid);
}

// The frame of the minute that the clock of the wall shows at ms.
export const frameAt = (ms) => Math.floor(ms / 40) % 1500;

// How many frames a lies after b on the minute's circle, -750 to 749.
export const frameDistance = (a, b) => ((((a - b) % 1500) + 2250) % 1500) - 750;
