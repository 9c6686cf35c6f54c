/**
 * The reading worker: pipe → slabs, with the image's SHA-256 computed on the way. It blocks in `read` by design. The parts'
 * digests are the main thread's: two hashes in one thread would be the narrowest place of all.
 */
import { createHash, type Hash } from 'node:crypto';
import { readSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { partsOf } from '../../modules/vocabulary/image-layout.ts';
import { CONTROL, SLOT_BUSY, SLOT_FREE, type SlabMessage, type SlabWorkerData } from './slab-protocol.ts';

const { fd, slabs, control, slabSize, layout } = workerData as SlabWorkerData;
const state = new Int32Array(control);
const slotCount = slabs.byteLength / slabSize;
const send = (message: SlabMessage): void => parentPort!.postMessage(message);
const stopped = (): boolean => Atomics.load(state, CONTROL.stop) === 1;

/** Bytes of one read: what dc3dd writes at once. */
const READ_SIZE = 256 * 1024;

/** Takes a free slot, sleeping while the ring is full; undefined when told to stop. */
function takeSlot(): number | undefined {
  for (;;) {
    const released = Atomics.load(state, CONTROL.released);
    for (let slot = 0; slot < slotCount; slot++) {
      if (Atomics.compareExchange(state, CONTROL.slots + slot, SLOT_FREE, SLOT_BUSY) === SLOT_FREE) return slot;
    }
    if (stopped()) return undefined;
    Atomics.wait(state, CONTROL.released, released);
  }
}

/** Fills `view` as far as the stream goes, and hashes each piece while it is still in the core's cache. */
function fill(view: Uint8Array, hash?: Hash): number {
  let filled = 0;
  while (filled < view.length) {
    const count = readSync(fd, view, filled, Math.min(view.length - filled, READ_SIZE), null);
    if (count === 0 || stopped()) break;
    hash?.update(view.subarray(filled, filled + count));
    filled += count;
  }
  return filled;
}

function drainSurplus(): number {
  const scratch = new Uint8Array(64 * 1024);
  let surplus = 0;
  for (let count = fill(scratch); count > 0 && !stopped(); count = fill(scratch)) surplus += count;
  return surplus;
}

function run(): void {
  const image = createHash('sha256');
  let bytes = 0;
  for (const { length } of partsOf(layout)) {
    for (let left = length; left > 0; ) {
      const slot = takeSlot();
      if (slot === undefined) return;
      const view = new Uint8Array(slabs, slot * slabSize, Math.min(left, slabSize));
      const filled = fill(view, image);
      if (stopped()) return;
      bytes += filled;
      left -= filled;
      send({ kind: 'slab', slot, length: filled });
      if (filled < view.length) return send({ kind: 'end', bytes, surplus: 0, sha256: image.digest() });
    }
  }
  const surplus = drainSurplus();
  send({ kind: 'end', bytes: bytes + surplus, surplus, sha256: image.digest() });
}

try {
  run();
} catch (error) {
  send({ kind: 'fault', message: error instanceof Error ? error.message : String(error) });
}
