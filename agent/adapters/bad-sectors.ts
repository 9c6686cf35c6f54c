import type { BadRange } from '../../modules/vocabulary/index.ts';
import type { Dc3ddReport } from './dc3dd-log.ts';
import { DirectReader } from './direct-reader.ts';

/** How often a sector that dc3dd could not read is tried again. */
const TRIES = 3;

/** Above this the map is taken from dc3dd alone: a disk that is bad all over would be read for days. */
const MOST_RETRIED = 64 * 1024;

export type BadSectorMap = {
  readonly ranges: readonly BadRange[];
  /** Whether the ranges are all the sectors that dc3dd counted. */
  readonly complete: boolean;
  /** Sectors that a later try could read: the image holds zeroes where the disk has data. */
  readonly readableAgain: number;
};

export type MapOptions = {
  readonly signal: AbortSignal;
  /** How long one read may take. */
  readonly patienceMs: number;
};

const NONE: BadSectorMap = { ranges: [], complete: true, readableAgain: 0 };

/**
 * Maps the sectors that dc3dd replaced by zeroes. It lists every run but one at the device's end, which it only counts; a
 * listed sector may have been bad for a moment (a cold EBS block), so each is tried again, past the page cache.
 */
export async function mapBadSectors(fd: number, report: Dc3ddReport, size: number, { signal, patienceMs }: MapOptions): Promise<BadSectorMap> {
  const { sectorSize, badSectors = 0 } = report;
  if (badSectors === 0 && report.listed.length === 0) return NONE;
  if (sectorSize === undefined) return { ranges: [], complete: false, readableAgain: 0 };
  const runs = report.listed.map(({ first, last }) => ({ first, last }));
  const listed = runs.reduce((sum, { first, last }) => sum + last - first + 1, 0);
  const unlisted = badSectors - listed;
  const sectors = Math.floor(size / sectorSize);
  if (unlisted > 0) runs.push({ first: sectors - unlisted, last: sectors - 1 });
  const total = runs.reduce((sum, { first, last }) => sum + last - first + 1, 0);
  const sane = unlisted >= 0 && runs.every(({ first, last }, index) => first >= 0 && last < sectors && first > (runs[index - 1]?.last ?? -1));
  if (!sane || total > MOST_RETRIED) return { ranges: asRanges(runs, sectorSize, 1), complete: sane && unlisted === 0, readableAgain: 0 };

  const reader = await DirectReader.open(fd, sectorSize, patienceMs, signal);
  try {
    let readableAgain = 0;
    let tailIsBad = true;
    for (const [index, { first, last }] of runs.entries()) {
      for (let sector = first; sector <= last; sector++) {
        signal.throwIfAborted();
        if (!(await reader.read(sector, TRIES))) continue;
        readableAgain++;
        if (unlisted > 0 && index === runs.length - 1) tailIsBad = false; // dc3dd counted others than those at the end
      }
    }
    return { ranges: asRanges(runs, sectorSize, 1 + TRIES), complete: tailIsBad, readableAgain };
  } finally {
    await reader.close();
  }
}

const asRanges = (runs: readonly { first: number; last: number }[], sectorSize: number, tries: number): BadRange[] =>
  runs.map(({ first, last }) => ({ offset: first * sectorSize, length: (last - first + 1) * sectorSize, errno: 'EIO', tries }));
