import { crc32 } from 'node:zlib';
import { expect } from 'chai';
import { combineCrc32, decodeAwsChunked, Dechunker, Tail, trailersOf } from './sink-wire.ts';

describe('the bench sink on the wire', () => {
  it('takes the chunked encoding off wherever the bytes are cut', () => {
    const wire = Buffer.from('5\r\nhello\r\n1;ext=1\r\n \r\n5\r\nworld\r\n0\r\nx-trailer: 1\r\n\r\nPUT /next');
    for (let cut = 0; cut <= wire.length; cut++) {
      const dechunker = new Dechunker();
      const payload: Buffer[] = [];
      const rests = [wire.subarray(0, cut), wire.subarray(cut)].map((bytes) => dechunker.feed(bytes, (piece) => payload.push(piece)));
      const end = wire.indexOf('PUT');
      if (cut < end) expect(rests.map(String)).to.deep.equal(['undefined', 'PUT /next'], `cut at ${cut}`);
      else expect(String(rests[0])).to.equal(wire.toString('latin1', end, cut));
      expect(Buffer.concat(payload).toString()).to.equal('hello world', `cut at ${cut}`);
    }
  });

  it('finds payload and trailing checksum of an aws-chunked body', () => {
    const body = Buffer.from('5;chunk-signature=ab\r\nhello\r\n0\r\nx-amz-checksum-sha256:abc+/=\r\n\r\n');
    expect(decodeAwsChunked(body).toString()).to.equal('hello');
    const tail = new Tail();
    for (const byte of Buffer.concat([Buffer.alloc(5000, 'x'), body])) tail.push(Buffer.of(byte));
    expect(trailersOf(tail.bytes())).to.deep.equal({ 'x-amz-checksum-sha256': 'abc+/=' });
  });

  it('combines CRC32 as zlib would compute it over both', () => {
    // the check value that every description of CRC-32 gives for "123456789"
    expect(combineCrc32(crc32('1234'), crc32('56789'), 5)).to.equal(0xcbf43926);
    expect(combineCrc32(crc32('123456789'), crc32(''), 0)).to.equal(0xcbf43926);
  });
});
