import { mkdir, rm, writeFile } from 'node:fs/promises';
import { FilterLogEventsCommand, ResourceNotFoundException } from '@aws-sdk/client-cloudwatch-logs';
import { execa } from 'execa';
import { LOG_GROUPS, logGroupName, type LogGroup, MiB } from '../../../modules/vocabulary/index.ts';
import { logsClient, type Fault as LogsFault } from '../../agent/logs-support.ts';
import type { Ended } from '../collector.ts';
import type { Lab, LogService } from '../lab.ts';
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
  await execa('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'cleanroom-fault', path]);
  lab.onEnd(() => execa('umount', ['--lazy', path]));
}

const row = (fault: string, expected: FaultRow['expected'], run: FaultRow['run'], long?: true): FaultRow =>
  ({ area: 'host', fault, expected, run, ...(long ? { long } : {}) });

const KEPT = 'COMPLETE, every event delivered';

export const LOGS: readonly FaultRow[] = [
  row('CloudWatch never answers while the image is made', KEPT, (lab) => withoutLogs(lab, 'hang')),
  row('CloudWatch refuses everything while the image is made', KEPT, (lab) => withoutLogs(lab, { status: 503, type: 'ServiceUnavailableException' }), true),
  row('CloudWatch cannot be reached while the image is made', KEPT, (lab) => withoutLogs(lab, 'down'), true),
  row('CloudWatch is gone and comes back while the image is made', 'COMPLETE, delivered from the spool while it ran', async (lab) => {
    const service = await lab.logService();
    let refused = 0;
    // Tries are at most 60 s apart: an hour differs from this only in the number of events that wait.
    service.front.fault = () => (++refused <= 12 ? { status: 503, type: 'ServiceUnavailableException' } : 'forward');
    const bucket = await lab.bucket();
    const back = Promise.withResolvers<undefined>();
    bucket.faults = ({ operation, partNumber }) => (operation === 'UploadPart' && partNumber === 5 ? back.promise : undefined);
    const running = lab.start(await lab.source(), bucket, [...service.args, '--heartbeat-seconds', '5'], { env: service.env, limitSeconds: 300 });
    await running.until('the logs are delivered', ({ event }) => event === 'logs.delivered');
    back.resolve(undefined);
    const { outcome, lines } = await running.ended;
    const said = lines.find(({ event }) => event === 'logs.delivered');
    return `${outcome}, ${Number(said?.['events']) > 0 && said?.['dropped'] === 0 ? 'delivered from the spool while it ran' : JSON.stringify(said)}`;
  }, true),
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
