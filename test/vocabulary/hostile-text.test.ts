import { expect } from 'chai';
import * as fc from 'fast-check';
import { HostileText, escapeHostile, hostileText } from '../../modules/vocabulary/index.ts';

/** The bytes that escaped text stands for. */
const unescaped = (text: string): Buffer =>
  Buffer.from(text.replaceAll(/\\x([0-9a-f]{2})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16))), 'latin1');

describe('hostile text', () => {
  it('keeps every byte, twice: readable and as it was', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 600 }), (bytes) => {
        const { escaped, base64 } = hostileText(bytes);
        expect(Buffer.from(base64, 'base64').equals(bytes)).to.equal(true);
        expect(unescaped(escaped).equals(bytes)).to.equal(true);
        expect(HostileText.safeParse({ escaped, base64 }).success).to.equal(true);
      }),
    );
  });

  it('is printable ASCII, whatever somebody wrote', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => { expect(escapeHostile(text)).to.match(/^[\x20-\x7e]*$/).and.to.equal(escapeHostile(Buffer.from(text))); }));
  });

  it('takes the meaning from line breaks, terminal escapes, bidi characters and forged escapes', () => {
    expect(escapeHostile(Buffer.from('a\n{"event":"x"}'))).to.equal('a\\x0a{"event":"x"}');
    expect(escapeHostile(Buffer.from('\x1b[2J'))).to.equal('\\x1b[2J');
    expect(escapeHostile(Buffer.from('\u202egpj'))).to.equal('\\xe2\\x80\\xaegpj');
    expect(escapeHostile(Buffer.from('\\x0a'))).to.equal('\\x5cx0a');
    expect(escapeHostile(Uint8Array.of(0, 0x7f, 0xff))).to.equal('\\x00\\x7f\\xff');
  });

  it('is refused in a record where it is not escaped', () => {
    for (const escaped of ['a\nb', 'ä', '\x1b[2J', '\x7f']) expect(HostileText.safeParse({ escaped, base64: '' }).success).to.equal(false);
  });
});
