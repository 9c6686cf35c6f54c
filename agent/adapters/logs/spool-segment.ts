import { readFile, rename, rm, truncate, writeFile } from 'node:fs/promises';
import type { LogGroup } from '../../../modules/vocabulary/index.ts';

/** A run of spooled lines of one group, in order; delivered from its head and removed as a whole. */
export interface Segment {
  readonly group: LogGroup;
  /** ULID: orders segments by age. */
  readonly id: string;
  /** Bytes it takes up. */
  readonly size: number;
  /** Left by a process that is gone. */
  readonly inherited: boolean;
  /** Its content, and the offset that was already delivered. */
  read(): Promise<{ readonly content: Buffer; readonly start: number }>;
  /** Notes that everything before `offset` was delivered; losing the note costs a second delivery, nothing else. */
  delivered(offset: number): Promise<void>;
  remove(): Promise<void>;
}

/** A segment in memory: for as long as the disk takes nothing. */
export class MemorySegment implements Segment {
  readonly inherited = false;
  readonly group: LogGroup;
  readonly id: string;
  readonly lines: readonly string[];
  readonly size: number;
  #start = 0;

  constructor(group: LogGroup, id: string, lines: readonly string[]) {
    this.group = group;
    this.id = id;
    this.lines = lines;
    this.size = lines.reduce((sum, line) => sum + line.length, 0);
  }

  async read() {
    return { content: Buffer.from(this.lines.join('')), start: this.#start };
  }

  async delivered(offset: number) {
    this.#start = offset;
  }

  async remove() {}
}

/** A segment in a file. */
export class FileSegment implements Segment {
  readonly group: LogGroup;
  readonly id: string;
  readonly inherited: boolean;
  readonly path: string;
  readonly positionPath: string;
  /** Bytes that are known to be whole lines; what an interrupted write left behind them is not read. */
  size: number;
  /** Ranks below this were already taken out to make room. */
  keptRank = 0;

  constructor(group: LogGroup, id: string, paths: { path: string; positionPath: string }, size = 0, inherited = false) {
    this.group = group;
    this.id = id;
    this.path = paths.path;
    this.positionPath = paths.positionPath;
    this.size = size;
    this.inherited = inherited;
  }

  /** Appends whole lines. Rejects when the disk takes them not at all or only in part; then none of them count. */
  async append(text: string): Promise<void> {
    try {
      await writeFile(this.path, text, { flag: 'a', mode: 0o600 });
    } catch (error) {
      await truncate(this.path, this.size).catch(() => {});
      throw error;
    }
    this.size += Buffer.byteLength(text);
  }

  async read() {
    const content = (await readFile(this.path)).subarray(0, this.size);
    const position = Number(await readFile(this.positionPath, 'utf8').catch(() => '0'));
    const atLine = Number.isSafeInteger(position) && position > 0 && content[position - 1] === 0x0a;
    return { content, start: atLine ? position : 0 };
  }

  async delivered(offset: number) {
    await writeFile(this.positionPath, String(offset), { mode: 0o600 }).catch(() => {});
  }

  async remove() {
    await rm(this.path, { force: true });
    await rm(this.positionPath, { force: true });
  }

  /** Rewrites it with the undelivered lines that `keep` accepts; returns how many were left out. */
  async filter(keep: (line: string) => boolean): Promise<number> {
    const { content, start } = await this.read();
    const lines = content.toString('utf8', start).split('\n').filter((line) => line !== '');
    const kept = lines.filter(keep);
    const text = kept.map((line) => `${line}\n`).join('');
    try {
      await writeFile(`${this.path}.tmp`, text, { mode: 0o600 });
      await rm(this.positionPath, { force: true }); // first: an offset into the old text must not meet the new one
      await rename(`${this.path}.tmp`, this.path);
    } catch (error) {
      await rm(`${this.path}.tmp`, { force: true }).catch(() => {});
      throw error;
    }
    this.size = Buffer.byteLength(text);
    return lines.length - kept.length;
  }
}
