/**
 * The reading worker: pipe → slabs, with the image's SHA-256 and every part's digests computed on the way. It blocks in
 * `read` by design: hashing at the pipe's pace leaves the main thread to the network alone.
 */
import { createHash, type Hash } from 'node:crypto';
import { readSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { crc32 } from 'node:zlib';
import { partsOf } from '../../modules/vocabulary/image-layout.ts';
import { combineCrc32 } from './crc32-combine.ts';
import { CONTROL, SLOT_BUSY, SLOT_FREE, type SlabMessage, type SlabWorkerData } from './slab-protocol.ts';

const { fd, slabs, control, slabSize, layout, digests } = workerData as SlabWorkerData;
const state = new Int32Array(control);
const slotCount = slabs.byteLength / slabSize;
const send = (message: SlabMessage): void => parentPort!.postMessage(message);
const stopped = (): boolean => Atomics.load(state, CONTROL.stop) === 1;

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

/** Fills `view` as far as the stream goes. */
function fill(view: Uint8Array): number {
  let filled = 0;
  while (filled < view.length) {
    const count = readSync(fd, view, filled, view.length - filled, null);
    if (count === 0 || stopped()) break;
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
  const objectCrc32: number[] = [];
  let bytes = 0;
  let index = 0;
  let ended = false;
  for (const part of partsOf(layout)) {
    const partSha256: Hash | undefined = digests.partSha256 ? createHash('sha256') : undefined;
    const partMd5: Hash | undefined = digests.md5 ? createHash('md5') : undefined;
    let partCrc32 = 0;
    let left = part.length;
    while (left > 0 && !ended) {
      const slot = takeSlot();
      if (slot === undefined) return;
      const length = Math.min(left, slabSize);
      const view = new Uint8Array(slabs, slot * slabSize, length);
      const filled = fill(view);
      if (stopped()) return;
      ended = filled < length;
      const data = ended ? view.subarray(0, filled) : view;
      image.update(data);
      partSha256?.update(data);
      partMd5?.update(data);
      if (digests.crc32) partCrc32 = crc32(data, partCrc32);
      left -= filled;
      bytes += filled;
      send({ kind: 'slab', part: index, slot, length: filled });
    }
    if (ended) break;
    if (digests.crc32) objectCrc32[part.objectIndex] = combineCrc32(objectCrc32[part.objectIndex] ?? 0, partCrc32, part.length);
    send({ kind: 'part', part: index, sha256: partSha256?.digest(), crc32: digests.crc32 ? partCrc32 : undefined, md5: partMd5?.digest() });
    index++;
  }
  const surplus = ended ? 0 : drainSurplus();
  send({ kind: 'end', bytes: bytes + surplus, surplus, sha256: image.digest(), objectCrc32 });
}

try {
  run();
} catch (error) {
  send({ kind: 'fault', message: error instanceof Error ? error.message : String(error) });
}
