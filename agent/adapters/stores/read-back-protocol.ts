/** What the thread that reads back and the main thread say to each other. It answers in the order in which it is asked. */

/** Descriptors of one file. `direct` goes past the page cache, where the file system has that. */
export type ReadBackFile = { readonly plain: number; readonly direct: number | undefined };

export type ReadBackRequest =
  /** Compares what is stored at `position` with `bytes`, and adds it to the SHA-256 of this number. */
  | { readonly kind: 'compare'; readonly hash: number; readonly file: ReadBackFile; readonly position: number; readonly bytes: Uint8Array }
  /** Ends the SHA-256 of this number. */
  | { readonly kind: 'digest'; readonly hash: number };

export type ReadBackAnswer =
  | { readonly kind: 'same' }
  /** The first byte of the file that is another, or is not there. */
  | { readonly kind: 'differs'; readonly at: number }
  | { readonly kind: 'digest'; readonly sha256: Uint8Array }
  | { readonly kind: 'fault'; readonly code: string | undefined; readonly message: string };
