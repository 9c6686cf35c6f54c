import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { Worker } from 'node:worker_threads';
import { messageOf, StageError } from '../../errors.ts';
import { storeError } from './directory-errors.ts';
import type { ReadBackAnswer, ReadBackFile, ReadBackRequest } from './read-back-protocol.ts';

/** The worker's own code, put in by the bundler; a checkout has it in a file beside this one. */
declare const READ_BACK_WORKER: string | undefined;

type Asked = { readonly resolve: (answer: ReadBackAnswer) => void; readonly reject: (reason: unknown) => void };

/**
 * Opens a file once more for reading past the page cache, so that what comes back is what the disk has; undefined where the
 * file system cannot do that, as tmpfs before Linux 6.6.
 */
export const openDirect = (file: FileHandle): Promise<FileHandle | undefined> =>
  open(`/proc/self/fd/${file.fd}`, constants.O_RDONLY | constants.O_DIRECT).catch(() => undefined);

/**
 * Reads back what was stored, in a thread of its own, compares it byte for byte with what was to be stored, and hashes what
 * it read. One serves any number of files; it starts with the first question and holds the process only while it is asked.
 */
export class ReadBack {
  readonly #asked: Asked[] = [];
  #worker: Worker | undefined;
  /** Of the thread that runs, or is next to run. */
  #life: { end?: StageError } = {};
  #hashes = 0;

  /** A part, whose bytes are compared in their order. It fails with its thread: another one would hash only what is left of it. */
  part(file: ReadBackFile): PartReadBack {
    const life = this.#life;
    return new PartReadBack((request) => (life.end ? Promise.reject(life.end) : this.#ask(request)), file, this.#hashes++);
  }

  /** Starts the thread, which takes a moment. */
  start(): Worker {
    if (this.#worker) return this.#worker;
    const worker = typeof READ_BACK_WORKER === 'string' ? new Worker(READ_BACK_WORKER, { eval: true }) : new Worker(new URL('./read-back-worker.ts', import.meta.url));
    worker.unref();
    worker.on('online', () => this.#asked.length === 0 && worker.unref()); // its ports count again once it runs
    worker.on('message', (answer: ReadBackAnswer) => {
      this.#asked.shift()?.resolve(answer);
      if (this.#asked.length === 0) worker.unref();
    });
    worker.on('error', (error) => this.#died(worker, messageOf(error), error));
    worker.on('exit', () => this.#died(worker, 'it ended'));
    return (this.#worker = worker);
  }

  async close(): Promise<void> {
    await this.#worker?.terminate();
  }

  #ask(request: ReadBackRequest): Promise<ReadBackAnswer> {
    const { promise, resolve, reject } = Promise.withResolvers<ReadBackAnswer>();
    const worker = this.start();
    this.#asked.push({ resolve, reject });
    worker.ref();
    worker.postMessage(request);
    return promise;
  }

  #died(worker: Worker, why: string, cause?: unknown): void {
    if (this.#worker !== worker) return; // told before
    this.#worker = undefined;
    const error = new StageError('store', 'READ_BACK_FAILED', `the thread that reads back died: ${why}`, { retryable: false, cause, advice: 'Start the same command again: what was stored is taken over.' });
    this.#life.end = error;
    this.#life = {};
    for (const { reject } of this.#asked.splice(0)) reject(error);
  }
}

/** A part while it is read back. */
export class PartReadBack {
  readonly #ask: (request: ReadBackRequest) => Promise<ReadBackAnswer>;
  readonly #file: ReadBackFile;
  readonly #hash: number;

  constructor(ask: (request: ReadBackRequest) => Promise<ReadBackAnswer>, file: ReadBackFile, hash: number) {
    this.#ask = ask;
    this.#file = file;
    this.#hash = hash;
  }

  /**
   * Compares the part's next bytes with what the file has at `position`; they must not change until this settles.
   * @returns the first byte of the file that is another, or is not there; undefined when all are the same
   * @throws StageError when it cannot be read
   */
  async firstDifference(bytes: Uint8Array, position: number): Promise<number | undefined> {
    // Shared memory is not copied on its way to the thread; of any other only this view is.
    const view = bytes.buffer instanceof SharedArrayBuffer ? bytes : Uint8Array.from(bytes);
    const answer = await this.#ask({ kind: 'compare', hash: this.#hash, file: this.#file, position, bytes: view });
    if (answer.kind === 'differs') return answer.at;
    sound(answer, position);
    return undefined;
  }

  /** SHA-256 of everything that was read back, once, at the end: also of a part that failed, whose state it frees. */
  async digest(): Promise<Buffer> {
    const answer = await this.#ask({ kind: 'digest', hash: this.#hash });
    sound(answer);
    return Buffer.from((answer as ReadBackAnswer & { kind: 'digest' }).sha256);
  }
}

function sound(answer: ReadBackAnswer, position?: number): void {
  if (answer.kind !== 'fault') return;
  const { code, message } = answer;
  throw storeError(`reading back${position === undefined ? '' : ` byte ${position}`}`, Object.assign(new Error(message), { code }));
}
