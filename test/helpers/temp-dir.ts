import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A directory of a test's own; `remove` takes it away with all that is in it. */
export async function tempDir(): Promise<{ readonly path: string; readonly remove: () => Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'cleanroom-test-'));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}
