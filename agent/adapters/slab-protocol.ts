/**
 * What the reading worker and the main thread share. Slabs live in one SharedArrayBuffer that is allocated once, so
 * memory is bounded by the ring whatever the image's size; messages carry slot numbers, never bytes.
 */
import type { ImageLayout } from '../../modules/vocabulary/index.ts';

/** Cells of the control array. */
export const CONTROL = {
  /** Counts released slots; the worker sleeps on it when the ring is full. */
  released: 0,
  /** 1 when the worker should stop at once. */
  stop: 1,
  /** First of the slots' states. */
  slots: 2,
} as const;

export const SLOT_FREE = 0;
export const SLOT_BUSY = 1;

/** Digests to compute besides the image's SHA-256. */
export type DigestPlan = { readonly partSha256: boolean; readonly crc32: boolean; readonly md5: boolean };

export type SlabWorkerData = {
  /** Descriptor of the pipe that dc3dd writes into. */
  readonly fd: number;
  readonly slabs: SharedArrayBuffer;
  readonly control: SharedArrayBuffer;
  readonly slabSize: number;
  readonly layout: ImageLayout;
  readonly digests: DigestPlan;
};

export type SlabMessage =
  /** A slot was filled with `length` bytes of part `part` (index in the order of the stream). */
  | { readonly kind: 'slab'; readonly part: number; readonly slot: number; readonly length: number }
  /** Part `part` was read to its end. */
  | { readonly kind: 'part'; readonly part: number; readonly sha256: Uint8Array | undefined; readonly crc32: number | undefined; readonly md5: Uint8Array | undefined }
  /** The stream ended; `objectCrc32` is per object of the image, empty unless it was asked for. */
  | { readonly kind: 'end'; readonly bytes: number; readonly surplus: number; readonly sha256: Uint8Array; readonly objectCrc32: readonly number[] }
  | { readonly kind: 'fault'; readonly message: string };
