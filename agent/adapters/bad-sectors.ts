import { constants, promises as fs } from 'node:fs';
import type { BadRange } from '../../modules/vocabulary/index.ts';
import { messageOf, StageError } from '../errors.ts';
import type { Dc3ddReport } from './dc3dd-log.ts';

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

const NONE: BadSectorMap = { ranges: [], complete: true, readableAgain: 0 };

/**
 * Maps the sectors that dc3dd replaced by zeroes. It lists every run but one at the device's end, which it only counts; a
 * listed sector may have been bad for a moment (a cold EBS block), so each is tried again, past the page cache.
 */
export async function mapBadSectors(fd: number, report: Dc3ddReport, size: number): Promise<BadSectorMap> {
  if (report.badSectors === 0 && report.listed.length === 0) return NONE;
  const { sectorSize } = report;
  if (sectorSize === undefined) return { ranges: [], complete: false, readableAgain: 0 };
  const runs = report.listed.map(({ first, last }) => ({ first, last }));
  const listed = runs.reduce((sum, { first, last }) => sum + last - first + 1, 0);
  const unlisted = report.badSectors - listed;
  const sectors = Math.floor(size / sectorSize);
  if (unlisted > 0) runs.push({ first: sectors - unlisted, last: sectors - 1 });
  const total = runs.reduce((sum, { first, last }) => sum + last - first + 1, 0);
  const sane = unlisted >= 0 && runs.every(({ first, last }, index) => first >= 0 && last < sectors && first > (runs[index - 1]?.last ?? -1));
  if (!sane || total > MOST_RETRIED) return { ranges: asRanges(runs, sectorSize, 1), complete: sane && unlisted === 0, readableAgain: 0 };

  const reader = await DirectReader.open(fd, sectorSize);
  try {
    let readableAgain = 0;
    let tailIsBad = true;
    for (const [index, { first, last }] of runs.entries()) {
      for (let sector = first; sector <= last; sector++) {
        if (!(await reader.readable(sector))) continue;
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

/** TypeScript declares WebAssembly only for browsers. */
declare const WebAssembly: { readonly Memory: new (pages: { initial: number }) => { readonly buffer: ArrayBuffer } };

/** Reads single sectors with O_DIRECT: through the page cache one bad sector takes its neighbours along. */
class DirectReader {
  readonly #handle: fs.FileHandle;
  readonly #sectorSize: number;
  /** O_DIRECT wants aligned memory; WebAssembly's pages are the aligned memory that JavaScript has. */
  readonly #buffer: Uint8Array;

  private constructor(handle: fs.FileHandle, sectorSize: number) {
    this.#handle = handle;
    this.#sectorSize = sectorSize;
    this.#buffer = new Uint8Array(new WebAssembly.Memory({ initial: 1 }).buffer, 0, sectorSize);
  }

  static async open(fd: number, sectorSize: number): Promise<DirectReader> {
    try {
      // Opens what the descriptor refers to once more; no name of the disk is resolved.
      return new DirectReader(await fs.open(`/proc/self/fd/${fd}`, constants.O_RDONLY | constants.O_DIRECT), sectorSize);
    } catch (error) {
      throw new StageError('acquire', 'SOURCE_UNREADABLE', `the bad sectors could not be tried again: ${messageOf(error)}`, { retryable: true, cause: error });
    }
  }

  async readable(sector: number): Promise<boolean> {
    for (let attempt = 0; attempt < TRIES; attempt++) {
      try {
        const { bytesRead } = await this.#handle.read(this.#buffer, 0, this.#sectorSize, sector * this.#sectorSize);
        if (bytesRead === this.#sectorSize) return true;
      } catch {
        // bad again
      }
    }
    return false;
  }

  close(): Promise<void> {
    return this.#handle.close();
  }
}
