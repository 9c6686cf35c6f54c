/** The thread that reads back: stored bytes → compared with the slab they came from → SHA-256 of what is stored. */
import { createHash, type Hash } from 'node:crypto';
import { readSync } from 'node:fs';
import { parentPort } from 'node:worker_threads';
import type { ReadBackAnswer, ReadBackFile, ReadBackRequest } from './read-back-protocol.ts';

/** TypeScript declares WebAssembly only for browsers. */
declare const WebAssembly: { readonly Memory: new (pages: { initial: number }) => { readonly buffer: ArrayBuffer } };

/** Largest piece that is read at once: it stays in the core's cache until it is hashed. */
const PIECE = 512 * 1024;
/** What O_DIRECT wants positions, lengths and memory to be multiples of, at most. */
const BLOCK = 4096;
const WASM_PAGE = 64 * 1024;

/** WebAssembly's pages are the aligned memory that JavaScript has; room for a block that is cut at either end. */
const memory = Buffer.from(new WebAssembly.Memory({ initial: (PIECE + 2 * BLOCK) / WASM_PAGE + 1 }).buffer);
const hashes = new Map<number, Hash>();

/** What is stored from `position` on, as far as it goes: at most `length` bytes, valid until the next call. */
function stored({ plain, direct }: ReadBackFile, position: number, length: number): Buffer {
  const skip = position % BLOCK;
  const wanted = Math.ceil((skip + length) / BLOCK) * BLOCK;
  let filled = 0;
  while (filled < skip + length) {
    const count = readAligned(filled % BLOCK === 0 ? direct : undefined, plain, filled, wanted - filled, position - skip + filled);
    if (count === 0) break;
    filled += count;
  }
  return memory.subarray(Math.min(skip, filled), Math.min(filled, skip + length));
}

function readAligned(direct: number | undefined, plain: number, at: number, length: number, position: number): number {
  try {
    if (direct !== undefined) return readSync(direct, memory, at, length, position);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EINVAL') throw error; // the file system wants larger blocks
  }
  return readSync(plain, memory, at, length, position);
}

function compare({ hash: number, file, position, bytes }: ReadBackRequest & { kind: 'compare' }): ReadBackAnswer {
  let hash = hashes.get(number);
  if (!hash) hashes.set(number, (hash = createHash('sha256')));
  for (let done = 0; done < bytes.length; ) {
    const expected = bytes.subarray(done, done + PIECE);
    const found = stored(file, position + done, expected.length);
    if (!found.equals(expected)) {
      const index = found.findIndex((byte, at) => byte !== expected[at]);
      return { kind: 'differs', at: position + done + (index < 0 ? found.length : index) };
    }
    hash.update(found);
    done += found.length;
  }
  return { kind: 'same' };
}

function answer(request: ReadBackRequest): ReadBackAnswer {
  if (request.kind === 'compare') return compare(request);
  const hash = hashes.get(request.hash) ?? createHash('sha256');
  hashes.delete(request.hash);
  return { kind: 'digest', sha256: hash.digest() };
}

parentPort!.on('message', (request: ReadBackRequest) => {
  try {
    parentPort!.postMessage(answer(request));
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    parentPort!.postMessage({ kind: 'fault', code, message } satisfies ReadBackAnswer);
  }
});
