import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, mkdir, open, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../../agent/errors.ts';
import { MiB } from '../../modules/vocabulary/index.ts';
import { attachBadDisk, type BadDisk, type BadDiskOptions } from '../helpers/bad-disk.ts';
import type { Moto } from '../helpers/moto.ts';
import { startS3Front, type FaultPlan, type S3Front } from '../helpers/s3-front.ts';
import { newBucket, s3ClientOf } from '../helpers/s3-store.ts';
import { tempDir } from '../helpers/temp-dir.ts';
import { startCollector, type CollectorOptions, type Ended, type Running } from './collector.ts';
import { falseWords } from './promises.ts';
import { randomBytesOf, type Random } from './random.ts';

export const CASE = 'fault';
export const EXHIBIT = 'vol-0123456789abcdef0';
/** Parts of the smallest size that S3 takes, so that a small disk has several. */
export const PART = 5 * MiB;
/** Four whole parts and a rest that no power of two divides. */
export const DISK_SIZE = 4 * PART + 777 * 512;

/** A source under test: its bytes on a file, and what reads them. */
export type Source = {
  /** What the collector is given. */
  readonly path: string;
  /** The file with the bytes. */
  readonly file: string;
  /** SHA-256 of the file before anything happened. */
  readonly sha256: string;
  /** Whether a case is meant to change it: then its hash is not compared. */
  changes: boolean;
  readonly trace: string;
};

export type Place = { readonly to: string; readonly args: readonly string[]; readonly env: NodeJS.ProcessEnv };
export type Bucket = Place & { readonly bucket: string; readonly front: S3Front; faults: FaultPlan | undefined };

/** Where one row works: its own folder, disks, buckets and collectors, all put away at its end. */
export class Lab {
  readonly dir: string;
  readonly random: Random;
  /** Whether the long form runs. */
  readonly long: boolean;
  readonly #moto: Moto;
  readonly #undo: (() => Promise<unknown>)[] = [];
  readonly #sources: Source[] = [];
  readonly #places: Place[] = [];
  readonly #ended: Ended[] = [];
  #starts = 0;

  private constructor(dir: string, moto: Moto, random: Random, long: boolean) {
    this.dir = dir;
    this.#moto = moto;
    this.random = random;
    this.long = long;
  }

  static async open(moto: Moto, random: Random, long: boolean): Promise<Lab> {
    const { path, remove } = await tempDir();
    const lab = new Lab(path, moto, random, long);
    lab.#undo.push(remove);
    return lab;
  }

  /** Collectors that were started. */
  get tries(): number {
    return this.#starts;
  }

  file(name: string): string {
    return join(this.dir, name);
  }

  onEnd(undo: () => Promise<unknown>): void {
    this.#undo.push(undo);
  }

  /** A file of random bytes. */
  async bytes(name: string, size = DISK_SIZE): Promise<string> {
    await writeFile(this.file(name), randomBytesOf(this.random, size));
    return this.file(name);
  }

  /** An image file that nobody may write to. */
  async image(size = DISK_SIZE): Promise<Source> {
    const file = await this.bytes(`image-${this.#sources.length}`, size);
    await chmod(file, 0o444);
    return this.#source(file, file, '');
  }

  /** A writable disk, traced below its loop device, whose reads go wrong by these rules. */
  async disk(rules: readonly string[] = [], options: BadDiskOptions & { readonly size?: number; readonly from?: string } = {}): Promise<Source & { readonly disk: BadDisk }> {
    const file = options.from ?? (await this.bytes(`disk-${this.#sources.length}`, options.size));
    const trace = this.file(`trace-${this.#sources.length}`);
    await writeFile(trace, '');
    const disk = await attachBadDisk(file, rules, { writable: true, trace, ...options });
    this.#undo.push(() => disk.remove());
    return Object.assign(await this.#source(disk.path, file, trace), { disk });
  }

  async #source(path: string, file: string, trace: string): Promise<Source> {
    const source: Source = { path, file, trace, changes: false, sha256: await sha256OfFile(file) };
    this.#sources.push(source);
    return source;
  }

  /** A directory to store evidence in. */
  directory(path = this.file('evidence')): Place {
    return this.#place({ to: path, args: [], env: {} });
  }

  /** A bucket behind a front whose faults a case may set at any time. */
  async bucket(faults?: FaultPlan): Promise<Bucket> {
    const place: { current: Bucket | undefined } = { current: undefined };
    const front = await startS3Front({ upstream: this.#moto.endpoint, faults: (request) => place.current?.faults?.(request) });
    this.#undo.push(() => front.stop());
    const client = s3ClientOf(front);
    const bucket = await newBucket(client);
    client.destroy();
    const to = `s3://${bucket}/lab`;
    const env = { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test', AWS_EC2_METADATA_DISABLED: 'true' };
    place.current = Object.assign(this.#place({ to, args: ['--endpoint', front.endpoint, '--logs', 'none'], env }), { bucket, front, faults });
    return place.current;
  }

  #place(place: Place): Place {
    this.#places.push(place);
    return place;
  }

  /** Arguments that image a source into a place. */
  argsOf(source: Pick<Source, 'path'>, place: Place, more: readonly string[] = []): string[] {
    return ['collect', source.path, '--case', CASE, '--volume', EXHIBIT, '--to', place.to, '--part-size', '5MiB', '--json', '--scratch-dir', this.file('scratch'), ...place.args, ...more];
  }

  start(source: Pick<Source, 'path'>, place: Place, more: readonly string[] = [], options: Partial<CollectorOptions> = {}): Running {
    this.#starts++;
    const running = startCollector({ args: this.argsOf(source, place, more), ...options, env: { ...place.env, ...options.env } });
    this.#undo.push(async () => {
      running.kill('SIGKILL');
      await Promise.race([running.ended, sleep(5000)]);
    });
    void running.ended.then((ended) => this.#ended.push(ended), () => undefined);
    return running;
  }

  collect(source: Pick<Source, 'path'>, place: Place, more: readonly string[] = [], options: Partial<CollectorOptions> = {}): Promise<Ended> {
    return this.start(source, place, more, options).ended;
  }

  /** Another command of the collector on a place. */
  command(args: readonly string[], place: Place): Promise<Ended> {
    return startCollector({ args: [...args, ...place.args.filter((_, index) => index < 2)], env: place.env }).ended;
  }

  /** Waits until the trace of a disk says that a read waits at a gate. */
  async gate(source: Source, name: string): Promise<{ open(): Promise<void> }> {
    const go = this.file(name);
    for (const deadline = Date.now() + 30_000; !(await readFile(source.trace, 'utf8')).includes(`wait ${go}\n`); await sleep(20)) {
      if (Date.now() > deadline) throw new Error(`no read came to the gate ${name}`);
    }
    return { open: () => writeFile(go, '') };
  }

  /** Everything that must hold after any case; one sentence for each thing that does not. */
  async broken(): Promise<string[]> {
    const problems: string[] = [];
    for (const { file, sha256, changes, trace } of this.#sources) {
      if (!changes && (await sha256OfFile(file)) !== sha256) problems.push(`${file} has another SHA-256 than before`);
      const writes = trace === '' ? [] : (await readFile(trace, 'utf8')).split('\n').filter((line) => /^(?:write|truncate)/.test(line));
      if (writes.length > 0) problems.push(`${writes.length} writes reached the source: ${writes[0]}`);
    }
    const images = new Map(await Promise.all(this.#sources.map(async ({ file, sha256 }) => [sha256, file] as const)));
    for (const place of this.#places) problems.push(...(await falseWords(place, images)));
    for (const ended of this.#ended) problems.push(...unhelpful(ended));
    return problems;
  }

  /** Puts everything away. What cannot be is said, and the rest is put away nevertheless. */
  async close(): Promise<string[]> {
    const problems: string[] = [];
    for (const undo of this.#undo.splice(0).reverse()) {
      await undo().catch((error: unknown) => problems.push(`it could not be put away: ${messageOf(error)}`));
    }
    return problems;
  }

  /** Makes a folder of the row's own. */
  async folder(name: string): Promise<string> {
    await mkdir(this.file(name), { recursive: true });
    this.#undo.push(() => rm(this.file(name), { recursive: true, force: true }));
    return this.file(name);
  }
}

/** A failure must tell, in one line, what happened, what is safe, and what to do. */
function unhelpful({ outcome, lines, stderr }: Ended): string[] {
  const failure = lines.findLast(({ event }) => event === 'error');
  if (!failure) return [];
  const missing = ['message', 'safe', 'advice'].filter((field) => {
    const text = failure[field];
    return typeof text !== 'string' || text === '' || /[\n\r]/.test(text);
  });
  const spread = stderr.trimEnd().includes('\n') ? [`${outcome} takes more than one line of standard error: ${stderr}`] : [];
  return [...missing.map((field) => `${outcome} does not say ${field} in one line`), ...spread];
}

/** SHA-256 of a file, read past nothing: what is on it now. */
export async function sha256OfFile(file: string): Promise<string> {
  if (!existsSync(file)) return 'gone';
  const { size } = await stat(file);
  const hash = createHash('sha256');
  await using handle = await open(file, 'r');
  const buffer = Buffer.allocUnsafe(4 * MiB);
  for (let at = 0; at < size; ) {
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, at);
    if (bytesRead === 0) break;
    hash.update(buffer.subarray(0, bytesRead));
    at += bytesRead;
  }
  return hash.digest('hex');
}
