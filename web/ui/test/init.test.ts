import test from 'node:test';
import assert from 'node:assert/strict';
import { silent } from '../src/media/init';

const bytes = (s: string) => new Uint8Array([...s].map((c) => c.charCodeAt(0))).buffer;
const text = (b: ArrayBuffer) => String.fromCharCode(...new Uint8Array(b));

test('sound tracks become metadata, pictures and stray words stay', () => {
  const init = bytes('hdlr\0\0\0\0\0\0\0\0vide....soun....hdlr\0\0\0\0\0\0\0\0soun....');
  assert.equal(text(silent(init)), 'hdlr\0\0\0\0\0\0\0\0vide....soun....hdlr\0\0\0\0\0\0\0\0meta....');
  assert.match(text(init), /soun\.\.\.\.$/, 'the bytes given are not changed');
});

test('a torn box at the end is left alone', () => {
  assert.equal(text(silent(bytes('xxhdlr\0\0\0\0'))), 'xxhdlr\0\0\0\0');
});
