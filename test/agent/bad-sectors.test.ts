import { type FileHandle, open, readFile } from 'node:fs/promises';
import { expect } from 'chai';
import { mapBadSectors } from '../../agent/adapters/bad-sectors.ts';
import type { Dc3ddReport } from '../../agent/adapters/dc3dd-log.ts';
import { readFilled, rereadPart } from '../../agent/adapters/reread-part.ts';
import { MiB } from '../../modules/vocabulary/index.ts';
import { makeRaw, makeSparse, makeWorkspace, type Workspace } from '../../scripts/lab/disks.ts';
import { attachBadDisk, type BadDisk } from '../helpers/bad-disk.ts';
import { digestsOf } from '../helpers/slabs.ts';

const SECTORS = 2048;
const SIZE = SECTORS * 512;
const REPORT: Dc3ddReport = {
  banner: undefined, sectorSize: 512, sectorsIn: SECTORS, tailIn: 0, sectorsOut: SECTORS, tailOut: 0, badSectors: 0, listed: [], footer: 'completed', sha256: undefined,
};
const OPTIONS = { sectorSize: 512, patienceMs: 10_000 };
const MAPPING = { signal: new AbortController().signal, patienceMs: 10_000 };
const listed = (...runs: (readonly [first: number, last: number])[]): Dc3ddReport['listed'] => runs.map(([first, last]) => ({ first, last, error: 'Input/output error' }));
const range = (first: number, last: number, tries = 4, errno = 'EIO') => ({ offset: first * 512, length: (last - first + 1) * 512, errno, tries });

describe('mapping bad sectors', () => {
  let workspace: Workspace;
  let image: string;
  let disk: BadDisk;
  let handle: FileHandle;
  before(async () => {
    workspace = await makeWorkspace();
    image = await makeRaw(workspace.file('image'), SIZE);
    disk = await attachBadDisk(image, ['5', '60:error=ENODATA', '100-110', '2040-2047']);
    handle = await open(disk.path, 'r');
  });
  after(async () => {
    await handle?.close();
    await disk?.remove();
    await workspace.remove();
  });
  const map = (report: Partial<Dc3ddReport>) => mapBadSectors(handle.fd, { ...REPORT, ...report }, SIZE, MAPPING);

  it('has nothing to do where dc3dd saw none', async () => {
    expect(await map({})).to.deep.equal({ ranges: [], complete: true, readableAgain: 0 });
  });

  it('takes the sectors that dc3dd listed, and tries each again', async () => {
    expect(await map({ badSectors: 12, listed: listed([5, 5], [100, 110]) })).to.deep.equal({ ranges: [range(5, 5), range(100, 110)], complete: true, readableAgain: 0 });
  });

  it('finds the run at the end of the disk that dc3dd counts but does not list', async () => {
    expect(await map({ badSectors: 20, listed: listed([5, 5], [100, 110]) })).to.deep.equal({
      ranges: [range(5, 5), range(100, 110), range(2040, 2047)], complete: true, readableAgain: 0,
    });
  });

  it('is not complete where what was counted is not at the end either', async () => {
    const { complete } = await map({ badSectors: 21, listed: listed([5, 5], [100, 110]) });
    expect(complete).to.equal(false);
  });

  it('counts sectors that can be read on a later try, and still calls them zeroes in the image', async () => {
    expect(await map({ badSectors: 3, listed: listed([5, 5], [50, 51]) })).to.deep.equal({ ranges: [range(5, 5), range(50, 51, 2)], complete: true, readableAgain: 2 });
  });

  it('records the error and the tries of each sector: a run of different ones is as many ranges', async () => {
    await using file = await open(disk.file, 'r'); // the FUSE file gives the error as it is, whatever the kernel's loop device makes of it
    expect(await mapBadSectors(file.fd, { ...REPORT, badSectors: 5, listed: listed([5, 5], [58, 61]) }, SIZE, MAPPING)).to.deep.equal({
      ranges: [range(5, 5), range(58, 59, 2), range(60, 60, 4, 'ENODATA'), range(61, 61, 2)], complete: true, readableAgain: 3,
    });
  });

  it('is not complete where the list cannot be true', async () => {
    for (const report of [
      { badSectors: 1, listed: listed([5, 5], [100, 110]) }, // more listed than counted
      { badSectors: 7, listed: listed([5, 8], [8, 10]) }, // overlapping
      { badSectors: 1, listed: listed([SECTORS, SECTORS]) }, // behind the end
      { badSectors: SECTORS + 1, listed: [] }, // more than there are
    ]) {
      expect((await map(report)).complete, JSON.stringify(report)).to.equal(false);
    }
  });

  it('is not complete where no sector size is known', async () => {
    expect(await map({ badSectors: 1, listed: listed([5, 5]), sectorSize: undefined })).to.deep.equal({ ranges: [], complete: false, readableAgain: 0 });
  });

  it('does not try a disk again that is bad all over', async () => {
    const sectors = 70_000;
    const report = { ...REPORT, badSectors: sectors, listed: listed([0, sectors - 1]) };
    expect(await mapBadSectors(handle.fd, report, 64 * MiB, MAPPING)).to.deep.equal({ ranges: [range(0, sectors - 1, 1)], complete: true, readableAgain: 0 });
    expect((await mapBadSectors(handle.fd, { ...report, listed: [] }, 64 * MiB, MAPPING)).complete).to.equal(false);
  });

  it('finds a run at the end that is too long to try all of it, by sectors from its first to its last', async () => {
    const size = 40 * MiB;
    const large = await attachBadDisk(await makeSparse(workspace.file('large'), size), ['8192-81919']);
    try {
      await using file = await open(large.path, 'r');
      const mapped = (badSectors: number) => mapBadSectors(file.fd, { ...REPORT, badSectors }, size, MAPPING);
      expect(await mapped(81_920 - 8192)).to.deep.equal({ ranges: [range(8192, 81_919, 1)], complete: true, readableAgain: 0 });
      expect((await mapped(81_920 - 8191)).complete, 'one more than are bad').to.equal(false);
    } finally {
      await large.remove();
    }
  });

  it('is done the same way when a part is read again: zeroes for a bad sector, and for no other', async () => {
    const expected = await readFile(image);
    for (const [first, last] of [[5, 5], [60, 60], [100, 110], [2040, 2047]] as const) expected.fill(0, first * 512, (last + 1) * 512);
    const all = Buffer.alloc(SIZE, 0xaa);
    await readFilled(handle.fd, all, 0, OPTIONS);
    expect(all.equals(expected)).to.equal(true);

    const source = rereadPart(handle.fd, { partNumber: 1, objectIndex: 0, offset: 0, length: SIZE }, digestsOf(expected), OPTIONS, new AbortController().signal);
    for await (const slab of source.slabs()) slab.release();
    expect((await source.digests).sha256?.equals(digestsOf(expected).sha256)).to.equal(true);
  });
});
