import { constants } from 'node:fs';
import { type FileHandle, chmod, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type ImageLayout, objectLength, partCount } from '../../../modules/vocabulary/index.ts';
import { StageError } from '../../errors.ts';
import { refusal } from './directory-errors.ts';
import { ANEW, PartsJournal, assertSameUpload, newHeader, readJournal } from './directory-journal.ts';
import type { DirectoryLock } from './directory-lock.ts';
import { SCRATCH, newNonce, openFile, statOf, syncDirectory } from './directory-paths.ts';
import type { StoredPart, UploadOptions } from './evidence-store.ts';
import { openDirect } from './read-back.ts';

/** The files of an image that is being stored, open and held. */
export type Scratch = {
  readonly key: string;
  readonly path: string;
  readonly uploadId: string;
  readonly data: FileHandle;
  /** The data, past the page cache; undefined where the file system cannot. */
  readonly direct: FileHandle | undefined;
  readonly journal: PartsJournal;
  readonly lock: DirectoryLock;
  readonly stored: Map<number, StoredPart>;
  readonly layout: ImageLayout;
  readonly objectIndex: number;
};

/** Where a part lies: `offset` in the image, `start` in its object. Undefined when the layout has no such part. */
export function plannedRange(layout: ImageLayout, objectIndex: number, partNumber: number): { offset: number; start: number; length: number } | undefined {
  if (partNumber < 1 || partNumber > partCount(layout, objectIndex)) return undefined;
  const start = (partNumber - 1) * layout.partSize;
  const length = Math.min(layout.partSize, objectLength(layout, objectIndex) - start);
  return { offset: objectIndex * layout.objectSize + start, start, length };
}

/** Whether a path leads to the file that is written. */
export async function leadsTo(path: string, data: FileHandle): Promise<boolean> {
  const [named, open] = [await statOf(path), await data.stat()];
  return named?.ino === open.ino && named.dev === open.dev;
}

/**
 * Looks whether this collector still has the lock and the file that it writes: it may have been taken for dead.
 * @throws StageError code BUSY; then it stores nothing more
 */
export async function assertHeld({ path, data, lock }: Pick<Scratch, 'path' | 'data' | 'lock'>): Promise<void> {
  const file = path + SCRATCH.data;
  const [held, named] = [await lock.isHeld(), await leadsTo(file, data)]; // one after the other: see inTurn
  if (held && named) return;
  throw new StageError('store', 'BUSY', `${file} is no longer this collector's: ${held ? 'it was moved or removed' : 'its lock was removed'}, so another may store this image`, {
    retryable: true,
    advice: 'Find out who works in the evidence directory. When no other collector stores this image, start again: what is stored there is taken over.',
  });
}

/** Sets an unfinished image and its journal aside under a name of their own; called with the lock held. */
export async function setAside(path: string): Promise<void> {
  const aside = `${path}.left-${newNonce()}`;
  // The data first: a journal without its data claims nothing, but data without a journal would be truncated.
  for (const suffix of [SCRATCH.data, SCRATCH.journal]) {
    if (await statOf(path + suffix)) await rename(path + suffix, aside + suffix);
  }
  await syncDirectory(dirname(path));
}

/** Opens or makes the data file and the journal; every part that the journal names and the file can hold is taken over. */
export async function openScratch(path: string, key: string, options: UploadOptions, lock: DirectoryLock): Promise<Scratch> {
  const { layout, objectIndex } = options;
  const [dataPath, journalPath] = [path + SCRATCH.data, path + SCRATCH.journal];
  const before = await readJournal(journalPath);
  if (before) assertSameUpload(before.header, options);
  const left = await statOf(dataPath);
  if (left && (!left.isFile() || left.nlink !== 1)) {
    throw refusal('PATH_UNSAFE', `${dataPath} is not a plain file of its own`, 'Move it away to start anew.');
  }
  // A journal is durable before its data begins: somebody took it, and the data may be all that is left of a disk.
  if (left && left.size > 0 && !before) {
    throw refusal('JOURNAL_DAMAGED', `${dataPath} holds ${left.size} bytes, and ${journalPath}, which says what they are, is missing or empty`, `Put that back if it was moved, or ${ANEW}.`);
  }
  if (left) await chmod(dataPath, 0o600); // an attempt that stopped while completing left it read-only
  const { O_RDWR, O_CREAT, O_TRUNC } = constants;
  const header = before?.header ?? newHeader(key, newNonce(), options);
  const journalFile = (await openFile(journalPath, O_RDWR | O_CREAT, 0o600))!;
  let data: FileHandle | undefined;
  try {
    await journalFile.truncate(before?.validBytes ?? 0);
    const journal = new PartsJournal(journalFile, before?.validBytes ?? 0);
    if (!before) await journal.append([header]);
    data = (await openFile(dataPath, O_RDWR | O_CREAT | (before ? 0 : O_TRUNC), 0o600))!;
    const { size } = await data.stat();
    const stored = new Map(before?.parts);
    const damaged = [...stored.values()].filter(({ partNumber, length }) => {
      const planned = plannedRange(layout, objectIndex, partNumber);
      return planned?.length !== length || planned.start + length > size;
    });
    for (const { partNumber } of damaged) stored.delete(partNumber);
    if (damaged.length > 0) await journal.append(damaged.map(({ partNumber }) => ({ part: partNumber, dropped: true })));
    await syncDirectory(dirname(path));
    return { key, path, uploadId: header.uploadId, data, direct: await openDirect(data), journal, lock, stored, layout, objectIndex };
  } catch (error) {
    await Promise.allSettled([data?.close(), journalFile.close()]);
    throw error;
  }
}
