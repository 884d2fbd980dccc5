// What a segment's first bytes need before a browser takes them. Pure.

const soun = [0x73, 0x6f, 0x75, 0x6e];
const meta = [0x6d, 0x65, 0x74, 0x61];
const hdlr = [0x68, 0x64, 0x6c, 0x72];

/**
 * silent gives a copy of an init in which sound tracks are called metadata: a
 * browser that cannot play their coding (G.711) would else refuse the picture
 * with them. The handler type stands 8 bytes behind the name of its box (ISO
 * 14496-12, 8.4.3).
 */
export function silent(init: ArrayBuffer): ArrayBuffer {
  const b = new Uint8Array(init.slice(0));
  const is = (at: number, word: number[]) => word.every((c, i) => b[at + i] === c);
  for (let i = 0; i + 16 <= b.length; i++) {
    if (is(i, hdlr) && is(i + 12, soun)) b.set(meta, i + 12);
  }
  return b.buffer;
}
