import { expect } from 'chai';
import type { Dc3ddReport } from '../../agent/adapters/dc3dd-log.ts';
import { judge, type Evidence } from '../../agent/stages/prove.ts';

const SIZE = 2048 * 512;
const REPORT: Dc3ddReport = {
  banner: 'dc3dd 7.2.646', sectorSize: 512, sectorsIn: 2048, tailIn: 0, sectorsOut: 2048, tailOut: 0, badSectors: 0, listed: [], footer: 'completed', sha256: undefined,
};
const SHA256 = Buffer.alloc(32, 7);

/** Evidence of a flawless pass over a disk of 1 MiB. */
const FLAWLESS: Evidence = {
  sizeBefore: SIZE,
  after: { present: true, size: SIZE, readOnly: true, diskseq: '7' },
  diskseqBefore: '7',
  readOnlyBefore: true,
  storedIsChecked: true,
  run: { exitCode: 0, signal: null, report: REPORT },
  end: { bytes: SIZE, surplus: 0, sha256: SHA256 },
  bad: { ranges: [], complete: true, readableAgain: 0 },
  secondHash: false,
  partsExpected: 3,
  partsConfirmed: 3,
};

const run = (change: Partial<Evidence['run']>): Partial<Evidence> => ({ run: { ...FLAWLESS.run, ...change } });
const report = (change: Partial<Dc3ddReport>): Partial<Evidence> => run({ report: { ...REPORT, ...change } });
const after = (change: Partial<Evidence['after']>): Partial<Evidence> => ({ after: { ...FLAWLESS.after, ...change } });
const end = (change: Partial<Evidence['end']>): Partial<Evidence> => ({ end: { ...FLAWLESS.end, ...change } });
const badSectors = (ranges: readonly [offset: number, length: number][], change: Partial<Evidence['bad']> = {}): Partial<Evidence> => ({
  ...report({ badSectors: ranges.reduce((sum, [, length]) => sum + length / 512, 0) }),
  bad: { ranges: ranges.map(([offset, length]) => ({ offset, length, errno: 'EIO', tries: 4 })), complete: true, readableAgain: 0, ...change },
});

describe('the verified-image contract', () => {
  it('calls a flawless pass COMPLETE, without a word', () => {
    expect(judge(FLAWLESS)).to.deep.equal({ status: 'COMPLETE', reasons: [], deviations: [] });
  });

  it("takes a file's last bytes that are no whole sector", () => {
    const size = 1953 * 512 + 23;
    const { sectorSize } = REPORT;
    const evidence = { ...FLAWLESS, sizeBefore: size, ...after({ size }), ...end({ bytes: size }), ...report({ sectorSize, sectorsIn: 1953, tailIn: 23, sectorsOut: 1953, tailOut: 23 }) };
    expect(judge(evidence).status).to.equal('COMPLETE');
    expect(judge({ ...evidence, ...report({ sectorsIn: 1953, tailIn: 22, sectorsOut: 1953, tailOut: 23 }) }).status).to.equal('FAILED');
  });

  it('takes a file, of which dc3dd counts no bad sectors', () => {
    const { diskseq: _, ...file } = FLAWLESS.after;
    expect(judge({ ...FLAWLESS, diskseqBefore: undefined, after: file, ...report({ badSectors: undefined }) }).status).to.equal('COMPLETE');
  });

  it('takes an empty file', () => {
    const evidence = { ...FLAWLESS, sizeBefore: 0, ...after({ size: 0 }), ...end({ bytes: 0 }), ...report({ sectorsIn: 0, sectorsOut: 0 }) };
    expect(judge(evidence).status).to.equal('COMPLETE');
  });

  const broken: readonly [what: string, change: Partial<Evidence>, reason: RegExp][] = [
    ['dc3dd ended with exit 1', run({ exitCode: 1 }), /ended with exit 1/],
    ['dc3dd ended with exit 2', run({ exitCode: 2 }), /ended with exit 2/],
    ['dc3dd ended without an exit status', run({ exitCode: null }), /ended with exit null/],
    ['a signal ended dc3dd, though its exit status is 0', run({ signal: 'SIGPIPE' }), /ended by SIGPIPE/],
    ['the footer is missing', report({ footer: 'missing' }), /"missing", not with "completed"/],
    ['the footer says aborted', report({ footer: 'aborted' }), /"aborted"/],
    ['the footer says failed', report({ footer: 'failed' }), /"failed"/],
    ['the source was gone at the end', after({ present: false }), /was gone/],
    ['the source shrank', after({ size: SIZE - 512 }), /1048576 bytes before the reading and 1048064 after/],
    ['the source grew', after({ size: SIZE + 512 }), /1048576 bytes before the reading and 1049088 after/],
    ['the times of an image file changed', after({ changed: 'its mtime was 1 and is 2' }), /changed while it was read: its mtime was 1 and is 2/],
    ['the stream was one byte short', end({ bytes: SIZE - 1 }), /1048575 of 1048576 bytes were streamed/],
    ['the stream was one byte long', end({ bytes: SIZE + 1, surplus: 1 }), /1 bytes more than the source has/],
    ['the disk behind the name is another', after({ diskseq: '8' }), /was 7 before and is 8 now/],
    ['the disk lost its diskseq', { after: { present: true, size: SIZE, readOnly: true } }, /was 7 before and is none now/],
    ['the disk can be written to at the end', after({ readOnly: false }), /read-only when the reading began and is writable now/],
    ['no sector size is known', report({ sectorSize: undefined }), /names no sector size/],
    ['one sector less came in', report({ sectorsIn: 2047 }), /2047 sectors and 0 bytes in/],
    ['one sector less went out', report({ sectorsOut: 2047 }), /2047 sectors and 0 bytes out/],
    ['the sectors in were not counted', report({ sectorsIn: undefined }), /does not count the sectors in/],
    ['the sectors out were not counted', report({ sectorsOut: undefined }), /does not count the sectors out/],
    ['the bad sectors of a disk were not counted', report({ badSectors: undefined }), /does not count the bad sectors, as it does of every disk/],
    ['the sector size does not fit the count', report({ sectorSize: 4096 }), /2048 sectors and 0 bytes in/],
    ['nobody looked at what was stored', { storedIsChecked: false }, /neither verified by the store nor read back/],
    ['the store confirmed one part less', { partsConfirmed: 2 }, /confirmed 2 of 3 parts/],
    ["dc3dd's own hash differs", { secondHash: true, ...report({ sha256: 'a'.repeat(64) }) }, /own SHA-256 is a{64}/],
    ["dc3dd's own hash was asked for and is missing", { secondHash: true }, /own SHA-256 is missing/],
    ['bad sectors were counted and none located', { ...report({ badSectors: 3 }), bad: { ranges: [], complete: false, readableAgain: 0 } }, /counted 3 bad sectors, but not all could be located/],
    ['some bad sectors could not be located', badSectors([[0, 512]], { complete: false }), /not all could be located/],
    ['every sector is bad', badSectors([[0, SIZE]]), /every sector of the source is bad/],
  ];
  for (const [what, change, reason] of broken) {
    it(`calls the image FAILED where ${what}, though all else is well`, () => {
      const { status, reasons } = judge({ ...FLAWLESS, ...change });
      expect(status).to.equal('FAILED');
      expect(reasons.join('\n')).to.match(reason);
    });
  }

  it("is COMPLETE where dc3dd's own hash was asked for and agrees", () => {
    expect(judge({ ...FLAWLESS, secondHash: true, ...report({ sha256: SHA256.toString('hex') }) }).status).to.equal('COMPLETE');
  });

  it('calls bad sectors that are all mapped PARTIAL, and says how many bytes are missing', () => {
    const { status, reasons } = judge({ ...FLAWLESS, ...badSectors([[512, 512], [4096, 1024]]) });
    expect(status).to.equal('PARTIAL');
    expect(reasons).to.deep.equal(['1536 bytes in 2 ranges could not be read and are zeroes in the image']);
  });

  it('calls bad sectors FAILED, not PARTIAL, where anything else is wrong too', () => {
    expect(judge({ ...FLAWLESS, ...badSectors([[512, 512]]), partsConfirmed: 2 }).status).to.equal('FAILED');
  });

  it('notes sectors that could be read on a later try', () => {
    const { status, deviations } = judge({ ...FLAWLESS, ...badSectors([[512, 512]], { readableAgain: 1 }) });
    expect(status).to.equal('PARTIAL');
    expect(deviations.join()).to.match(/1 bad sectors could be read on a later try/);
  });

  it("notes that an image file can be written to now, as after its file system was mounted anew: that proves no change of its bytes", () => {
    const file = { after: { present: true, size: SIZE, readOnly: false }, diskseqBefore: undefined };
    expect(judge({ ...FLAWLESS, ...file })).to.deep.equal({ status: 'COMPLETE', reasons: [], deviations: ['the file was read-only when the reading began and is writable now'] });
  });
});
