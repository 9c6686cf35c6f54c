import { setTimeout as sleep } from 'node:timers/promises';
import { PutBucketVersioningCommand } from '@aws-sdk/client-s3';
import { execa } from 'execa';
import { MiB } from '../../../modules/vocabulary/index.ts';
import type { Fault, FaultRequest } from '../../helpers/s3-front.ts';
import { s3ClientOf } from '../../helpers/s3-store.ts';
import { makeSparse } from '../../../scripts/lab/disks.ts';
import { mountFailingDirectory, type FailingDirectory } from '../../helpers/failing-directory.ts';
import { peakMemory } from '../../helpers/peak-memory.ts';
import { PART, type Lab } from '../lab.ts';
import type { Place } from '../place.ts';
import { exhibitsOf } from '../promises.ts';
import type { FaultRow } from '../row.ts';
import { manifestOf } from '../stored.ts';

const isPart = (request: FaultRequest, from = 1, to = from): boolean =>
  request.operation === 'UploadPart' && request.partNumber! >= from && request.partNumber! <= to;

type Faults = (request: FaultRequest) => Fault | undefined;

/** Few tries and little patience, so that a fault that stays is given up soon; a request that is only slow on a busy machine is not. */
const SOON = ['--part-tries', '3', '--request-timeout-seconds', '5'];

/** Images into a bucket whose front does this to requests. */
async function through(lab: Lab, faults: Faults, more: readonly string[] = []): Promise<string> {
  return (await lab.collect(await lab.source(), await lab.bucket(faults), more)).outcome;
}

/** Images through a fault that stays, and then without it: what was stored must be taken over. */
async function thenHealed(lab: Lab, faults: Faults, more: readonly string[] = SOON): Promise<string> {
  const source = await lab.source();
  const bucket = await lab.bucket(faults);
  const first = await lab.collect(source, bucket, more);
  bucket.faults = undefined;
  const second = await lab.collect(source, bucket);
  const taken = second.lines.some(({ event }) => event === 'acquisition.resumed') ? 'resumed' : 'anew';
  return `${first.outcome}, then ${second.outcome} ${taken}`;
}

const first = (fault: Fault): Faults => (request) => (isPart(request, 1, 99) && request.attempt === 1 ? fault : undefined);
const fromPart3 = (fault: Fault): Faults => (request) => (isPart(request, 3, 99) ? fault : undefined);
const refuse = (status: number, code: string): Fault => ({ kind: 'status', status, code });

/** Images something that is larger than the limit on memory, from a disk that is faster than the store. */
async function within256MiB(lab: Lab, fault: Fault, more: readonly string[] = SOON): Promise<string> {
  const source = await lab.image(0, await makeSparse(lab.file('large'), 400 * MiB));
  const running = lab.start(source, await lab.bucket((request) => (isPart(request, 1, 99) ? fault : undefined)), more);
  const peak = await peakMemory(running.pid, 'dc3dd', running.ended);
  return `${(await running.ended).outcome}, ${peak > 0 && peak < 256 * MiB ? 'within 256 MiB' : `with ${peak} bytes`}`;
}

/** A directory that fails once two parts and a half are stored, until it recovers. */
async function failingAt(lab: Lab, how: string): Promise<FailingDirectory & { readonly place: Place }> {
  const failing = await mountFailingDirectory(lab.dir, how, 2.5 * PART);
  lab.onEnd(() => failing.remove());
  return { ...failing, place: lab.directory(`${failing.path}/evidence`) };
}

/** A directory whose writes fail with an errno, and which is sound later. */
async function failingDirectory(lab: Lab, errno: string): Promise<string> {
  const { place, recover } = await failingAt(lab, errno);
  const source = await lab.source();
  const before = await lab.collect(source, place);
  recover();
  return `${before.outcome}, then ${(await lab.collect(source, place)).outcome}`;
}

/** A directory that answers nothing any more until the collector has told its end, and for so long after that. */
async function silentDirectory(lab: Lab, milliseconds: number, isToldToStop = false): Promise<string> {
  const { place, recover } = await failingAt(lab, 'HANG');
  const source = await lab.source();
  const running = lab.start(source, place, isToldToStop ? [] : ['--stall-seconds', '5']);
  if (isToldToStop) {
    await running.until('its start', ({ event }) => event === 'acquisition.started');
    await sleep(2000);
    running.kill('SIGTERM');
  }
  const { code } = await running.until('its end', ({ event }) => event === 'acquisition.ended');
  await sleep(milliseconds);
  recover();
  const { outcome } = await running.ended;
  return `told ${String(code)}, ${outcome}, then ${(await lab.collect(source, place)).outcome}`;
}

/** A tmpfs that holds two parts and a half, and room later. */
async function fullDirectory(lab: Lab): Promise<string> {
  const path = await lab.folder('small');
  await execa('mount', ['-t', 'tmpfs', '-o', `size=${13 * MiB}`, 'cleanroom-fault', path]);
  lab.onEnd(() => execa('umount', ['--lazy', path]));
  const source = await lab.source();
  const place = lab.directory(`${path}/evidence`);
  const before = await lab.collect(source, place);
  await execa('mount', ['-o', `remount,size=${200 * MiB}`, path]);
  return `${before.outcome}, then ${(await lab.collect(source, place)).outcome}`;
}

const row = (fault: string, expected: FaultRow['expected'], run: FaultRow['run'], long?: true): FaultRow =>
  ({ area: 'store', fault, expected, run, ...(long ? { long } : {}) });

export const STORE: readonly FaultRow[] = [
  row('every part is answered with 500 once', 'COMPLETE', (lab) => through(lab, first(refuse(500, 'InternalError')))),
  row('every connection breaks once in mid-part', 'COMPLETE', (lab) => through(lab, first({ kind: 'reset', afterBytes: 2 * MiB }))),
  row('every part is damaged once on its way', 'COMPLETE', (lab) => through(lab, first({ kind: 'corrupt', at: 77 }))),
  row("every part's answer is lost once", 'COMPLETE', (lab) => through(lab, first({ kind: 'lose-response' }))),
  row('no answer to the first try of part 2', 'COMPLETE', (lab) =>
    through(lab, (request) => (isPart(request, 2) && request.attempt === 1 ? { kind: 'black-hole' } : undefined), ['--request-timeout-seconds', '5'])),
  row('a storm of 503 SlowDown, three a part', 'COMPLETE', (lab) =>
    through(lab, (request) => (isPart(request, 1, 99) && request.attempt <= 3 ? refuse(503, 'SlowDown') : undefined))),
  row('503 SlowDown for ever', 'FAILED STORE_FAILED, then COMPLETE resumed', (lab) => thenHealed(lab, fromPart3(refuse(503, 'SlowDown')))),
  row('no answer to any part, for ever', 'FAILED STORE_FAILED, then COMPLETE resumed', (lab) => thenHealed(lab, fromPart3({ kind: 'black-hole' })), true),
  row('connections break for ever', 'FAILED STORE_FAILED, then COMPLETE resumed', (lab) => thenHealed(lab, fromPart3({ kind: 'reset', afterBytes: 1000 })), true),
  row('credentials expire in mid-image', 'FAILED STORE_FAILED, then COMPLETE resumed', (lab) => thenHealed(lab, fromPart3(refuse(400, 'ExpiredToken')))),
  row('access is denied half-way', 'FAILED STORE_REFUSED, then COMPLETE resumed', (lab) => thenHealed(lab, fromPart3(refuse(403, 'AccessDenied')))),
  row('access is denied half-way, and no record is answered', 'FAILED STORE_REFUSED, then COMPLETE resumed', (lab) => {
    const denied = fromPart3(refuse(403, 'AccessDenied'));
    return thenHealed(lab, (request) => (request.operation === 'PutObject' ? { kind: 'black-hole' } : denied(request)));
  }),
  row('no record is answered, for ever', 'FAILED STORE_FAILED, then COMPLETE resumed', (lab) =>
    thenHealed(lab, ({ operation }) => (operation === 'PutObject' ? { kind: 'black-hole' } : undefined)), true),
  row("the host's clock is wrong", ['FAILED STORE_FAILED, then COMPLETE anew', 'FAILED STORE_REFUSED, then COMPLETE anew'], (lab) =>
    thenHealed(lab, () => refuse(403, 'RequestTimeTooSkewed')), true),
  row("the host's clock and the store's drift apart half-way", ['FAILED STORE_FAILED, then COMPLETE resumed', 'FAILED STORE_REFUSED, then COMPLETE resumed'], (lab) =>
    thenHealed(lab, fromPart3(refuse(403, 'RequestTimeTooSkewed'))), true),
  row('the completion and the manifest are refused for longer than the SDK asks again', 'COMPLETE', (lab) =>
    through(lab, ({ operation, key, attempt }) =>
      (operation === 'CompleteMultipartUpload' || (operation === 'PutObject' && key.endsWith('manifest.json'))) && attempt <= 7 ? refuse(500, 'InternalError') : undefined)),
  row('the completion is refused for ever', 'FAILED STORE_FAILED, then COMPLETE resumed', (lab) =>
    thenHealed(lab, ({ operation }) => (operation === 'CompleteMultipartUpload' ? refuse(500, 'InternalError') : undefined)), true),
  row('the completion succeeds and its answer is lost', 'COMPLETE', (lab) =>
    through(lab, ({ operation, attempt }) => (operation === 'CompleteMultipartUpload' && attempt === 1 ? { kind: 'lose-response' } : undefined))),
  row("the completion's answer is cut off", ['COMPLETE'], (lab) =>
    through(lab, ({ operation, attempt }) => (operation === 'CompleteMultipartUpload' && attempt === 1 ? { kind: 'truncate-response', afterBytes: 40 } : undefined))),
  row('the completion fails inside a 200', 'COMPLETE', (lab) =>
    through(lab, ({ operation, attempt }) => (operation === 'CompleteMultipartUpload' && attempt === 1 ? refuse(200, 'InternalError') : undefined))),
  row('the completion is answered, and not carried out', 'FAILED OBJECT_MISSING, then COMPLETE resumed', (lab) =>
    thenHealed(lab, ({ operation }) => (operation === 'CompleteMultipartUpload' ? { kind: 'pretend' } : undefined))),
  row('the manifest cannot be stored', 'FAILED STORE_REFUSED, then COMPLETE resumed', (lab) =>
    thenHealed(lab, ({ operation, key }) => (operation === 'PutObject' && key.endsWith('manifest.json') ? refuse(403, 'AccessDenied') : undefined))),
  row('the manifest is answered with 200 by something that stores nothing', 'FAILED RECORD_UNCONFIRMED, then COMPLETE resumed', (lab) =>
    thenHealed(lab, ({ operation, key }) => (operation === 'PutObject' && key.endsWith('manifest.json') ? { kind: 'foreign' } : undefined))),
  row('the store says another checksum of every part, once', 'COMPLETE', (lab) => through(lab, first({ kind: 'wrong-checksum' }))),
  row('the store says another checksum of every part, for ever', 'FAILED PART_UNCONFIRMED, then COMPLETE resumed', (lab) => thenHealed(lab, fromPart3({ kind: 'wrong-checksum' })), true),
  row('the list of stored parts is cut off', 'FAILED STORE_FAILED, then COMPLETE', async (lab) => {
    const source = await lab.source();
    const bucket = await lab.bucket(fromPart3(refuse(403, 'AccessDenied')));
    await lab.collect(source, bucket, SOON);
    bucket.faults = ({ operation }) => (operation === 'ListParts' ? { kind: 'truncate-response', afterBytes: 200 } : undefined);
    const second = await lab.collect(source, bucket, SOON);
    bucket.faults = undefined;
    return `${second.outcome}, then ${(await lab.collect(source, bucket)).outcome}`;
  }),
  row('a part is silently corrupted, and not read back', 'COMPLETE, and verify names its part', async (lab) => {
    const bucket = await lab.bucket((request) => (isPart(request, 3) ? { kind: 'corrupt-silently', at: 4_000_000 } : undefined));
    bucket.lies = true;
    const { outcome } = await lab.collect(await lab.source(), bucket);
    const [exhibit] = await exhibitsOf(bucket);
    const named = exhibit?.problems.some(({ what, range }) => what === 'image' && range?.start === 2 * PART && range.end === 3 * PART);
    return `${outcome}, and verify ${named ? 'names its part' : `says ${JSON.stringify(exhibit?.problems)}`}`;
  }),
  row('a part is silently corrupted, and read back', 'FAILED STORED_DIFFERS', (lab) =>
    through(lab, (request) => (isPart(request, 3) ? { kind: 'corrupt-silently', at: 4_000_000 } : undefined), ['--reread', 'always'])),
  row('what is read back is cut off', ['FAILED STORED_DIFFERS', 'FAILED STORE_FAILED', 'COMPLETE'], (lab) =>
    through(lab, ({ operation, attempt }) => (operation === 'GetObject' && attempt === 1 ? { kind: 'truncate-response', afterBytes: MiB } : undefined), ['--reread', 'always'])),
  row('a slow store: 8 MiB a second', 'COMPLETE', (lab) => through(lab, (request) => (isPart(request, 1, 99) ? { kind: 'throttle', bytesPerSecond: 8 * MiB } : undefined)), true),
  row('the bucket loses its versioning in mid-image', 'COMPLETE, and the manifest says so', async (lab) => {
    const bucket = await lab.bucket();
    const client = s3ClientOf(bucket.front);
    const set = (Status: 'Enabled' | 'Suspended') => client.send(new PutBucketVersioningCommand({ Bucket: bucket.bucket, VersioningConfiguration: { Status } }));
    await set('Enabled');
    bucket.faults = async ({ operation, key }) => {
      if (operation === 'CompleteMultipartUpload' && key.endsWith('.001')) await set('Suspended');
      return undefined;
    };
    const { outcome } = await lab.collect(await lab.source(), bucket, ['--max-object-size', '10MiB']);
    client.destroy();
    const { deviations } = (await manifestOf(bucket)).process;
    return `${outcome}, and the manifest says ${deviations.some((text) => text.includes('no version')) ? 'so' : JSON.stringify(deviations)}`;
  }),
  row('no answer to any part: memory', 'FAILED STORE_FAILED, within 256 MiB', (lab) => within256MiB(lab, { kind: 'black-hole' }), true),
  row('503 SlowDown to every part: memory', 'FAILED STORE_FAILED, within 256 MiB', (lab) => within256MiB(lab, refuse(503, 'SlowDown')), true),
  row('a slow store: memory', 'COMPLETE, within 256 MiB', (lab) => within256MiB(lab, { kind: 'throttle', bytesPerSecond: 4 * MiB }, []), true),
  row('the directory fills up', 'FAILED STORE_FULL, then COMPLETE', fullDirectory),
  row('no file may be as large as the image (ulimit -f)', 'FAILED STORE_FILE_TOO_LARGE, then COMPLETE', async (lab) => {
    const source = await lab.source();
    const place = lab.directory();
    const before = await lab.collect(source, place, [], { under: ['prlimit', `--fsize=${2 * PART + 4096}`] });
    return `${before.outcome}, then ${(await lab.collect(source, place)).outcome}`;
  }),
  row("the directory's quota is used up", 'FAILED STORE_FULL, then COMPLETE', (lab) => failingDirectory(lab, 'EDQUOT')),
  row("the directory's file server forgets its files", 'FAILED STORE_STALE, then COMPLETE', (lab) => failingDirectory(lab, 'ESTALE'), true),
  row("the directory's file server is gone, and comes back", 'told STORE_SILENT, FAILED STORE_SILENT, then COMPLETE', (lab) => silentDirectory(lab, 0)),
  row("the directory's file server stays away: it ends by force", 'told STORE_SILENT, KILLED, then COMPLETE', (lab) => silentDirectory(lab, 8000), true),
  row("told to stop while the directory's file server is gone", 'told INTERRUPTED, INTERRUPTED, then COMPLETE', (lab) => silentDirectory(lab, 0, true), true),
  row("told to stop while the directory's file server stays away", 'told INTERRUPTED, KILLED, then COMPLETE', (lab) => silentDirectory(lab, 12_000, true), true),
  row('answers that come 3 s late', 'COMPLETE', (lab) => through(lab, ({ attempt }) => (attempt === 1 ? { kind: 'delay', ms: 3000 } : undefined)), true),
  row('nothing listens', 'FAILED STORE_FAILED', async (lab) => {
    const bucket = await lab.bucket();
    const gone = { ...bucket, args: ['--endpoint', 'http://127.0.0.1:9', '--logs', 'none'] };
    return (await lab.collect(await lab.source(), gone, SOON)).outcome;
  }),
];
