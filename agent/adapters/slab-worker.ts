/**
 * The reading worker: pipe → slabs, with the image's SHA-256 computed on the way. It blocks in `read` by design. The parts'
 * digests are the main thread's: two hashes in one thread would be the narrowest place of all.
 */
import { createHash, type Hash } from 'node:crypto';
import { readSync } from 'node:fs';
import { parentPort } from 'node:worker_threads';
import { partsOf } from '../../modules/vocabulary/image-layout.ts';
import { CONTROL, SLOT_BUSY, SLOT_FREE, type SlabJob, type SlabMessage } from './slab-protocol.ts';

const send = (message: SlabMessage): void => parentPort!.postMessage(message);

/** Bytes of one read: what dc3dd writes at once. */
const READ_SIZE = 256 * 1024;

/** Reads one stream to its end. */
class Reading {
  readonly #job: SlabJob;
  readonly #state: Int32Array;
  readonly #slotCount: number;

  constructor(job: SlabJob) {
    this.#job = job;
    this.#state = new Int32Array(job.control);
    this.#slotCount = job.slabs.byteLength / job.slabSize;
  }

  run(): void {
    const { slabs, slabSize, layout } = this.#job;
    const image = createHash('sha256');
    let bytes = 0;
    for (const { length } of partsOf(layout)) {
      for (let left = length; left > 0; ) {
        const slot = this.#takeSlot();
        if (slot === undefined) return;
        const view = new Uint8Array(slabs, slot * slabSize, Math.min(left, slabSize));
        const filled = this.#fill(view, image);
        if (this.#stopped) return this.#free(slot);
        bytes += filled;
        left -= filled;
        send({ kind: 'slab', slot, length: filled });
        if (filled < view.length) return send({ kind: 'end', bytes, surplus: 0, sha256: image.digest() });
      }
    }
    const surplus = this.#drainSurplus();
    send({ kind: 'end', bytes: bytes + surplus, surplus, sha256: image.digest() });
  }

  get #stopped(): boolean {
    return Atomics.load(this.#state, CONTROL.stop) === 1;
  }

  /** Takes a free slot, sleeping while the ring is full; undefined when told to stop. */
  #takeSlot(): number | undefined {
    for (;;) {
      const released = Atomics.load(this.#state, CONTROL.released);
      for (let slot = 0; slot < this.#slotCount; slot++) {
        if (Atomics.compareExchange(this.#state, CONTROL.slots + slot, SLOT_FREE, SLOT_BUSY) === SLOT_FREE) return slot;
      }
      if (this.#stopped) return undefined;
      Atomics.wait(this.#state, CONTROL.released, released);
    }
  }

  #free(slot: number): void {
    Atomics.store(this.#state, CONTROL.slots + slot, SLOT_FREE);
  }

  /** Fills `view` as far as the stream goes, and hashes each piece while it is still in the core's cache. */
  #fill(view: Uint8Array, hash?: Hash): number {
    let filled = 0;
    while (filled < view.length) {
      const count = readSync(this.#job.fd, view, filled, Math.min(view.length - filled, READ_SIZE), null);
      if (count === 0 || this.#stopped) break;
      hash?.update(view.subarray(filled, filled + count));
      filled += count;
    }
    return filled;
  }

  #drainSurplus(): number {
    const scratch = new Uint8Array(64 * 1024);
    let surplus = 0;
    for (let count = this.#fill(scratch); count > 0 && !this.#stopped; count = this.#fill(scratch)) surplus += count;
    return surplus;
  }
}

parentPort!.once('message', (job: SlabJob) => {
  try {
    new Reading(job).run();
  } catch (error) {
    send({ kind: 'fault', message: error instanceof Error ? error.message : String(error) });
  }
});
