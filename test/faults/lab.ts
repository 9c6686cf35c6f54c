import { createHash } from 'node:crypto';
import { constants, existsSync } from 'node:fs';
import { chmod, mkdir, open, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import { messageOf } from '../../agent/errors.ts';
import { verifyEvidence } from '../../agent/stages/verify.ts';
import { MiB } from '../../modules/vocabulary/index.ts';
import { startFront as startLogsFront, type Front as LogsFront } from '../agent/logs-support.ts';
import { attachBadDisk, type BadDisk, type BadDiskOptions } from '../helpers/bad-disk.ts';
import type { Moto } from '../helpers/moto.ts';
import { startS3Front, type FaultPlan } from '../helpers/s3-front.ts';
import { newBucket, s3ClientOf } from '../helpers/s3-store.ts';
import { tempDir } from '../helpers/temp-dir.ts';
import { startCollector, type CollectorOptions, type Ended, type Running } from './collector.ts';
import { CASE, EXHIBIT, type Bucket, type Place } from './place.ts';
import { falseIn, falseWords, unhelpful } from './promises.ts';
import { randomBytesOf, type Random } from './random.ts';
import { storeOf } from './stored.ts';

/** Parts of the smallest size that S3 takes, so that a small disk has several. */
export const PART = 5 * MiB;
/** Four whole parts and a rest that no power of two divides. */
export const DISK_SIZE = 4 * PART + 777 * 512;

/** Longest time for one thing to be put away; what hangs must not hold up the suite. */
const PUT_AWAY_MS = 180_000;

const CREDENTIALS = { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test', AWS_EC2_METADATA_DISABLED: 'true' };

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
  /** When the file was written to, or its attributes were changed, for the last time: what no writer can set back. */
  readonly ctimeNs: bigint;
};

/** CloudWatch Logs behind a front that a case can break. */
export type LogService = { readonly front: LogsFront; readonly args: readonly string[]; readonly env: NodeJS.ProcessEnv; readonly prefix: string };

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

  /** An image file that nobody may write to. @param from a file that is there already */
  async image(size = DISK_SIZE, from?: string): Promise<Source> {
    const file = from ?? (await this.bytes(`image-${this.#sources.length}`, size));
    await chmod(file, 0o444);
    return this.#source(file, file, '');
  }

  /** A source for faults that are not its own: a traced disk in the long form, an image file in the short one, which is faster. */
  source(size = DISK_SIZE): Promise<Source> {
    return this.long ? this.disk([], { size }) : this.image(size);
  }

  /** Waits until nobody holds a disk any more: dc3dd outlives a collector that was killed by a moment, and a read by more. */
  async released({ path, trace }: Source): Promise<void> {
    if (trace === '') return;
    for (const deadline = Date.now() + 120_000; ; await sleep(20)) {
      const handle = await open(path, constants.O_RDONLY | constants.O_EXCL).catch((error: unknown) => {
        if (Date.now() > deadline) throw error;
      });
      if (handle) return handle.close();
    }
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
    const source: Source = { path, file, trace, changes: false, sha256: await sha256OfFile(file), ctimeNs: await ctimeOf(file) };
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
    place.current = Object.assign(this.#place({ to, args: ['--endpoint', front.endpoint, '--logs', 'none'], env: CREDENTIALS }), { bucket, front, faults });
    return place.current;
  }

  /** A log service of the row's own; `args` and `env` make a collector send its events there. */
  async logService(): Promise<LogService> {
    const front = await startLogsFront(this.#moto.endpoint);
    this.#undo.push(() => front.stop());
    const prefix = `/fault/${randomBytesOf(this.random, 8).toString('hex')}/`;
    const env = { ...CREDENTIALS, AWS_REGION: 'eu-central-1', AWS_ENDPOINT_URL_CLOUDWATCH_LOGS: front.endpoint };
    return { front, prefix, env, args: ['--logs', 'cloudwatch', '--log-group-prefix', prefix] };
  }

  #place(place: Place): Place {
    this.#places.push(place);
    return place;
  }

  #settings(place: Place): string[] {
    return ['--case', CASE, '--to', place.to, '--part-size', '5MiB', '--json', '--scratch-dir', this.file('scratch'), ...place.args];
  }

  start(source: Pick<Source, 'path'>, place: Place, more: readonly string[] = [], options: Partial<CollectorOptions> = {}): Running {
    return this.#start(['collect', source.path, '--volume', EXHIBIT, ...this.#settings(place), ...more], place, options);
  }

  /** Starts a collector that watches for disks. Where it could see another row's, it would image that too. */
  startWatch(place: Place, more: readonly string[], options: Partial<CollectorOptions>): Running {
    return this.#start(['run', ...this.#settings(place), ...more], place, options);
  }

  #start(args: readonly string[], place: Place, options: Partial<CollectorOptions>): Running {
    this.#starts++;
    const running = startCollector({ args, ...options, env: { ...place.env, ...options.env } });
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
    return this.startCommand(args, place).ended;
  }

  startCommand(args: readonly string[], place: Place): Running {
    return startCollector({ args: [...args, ...place.args.filter((_, index) => index < 2)], env: place.env });
  }

  /** Takes what the page cache knows of a disk away, so that the next read asks the disk. */
  forget({ path }: Pick<Source, 'path'>): Promise<unknown> {
    return execa('blockdev', ['--flushbufs', path]);
  }

  /** Waits until the trace of a disk says that a read waits at a gate. */
  async gate(source: Source, name: string): Promise<{ open(): Promise<void> }> {
    const go = this.file(name);
    for (const deadline = Date.now() + 120_000; !(await readFile(source.trace, 'utf8')).includes(`wait ${go}\n`); await sleep(20)) {
      if (Date.now() > deadline) throw new Error(`no read came to the gate ${name}`);
    }
    return { open: () => writeFile(go, '') };
  }

  /** The last words of every collector that ended, for a row that does not come out as expected. */
  get told(): string[] {
    return this.#ended.map(({ outcome, seconds, stderr }) => `a collector ended after ${seconds.toFixed(1)} s, ${outcome}: ${stderr.trimEnd().slice(-1000)}`);
  }

  /** What a place says now that is not true, looked at from this process; an exhibit without its manifest says nothing. */
  async falseNow(place: Place): Promise<string | undefined> {
    const store = await storeOf(place);
    try {
      const { exhibits } = await verifyEvidence(store, {}, new AbortController().signal);
      const images = new Set(this.#sources.map(({ sha256 }) => sha256));
      return falseIn(exhibits, images)[0];
    } finally {
      await store.close();
    }
  }

  /** Everything that must hold after any case; one sentence for each thing that does not. */
  async broken(): Promise<string[]> {
    const problems: string[] = [];
    for (const { file, sha256, changes, trace, ctimeNs } of this.#sources) {
      if (!changes && (await ctimeOf(file)) !== ctimeNs) problems.push(`${file} was written to`);
      if (!changes && (await sha256OfFile(file)) !== sha256) problems.push(`${file} has another SHA-256 than before`);
      const writes = trace === '' ? [] : (await readFile(trace, 'utf8')).split('\n').filter((line) => /^(?:write|truncate)/.test(line));
      if (writes.length > 0) problems.push(`${writes.length} writes reached the source: ${writes[0]}`);
    }
    const images = new Set(this.#sources.map(({ sha256 }) => sha256));
    for (const place of this.#places) if (!place.lies) problems.push(...(await falseWords(place, images)));
    for (const ended of this.#ended) problems.push(...unhelpful(ended));
    return problems;
  }

  /** Puts everything away. What cannot be is said, and the rest is put away nevertheless. */
  async close(): Promise<string[]> {
    const problems: string[] = [];
    for (const undo of this.#undo.splice(0).reverse()) {
      const late = Promise.withResolvers<never>();
      const timer = setTimeout(() => late.reject(new Error(`it takes over ${PUT_AWAY_MS / 1000} s`)), PUT_AWAY_MS);
      await Promise.race([undo(), late.promise]).catch((error: unknown) => problems.push(`it could not be put away: ${messageOf(error)}`));
      clearTimeout(timer);
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

const ctimeOf = async (file: string): Promise<bigint> => (await stat(file, { bigint: true })).ctimeNs;

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
