import { constants } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { z } from 'zod';
import { type ImageLayout, S3_LIMITS, Sha256Hex, UtcTime } from '../../../modules/vocabulary/index.ts';
import { printSize } from '../../config/sizes.ts';
import type { StageError } from '../../errors.ts';
import { refusal } from './directory-errors.ts';
import type { StoredPart, UploadOptions } from './evidence-store.ts';
import { openFile } from './directory-paths.ts';

const JOURNAL_SCHEMA = 'cleanroom/partial-journal/v1';

const Header = z.strictObject({
  schema: z.literal(JOURNAL_SCHEMA),
  key: z.string(),
  uploadId: z.string(),
  startedAt: UtcTime,
  layout: z.strictObject({ imageSize: z.int(), partSize: z.int(), objectSize: z.int(), objectCount: z.int() }),
  objectIndex: z.int().min(0),
  metadata: z.record(z.string(), z.string()),
});
export type JournalHeader = z.infer<typeof Header>;

const Line = z.union([
  z.strictObject({
    part: z.int().min(1),
    length: z.int().min(0),
    sha256: Sha256Hex,
    crc32: z.string().regex(/^[0-9a-f]{8}$/).optional(),
  }),
  /** The part is about to be written anew, or was found damaged: what was said of it before is void. */
  z.strictObject({ part: z.int().min(1), dropped: z.literal(true) }),
]);
export type JournalLine = z.infer<typeof Line>;

export const lineOf = ({ partNumber, length, sha256, crc32 }: StoredPart & { readonly sha256: Buffer }): JournalLine => ({
  part: partNumber,
  length,
  sha256: sha256.toString('hex'),
  ...(crc32 && { crc32: crc32.toString('hex') }),
});

const print = (value: object): string => `${JSON.stringify(value)}\n`;

export const newHeader = (key: string, uploadId: string, { layout, objectIndex, metadata }: UploadOptions): JournalHeader => ({
  schema: JOURNAL_SCHEMA,
  key,
  uploadId,
  startedAt: new Date().toISOString(),
  layout: pickLayout(layout),
  objectIndex,
  metadata: { ...metadata },
});

const pickLayout = ({ imageSize, partSize, objectSize, objectCount }: ImageLayout): ImageLayout => ({
  imageSize,
  partSize,
  objectSize,
  objectCount,
});

/** About the attempt and not about the source: a later attempt may differ in it and still take the upload over. */
const isOfAttempt = (field: string): boolean => /^(?:acquisition|collector)/i.test(field);

/** What can be done where a journal does not serve, within a sentence. */
export const ANEW = 'begin anew with --resume never: what is stored stays beside it';

/** The flags that plan this layout. */
function flagsFor({ partSize, objectSize }: ImageLayout): string {
  const isLargest = objectSize === S3_LIMITS.maxParts * partSize;
  return `--part-size ${printSize(partSize)}${isLargest ? '' : ` --max-object-size ${printSize(objectSize)}`}`;
}

/** @throws StageError LAYOUT_DIFFERS or SOURCE_DIFFERS when the upload that the journal describes is not this one */
export function assertSameUpload({ key, layout: before, objectIndex, metadata }: JournalHeader, options: UploadOptions): void {
  const refuse = (code: string, message: string, first: string): never => {
    throw refusal(code, message, `${first}, or ${ANEW}.`);
  };
  const now = options.layout;
  if (before.imageSize !== now.imageSize) {
    refuse('SOURCE_DIFFERS', `${key} was begun from a source of ${before.imageSize} bytes, and this one has ${now.imageSize}`, 'See that it is the disk that --case and --volume name');
  }
  if (JSON.stringify([pickLayout(now), options.objectIndex]) !== JSON.stringify([pickLayout(before), objectIndex])) {
    refuse('LAYOUT_DIFFERS', `${key} was begun with ${flagsFor(before)}, and is now asked for with ${flagsFor(now)}`, `Give ${flagsFor(before)} to take over what is stored`);
  }
  for (const field of new Set([...Object.keys(metadata), ...Object.keys(options.metadata)])) {
    const [then, asked] = [metadata[field] ?? null, options.metadata[field] ?? null];
    if (isOfAttempt(field) || then === asked) continue;
    refuse('SOURCE_DIFFERS', `${key} was begun with ${field} ${JSON.stringify(then)}, and is now asked for with ${JSON.stringify(asked)}`, 'See that it is the same source');
  }
}

const damaged = (message: string): StageError => refusal('JOURNAL_DAMAGED', message, 'Begin anew with --resume never: what is there stays beside it.');

export type JournalContent = {
  readonly header: JournalHeader;
  readonly parts: ReadonlyMap<number, StoredPart>;
  /** Bytes up to the end of the last whole line; what follows was torn by a crash. */
  readonly validBytes: number;
};

/**
 * Reads a journal like any write-ahead log: up to the first line that is not whole.
 * Undefined when not even its header is whole, so that nothing was stored yet.
 */
export function parseJournal(text: string, path: string): JournalContent | undefined {
  const lines = text.split('\n');
  const first = lines.shift();
  if (first === undefined || lines.length === 0) return undefined;
  const header = Header.safeParse(parseJson(first));
  if (!header.success) {
    throw damaged(`${path} is not a journal of stored parts`);
  }
  let validBytes = Buffer.byteLength(first) + 1;
  const parts = new Map<number, StoredPart>();
  lines.pop(); // empty, or torn
  for (const each of lines) {
    const line = Line.safeParse(parseJson(each));
    if (!line.success) break;
    validBytes += Buffer.byteLength(each) + 1;
    parts.delete(line.data.part);
    if ('dropped' in line.data) continue;
    const { part, length, sha256, crc32 } = line.data;
    parts.set(part, {
      partNumber: part,
      length,
      sha256: Buffer.from(sha256, 'hex'),
      ...(crc32 !== undefined && { crc32: Buffer.from(crc32, 'hex') }),
    });
  }
  return { header: header.data, parts, validBytes };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Largest journal that is read: 10,000 parts make about 2 MB. */
const MAX_JOURNAL = 64 * 1024 * 1024;

/** What a journal file says; undefined when there is none or nothing whole in it. */
export async function readJournal(path: string): Promise<JournalContent | undefined> {
  await using handle = await openFile(path, constants.O_RDONLY | constants.O_NONBLOCK); // a FIFO would be waited for
  if (!handle) return undefined;
  const stat = await handle.stat();
  if (!stat.isFile()) throw damaged(`${path} is not a regular file`);
  const { size } = stat;
  if (size > MAX_JOURNAL) {
    throw damaged(`${path} has ${size} bytes; a journal has at most ${MAX_JOURNAL}`);
  }
  return parseJournal(await handle.readFile('utf8'), path);
}

/** An open journal. Lines are durable when `append` resolves; one that failed half-way is overwritten by the next. */
export class PartsJournal {
  readonly #handle: FileHandle;
  #size: number;

  constructor(handle: FileHandle, size: number) {
    this.#handle = handle;
    this.#size = size;
  }

  async append(lines: readonly (JournalHeader | JournalLine)[]): Promise<void> {
    const bytes = Buffer.from(lines.map(print).join(''));
    await writeFully(this.#handle, bytes, this.#size);
    await this.#handle.sync();
    this.#size += bytes.length;
  }

  close(): Promise<void> {
    return this.#handle.close();
  }
}

/** Writes all of it at a position, however short the single writes are. */
export async function writeFully(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, position + done);
    done += bytesWritten;
  }
}
