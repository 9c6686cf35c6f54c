import { constants } from 'node:fs';
import { realpath } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { StageError } from '../../errors.ts';
import { errnoOf } from '../errno.ts';
import { existsError, storeError, storing } from './directory-errors.ts';
import { readJournal, writeFully } from './directory-journal.ts';
import { ASIDE, SCRATCH, makeWayTo, newNonce, openFile, pathOf, publish, remove, statOf, syncDirectory, walk } from './directory-paths.ts';
import { DirectoryUpload, type UploadTools } from './directory-upload.ts';
import { inTurn } from './in-turn.ts';
import { ReadBack } from './read-back.ts';
import { amountOf, type EvidenceStore, type ImageUpload, type StoredObjectInfo, type UnfinishedUpload, type UploadOptions } from './evidence-store.ts';

const CHUNK = 1024 * 1024;

/**
 * Evidence in a local directory, in the layout that the bucket has. Directories are 0700, finished files 0440; a file
 * appears under its name in one step, complete and synced, and never replaces another.
 * Needs a file system with hard links. The directory is made when the first object is stored.
 */
export async function directoryStore(root: string): Promise<EvidenceStore> {
  const absolute = resolve(root);
  const real = await realpath(absolute).catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT') return absolute;
    throw storeError(`opening the evidence directory ${absolute}`, error);
  });
  const stat = await statOf(real);
  if (stat && !stat.isDirectory()) {
    throw new StageError('store', 'STORE_UNFIT', `${real} is not a directory`, { retryable: false, advice: 'Name a directory; it is made when it is missing.' });
  }
  return new DirectoryStore(real);
}

class DirectoryStore implements EvidenceStore {
  readonly kind = 'directory';
  readonly location: string;
  readonly #tools: UploadTools = { readBack: new ReadBack(), writing: inTurn(), syncing: inTurn() };
  readonly partChecksum = { algorithm: 'SHA256', verifiedByStore: false } as const;

  constructor(root: string) {
    this.location = root;
  }

  async openImage(key: string, options: UploadOptions, signal: AbortSignal): Promise<ImageUpload> {
    signal.throwIfAborted();
    this.#tools.readBack.start();
    return DirectoryUpload.open(await makeWayTo(this.location, key), key, options, this.#tools);
  }

  async putRecord(key: string, body: Uint8Array, _contentType: string, signal: AbortSignal): Promise<StoredObjectInfo> {
    signal.throwIfAborted();
    const path = await makeWayTo(this.location, key);
    if (await statOf(path)) throw existsError(key);
    const draft = `${path}.${newNonce()}.tmp`;
    const { O_WRONLY, O_CREAT, O_EXCL } = constants;
    await storing(`storing ${path}`, async () => {
      try {
        await using file = (await openFile(draft, O_WRONLY | O_CREAT | O_EXCL, 0o600))!;
        await writeFully(file, body, 0);
        await file.chmod(0o440);
        await file.sync();
        await publish(draft, path, key);
        await syncDirectory(dirname(path));
      } finally {
        await remove(draft);
      }
    });
    return { key, length: body.length };
  }

  async head(key: string, signal: AbortSignal): Promise<StoredObjectInfo | undefined> {
    signal.throwIfAborted();
    const path = await pathOf(this.location, key);
    const stat = await statOf(path);
    if (!stat) return undefined;
    if (!stat.isFile()) throw notAFile(path);
    return { key, length: Number(stat.size) };
  }

  async *read(key: string, range: { start: number; end: number } | undefined, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    const path = await pathOf(this.location, key);
    await using file = await openFile(path, constants.O_RDONLY | constants.O_NONBLOCK);
    if (!file) throw new StageError('store', 'MISSING', `${key} is not stored in ${this.location}`, { retryable: false });
    const stat = await file.stat();
    if (!stat.isFile()) throw notAFile(path);
    const end = Math.min(range?.end ?? stat.size, stat.size);
    const readAt = async (position: number): Promise<Uint8Array> => {
      const buffer = Buffer.allocUnsafeSlow(Math.max(0, Math.min(CHUNK, end - position)));
      const { bytesRead } = await file.read(buffer, 0, buffer.length, position);
      return buffer.subarray(0, bytesRead);
    };
    const ahead = (position: number): Promise<Uint8Array> => this.#tools.writing(() => readAt(position));
    let next = ahead(range?.start ?? 0);
    try {
      for (let position = range?.start ?? 0; position < end; ) {
        signal.throwIfAborted();
        const chunk = await storing(`reading ${path} at byte ${position}`, () => next);
        if (chunk.length === 0) {
          throw new StageError('store', 'SHORT_READ', `${key} ended at byte ${position}, expected ${end}`, { retryable: false });
        }
        position += chunk.length;
        next = ahead(position); // the disk reads on while the chunk is worked on
        yield chunk;
      }
    } finally {
      await next.catch(() => undefined);
    }
  }

  list(prefix: string, signal: AbortSignal): AsyncIterable<string> {
    return walk(this.location, prefix, false, signal);
  }

  async *unfinished(prefix: string, signal: AbortSignal, onUnreadable?: (key: string, error: unknown) => void): AsyncGenerator<UnfinishedUpload> {
    for await (const name of walk(this.location, prefix, true, signal)) {
      const key = name.slice(0, -SCRATCH.journal.length);
      const upload = await this.#describe(key).catch((error: unknown) => {
        if (!onUnreadable) throw error;
        onUnreadable(key.replace(ASIDE, ''), error);
      });
      if (upload) yield upload;
    }
  }

  /** What the journal of a key says; undefined when nothing is unfinished. */
  async #describe(key: string): Promise<UnfinishedUpload | undefined> {
    const path = await pathOf(this.location, key);
    if (await statOf(path)) return undefined; // stored; only the tidying up was interrupted
    const journal = await readJournal(path + SCRATCH.journal);
    if (!journal) return undefined;
    const { header: { uploadId, startedAt }, parts } = journal;
    const left = ASIDE.test(key) ? { setAside: true as const } : {};
    return { key: key.replace(ASIDE, ''), uploadId, startedAt: new Date(startedAt), ...amountOf([...parts.values()]), ...left };
  }

  close(): Promise<void> {
    return this.#tools.readBack.close();
  }
}

const notAFile = (path: string): StageError =>
  new StageError('store', 'PATH_UNSAFE', `${path} is not a regular file`, {
    retryable: false,
    advice: 'Remove the symbolic link or special file that stands there.',
  });
