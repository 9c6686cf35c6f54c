import { constants, promises as fs } from 'node:fs';
import { messageOf, StageError } from '../errors.ts';
import { errnoOf } from './errno.ts';
import { hasAbandonedWork, readAnswered } from './patience.ts';

/** TypeScript declares WebAssembly only for browsers. */
declare const WebAssembly: { readonly Memory: new (pages: { initial: number }) => { readonly buffer: ArrayBuffer } };

/** What came of reading one sector. */
export type SectorRead = {
  /** Its bytes, valid until the next read; none when it could not be read. */
  readonly bytes?: Uint8Array;
  /** How often it was tried. */
  readonly tries: number;
  /** Name of the error of the last try that failed with one. */
  readonly errno?: string;
};

/** Reads single sectors with O_DIRECT: through the page cache one bad sector takes its neighbours along. */
export class DirectReader {
  readonly #handle: fs.FileHandle;
  /** O_DIRECT wants aligned memory; WebAssembly's pages are the aligned memory that JavaScript has. */
  readonly #buffer: Uint8Array;
  readonly #patienceMs: number;
  readonly #signal: AbortSignal | undefined;

  private constructor(handle: fs.FileHandle, sectorSize: number, patienceMs: number, signal: AbortSignal | undefined) {
    this.#handle = handle;
    this.#patienceMs = patienceMs;
    this.#signal = signal;
    this.#buffer = new Uint8Array(new WebAssembly.Memory({ initial: 1 }).buffer, 0, sectorSize);
  }

  /**
   * Opens what the descriptor refers to once more; no name of the disk is resolved.
   * @param patienceMs how long one read may take
   * @param signal gives up a read that does not answer
   * @throws StageError code SOURCE_UNREADABLE
   */
  static async open(fd: number, sectorSize: number, patienceMs: number, signal?: AbortSignal): Promise<DirectReader> {
    try {
      return new DirectReader(await fs.open(`/proc/self/fd/${fd}`, constants.O_RDONLY | constants.O_DIRECT), sectorSize, patienceMs, signal);
    } catch (error) {
      throw new StageError('acquire', 'SOURCE_UNREADABLE', `the bad sectors could not be tried again: ${messageOf(error)}`, { retryable: true, cause: error });
    }
  }

  /**
   * Tries to read a sector, at most so many times.
   * @throws StageError code SOURCE_STALLED
   */
  async read(sector: number, maxTries: number): Promise<SectorRead> {
    const { length } = this.#buffer;
    let failed: { readonly errno?: string } = {};
    for (let tries = 1; tries <= maxTries; tries++) {
      try {
        const reading = this.#handle.read(this.#buffer, 0, length, sector * length);
        const { bytesRead } = await readAnswered(reading, `the disk gave no answer for byte ${sector * length}`, this.#patienceMs, this.#signal);
        if (bytesRead === length) return { bytes: this.#buffer, tries, ...failed };
      } catch (error) {
        this.#signal?.throwIfAborted();
        if (error instanceof StageError) throw error; // anything else: bad again
        const errno = errnoOf(error);
        if (errno !== undefined) failed = { errno };
      }
    }
    return { tries: maxTries, ...failed };
  }

  /** Closes it, unless a read that was given up still uses it: closing would wait for that. */
  async close(): Promise<void> {
    if (!hasAbandonedWork()) await this.#handle.close();
  }
}
