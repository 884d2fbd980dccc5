// Builds the panel into dist (or the folder named by --out).
// Names carry a hash of their content, so every asset may be cached for ever;
// only index.html is asked for again.
import { build, context } from 'esbuild';
import { cp, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const here = path.dirname(fileURLToPath(import.meta.url));
const arg = process.argv.indexOf('--out');
const target = arg > 0 ? path.resolve(process.argv[arg + 1]) : path.join(here, 'dist');
const watching = process.argv.includes('--watch');
// Built beside its place and put there whole, so that a go build at the same moment finds no half of it.
const out = watching ? target : `${target}.new`;

// KiB after gzip: what the first page loads, and all there is. The build fails above these.
const budget = { 'initial js': 60, css: 20, 'all js': 160 };

const options = {
  absWorkingDir: here,
  entryPoints: [
    { in: 'src/main.ts', out: 'app' },
    { in: 'src/styles/index.css', out: 'app' },
  ],
  outdir: path.join(out, 'assets'),
  entryNames: '[name]-[hash]',
  chunkNames: 'part-[hash]',
  splitting: true,
  bundle: true,
  format: 'esm',
  target: ['es2022', 'chrome108', 'firefox115', 'safari16.4'],
  minify: true,
  legalComments: 'none',
  charset: 'utf8',
  metafile: true,
  logLevel: 'warning',
};

/** initial gives the entry script and every part it needs before it runs. */
function initial(outputs) {
  const entry = Object.keys(outputs).find((f) => outputs[f].entryPoint === 'src/main.ts');
  const found = new Set([entry]);
  for (const f of found) {
    for (const i of outputs[f].imports) if (i.kind === 'import-statement') found.add(i.path);
  }
  return [...found];
}

async function page({ metafile: { outputs } }) {
  const [js, ...parts] = initial(outputs).map((f) => path.basename(f));
  const css = path.basename(Object.keys(outputs).find((f) => f.endsWith('.css')));
  const html = await readFile(path.join(here, 'src/index.html'), 'utf8');
  const early = parts.sort().map((f) => `<link rel="modulepreload" href="/assets/${f}">\n`).join('');
  await writeFile(path.join(out, 'index.html'), html.replace('{{js}}', js).replace('{{css}}', css).replace('{{early}}\n', early));
  await cp(path.join(here, 'src/static'), out, { recursive: true });
}

async function weigh({ metafile: { outputs } }) {
  const kib = async (names) => {
    let sum = 0;
    for (const f of names) sum += gzipSync(await readFile(path.resolve(here, f)), { level: 9 }).length;
    return sum / 1024;
  };
  const all = Object.keys(outputs);
  const sizes = {
    'initial js': await kib(initial(outputs)),
    css: await kib(all.filter((f) => f.endsWith('.css'))),
    'all js': await kib(all.filter((f) => f.endsWith('.js'))),
  };
  for (const [what, size] of Object.entries(sizes)) {
    console.log(`${what}: ${size.toFixed(1)} KiB gzip of ${budget[what]}`);
    if (size > budget[what]) process.exitCode = 1;
  }
  if (process.exitCode) console.error('over the budget');
}

await rm(out, { recursive: true, force: true });
await mkdir(out, { recursive: true });
if (watching) {
  const rebuild = { name: 'page', setup: (b) => b.onEnd((r) => r.metafile && page(r)) };
  const ctx = await context({ ...options, entryNames: '[name]', minify: false, plugins: [rebuild] });
  await ctx.watch();
  console.log('watching src, writing', out);
} else {
  const result = await build(options);
  await page(result);
  await weigh(result);
  await rm(`${target}.old`, { recursive: true, force: true });
  await rename(target, `${target}.old`).catch((e) => {
    if (e.code !== 'ENOENT') throw e;
  });
  await rename(out, target);
  await rm(`${target}.old`, { recursive: true, force: true });
}
