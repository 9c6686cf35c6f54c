import { readdirSync, readFileSync } from 'node:fs';
import { truncate, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { expect } from 'chai';
import * as fc from 'fast-check';
import { readDc3ddLog } from '../../agent/adapters/dc3dd.ts';
import { parseDc3ddLog, type Dc3ddReport } from '../../agent/adapters/dc3dd-log.ts';
import { MiB } from '../../modules/vocabulary/index.ts';
import { tempDir } from '../helpers/temp-dir.ts';

/** Logs that dc3dd 7.2.646 really wrote, its input a loop device over a FUSE file, or that file itself. */
const FOLDER = resolve(import.meta.dirname, '../fixtures/dc3dd');
const logOf = (name: string): string => readFileSync(join(FOLDER, `${name}.txt`), 'latin1');
const ALL = readdirSync(FOLDER).map((file) => logOf(file.replace('.txt', '')));

const COMPLETED: Dc3ddReport = {
  banner: 'dc3dd 7.2.646', sectorSize: 512, sectorsIn: 2048, tailIn: 0, sectorsOut: 2048, tailOut: 0, badSectors: 0, listed: [], footer: 'completed', sha256: undefined,
};
const EIO = 'Input/output error';

describe("dc3dd's log", () => {
  const cases: readonly [what: string, name: string, report: Partial<Dc3ddReport>][] = [
    ['a disk without a bad sector', 'completed', {}],
    ['one bad sector', 'bad-single', { badSectors: 1, listed: [{ first: 5, last: 5, error: EIO }] }],
    ['a single bad sector and a run of them', 'bad-runs', { badSectors: 12, listed: [{ first: 5, last: 5, error: EIO }, { first: 100, last: 110, error: EIO }] }],
    ['a run at the end of the disk, which is counted but not listed', 'bad-trailing', { badSectors: 9, listed: [{ first: 5, last: 5, error: EIO }] }],
    ['a disk that is bad all over, of which no sector is listed', 'bad-all', { badSectors: 2048 }],
    ['a file that ends inside a sector', 'odd-tail', { badSectors: undefined, sectorsIn: 1953, tailIn: 23, sectorsOut: 1953, tailOut: 23 }],
    ['an empty file', 'empty', { badSectors: undefined, sectorsIn: 0, sectorsOut: 0 }],
    ['a SHA-256 of its own', 'second-hash', { badSectors: undefined, sha256: '4ba7144b3597b7aed822ed1a2a48101f86b1b2cd8d4ee85f090c1387e8866bbd' }],
    ['a file that failed in the middle', 'failed', { badSectors: undefined, footer: 'failed', sectorsIn: 768, sectorsOut: 768 }],
    ['a run that was killed and had no last word', 'killed', { badSectors: undefined, footer: 'missing', sectorsIn: undefined, sectorsOut: undefined }],
  ];
  for (const [what, name, report] of cases) {
    it(`tells of ${what}`, () => {
      expect(parseDc3ddLog(logOf(name))).to.deep.equal({ ...COMPLETED, ...report });
    });
  }

  it('tells of a run that was interrupted, with fewer sectors than the source has', () => {
    const report = parseDc3ddLog(logOf('aborted'));
    expect(report.footer).to.equal('aborted');
    expect(report.sectorsIn).to.be.within(1, 40 * 2048 - 1);
  });

  it('that does not exist tells nothing', () => {
    expect(parseDc3ddLog('')).to.deep.equal({
      banner: undefined, sectorSize: undefined, sectorsIn: undefined, tailIn: 0, sectorsOut: undefined, tailOut: 0, badSectors: undefined, listed: [], footer: 'missing', sha256: undefined,
    });
  });

  it('is not believed where it holds two runs, since log= appends', () => {
    const report = parseDc3ddLog(logOf('completed') + logOf('completed'));
    expect(report).to.include({ footer: 'missing', sectorsIn: undefined, sectorsOut: undefined, badSectors: undefined });
  });

  it('says no more than the last word of a torn log', () => {
    const log = logOf('bad-runs');
    for (let length = 0; length <= log.indexOf('dc3dd completed at '); length++) {
      expect(parseDc3ddLog(log.slice(0, length)).footer).to.equal('missing');
    }
  });

  it('makes nothing of numbers that no disk has', () => {
    const log = logOf('completed').replaceAll('2048', '9'.repeat(30)).replace('512 bytes (probed)', `${'9'.repeat(30)} bytes (probed)`);
    expect(parseDc3ddLog(log)).to.include({ sectorsIn: undefined, sectorsOut: undefined, sectorSize: undefined });
  });

  it('makes nothing of a run of sectors that ends before it begins', () => {
    const log = logOf('bad-runs').replace('from sector 100 to sector 110', 'from sector 110 to sector 100');
    expect(parseDc3ddLog(log).listed).to.deep.equal([{ first: 5, last: 5, error: EIO }]);
  });

  it('never makes its reader throw, and never says completed unless dc3dd did', () => {
    const lines = fc.constantFrom(...ALL.join('\n').split('\n'), 'dc3dd completed', ' dc3dd completed at x', 'dc3dd  completed at x', '[!!] dc3dd completed at x');
    const torn = fc.tuple(fc.constantFrom(...ALL), fc.nat({ max: 1000 }), fc.nat({ max: 1000 }), fc.string({ unit: 'binary' }))
      .map(([log, from, to, middle]) => log.slice(0, from) + middle + log.slice(to));
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.array(lines, { maxLength: 30 }).map((list) => list.join('\n')), torn), (text) => {
        const report = parseDc3ddLog(text);
        const said = text.split('\n').filter((line) => line.startsWith('dc3dd completed at ')).length;
        if (said !== 1) expect(report.footer).to.not.equal('completed');
        for (const number of [report.sectorSize, report.sectorsIn, report.sectorsOut, report.badSectors, report.tailIn, report.tailOut]) {
          if (number !== undefined) expect(Number.isSafeInteger(number) && number >= 0).to.equal(true);
        }
        for (const { first, last } of report.listed) expect(last).to.be.at.least(first);
      }),
      { numRuns: 1000 },
    );
  });

  it('is read up to 16 MiB, however long a disk that is bad all over makes it, and is no completed one then', async () => {
    const { path, remove } = await tempDir();
    try {
      await writeFile(join(path, 'dc3dd.log'), logOf('completed').slice(0, 40));
      await truncate(join(path, 'dc3dd.log'), 3 * 1024 * MiB);
      const log = await readDc3ddLog(path);
      expect(log).to.have.length(16 * MiB);
      expect(log.slice(0, 40)).to.equal(logOf('completed').slice(0, 40));
      expect(parseDc3ddLog(log).footer).to.not.equal('completed');
    } finally {
      await remove();
    }
  });

  it('takes linear time, however hostile it is', () => {
    const started = process.cpuUsage();
    for (const piece of ['[!!] reading ', '[!!] 1 occurrences while reading from sector 1 to sector ', '   1 sectors + ', 'sector size: 1']) {
      parseDc3ddLog(piece.repeat(20_000));
      parseDc3ddLog(`${piece}\n`.repeat(20_000));
    }
    expect(process.cpuUsage(started).user / 1e6).to.be.below(10);
  });
});
