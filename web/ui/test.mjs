// Bundles every test for Node and hands the result to Node's own test runner.
import { build } from 'esbuild';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const here = path.dirname(fileURLToPath(import.meta.url));
const tests = (await readdir(path.join(here, 'test'))).filter((f) => f.endsWith('.test.ts'));
const out = await mkdtemp(path.join(tmpdir(), 'panel-test-'));
try {
  await build({
    absWorkingDir: here,
    entryPoints: tests.map((f) => path.join('test', f)),
    outdir: out,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node18',
    logLevel: 'warning',
  });
  const files = (await readdir(out)).map((f) => path.join(out, f));
  const run = spawnSync(process.execPath, ['--test', ...files], { stdio: 'inherit', env: { ...process.env, TZ: 'Europe/Berlin' } });
  process.exitCode = run.status ?? 1;
} finally {
  await rm(out, { recursive: true, force: true });
}
