import { mkdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { monotonicFactory } from 'ulid';
import { LOG_GROUPS, type LogGroup } from '../../../modules/vocabulary/index.ts';
import { claimAbandoned } from './spool-adoption.ts';
import { FREE, segmentPaths, spoolFileName, thisOwner } from './spool-files.ts';
import { makeRoom } from './spool-room.ts';
import { FileSegment, MemorySegment, type Segment } from './spool-segment.ts';

export type SpoolOptions = {
  readonly dir: string;
  /** Bytes of files, for all groups together. */
  readonly maxBytes: number;
  /** Bytes that may wait in memory, for all groups together. */
  readonly maxMemoryBytes: number;
};

const GROUPS = Object.keys(LOG_GROUPS) as LogGroup[];

type Waiting = { readonly text: string; readonly rank: number };
type Queue = { waiting: Waiting[]; current: FileSegment | undefined; readonly segments: Segment[]; lent: Segment | undefined };

/** How many lines from the head fill `bytes`; at least one. */
function countWithin(lines: readonly Waiting[], bytes: number): number {
  let count = 0;
  for (let sum = 0; count < lines.length && (count === 0 || sum < bytes); count += 1) sum += lines[count]?.text.length ?? 0;
  return count;
}

/**
 * Lines on their way to a service, on disk, a queue for each log group. A line is in memory until the disk has it; while the
 * disk takes none it stays there, inside a bound, and is delivered from there. Files belong to one process; those of a
 * process that is gone are taken over, and go first.
 */
export class Spool {
  readonly #options: SpoolOptions;
  readonly #ulid = monotonicFactory();
  readonly #queues = new Map<LogGroup, Queue>(
    GROUPS.map((group) => [group, { waiting: [], current: undefined, segments: [], lent: undefined }]),
  );
  #owner = '';
  #last: Promise<unknown> = Promise.resolve();
  #flushing = false;
  #dropped = 0;
  #memoryBytes = 0;
  #diskError: unknown = new Error('the spool is not open yet');

  constructor(options: SpoolOptions) {
    this.#options = options;
  }

  /** Lines that were dropped for want of room, since the start. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Why the disk took nothing the last time; undefined while it does. */
  get diskError(): unknown {
    return this.#diskError;
  }

  get fileBytes(): number {
    return this.#files().reduce((sum, file) => sum + file.size, 0);
  }

  /** Bytes that wait in memory for the disk. Lines are ASCII, so that a character is a byte. */
  get memoryBytes(): number {
    return this.#memoryBytes;
  }

  /** Adds a line (without newline) and returns at once; it is written to disk soon after. */
  append(group: LogGroup, line: string, rank: number): void {
    this.#queue(group).waiting.push({ text: `${line}\n`, rank });
    this.#memoryBytes += line.length + 1;
    if (this.#memoryBytes > this.#options.maxMemoryBytes) this.#shrinkMemory();
    if (!this.#flushing) this.#flushSoon();
  }

  /** Writes what waits to disk and keeps the files inside their bound. Never rejects: see {@link diskError}. */
  flush(): Promise<void> {
    return this.#exclusive(async () => {
      try {
        if (this.#owner === '') await this.#open();
        for (const group of GROUPS) await this.#flushGroup(group);
        this.#diskError = undefined;
        if (this.fileBytes > this.#options.maxBytes) await this.#shrinkFiles();
      } catch (error) {
        this.#diskError = error;
      }
    });
  }

  /** Takes over the files of processes that are gone. Returns how many. */
  adopt(): Promise<number> {
    return this.#exclusive(async () => (this.#owner === '' ? 0 : this.#adopt())).catch(() => 0);
  }

  /** The oldest segment of a group, lent until `settle`; undefined when there is nothing to deliver. */
  next(group: LogGroup): Promise<Segment | undefined> {
    return this.#exclusive(async () => {
      const queue = this.#queue(group);
      if (queue.segments.length === 0) this.#seal(queue);
      if (queue.segments.length === 0 && this.#diskError !== undefined && queue.waiting.length > 0) {
        // A part of what waits only: what is lent can no longer make room for what matters more.
        const count = countWithin(queue.waiting, this.#options.maxMemoryBytes / 8);
        const lines = queue.waiting.splice(0, count).map(({ text }) => text);
        queue.segments.push(new MemorySegment(group, this.#ulid(), lines));
      }
      queue.lent = queue.segments[0];
      return queue.lent;
    });
  }

  /** Ends the loan of a segment that was delivered to its end, and removes it. */
  settle(segment: Segment): Promise<void> {
    return this.#exclusive(async () => {
      this.#take(segment);
      if (segment instanceof MemorySegment) this.#memoryBytes -= segment.size;
      await segment.remove();
    }).catch(() => {});
  }

  /** Ends the loan of a segment that cannot be read: its file stays as it is, for a later process. */
  setAside(segment: Segment): Promise<void> {
    return this.#exclusive(async () => this.#take(segment));
  }

  /** Writes what is left to disk and lets go of the files, so that any later process may take them over. */
  async close(): Promise<void> {
    await this.flush();
    await this.#exclusive(async () => {
      for (const queue of this.#queues.values()) {
        this.#seal(queue);
        for (const segment of queue.segments) if (segment instanceof MemorySegment) await this.#rescue(segment);
      }
      for (const file of this.#files()) {
        await rename(file.path, join(this.#options.dir, spoolFileName(file.group, file.id, FREE)));
      }
    }).catch(() => {}); // then the file keeps its owner's name, and is taken over once this process is gone
  }

  #queue(group: LogGroup): Queue {
    const queue = this.#queues.get(group);
    if (!queue) throw new RangeError(`there is no log group ${group}`);
    return queue;
  }

  /** Takes a segment that was lent out of its queue. */
  #take(segment: Segment): void {
    const queue = this.#queue(segment.group);
    queue.segments.splice(queue.segments.indexOf(segment), 1);
    queue.lent = undefined;
  }

  #flushSoon(): void {
    this.#flushing = true;
    setImmediate(() => void this.#flushAll());
  }

  async #flushAll(): Promise<void> {
    await this.flush();
    this.#flushing = false;
    const waiting = [...this.#queues.values()].some((queue) => queue.waiting.length > 0);
    if (waiting && this.#diskError === undefined) this.#flushSoon(); // came while the disk was written to
  }

  #exclusive<T>(action: () => Promise<T>): Promise<T> {
    const result = this.#last.then(action);
    this.#last = result.catch(() => {});
    return result;
  }

  #files(): FileSegment[] {
    const all = [...this.#queues.values()].flatMap(({ segments, current }) => [...segments, ...(current ? [current] : [])]);
    return all.filter((segment) => segment instanceof FileSegment);
  }

  get #segmentBytes(): number {
    return Math.min(1024 ** 2, Math.max(4096, Math.floor(this.#options.maxBytes / 16)));
  }

  #newFile(group: LogGroup): FileSegment {
    const id = this.#ulid();
    return new FileSegment(group, id, segmentPaths(this.#options.dir, group, id, this.#owner));
  }

  #seal(queue: Queue): void {
    if (queue.current && queue.current.size > 0) queue.segments.push(queue.current);
    queue.current = undefined;
  }

  async #open(): Promise<void> {
    await mkdir(this.#options.dir, { recursive: true, mode: 0o700 });
    this.#owner = await thisOwner();
    await this.#adopt();
  }

  async #adopt(): Promise<number> {
    const adopted = await claimAbandoned(this.#options.dir, this.#owner);
    for (const group of GROUPS) {
      const queue = this.#queue(group);
      const own = adopted.filter((segment) => segment.group === group);
      queue.segments.splice(queue.lent ? 1 : 0, 0, ...own);
    }
    return adopted.length;
  }

  async #flushGroup(group: LogGroup): Promise<void> {
    const queue = this.#queue(group);
    while (queue.waiting.length > 0) {
      queue.current ??= this.#newFile(group);
      const before = queue.current.size;
      const chunk = queue.waiting.splice(0, countWithin(queue.waiting, this.#segmentBytes - before));
      try {
        await queue.current.append(chunk.map(({ text }) => text).join(''));
      } catch (error) {
        queue.waiting.unshift(...chunk);
        if (queue.current.size === 0) await queue.current.remove().catch(() => {});
        this.#seal(queue); // what the failed write left in the file must not get lines behind it
        throw error;
      }
      this.#memoryBytes -= queue.current.size - before;
      if (queue.current.size >= this.#segmentBytes) this.#seal(queue);
    }
  }

  async #rescue(segment: MemorySegment): Promise<void> {
    const { content, start } = await segment.read();
    const paths = segmentPaths(this.#options.dir, segment.group, segment.id, this.#owner);
    const file = new FileSegment(segment.group, segment.id, paths);
    try {
      await file.append(content.toString('utf8', start));
      const { segments } = this.#queue(segment.group);
      segments.splice(segments.indexOf(segment), 1, file);
    } catch {
      this.#dropped += segment.lines.length;
    }
  }

  #shrinkMemory(): void {
    const target = this.#options.maxMemoryBytes * 0.9;
    for (const rank of [0, 1, 2]) {
      for (const queue of this.#queues.values()) {
        if (this.#memoryBytes <= target) return;
        queue.waiting = queue.waiting.filter((line) => {
          if (this.#memoryBytes <= target || line.rank > rank) return true;
          this.#memoryBytes -= line.text.length;
          this.#dropped += 1;
          return false;
        });
      }
    }
  }

  async #shrinkFiles(): Promise<void> {
    for (const queue of this.#queues.values()) this.#seal(queue);
    const idle = this.#files().filter((file) => this.#queue(file.group).lent !== file);
    this.#dropped += await makeRoom(idle, this.fileBytes - this.#options.maxBytes * 0.9);
    for (const file of idle.filter(({ size }) => size === 0)) {
      const { segments } = this.#queue(file.group);
      segments.splice(segments.indexOf(file), 1);
      await file.remove();
    }
  }
}
