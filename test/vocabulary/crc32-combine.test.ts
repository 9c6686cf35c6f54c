import { crc32 } from 'node:zlib';
import { expect } from 'chai';
import * as fc from 'fast-check';
import { combineCrc32 } from '../../modules/vocabulary/index.ts';

describe('combining CRC-32s', () => {
  it('gives the CRC-32 of two pieces without a second pass over them', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 5000 }), fc.uint8Array({ maxLength: 5000 }), (a, b) => {
        expect(combineCrc32(crc32(a), crc32(b), b.length)).to.equal(crc32(Buffer.concat([a, b])));
      }),
      { numRuns: 200 },
    );
  });

  it('is right for a part of 16 MiB behind another, and for many in a row', () => {
    const piece = Buffer.alloc(16 * 1024 ** 2, 'cleanroom');
    expect(combineCrc32(crc32(piece), crc32(piece), piece.length)).to.equal(crc32(piece, crc32(piece)));
    const small = Buffer.from('abc');
    const combined = Array.from({ length: 100 }, () => crc32(small)).reduce((sum, next) => combineCrc32(sum, next, small.length), 0);
    expect(combined).to.equal(crc32(Buffer.from('abc'.repeat(100))));
  });

  it('knows zero bytes of any number, as CRC-32 of terabytes would give them', () => {
    // Shifting in two steps must be shifting in one.
    for (const length of [2 ** 31, 2 ** 32 + 1, 5 * 1024 ** 3, 2 ** 45 + 12_345]) {
      const half = Math.floor(length / 2);
      expect(combineCrc32(combineCrc32(0xdeadbeef, 0, half), 0, length - half), String(length)).to.equal(combineCrc32(0xdeadbeef, 0, length));
    }
  });

  it('leaves the first alone where the second is empty', () => {
    expect(combineCrc32(0xcafebabe, 0, 0)).to.equal(0xcafebabe);
  });
});
