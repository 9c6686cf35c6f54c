import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CreateLogGroupCommand, type CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs';
import { expect } from 'chai';
import { ulid } from 'ulid';
import { LogEvent } from '../../modules/vocabulary/index.ts';
import { cloudWatchSink, type CloudWatchSink, type CloudWatchSinkOptions } from '../../agent/adapters/logs/cloudwatch-sink.ts';
import { createEventLog, type FanOutLog } from '../../agent/adapters/logs/create-event-log.ts';
import { memorySink, type MemorySink } from '../../agent/adapters/logs/memory-sink.ts';
import { thisOwner } from '../../agent/adapters/logs/spool-files.ts';
import { eventually, logsClient, messagesOf, startFront, type Front } from './logs-support.ts';
import { startMoto } from '../helpers/moto.ts';

type Rig = { log: FanOutLog; sink: CloudWatchSink; memory: MemorySink };

describe('the CloudWatch sink', function () {
  let moto: Awaited<ReturnType<typeof startMoto>>;
  let front: Front;
  let client: CloudWatchLogsClient;
  let spoolDir: string;
  let prefix: string;
  let rigs: Rig[];
  let children: ChildProcess[];

  before(async () => {
    moto = await startMoto();
    front = await startFront(moto.endpoint);
    client = logsClient(front.endpoint);
  });
  after(async () => {
    client.destroy();
    await front.stop();
    await moto.stop();
  });
  beforeEach(async () => {
    spoolDir = await mkdtemp(join(tmpdir(), 'cleanroom-logs-'));
    prefix = `/test/${ulid()}/`;
    front.fault = () => 'forward';
    front.operations.length = 0;
    rigs = [];
    children = [];
  });
  afterEach(async () => {
    for (const child of children) child.kill('SIGKILL');
    await front.down();
    await Promise.all(rigs.map(async ({ log }) => log.close(0)));
    await front.up();
    await rm(spoolDir, { recursive: true, force: true });
  });

  const start = (options: Partial<CloudWatchSinkOptions> = {}): Rig => {
    const sink = cloudWatchSink({ client, prefix, stream: 'i-1', spoolDir, intervalMs: 50, maxBackoffMs: 200, ...options });
    const memory = memorySink();
    const log = createEventLog({ sinks: [sink, memory], ...(options.clock ? { clock: options.clock } : {}) });
    const rig = { log, sink, memory };
    rigs.push(rig);
    return rig;
  };
  const partsOf = async (stream = 'i-1'): Promise<unknown[]> =>
    (await messagesOf(client, 'capture', prefix, stream)).filter(({ event }) => event === 'part.stored').map(({ part }) => part);
  const numbers = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, index) => from + index);
  const write = (log: FanOutLog, from: number, to: number, fields: Record<string, string> = {}): void => {
    for (const part of numbers(from, to)) log.info(LogEvent.partStored, { part, ...fields });
  };
  const spooledNames = async (): Promise<string[]> => (await readdir(spoolDir)).toSorted();

  it('delivers each event to its own group, making groups and streams that are missing', async () => {
    const { log } = start({ stream: 'host:1*' });
    log.info(LogEvent.collectorStarted, { caseId: 'C1' });
    log.info(LogEvent.partStored, { part: 1 });
    log.error(LogEvent.acquisitionEnded, { status: 'FAILED' });
    await log.close(60_000);
    for (const [group, event] of [['readiness', 'collector.started'], ['capture', 'part.stored'], ['audit', 'acquisition.ended']] as const) {
      const messages = await messagesOf(client, group, prefix, 'host_1_');
      expect(messages.map((message) => message['event'])).to.deep.equal([event]);
    }
    expect(await spooledNames()).to.deep.equal([]);
  });

  it('delivers by itself, without being closed, in the order of writing', async () => {
    const { log, sink } = start();
    write(log, 0, 500);
    await eventually('500 delivered', () => sink.state.delivered === 500);
    write(log, 500, 600);
    await eventually('600 delivered', () => sink.state.delivered === 600);
    expect(await partsOf()).to.deep.equal(numbers(0, 600));
    await eventually('the spool is empty', async () => (await spooledNames()).length === 0);
  });

  it('splits what is over one call\'s limits', async () => {
    const sizes: number[] = [];
    front.fault = (operation, body) => {
      if (operation === 'PutLogEvents') {
        const { logEvents } = JSON.parse(body) as { logEvents: { message: string }[] };
        sizes.push(logEvents.reduce((sum, { message }) => sum + Buffer.byteLength(message) + 26, 0));
      }
      return 'forward';
    };
    const { log } = start();
    write(log, 0, 60, { filler: 'x'.repeat(50_000) });
    await log.close(60_000);
    expect(await partsOf()).to.deep.equal(numbers(0, 60));
    expect(sizes.length).to.be.at.least(3);
    expect(Math.max(...sizes)).to.be.at.most(1024 ** 2);
  });

  it('spools while the service is away, says so once, and delivers everything in order when it is back', async () => {
    const { log, sink, memory } = start();
    write(log, 0, 5);
    await eventually('delivered', () => sink.state.delivered === 5);
    await front.down();
    write(log, 5, 2000);
    await eventually('spooled', () => memory.records.some(({ event }) => event === 'logs.spooled'));
    write(log, 2000, 2100);
    await eventually('on disk', async () => (await spooledNames()).some((name) => name.startsWith('capture.')));
    await front.up();
    await eventually('delivered after all', () => memory.records.some(({ event, group }) => event === 'logs.delivered' && String(group).endsWith('Capture')));
    expect(await partsOf()).to.deep.equal(numbers(0, 2100));
    const about = memory.records.filter(({ group }) => String(group).endsWith('ForensicDiskCapture'));
    expect(about.map(({ event, level }) => [event, level])).to.deep.equal([['logs.spooled', 'warn'], ['logs.delivered', 'info']]);
    expect(about[0]).to.include.keys('error', 'message', 'advice');
    expect(about[1]).to.include({ events: 2095, dropped: 0 });
    for (const wanted of ['logs.spooled', 'logs.delivered']) {
      await eventually(`${wanted} delivered`, async () => (await messagesOf(client, 'readiness', prefix, 'i-1')).some(({ event }) => event === wanted));
    }
  });

  for (const [what, fault] of [
    ['throttling', { status: 400, type: 'ThrottlingException' }],
    ['a server error', { status: 503, type: 'ServiceUnavailableException' }],
    ['a right that is missing', { status: 400, type: 'AccessDeniedException' }],
    ['a connection that breaks', 'drop-connection'],
    ['a request that hangs', 'hang'],
  ] as const) {
    it(`outlasts ${what}, losing and reordering nothing`, async () => {
      let faults = fault === 'hang' ? 1 : 3;
      front.fault = () => (faults-- > 0 ? fault : 'forward');
      const { log, sink } = start(fault === 'hang' ? { requestTimeoutMs: 5000 } : {});
      write(log, 0, 50);
      await eventually('delivered', () => sink.state.delivered >= 50);
      expect(await partsOf()).to.deep.equal(numbers(0, 50));
      expect(sink.state).to.include({ dropped: 0, refused: 0 });
    });
  }

  it('waits longer after every failure, up to the bound', async () => {
    const tries: number[] = [];
    front.fault = (operation, body) => {
      if (operation === 'PutLogEvents' && (JSON.parse(body) as { logGroupName: string }).logGroupName.endsWith('Capture')) tries.push(performance.now());
      return { status: 400, type: 'ThrottlingException' };
    };
    const { log } = start({ maxBackoffMs: 60_000, intervalMs: 20 });
    write(log, 0, 1);
    await eventually('tried three times', () => tries.length >= 3);
    expect(tries[1]! - tries[0]!).to.be.at.least(490);
    expect(tries[2]! - tries[1]!).to.be.at.least(990);
  });

  it('delivers an event whose first answer was lost a second time rather than not at all', async () => {
    await client.send(new CreateLogGroupCommand({ logGroupName: `${prefix}ForensicDiskCapture` }));
    const { log, sink } = start({ requestTimeoutMs: 5000 });
    write(log, 0, 1);
    await eventually('delivered', () => sink.state.delivered === 1);
    let lost = 0;
    const real = front.fault;
    front.fault = (operation, body) => {
      if (operation !== 'PutLogEvents' || lost++ > 0) return real(operation, body);
      void fetch(moto.endpoint, { method: 'POST', body, headers: { 'x-amz-target': 'Logs_20140328.PutLogEvents', 'content-type': 'application/x-amz-json-1.1', authorization: 'AWS4-HMAC-SHA256 Credential=AKIATESTTESTTESTTEST/20260301/eu-central-1/logs/aws4_request' } });
      return 'hang';
    };
    write(log, 1, 3);
    await eventually('delivered', () => sink.state.delivered >= 3);
    // The service orders by time: the second delivery of an event stands beside its first.
    expect((await partsOf()).toSorted((a, b) => Number(a) - Number(b))).to.deep.equal([0, 1, 1, 2, 2]);
  });

  it('drops one event that the service refuses, leaves a trace of it, and delivers those around it', async () => {
    front.fault = (operation, body) =>
      operation === 'PutLogEvents' && body.includes('poison') ? { status: 400, type: 'InvalidParameterException', message: 'bad <chars>' } : 'forward';
    const { log, sink } = start();
    write(log, 0, 7);
    log.info(LogEvent.partStored, { part: 7, text: 'poison' });
    write(log, 8, 20);
    await eventually('delivered', () => sink.state.delivered === 19);
    expect(sink.state.refused).to.equal(1);
    const messages = await messagesOf(client, 'capture', prefix, 'i-1');
    expect(messages.map(({ part }) => part)).to.deep.equal(numbers(0, 20).map((part) => (part === 7 ? undefined : part)));
    expect(messages[7]).to.include({ event: 'part.stored', refusedByLogService: 'bad <chars>' });
  });

  it('keeps everything when the service refuses even a harmless event: then the set-up is at fault', async () => {
    let broken = true;
    front.fault = () => (broken ? { status: 400, type: 'InvalidParameterException' } : 'forward');
    const { log, sink } = start();
    write(log, 0, 4);
    await eventually('tried', () => front.operations.length > 5);
    expect(sink.state).to.include({ delivered: 0, refused: 0 });
    broken = false;
    await eventually('delivered', () => sink.state.delivered >= 4);
    expect(await partsOf()).to.deep.equal([0, 1, 2, 3]);
  });

  it('tries again in due time when the clock was set back by a year meanwhile', async () => {
    let now = Date.now();
    const { log, sink } = start({ clock: () => now });
    front.fault = () => ({ status: 503, type: 'ServiceUnavailableException' });
    write(log, 0, 1);
    await eventually('refused', () => front.operations.length > 1);
    now -= 365 * 24 * 3_600_000;
    front.fault = () => 'forward';
    await eventually('delivered', () => sink.state.delivered >= 1);
  });

  it('moves times that the service would not take inside its limits and keeps the original', async () => {
    let now = Date.now() - 40 * 24 * 3_600_000;
    const { log, sink } = start({ clock: () => now });
    front.fault = () => 'drop-connection';
    write(log, 0, 1);
    now = Date.now() + 24 * 3_600_000;
    write(log, 1, 2);
    now = Date.now();
    write(log, 2, 3);
    const original = Date.now();
    front.fault = () => 'forward';
    await eventually('delivered', () => sink.state.delivered >= 3);
    const messages = (await messagesOf(client, 'capture', prefix, 'i-1')).filter(({ event }) => event === 'part.stored');
    expect(messages.map(({ part }) => part)).to.deep.equal([0, 1, 2]);
    const ages = messages.map(({ timestamp }) => (original - Number(timestamp)) / 3_600_000);
    expect(ages[0]).to.be.within(13 * 24, 14 * 24);
    expect(ages[1]).to.be.within(-2, -1);
    expect(Date.parse(String(messages[0]?.['time']))).to.be.below(original - 39 * 24 * 3_600_000);
  });

  it('sends again, with the present time, what the service rejects as older than its retention', async () => {
    await client.send(new CreateLogGroupCommand({ logGroupName: `${prefix}ForensicDiskCapture` }));
    const timestamps: number[][] = [];
    const { createServer } = await import('node:http');
    const server = createServer((incoming, outgoing) => {
      let body = '';
      incoming.on('data', (chunk) => { body += chunk; });
      incoming.on('end', () => {
        const { logEvents } = JSON.parse(body) as { logEvents: { timestamp: number }[] };
        timestamps.push(logEvents.map(({ timestamp }) => timestamp));
        outgoing.setHeader('content-type', 'application/x-amz-json-1.1');
        outgoing.end(JSON.stringify(timestamps.length === 1 ? { rejectedLogEventsInfo: { expiredLogEventEndIndex: 2 } } : {}));
      });
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const own = logsClient(`http://127.0.0.1:${(server.address() as { port: number }).port}`);
    let now = Date.now() - 5 * 24 * 3_600_000;
    const { log, sink } = start({ client: own, clock: () => now });
    write(log, 0, 2);
    now += 1000;
    write(log, 2, 3);
    await eventually('delivered', () => sink.state.delivered === 3);
    expect(timestamps.map((batch) => batch.length)).to.deep.equal([3, 2]);
    expect(timestamps[1]).to.deep.equal([now, now]);
    await log.close(100);
    own.destroy();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  it('leaves what it could not deliver for the next process, which delivers it first', async () => {
    await front.down();
    const first = start();
    write(first.log, 0, 30);
    await first.log.close(300);
    const left = await spooledNames();
    expect(left.filter((name) => /^capture\.[0-9A-Z]{26}\.free\.jsonl$/.test(name))).to.have.length(1);
    await front.up();
    const second = start();
    write(second.log, 30, 40);
    await eventually('delivered', () => second.sink.state.delivered >= 40);
    expect(await partsOf()).to.deep.equal(numbers(0, 40));
    await eventually('said', () => second.memory.records.some(({ fromEarlierProcesses }) => fromEarlierProcesses === 30));
  });

  it('takes over the files of a process that was killed, also with a torn last line, and leaves a live one\'s alone', async () => {
    const child = spawn(process.execPath, ['--input-type=module', '--eval', `
      import { readdirSync } from 'node:fs';
      import { cloudWatchSink } from './agent/adapters/logs/cloudwatch-sink.ts';
      import { createEventLog } from './agent/adapters/logs/create-event-log.ts';
      import { logsClient } from './test/agent/logs-support.ts';
      const sink = cloudWatchSink({ client: logsClient('http://127.0.0.1:9'), prefix: ${JSON.stringify(prefix)}, stream: 'child', spoolDir: ${JSON.stringify(spoolDir)} });
      const log = createEventLog({ sinks: [sink] });
      for (let part = 0; part < 20; part += 1) log.info('part.stored', { part });
      setInterval(() => { if (sink.state.waitingBytes > 0) process.stdout.write('spooled\\n'); }, 100);
    `], { cwd: new URL('../..', import.meta.url), stdio: ['ignore', 'pipe', 'inherit'] });
    children.push(child);
    await once(child.stdout, 'data');
    await eventually('on disk', async () => (await spooledNames()).some((name) => name.startsWith('capture.')));
    const other = start();
    write(other.log, 100, 101);
    await eventually('delivered', () => other.sink.state.delivered === 1);
    expect(await partsOf()).to.deep.equal([100]);
    const [file = ''] = (await spooledNames()).filter((name) => name.startsWith('capture.'));
    expect(file).to.include(`.${child.pid}-`);
    await other.log.close(1000);

    child.kill('SIGKILL');
    await once(child, 'close');
    await appendFile(join(spoolDir, file), '{"time":"2026-03-01T12:00:00.000Z","level":"in');
    const next = start();
    write(next.log, 20, 25);
    await eventually('delivered', () => next.sink.state.delivered >= 25);
    expect((await partsOf()).filter((part) => part !== 100)).to.deep.equal(numbers(0, 25));
    await eventually('said', () => next.memory.records.some(({ event, torn }) => event === 'logs.delivered' && torn === 1));
    await eventually('the spool is empty', async () => (await spooledNames()).length === 0);
  });

  it('never lets two processes take over the same file', async () => {
    const lines = numbers(0, 300).map((part) => JSON.stringify({ time: new Date().toISOString(), level: 'info', event: 'part.stored', part }));
    for (let index = 0; index < 30; index += 1) {
      await writeFile(join(spoolDir, `capture.${ulid()}.1-1-dead.jsonl`), `${lines.slice(index * 10, index * 10 + 10).join('\n')}\n`);
    }
    const body = (stream: string): string[] => ['--input-type=module', '--eval', `
      import { readdirSync } from 'node:fs';
      import { cloudWatchSink } from './agent/adapters/logs/cloudwatch-sink.ts';
      import { logsClient } from './test/agent/logs-support.ts';
      const sink = cloudWatchSink({ client: logsClient(${JSON.stringify(front.endpoint)}), prefix: ${JSON.stringify(prefix)}, stream: '${stream}', spoolDir: ${JSON.stringify(spoolDir)}, intervalMs: 20 });
      const timer = setInterval(() => {
        if (readdirSync(${JSON.stringify(spoolDir)}).some((name) => name.endsWith('-dead.jsonl'))) return;
        clearInterval(timer);
        void sink.close(60_000);
      }, 50);
    `];
    children = ['one', 'two'].map((stream) =>
      spawn(process.execPath, body(stream), { cwd: new URL('../..', import.meta.url), stdio: 'inherit' }));
    await Promise.all(children.map(async (child) => once(child, 'close')));
    const parts = [...(await partsOf('one')), ...(await partsOf('two'))].map(Number);
    expect(parts.toSorted((a, b) => a - b)).to.deep.equal(numbers(0, 300));
  });

  it('knows a process by more than its pid', async () => {
    const [pid, startedAt, boot] = (await thisOwner()).split('-');
    const line = (part: number): string => `${JSON.stringify({ time: new Date().toISOString(), level: 'info', event: 'part.stored', part })}\n`;
    await writeFile(join(spoolDir, `capture.${ulid(1)}.${pid}-${Number(startedAt) - 1}-${boot}.jsonl`), line(1));
    await writeFile(join(spoolDir, `capture.${ulid(2)}.${pid}-${startedAt}-otherboot.jsonl`), line(2));
    const { sink } = start();
    await eventually('delivered', () => sink.state.delivered === 2);
    expect(await partsOf()).to.deep.equal([1, 2]);
  });

  it('goes on behind what was delivered when a process died between two batches', async () => {
    const lines = numbers(0, 10).map((part) => `${JSON.stringify({ time: new Date().toISOString(), level: 'info', event: 'part.stored', part })}\n`);
    const id = ulid();
    await writeFile(join(spoolDir, `capture.${id}.free.jsonl`), lines.join(''));
    await writeFile(join(spoolDir, `capture.${id}.pos`), String(lines.slice(0, 4).join('').length));
    const { sink } = start();
    await eventually('delivered', () => sink.state.delivered === 6);
    expect(await partsOf()).to.deep.equal(numbers(4, 10));
  });

  it('starts a file again when the note of what was delivered is not at a line', async () => {
    const id = ulid();
    await writeFile(join(spoolDir, `capture.${id}.free.jsonl`), `${JSON.stringify({ time: new Date().toISOString(), level: 'info', event: 'part.stored', part: 0 })}\n`);
    await writeFile(join(spoolDir, `capture.${id}.pos`), '7');
    start();
    await eventually('delivered', async () => (await partsOf()).length === 1);
  });

  it('keeps its files inside their bound: progress goes first, the oldest first, outcomes stay; and says so', async () => {
    await front.down();
    const maxSpoolBytes = 400_000;
    const { log, sink, memory } = start({ maxSpoolBytes });
    for (let step = 0; step < 2000; step += 1) {
      log.info(LogEvent.acquisitionProgress, { step, filler: 'x'.repeat(200) });
      if (step % 20 === 0) log.info(LogEvent.partStored, { part: step / 20 });
      if (step % 200 === 0) {
        log.info(LogEvent.acquisitionEnded, { status: 'COMPLETE', step });
        await new Promise((resolve) => setTimeout(resolve, 20));
        expect(await sizeOf(spoolDir)).to.be.below(maxSpoolBytes * 1.3);
      }
    }
    await eventually('said', () => memory.records.some(({ event, dropped }) => event === 'logs.spooled' && Number(dropped) > 0));
    await eventually('dropped', () => sink.state.dropped > 200);
    await front.up();
    await eventually('delivered', () => memory.records.some(({ event, group }) => event === 'logs.delivered' && String(group).endsWith('Capture')));
    expect(await partsOf()).to.deep.equal(numbers(0, 100));
    const audit = await messagesOf(client, 'audit', prefix, 'i-1');
    expect(audit.map(({ step }) => step)).to.deep.equal(numbers(0, 10).map((index) => index * 200));
    const steps = (await messagesOf(client, 'capture', prefix, 'i-1')).filter(({ event }) => event === 'acquisition.progress').map(({ step }) => Number(step));
    const gap = steps.findIndex((step, index) => step !== index); // before it: what was being sent when the service went away
    expect(steps.slice(gap)).to.deep.equal(numbers(steps[gap] ?? 0, 2000));
    expect(steps.length + sink.state.dropped).to.equal(2000);
  });

  it('holds a bounded amount in memory while the disk takes nothing, and delivers that in order', async () => {
    await rm(spoolDir, { recursive: true });
    await writeFile(spoolDir, 'not a directory');
    await front.down();
    const { log, sink } = start({ maxMemoryBytes: 100_000 });
    for (let step = 0; step < 1000; step += 1) log.info(LogEvent.acquisitionProgress, { step, filler: 'x'.repeat(100) });
    write(log, 0, 50);
    await new Promise((resolve) => setTimeout(resolve, 300));
    for (let step = 0; step < 1000; step += 1) log.info(LogEvent.acquisitionProgress, { step, filler: 'x'.repeat(100) });
    write(log, 50, 60);
    expect(sink.state.waitingBytes).to.be.below(110_000);
    expect(sink.state.dropped).to.be.above(100);
    await front.up();
    await eventually('delivered', async () => (await partsOf()).length === 60);
    expect(await partsOf()).to.deep.equal(numbers(0, 60));
    await eventually('nothing waits', () => sink.state.waitingBytes === 0);
  });

  it('loses nothing when the disk under the spool is full for a while', async function () {
    const mount = async (...args: string[]): Promise<boolean> =>
      new Promise((resolve) => spawn(args[0] ?? '', args.slice(1), { stdio: 'ignore' }).once('close', (code) => resolve(code === 0)).once('error', () => resolve(false)));
    if (!(await mount('mount', '-t', 'tmpfs', '-o', 'size=64k', 'cleanroom-test', spoolDir))) this.skip();
    try {
      await front.down();
      const { log, sink } = start({ maxMemoryBytes: 1_000_000 });
      for (let part = 0; part < 500; part += 20) {
        write(log, part, part + 20, { filler: 'x'.repeat(300) });
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      expect(sink.state.dropped).to.equal(0);
      await eventually('the disk is full', async () => (await sizeOf(spoolDir)) > 30_000);
      await eventually('only whole lines', async () => {
        const files = await Promise.all((await spooledNames()).map((name) => readFile(join(spoolDir, name), 'latin1')));
        return files.every((text) => /^$|\n$/.test(text));
      });
      await front.up();
      await eventually('delivered', () => sink.state.delivered >= 500);
      expect(await partsOf()).to.deep.equal(numbers(0, 500));
      await log.close(1000);
    } finally {
      await mount('umount', '--lazy', spoolDir); // lazily: the sink may be writing when an assertion has failed
    }
  });

  it('closes in time though the service hangs, and keeps what it could not deliver', async () => {
    front.fault = () => 'hang';
    const { log } = start({ requestTimeoutMs: 3_600_000 });
    write(log, 0, 10);
    await log.close(300); // comes back long before the request would
    const [name = ''] = (await spooledNames()).filter((file) => file.startsWith('capture.'));
    expect((await readFile(join(spoolDir, name), 'utf8')).trimEnd().split('\n')).to.have.length(10);
  });

  it('keeps its files to its own user', async () => {
    await chmod(spoolDir, 0o755);
    const nested = join(spoolDir, 'a', 'spool');
    front.fault = () => 'hang';
    const { log } = start({ spoolDir: nested });
    write(log, 0, 1);
    await eventually('on disk', async () => (await readdir(nested).catch(() => [])).length > 0);
    expect((await stat(nested)).mode & 0o777).to.equal(0o700);
    const [name = ''] = await readdir(nested);
    expect((await stat(join(nested, name))).mode & 0o777).to.equal(0o600);
    await log.close(0);
  });

  it('delivers what comes after a file that cannot be read, leaves that file where it is, and says so', async () => {
    const unreadable = `capture.${ulid(1)}`;
    await mkdir(join(spoolDir, `${unreadable}.free.jsonl`));
    const { log, sink, memory } = start();
    write(log, 0, 3);
    await eventually('delivered', async () => (await partsOf()).length === 3);
    await eventually('nothing waits', () => sink.state.waitingBytes === 0);
    const warnings = memory.records.filter(({ event }) => event === LogEvent.warning).map(({ message }) => String(message));
    expect(warnings).to.have.length(1);
    expect(warnings[0]).to.match(/cannot be read from disk, and are not delivered: EISDIR/);
    expect((await spooledNames()).filter((name) => name.startsWith(unreadable))).to.have.length(1);
  });

  it('ignores what else lies in its directory', async () => {
    await mkdir(join(spoolDir, 'capture.d'));
    await writeFile(join(spoolDir, 'notes.txt'), 'mine');
    await writeFile(join(spoolDir, `constructor.${ulid()}.free.jsonl`), '{}\n');
    const { log, sink } = start();
    write(log, 0, 1);
    await eventually('delivered', () => sink.state.delivered === 1);
    expect(await spooledNames()).to.include.members(['capture.d', 'notes.txt']);
  });
});

async function sizeOf(dir: string): Promise<number> {
  let bytes = 0;
  for (const name of await readdir(dir)) bytes += await stat(join(dir, name)).then(({ size }) => size, () => 0);
  return bytes;
}
