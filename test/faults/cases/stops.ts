/** SIGTERM in every stage: a run ends within seconds and says so, what it stored can be resumed, and the next start completes it. */
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Stage } from '../../../agent/errors.ts';
import type { Ended, Running } from '../collector.ts';
import type { Lab, Source } from '../lab.ts';
import type { Place } from '../place.ts';
import { exhibitsOf, wholeness } from '../promises.ts';
import type { FaultRow } from '../row.ts';
import { program, standIn } from '../stand-in.ts';
import { LOOKS, MOMENTS, signalledAt, SPLIT, stoppedAt, type Moment } from './moments.ts';

/** Ends a collector that was told to stop, lets go of what held it, and starts another one. */
async function thenAgain(lab: Lab, source: Source, place: Place, running: Running, letGo?: () => Promise<unknown>): Promise<string> {
  const first = await running.ended;
  await letGo?.();
  await lab.released(source);
  const second = await lab.collect(source, place, SPLIT);
  return `${first.outcome}, then ${second.outcome}${await wholeness(place)}`;
}

/** Told to stop in the middle of one request, which takes its course. */
async function inRequest(lab: Lab, moment: Moment): Promise<string> {
  const { source, bucket, running } = await signalledAt(lab, moment, 'SIGTERM', { kind: 'delay', ms: 300 });
  return thenAgain(lab, source, bucket, running);
}

/** Told to stop in the moment it logs an event, into a directory. */
async function atEvent(lab: Lab, event: string): Promise<string> {
  const source = await lab.disk(event === 'source.bad-range' ? ['20000-20001'] : []);
  const place = lab.directory();
  return thenAgain(lab, source, place, lab.start(source, place, SPLIT, { env: stoppedAt(event, 'SIGTERM') }));
}

/** Waits until a file is there. */
async function appeared(path: string): Promise<void> {
  for (const deadline = Date.now() + 120_000; !existsSync(path); await sleep(20)) {
    if (Date.now() > deadline) throw new Error(`${path} did not come`);
  }
}

/** Told to stop while a program that the collector asks does not answer: the n-th time it is asked. */
async function whileAsked(lab: Lab, name: string, time: number): Promise<string> {
  const source = await lab.disk();
  const place = lab.directory();
  const [count, asked] = [lab.file('count'), lab.file('asked')];
  await writeFile(count, '');
  const env = await program(lab, name, `echo >> ${count}\n[ $(wc -l < ${count}) = ${time} ] && { touch ${asked}; exec sleep 1000; }\nexec "$REAL" "$@"`);
  const running = lab.start(source, place, SPLIT, { env });
  await appeared(asked);
  running.kill('SIGTERM');
  return thenAgain(lab, source, place, running);
}

/** Told to stop while the instance's metadata service takes connections and answers none. */
async function whileConfiguring(lab: Lab): Promise<string> {
  const connected = Promise.withResolvers<void>();
  const server = createServer((socket) => connected.resolve(void socket.on('error', () => undefined).resume()));
  await new Promise<void>((done) => void server.listen(0, '127.0.0.1', done));
  lab.onEnd(() => new Promise((done) => void server.close(done)));
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const source = await lab.source();
  const place = lab.directory();
  const running = lab.start(source, place, SPLIT, { env: { CLEANROOM_IMDS_ENDPOINT: endpoint } });
  await connected.promise;
  running.kill('SIGTERM');
  return thenAgain(lab, source, place, running);
}

/** Told to stop between two tries of a part that the store refuses, far apart. */
async function betweenTries(lab: Lab): Promise<string> {
  const source = await lab.source();
  const bucket = await lab.bucket(({ operation, partNumber }) => (operation === 'UploadPart' && partNumber === 2 ? { kind: 'status', status: 503 } : undefined));
  const running = lab.start(source, bucket, [...SPLIT, '--part-tries', '50']);
  await running.until('it tries a part again', ({ event, attempt }) => event === 'part.retried' && attempt === 3);
  running.kill('SIGTERM');
  return thenAgain(lab, source, bucket, running, () => Promise.resolve((bucket.faults = undefined)));
}

/** Told to stop while a part is read once more for its second try, from a disk that does not answer. */
async function whileRereading(lab: Lab): Promise<string> {
  const source = await lab.disk([`25000:wait=${lab.file('gate')},after=1,times=1`]);
  const bucket = await lab.bucket(async ({ operation, key, partNumber, attempt }) => {
    if (operation !== 'UploadPart' || !key.endsWith('.001') || partNumber !== 1 || attempt > 1) return undefined;
    await lab.forget(source); // or the page cache would answer
    return { kind: 'status', status: 500 };
  });
  const running = lab.start(source, bucket, SPLIT, { limitSeconds: 120 }); // before the fixture answers by itself
  const gate = await lab.gate(source, 'gate');
  running.kill('SIGTERM');
  await running.until('it says that it was told to stop', ({ event }) => event === 'error');
  await gate.open();
  const { outcome } = await running.ended; // by itself, or by force where the disk's answer came too late for that
  await lab.released(source);
  const second = await lab.collect(source, bucket, SPLIT);
  return `${outcome === 'KILLED' ? 'INTERRUPTED' : outcome}, then ${second.outcome}${await wholeness(bucket)}`;
}

/** Told to stop when everything is stored, and only events wait for a log service that does not answer. */
async function whileLogsWait(lab: Lab): Promise<string> {
  const service = await lab.logService();
  service.front.fault = () => 'hang';
  const source = await lab.source();
  const place = lab.directory();
  const running = lab.start(source, place, [...service.args, '--await-logs'], { env: service.env });
  await running.until('it is done', ({ event }) => event === 'acquisition.ended');
  running.kill('SIGTERM');
  return thenAgain(lab, source, place, running);
}

/** Told to stop while it reads what is stored; `verify` changes nothing, and can be begun again. */
async function whileVerifying(lab: Lab): Promise<string> {
  const bucket = await lab.bucket();
  const { outcome } = await lab.collect(await lab.source(), bucket);
  const reading = Promise.withResolvers<void>();
  bucket.faults = ({ operation, key }) => {
    if (operation !== 'GetObject' || !key.endsWith('.dd')) return undefined;
    reading.resolve();
    return { kind: 'black-hole' };
  };
  const running = lab.startCommand(['verify', bucket.to, '--json'], bucket);
  await reading.promise;
  running.kill('SIGTERM');
  const stopped: Ended = await running.ended;
  bucket.faults = undefined;
  return `${outcome}; ${stopped.outcome}, then ${(await exhibitsOf(bucket))[0]?.ok ? 'verified' : 'not verified'}`;
}

/** Starts `collector run` where it sees one disk only, whatever other disks this machine has, or none. */
function watch(lab: Lab, place: Place, source?: Source): Running {
  const name = source?.path.replace('/dev/', '');
  const link = name === undefined ? '' : `ln -s ../devices/virtual/block/${name} /sys/block/${name};`;
  const under = ['unshare', '--mount', 'sh', '-c', `mount -t tmpfs none /sys/block; ${link} exec "$@"`, 'sh'];
  return lab.startWatch(place, [...SPLIT, ...(source ? ['--once'] : [])], { under });
}

async function whileWatching(lab: Lab): Promise<string> {
  const running = watch(lab, lab.directory());
  await running.until('it watches', ({ event }) => event === 'collector.started');
  running.kill('SIGTERM');
  const { outcome, lines } = await running.ended;
  return `${outcome}, ${lines.some(({ event, reason }) => event === 'collector.stopped' && reason === 'told') ? 'stopped as told' : 'and did not say so'}`;
}

async function whileWatchImages(lab: Lab): Promise<string> {
  const source = await lab.disk([`35000:wait=${lab.file('gate')},times=1`]);
  const place = lab.directory();
  const running = watch(lab, place, source);
  const gate = await lab.gate(source, 'gate');
  await running.until('a part is stored', ({ event }) => event === 'part.stored');
  running.kill('SIGTERM');
  await gate.open();
  const first = await running.ended;
  await lab.released(source);
  const second = await watch(lab, place, source).ended;
  return `${first.outcome}, then ${second.outcome}${await wholeness(place)}`;
}

const AGAIN = 'INTERRUPTED, then COMPLETE';
/** Everything was stored before the end could be told; on a slow machine, it is ended before it has told so. */
const DONE = ['COMPLETE, then FAILED COLLECTED', 'INTERRUPTED, then FAILED COLLECTED'];

type Stop = { readonly when: string; readonly run: FaultRow['run']; readonly expected?: FaultRow['expected']; readonly short?: true };

const request = (name: string, expected?: Stop['expected'], short?: true): Stop => {
  const moment = [...MOMENTS, ...LOOKS].find((each) => each.name === name)!;
  return { when: name, run: (lab) => inRequest(lab, moment), ...(expected === undefined ? {} : { expected }), ...(short ? { short } : {}) };
};
const event = (when: string, name: string, expected?: Stop['expected'], short?: true): Stop =>
  ({ when: `${when}, directory`, run: (lab) => atEvent(lab, name), ...(expected === undefined ? {} : { expected }), ...(short ? { short } : {}) });

/** Every stage of a run has its moments here: a new one does not compile without. */
const STAGES: Readonly<Record<Stage, readonly Stop[]>> = {
  configure: [{ when: "the instance's metadata service does not answer", run: whileConfiguring }],
  watch: [
    { when: 'no disk is there', run: whileWatching, expected: 'COMPLETE, stopped as told' },
    { when: 'it images a disk', run: whileWatchImages },
  ],
  identify: [{ when: 'dc3dd does not say its version', run: (lab) => whileAskedDc3dd(lab) }],
  open: [
    { when: 'the kernel is asked for the disk', run: (lab) => whileAsked(lab, 'blockdev', 1), short: true },
    { when: 'the disk is made read-only', run: (lab) => whileAsked(lab, 'blockdev', 2) },
    event('the disk is open', 'source.opened'),
    request('it looks whether the exhibit is there'),
  ],
  acquire: [
    request('it looks for unfinished uploads'),
    request('the first upload is begun'),
    request('the second upload is begun', undefined, true),
    event('the pass begins', 'acquisition.started'),
    event('the second part is stored', 'part.stored#2', undefined, true),
    request('a part is stored'),
    { when: 'a part waits for its next try', run: betweenTries },
    { when: 'a part is read again, and the disk does not answer', run: whileRereading },
  ],
  prove: [
    event('a bad sector was mapped', 'source.bad-range', 'INTERRUPTED, then PARTIAL'),
    { when: 'the kernel is asked for the disk again', run: (lab) => whileAsked(lab, 'blockdev', 4) },
  ],
  store: [
    request('the first object is completed'),
    request('the second object is completed', undefined, true),
    request('the last object is completed'),
    event('the first object is completed', 'image.stored#1'),
    event('the last object is completed', 'image.stored#3', undefined, true),
    request('it reads back'),
  ],
  record: [
    event('all was read back', 'image.reread'),
    request('the capture log is stored'),
    request('the custody log is stored'),
    request('the manifest is stored', [AGAIN, ...DONE], true),
    event('the manifest is stored', 'manifest.stored', DONE),
  ],
  log: [
    event('the outcome is told', 'acquisition.ended', DONE),
    { when: 'only events wait for the log service', run: whileLogsWait, expected: DONE },
  ],
  verify: [{ when: 'it reads what is stored', run: whileVerifying, expected: 'COMPLETE; INTERRUPTED, then verified' }],
};

async function whileAskedDc3dd(lab: Lab): Promise<string> {
  const source = await lab.source();
  const place = lab.directory();
  const env = await standIn(lab, '', `touch ${lab.file('asked')}; exec sleep 1000`);
  const running = lab.start(source, place, SPLIT, { env });
  await appeared(lab.file('asked'));
  running.kill('SIGTERM');
  return thenAgain(lab, source, place, running);
}

export const STOPS: readonly FaultRow[] = Object.entries(STAGES).flatMap(([stage, stops]) =>
  stops.map(({ when, run, expected = AGAIN, short }): FaultRow => ({
    area: 'host', fault: `told to stop, ${stage}: ${when}`, expected, run, ...(short ? {} : { long: true as const }),
  })));
