import { open, writeFile } from 'node:fs/promises';
import { ListMultipartUploadsCommand, UploadPartCommand } from '@aws-sdk/client-s3';
import { imageKey } from '../../../modules/vocabulary/index.ts';
import { s3ClientOf } from '../../helpers/s3-store.ts';
import { PART, type Lab } from '../lab.ts';
import { CASE, EXHIBIT, type Bucket, type Place } from '../place.ts';
import { wholeness } from '../promises.ts';
import type { FaultRow } from '../row.ts';
import { manifestOf, recordsOf } from '../stored.ts';
import { isSlow } from './two-collectors.ts';

/** A disk that stops in its last part, so that an attempt can be interrupted with parts stored. */
async function interrupted(lab: Lab, place: Place, rules: readonly string[]) {
  const source = await lab.disk([...rules, `35000:wait=${lab.file('gate')},times=1`]);
  const running = lab.start(source, place);
  const gate = await lab.gate(source, 'gate');
  await running.until('parts are stored', ({ event, part }) => event === 'part.stored' && part === 1);
  running.kill('SIGTERM');
  await gate.open();
  return { source, outcome: (await running.ended).outcome };
}

async function changeOneByte(path: string, at: number): Promise<void> {
  await using file = await open(path, 'r+');
  const { buffer } = await file.read(Buffer.alloc(1), 0, 1, at);
  await file.write(Buffer.of(buffer[0]! ^ 1), 0, 1, at);
}

/** Sends other bytes as the first part of the only unfinished upload, with the checksum that they have. */
async function replacePart({ bucket: Bucket, front }: Bucket): Promise<void> {
  const client = s3ClientOf(front);
  const { Uploads: [upload] = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket }));
  await client.send(new UploadPartCommand({ Bucket, Key: upload!.Key, UploadId: upload!.UploadId, PartNumber: 1, Body: Buffer.alloc(PART, 0x55), ChecksumAlgorithm: 'SHA256' }));
  client.destroy();
}

/** What changed between two attempts stops the second one; beginning anew loses nothing of what the first one stored. */
async function begunAnew(lab: Lab, place: Place): Promise<string> {
  const { source, outcome } = await interrupted(lab, place, [`1000:bad=${lab.file('well')}`]);
  await writeFile(lab.file('well'), '');
  await lab.forget(source);
  const second = await lab.collect(source, place);
  const advice = String(second.lines.findLast(({ event }) => event === 'error')?.['advice']);
  const third = advice.includes('--resume never') ? await lab.collect(source, place, ['--resume', 'never']) : second;
  const left = (await lab.command(['uploads', place.to, '--json'], place)).stdout.split('\n').filter((line) => line.includes('"uploadId"'));
  const custody = (await recordsOf(place)).filter(({ key }) => key.endsWith('custody.jsonl')).map(({ text }) => text);
  const mismatch = custody.filter((text) => /"code":"PART_MISMATCH".*SHA-256 [0-9a-f]{64}; the source now gives SHA-256 [0-9a-f]{64}/.test(text)).length;
  const anew = custody.filter((text) => text.includes('"action":"begin-anew"')).length;
  return `${outcome}, then ${second.outcome}, then ${third.outcome}; ${mismatch} custody log with both digests, ${anew} that it began anew; ${left.length} upload left${await wholeness(place)}`;
}

const ANEW = 'INTERRUPTED, then FAILED PART_MISMATCH, then COMPLETE; 1 custody log with both digests, 1 that it began anew; 1 upload left';

export const RESUME: readonly FaultRow[] = [
  {
    area: 'resume', fault: 'the disk changes between two attempts', expected: 'INTERRUPTED, then FAILED PART_MISMATCH',
    async run(lab) {
      const place = lab.directory();
      const { source, outcome } = await interrupted(lab, place, []);
      source.changes = true;
      await using file = await open(source.file, 'r+');
      await file.write(Buffer.alloc(512, 0x55), 0, 512, 100 * 512);
      await lab.forget(source);
      return `${outcome}, then ${(await lab.collect(source, place)).outcome}`;
    },
  },
  {
    area: 'resume', fault: 'what is stored changes between two attempts, directory', expected: 'INTERRUPTED, then FAILED STORED_DIFFERS',
    async run(lab) {
      const place = lab.directory();
      const { source, outcome } = await interrupted(lab, place, []);
      await changeOneByte(lab.file(`evidence/${imageKey(CASE, EXHIBIT, undefined)}.partial`), 1_000_000);
      return `${outcome}, then ${(await lab.collect(source, place)).outcome}`;
    },
  },
  {
    area: 'resume', fault: 'somebody stores other bytes as a part between two attempts, S3', expected: 'INTERRUPTED, then FAILED PART_MISMATCH',
    async run(lab) {
      const bucket = await lab.bucket();
      const { source, outcome } = await interrupted(lab, bucket, []);
      await replacePart(bucket);
      return `${outcome}, then ${(await lab.collect(source, bucket)).outcome}`;
    },
  },
  {
    area: 'resume', fault: 'a sector is bad in an interrupted attempt and well later, directory', expected: ANEW,
    run: (lab) => begunAnew(lab, lab.directory()),
  },
  {
    area: 'resume', fault: 'a sector is bad in an interrupted attempt and well later, S3', expected: ANEW, long: true,
    run: async (lab) => begunAnew(lab, await lab.bucket()),
  },
  {
    area: 'resume', fault: 'an upload is ended by somebody in mid-image', expected: 'FAILED STORE_REFUSED, then COMPLETE',
    async run(lab) {
      const source = await lab.source();
      const bucket = await lab.bucket(({ operation, partNumber }) =>
        operation === 'UploadPart' && partNumber === 3 ? { kind: 'status', status: 404, code: 'NoSuchUpload' } : undefined);
      const first = await lab.collect(source, bucket);
      bucket.faults = undefined;
      return `${first.outcome}, then ${(await lab.collect(source, bucket)).outcome}`;
    },
  },
  {
    area: 'resume', fault: 'told to stop while it stores, then again', expected: 'INTERRUPTED, then COMPLETE with parts taken over',
    async run(lab) {
      const source = await lab.source();
      const bucket = await lab.bucket(isSlow);
      const running = lab.start(source, bucket, ['--concurrency', '1']);
      await running.until('it stored two parts', ({ event, part }) => event === 'part.stored' && part === 2);
      running.kill('SIGTERM');
      const first = await running.ended;
      const second = await lab.collect(source, bucket);
      const taken = second.lines.find(({ event }) => event === 'acquisition.ended')?.['takenOver'];
      await manifestOf(bucket);
      return `${first.outcome}, then ${second.outcome} with ${Number(taken) >= 2 ? '' : 'no '}parts taken over`;
    },
  },
];
