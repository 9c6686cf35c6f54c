import { mkdir, rm, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { FilterLogEventsCommand, ResourceNotFoundException } from '@aws-sdk/client-cloudwatch-logs';
import { execa } from 'execa';
import { LOG_GROUPS, logGroupName, logGroupOf, type LogGroup, type LogRecord, MiB } from '../../../modules/vocabulary/index.ts';
import { logsClient, type Fault as LogsFault } from '../../agent/logs-support.ts';
import type { Ended } from '../collector.ts';
import type { FaultRequest } from '../../helpers/s3-front.ts';
import { PART, type Lab, type LogService } from '../lab.ts';
import type { FaultRow } from '../row.ts';

/** A group is made when its first event comes. */
function undefinedWhenMissing(error: unknown): undefined {
  if (!(error instanceof ResourceNotFoundException)) throw error;
}

/** Everything that came to the log service's three groups, as the lines that were sent. */
async function delivered({ front, prefix }: LogService): Promise<ReadonlySet<string>> {
  const client = logsClient(front.endpoint);
  const lines = new Set<string>();
  try {
    for (const group of Object.keys(LOG_GROUPS) as LogGroup[]) {
      let nextToken: string | undefined;
      do {
        const page = await client.send(new FilterLogEventsCommand({ logGroupName: logGroupName(group, prefix), nextToken })).catch(undefinedWhenMissing);
        for (const { message } of page?.events ?? []) lines.add(message ?? '');
        nextToken = page?.nextToken;
      } while (nextToken !== undefined);
    }
  } finally {
    client.destroy();
  }
  return lines;
}

/** Lines that a collector printed as events, without its last word for a script. */
const eventsOf = ({ stdout }: Ended): string[] => stdout.split('\n').filter((line) => line.startsWith('{') && !line.includes('"event":"error"'));

/** Starts further collectors, which deliver what an earlier one left, until every one of its events has come. */
async function deliverAll(first: Ended, service: LogService, start: () => Promise<unknown>): Promise<string> {
  for (let tries = 1; ; tries++) {
    await start();
    const there = await delivered(service);
    const missing = eventsOf(first).filter((line) => !there.has(line));
    if (missing.length === 0) return 'every event delivered';
    if (tries === 8) return `${missing.length} events never delivered, such as ${missing[0]}`;
  }
}

/** Images while the log service does this, and again when it is well. */
async function withoutLogs(lab: Lab, fault: LogsFault | 'down'): Promise<string> {
  const service = await lab.logService();
  const source = await lab.source();
  const place = lab.directory();
  if (fault === 'down') await service.front.down();
  else service.front.fault = () => fault;
  const first = await lab.collect(source, place, service.args, { env: service.env });
  if (fault === 'down') await service.front.up();
  service.front.fault = () => 'forward';
  const end = await deliverAll(first, service, () => lab.collect(source, place, service.args, { env: service.env }));
  return `${first.outcome}, ${end}`;
}

/** Puts a small file system where the collector works. */
async function smallDisk(lab: Lab, path: string, bytes: number): Promise<void> {
  await mkdir(path, { recursive: true });
  await execa('mount', ['-t', 'tmpfs', '-o', `size=${bytes},mode=0700`, 'cleanroom-fault', path]);
  lab.onEnd(() => execa('umount', ['--lazy', path]));
}

/** How many times as fast as ours the collector's clock runs: its hour is half a minute. */
const PACE = 120;
const HOUR_MS = 3_600_000;

/** Images for over an hour of the collector's own clock, of which CloudWatch refuses everything for a whole one. */
async function goneForAnHour(lab: Lab): Promise<string> {
  const service = await lab.logService();
  const arrived: string[] = [];
  let gone = false;
  service.front.fault = (operation, body) => {
    if (gone) return { status: 503, type: 'ServiceUnavailableException' };
    if (operation === 'PutLogEvents') arrived.push(...(JSON.parse(body) as { logEvents: { message: string }[] }).logEvents.map(({ message }) => message));
    return 'forward';
  };
  const bucket = await lab.bucket();
  const back = Promise.withResolvers<undefined>();
  const isLast = ({ operation, partNumber }: FaultRequest): boolean => operation === 'UploadPart' && partNumber === PARTS;
  bucket.faults = (request) => (isLast(request) ? back.promise : request.operation === 'UploadPart' ? { kind: 'throttle', bytesPerSecond: 4 * MiB } : undefined);
  const env = { ...service.env, NODE_OPTIONS: `--import=${resolve(import.meta.dirname, '../../fixtures/fast-clock.ts')}`, CLEANROOM_TEST_PACE: String(PACE) };
  const slowly = ['--ring-size', '4MiB', '--concurrency', '1', '--stall-seconds', '86400', '--request-timeout-seconds', '3600', '--await-logs'];
  const running = lab.start(await lab.source(PARTS * PART), bucket, [...service.args, ...slowly], { env, limitSeconds: 500 });
  await running.until('the first part is stored', ({ event }) => event === 'part.stored');
  gone = true;
  await running.until('it spools', ({ event }) => event === 'logs.spooled');
  await sleep((HOUR_MS / PACE) * 1.05);
  gone = false;
  await running.until('what was spooled is delivered', ({ event }) => event === 'logs.delivered');
  back.resolve(undefined);
  const ended = await running.ended;
  const { lines } = ended;
  const outages = lines.filter(({ event }) => event === 'logs.delivered');
  if (!outages.some(({ outageMs }) => Number(outageMs) >= HOUR_MS)) return `${ended.outcome}; no outage of an hour: ${JSON.stringify(outages)}`;
  const [from, to] = [lines.findIndex(({ event }) => event === 'logs.spooled'), lines.findIndex(({ event }) => event === 'logs.delivered')];
  const stored = lines.slice(from, to).filter(({ event }) => event === 'part.stored').length;
  const inOrder = (Object.keys(LOG_GROUPS) as LogGroup[]).every((group) => {
    const ofGroup = (texts: Iterable<string>): string[] => [...new Set(texts)].filter((text) => logGroupOf((JSON.parse(text) as LogRecord).event) === group);
    return isDeepStrictEqual(ofGroup(arrived), ofGroup(eventsOf(ended)));
  });
  const dropped = outages.some(({ dropped: count }) => count !== 0);
  return `${ended.outcome}; ${stored > 2 ? 'the image went on' : `${stored} parts were stored`}, and after an hour ${inOrder && !dropped ? 'every event was delivered, in its order' : 'events are missing, or in another order'}`;
}

const PARTS = 16;

const row = (fault: string, expected: FaultRow['expected'], run: FaultRow['run'], long?: true): FaultRow =>
  ({ area: 'host', fault, expected, run, ...(long ? { long } : {}) });

const KEPT = 'COMPLETE, every event delivered';

export const LOGS: readonly FaultRow[] = [
  row('CloudWatch never answers while the image is made', KEPT, (lab) => withoutLogs(lab, 'hang')),
  row('CloudWatch refuses everything while the image is made', KEPT, (lab) => withoutLogs(lab, { status: 503, type: 'ServiceUnavailableException' }), true),
  row('CloudWatch cannot be reached while the image is made', KEPT, (lab) => withoutLogs(lab, 'down'), true),
  row('CloudWatch is gone for an hour while the image is made', 'COMPLETE; the image went on, and after an hour every event was delivered, in its order', (lab) => goneForAnHour(lab), true),
  row('the disk of the logs is full, and CloudWatch is well', KEPT, async (lab) => {
    const service = await lab.logService();
    const spool = lab.file('scratch/spool');
    await smallDisk(lab, spool, 4096); // a directory takes all of it
    const source = await lab.source();
    const place = lab.directory();
    const first = await lab.collect(source, place, service.args, { env: service.env });
    return `${first.outcome}, ${await deliverAll(first, service, () => lab.collect(source, place, service.args, { env: service.env }))}`;
  }),
  row('the disk of the logs is full, and CloudWatch does not answer', 'COMPLETE', async (lab) => {
    const service = await lab.logService();
    service.front.fault = () => 'hang';
    await smallDisk(lab, lab.file('scratch/spool'), 4096);
    return (await lab.collect(await lab.source(), lab.directory(), service.args, { env: service.env })).outcome;
  }, true),
  row('the scratch directory fills up while the image is made', 'FAILED NOT_PROVEN, then PARTIAL', async (lab) => {
    const scratch = lab.file('scratch-small');
    await smallDisk(lab, scratch, MiB);
    // dc3dd's log of so many bad sectors needs more than the one page that its file has by then
    const source = await lab.disk(Array.from({ length: 80 }, (_, index) => String(20_000 + index * 100)));
    const bucket = await lab.bucket(async ({ operation, partNumber }) => {
      if (operation === 'UploadPart' && partNumber === 1) await writeFile(`${scratch}/filler`, Buffer.alloc(MiB)).catch(() => undefined);
      return undefined;
    });
    const more = ['--scratch-dir', scratch, '--ring-size', '4MiB', '--concurrency', '1'];
    const first = await lab.collect(source, bucket, more);
    await rm(`${scratch}/filler`);
    bucket.faults = undefined;
    return `${first.outcome}, then ${(await lab.collect(source, bucket, more)).outcome}`;
  }, true),
];
