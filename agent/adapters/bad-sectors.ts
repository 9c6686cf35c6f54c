import type { BadRange } from '../../modules/vocabulary/index.ts';
import type { Dc3ddReport, SectorRun } from './dc3dd-log.ts';
import { DirectReader, type SectorRead } from './direct-reader.ts';

/** What dc3dd calls the error of a disk that could not be read. */
const IO_ERROR = 'Input/output error';

/** How often a sector that dc3dd could not read is tried again. */
const TRIES = 3;

/** Above this the map is taken from dc3dd alone: a disk that is bad all over would be read for days. */
const MOST_RETRIED = 64 * 1024;

/** Sectors that are tried once each, from the first to the last, of a run at the end that is too long to try them all. */
const SAMPLES = 64;

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
 * listed sector may have been bad for a moment (a cold EBS block), so each is tried again, past the page cache. A run whose
 * sectors came to different ends is as many ranges: each has its own errno and tries. Where too many are bad to try each again,
 * only a run at the end is looked at.
 */
export async function mapBadSectors(fd: number, report: Dc3ddReport, size: number, { signal, patienceMs }: MapOptions): Promise<BadSectorMap> {
  const { sectorSize, badSectors = 0 } = report;
  if (badSectors === 0 && report.listed.length === 0) return NONE;
  if (sectorSize === undefined) return { ranges: [], complete: false, readableAgain: 0 };
  const runs: SectorRun[] = [...report.listed];
  const listed = runs.reduce((sum, { first, last }) => sum + last - first + 1, 0);
  const unlisted = badSectors - listed;
  const sectors = Math.floor(size / sectorSize);
  if (unlisted > 0) runs.push({ first: sectors - unlisted, last: sectors - 1, error: IO_ERROR });
  const total = runs.reduce((sum, { first, last }) => sum + last - first + 1, 0);
  const sane = unlisted >= 0 && runs.every(({ first, last }, index) => first >= 0 && last < sectors && first > (runs[index - 1]?.last ?? -1));
  const untried = runs.map((run) => asRange(run, sectorSize, {}));
  if (!sane) return { ranges: untried, complete: false, readableAgain: 0 };

  const reader = await DirectReader.open(fd, sectorSize, patienceMs, signal);
  try {
    if (total > MOST_RETRIED) return { ranges: untried, complete: unlisted === 0 || (await isBadThroughout(reader, runs.at(-1)!, signal)), readableAgain: 0 };
    const ranges: BadRange[] = [];
    let readableAgain = 0;
    let tailIsBad = true;
    for (const [index, run] of runs.entries()) {
      for (let sector = run.first; sector <= run.last; sector++) {
        signal.throwIfAborted();
        const tried = await reader.read(sector, TRIES);
        append(ranges, asRange({ ...run, first: sector, last: sector }, sectorSize, tried), sector > run.first);
        if (!tried.bytes) continue;
        readableAgain++;
        if (unlisted > 0 && index === runs.length - 1) tailIsBad = false; // dc3dd counted others than those at the end
      }
    }
    return { ranges, complete: tailIsBad, readableAgain };
  } finally {
    await reader.close();
  }
}

/** Whether every sector of a run that is tried fails with an error. */
async function isBadThroughout(reader: DirectReader, { first, last }: SectorRun, signal: AbortSignal): Promise<boolean> {
  const steps = Math.min(SAMPLES - 1, last - first);
  for (let step = 0; step <= steps; step++) {
    signal.throwIfAborted();
    const sector = steps === 0 ? first : first + Math.round(((last - first) * step) / steps);
    if ((await reader.read(sector, 1)).errno === undefined) return false;
  }
  return true;
}

/** A range as dc3dd told it and as it was tried again. */
const asRange = ({ first, last, error }: SectorRun, sectorSize: number, { tries = 0, errno = error === IO_ERROR ? 'EIO' : error }: Partial<SectorRead>): BadRange =>
  ({ offset: first * sectorSize, length: (last - first + 1) * sectorSize, errno, tries: 1 + tries });

/** Adds a sector's range: to the last one where it goes on with that one's run and the tries came to the same. */
function append(ranges: BadRange[], next: BadRange, goesOn: boolean): void {
  const before = ranges.at(-1);
  if (goesOn && before && before.errno === next.errno && before.tries === next.tries) ranges[ranges.length - 1] = { ...before, length: before.length + next.length };
  else ranges.push(next);
}
