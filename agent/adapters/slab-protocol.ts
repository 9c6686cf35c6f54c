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

/** What the worker is sent, once. */
export type SlabJob = {
  /** Descriptor of the pipe that dc3dd writes into. */
  readonly fd: number;
  readonly slabs: SharedArrayBuffer;
  readonly control: SharedArrayBuffer;
  readonly slabSize: number;
  /** No slab reaches over the end of a part. */
  readonly layout: ImageLayout;
};

export type SlabMessage =
  /** A slot was filled with the stream's next `length` bytes; fewer than asked only where the stream ends early. */
  | { readonly kind: 'slab'; readonly slot: number; readonly length: number }
  /** The stream ended after `bytes`, of which `surplus` are beyond the planned size. SHA-256 of what was planned. */
  | { readonly kind: 'end'; readonly bytes: number; readonly surplus: number; readonly sha256: Uint8Array }
  | { readonly kind: 'fault'; readonly message: string };
