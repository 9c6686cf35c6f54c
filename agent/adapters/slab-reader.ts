import { closeSync, constants, openSync, writeSync } from 'node:fs';
import { partsOf, type ImageLayout, type PartRange } from '../../modules/vocabulary/index.ts';
import { messageOf, StageError } from '../errors.ts';
import { PartDigester, type DigestPlan } from './part-digester.ts';
import { CONTROL, SLOT_FREE, type SlabJob, type SlabMessage } from './slab-protocol.ts';
import { takeSlabThread } from './slab-thread.ts';
import type { PartDigests, PartSource, Slab } from './stores/evidence-store.ts';

/** Bytes of one slab: large enough that its message and its write cost little, small enough for a core's cache. */
export const SLAB_SIZE = 512 * 1024;

export type StreamEnd = {
  /** Bytes that came out of the pipe. */
  readonly bytes: number;
  /** Bytes beyond the image's planned size: the source grew. */
  readonly surplus: number;
  /** SHA-256 of the whole stream. */
  readonly sha256: Buffer;
};

/** Rings of earlier readings: shared memory is given back to the system late, and a collector runs for years. */
const idleMemory: SharedArrayBuffer[] = [];

function takeMemory(size: number): SharedArrayBuffer {
  const index = idleMemory.findIndex((memory) => memory.byteLength === size);
  return index < 0 ? new SharedArrayBuffer(size) : idleMemory.splice(index, 1)[0]!;
}

/** Puts a byte into a pipe from its read end, which wakes a reader; nobody uses the byte. */
function nudge(fd: number): void {
  try {
    const writeEnd = openSync(`/proc/self/fd/${fd}`, constants.O_WRONLY | constants.O_NONBLOCK);
    try {
      writeSync(writeEnd, new Uint8Array(1));
    } finally {
      closeSync(writeEnd);
    }
  } catch {
    // A pipe that is full needs no nudge.
  }
}

/** One part while it streams past. Its slabs are taken once; whoever does not want them calls `discard`. */
export class StreamedPart implements PartSource {
  readonly range: PartRange;
  readonly digests: Promise<PartDigests>;
  readonly #digester: PartDigester;
  readonly #queue: Slab[] = [];
  readonly #settle: { resolve(digests: PartDigests): void; reject(reason: unknown): void };
  #read = 0;
  #wake: (() => void) | undefined;
  #discarded = false;
  #failure: StageError | undefined;

  constructor(range: PartRange, plan: DigestPlan) {
    this.range = range;
    this.#digester = new PartDigester(plan);
    const { promise, resolve, reject } = Promise.withResolvers<PartDigests>();
    this.digests = promise;
    this.#settle = { resolve, reject };
    promise.catch(() => {}); // whoever awaits it sees the failure; nobody has to
    if (range.length === 0) resolve(this.#digester.digest());
  }

  async *slabs(): AsyncGenerator<Slab> {
    try {
      for (;;) {
        const slab = this.#queue.shift();
        if (slab) yield slab;
        else if (this.#failure) throw this.#failure;
        else if (this.isWhole || this.#discarded) return;
        else await new Promise<void>((resolve) => (this.#wake = resolve));
      }
    } finally {
      this.discard();
    }
  }

  /** Whether its last byte was read. */
  get isWhole(): boolean {
    return this.#read === this.range.length;
  }

  /** Gives back what is queued and whatever still comes, so that the reading goes on. */
  discard(): void {
    this.#discarded = true;
    for (const slab of this.#queue.splice(0)) slab.release();
    this.#notify();
  }

  push(slab: Slab): void {
    const { length } = slab.bytes;
    this.#digester.update(slab.bytes);
    this.#read += length;
    if (this.#discarded) slab.release();
    else this.#queue.push(slab);
    if (this.isWhole) this.#settle.resolve(this.#digester.digest());
    this.#notify();
  }

  fail(reason: StageError): void {
    if (this.isWhole) return;
    this.#failure ??= reason;
    this.#settle.reject(reason);
    this.#notify();
  }

  #notify(): void {
    this.#wake?.();
    this.#wake = undefined;
  }
}

export type SlabReaderOptions = {
  /** Descriptor of the pipe's read end; stays the caller's. */
  readonly fd: number;
  readonly layout: ImageLayout;
  /** Memory of the ring in bytes. */
  readonly ringSize: number;
  /** What is computed of a part; asked when its first byte comes. */
  readonly digests: (range: PartRange) => DigestPlan;
};

/**
 * Reads a pipe in a worker and hands out the image's parts as they begin. Memory is the ring's size: the worker sleeps
 * until slabs come back. `parts` ends early, and `end` tells of it, when the stream is shorter than planned.
 */
export class SlabReader {
  readonly end: Promise<StreamEnd>;
  /** Settles when the worker is gone and the descriptor is no longer read. */
  readonly closed: Promise<void>;
  /** Called with the length of every slab that was read, wanted or not, until the reading is stopped. */
  onBytes: ((bytes: number) => void) | undefined;
  readonly #fd: number;
  readonly #layout: ImageLayout;
  readonly #plan: (range: PartRange) => DigestPlan;
  readonly #control: Int32Array;
  readonly #slabs: SharedArrayBuffer;
  readonly #started: StreamedPart[] = [];
  readonly #ranges: Iterator<PartRange>;
  readonly #settleEnd: { resolve(end: StreamEnd): void; reject(reason: unknown): void };
  #current: StreamedPart | undefined;
  #wake: (() => void) | undefined;
  #finished = false;

  constructor({ fd, layout, ringSize, digests }: SlabReaderOptions) {
    this.#fd = fd;
    this.#layout = layout;
    this.#plan = digests;
    const slotCount = Math.max(2, Math.floor(ringSize / SLAB_SIZE));
    this.#slabs = takeMemory(slotCount * SLAB_SIZE);
    const control = new SharedArrayBuffer((CONTROL.slots + slotCount) * Int32Array.BYTES_PER_ELEMENT);
    this.#control = new Int32Array(control);
    this.#ranges = partsOf(layout);
    const end = Promise.withResolvers<StreamEnd>();
    this.end = end.promise;
    this.end.catch(() => {});
    this.#settleEnd = end;
    const worker = takeSlabThread();
    worker.on('message', (message: SlabMessage) => this.#receive(message));
    worker.on('error', (error) => this.#fail(`the reading worker died: ${messageOf(error)}`, error));
    this.closed = new Promise((resolve) => {
      worker.on('exit', () => {
        this.#fail('the reading worker ended before the stream did');
        this.#giveBack();
        resolve();
      });
    });
    worker.postMessage({ fd, slabs: this.#slabs, control, slabSize: SLAB_SIZE, layout } satisfies SlabJob);
  }

  /** The parts in the order of the stream, each as soon as its first byte is read. */
  async *parts(): AsyncGenerator<StreamedPart> {
    for (;;) {
      const part = this.#started.shift();
      if (part) yield part;
      else if (this.#finished) return;
      else await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  /** Whether what the stream would give could be taken: where there is no room, its silence is not its own. */
  get hasRoom(): boolean {
    return this.#control.subarray(CONTROL.slots).includes(SLOT_FREE);
  }

  /** Stops the worker, also one that waits for a slab or hangs in a read because dc3dd hangs. */
  stop(reason: unknown): void {
    Atomics.store(this.#control, CONTROL.stop, 1);
    Atomics.add(this.#control, CONTROL.released, 1);
    Atomics.notify(this.#control, CONTROL.released);
    nudge(this.#fd);
    this.#fail(messageOf(reason), reason);
  }

  #receive(message: SlabMessage): void {
    switch (message.kind) {
      case 'slab': {
        if (this.#finished) return this.#slab(message.slot, message.length).release(); // sent before the worker heard of the end
        const part = this.#current ?? this.#begin();
        part.push(this.#slab(message.slot, message.length));
        this.onBytes?.(message.length);
        if (part.isWhole) this.#current = undefined;
        break;
      }
      case 'end': {
        const { bytes, surplus, sha256 } = message;
        if (this.#layout.imageSize === 0) this.#begin(); // an empty image has one empty part
        this.#finish(new StageError('acquire', 'SOURCE_SHRANK', `the stream ended after ${bytes} bytes`, { retryable: false }));
        this.#settleEnd.resolve({ bytes, surplus, sha256: Buffer.from(sha256) });
        break;
      }
      case 'fault':
        this.#fail(`reading from dc3dd failed: ${message.message}`);
        break;
    }
  }

  /** The stream reached the next part. */
  #begin(): StreamedPart {
    const next = this.#ranges.next();
    if (next.done) throw new RangeError('the worker read more than was planned');
    this.#current = new StreamedPart(next.value, this.#plan(next.value));
    this.#started.push(this.#current);
    this.#notify();
    return this.#current;
  }

  #slab(slot: number, length: number): Slab {
    let held = true;
    return {
      bytes: Buffer.from(this.#slabs, slot * SLAB_SIZE, length),
      release: () => {
        if (!held) throw new Error('a slab was released twice');
        held = false;
        Atomics.store(this.#control, CONTROL.slots + slot, SLOT_FREE);
        Atomics.add(this.#control, CONTROL.released, 1);
        Atomics.notify(this.#control, CONTROL.released);
      },
    };
  }

  /** The ring serves the next reading, unless a write of this one still holds a slab. */
  #giveBack(): void {
    if (this.#control.subarray(CONTROL.slots).every((state) => state === SLOT_FREE)) idleMemory.push(this.#slabs);
  }

  #finish(reason: StageError): void {
    this.#finished = true;
    this.#current?.fail(reason);
    this.#current = undefined;
    this.#notify();
  }

  #fail(message: string, cause?: unknown): void {
    if (this.#finished) return;
    const error = cause instanceof StageError ? cause : new StageError('acquire', 'READER_FAILED', message, { retryable: true, cause });
    this.#finish(error);
    this.#settleEnd.reject(error);
  }

  #notify(): void {
    this.#wake?.();
    this.#wake = undefined;
  }
}
