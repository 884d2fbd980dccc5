import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { gestures, lights, patterns } from '../src/lights';

test('lights and gestures are those of the document', () => {
  const doc = readFileSync('../../docs/LIGHTS.md', 'utf8');
  const rows = doc.split('\n').filter((l) => /^\| [a-z]+ \| (solid|off|blink|fast|pulse) \|/.test(l));
  assert.deepEqual(rows.sort(), lights.map((l) => `| ${l.state} | ${l.status} | ${l.fault} | ${l.means} |`).sort());
  for (const l of lights) assert.ok(patterns[l.status] && patterns[l.fault]);
  for (const g of gestures) assert.ok(doc.includes(`| ${g.name} | ${g.ms ? `${g.ms / 1000} s` : 'shorter'} | ${g.does} |`), g.name);
});
