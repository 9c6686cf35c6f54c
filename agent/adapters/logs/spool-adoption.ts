import { readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ownerIsAlive, parseSpoolFileName, segmentPaths } from './spool-files.ts';
import { FileSegment } from './spool-segment.ts';

/** Makes the spool files of processes that are gone this owner's, and returns them, the oldest first. */
export async function claimAbandoned(dir: string, owner: string): Promise<FileSegment[]> {
  const claimed: FileSegment[] = [];
  for (const name of await readdir(dir)) {
    const file = parseSpoolFileName(name);
    if (!file || file.owner === owner || (await ownerIsAlive(file.owner))) continue;
    const from = join(dir, name);
    if (file.temporary) {
      await rm(from, { force: true });
      continue;
    }
    const paths = segmentPaths(dir, file.group, file.id, owner);
    try {
      await rename(from, paths.path); // atomic: of two processes that want it, one gets ENOENT
    } catch {
      continue;
    }
    const { size } = await stat(paths.path);
    claimed.push(new FileSegment(file.group, file.id, paths, size, true));
  }
  return claimed.toSorted((a, b) => (a.id < b.id ? -1 : 1));
}
