import { execFile } from 'node:child_process';
import { randomFillSync } from 'node:crypto';
import { open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { MiB } from '../../modules/vocabulary/index.ts';
import type { Bench } from './run-case.ts';

/** Writes random bytes: nothing between source and sink can compress them away. */
async function writeRandom(path: string, size: number, signal: AbortSignal): Promise<void> {
  await using file = await open(path, 'wx');
  const block = new Uint8Array(4 * MiB);
  for (let left = size; left > 0; left -= block.length) {
    signal.throwIfAborted();
    await file.write(randomFillSync(block), 0, Math.min(left, block.length));
  }
}

/**
 * The source of all runs, read once so that it is in the page cache and its SHA-256 is known.
 * @param given a file to use as it is; otherwise `size` random bytes are written into `folder`
 */
export async function prepareSource(given: string | undefined, size: number, folder: string, signal: AbortSignal): Promise<Bench['source']> {
  const path = given ?? join(folder, 'source.raw');
  if (given === undefined) await writeRandom(path, size, signal);
  const { stdout } = await promisify(execFile)('openssl', ['dgst', '-sha256', '-r', path], { signal });
  const sha256 = /^[0-9a-f]{64}/.exec(stdout)?.[0];
  if (sha256 === undefined) throw new Error(`openssl gave no SHA-256 of ${path}: ${stdout}`);
  return { path, size: (await stat(path)).size, sha256 };
}
