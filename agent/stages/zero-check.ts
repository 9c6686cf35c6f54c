import type { BadRange } from '../../modules/vocabulary/index.ts';

/** What a mapped range holds where it should hold nothing. */
export type NotZero = { readonly range: BadRange; /** The first such byte, counted from the image's start. */ readonly at: number };

const ZEROES = Buffer.alloc(64 * 1024);

/** The first byte that is not zero; -1 where all are. */
function firstNonZero(bytes: Uint8Array): number {
  for (let start = 0; start < bytes.length; start += ZEROES.length) {
    const piece = bytes.subarray(start, start + ZEROES.length);
    if (ZEROES.compare(piece, 0, piece.length, 0, piece.length) !== 0) return start + piece.findIndex((byte) => byte !== 0);
  }
  return -1;
}

/** Sees an image's bytes in their order, and says of each mapped bad range once when it is not the zeroes that the map says. */
export class ZeroCheck {
  readonly #ranges: readonly BadRange[];
  #next = 0;

  constructor(ranges: readonly BadRange[]) {
    this.#ranges = ranges.toSorted((a, b) => a.offset - b.offset);
  }

  /** @param at where the bytes begin, counted from the image's start; never before where the last ones did */
  update(bytes: Uint8Array, at: number): NotZero[] {
    const found: NotZero[] = [];
    for (let range = this.#ranges[this.#next]; range && range.offset < at + bytes.length; range = this.#ranges[this.#next]) {
      const end = range.offset + range.length;
      const start = Math.max(range.offset, at);
      const first = firstNonZero(bytes.subarray(start - at, Math.max(start, end) - at));
      if (first >= 0) found.push({ range, at: start + first });
      if (first < 0 && end > at + bytes.length) break; // it goes on in the next bytes
      this.#next++;
    }
    return found;
  }
}
