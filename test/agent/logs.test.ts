import { execFile, spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { PassThrough } from 'node:stream';
import { once } from 'node:events';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { LogEvent, LogRecord } from '../../modules/vocabulary/index.ts';
import { createEventLog } from '../../agent/adapters/logs/create-event-log.ts';
import { boundedJsonLine, jsonLine, textLine } from '../../agent/adapters/logs/log-line.ts';
import { memorySink } from '../../agent/adapters/logs/memory-sink.ts';
import { stdoutSink } from '../../agent/adapters/logs/stdout-sink.ts';

const record = (fields: Record<string, unknown> = {}): LogRecord => ({
  time: '2026-03-01T12:00:00.000Z',
  level: 'info',
  event: LogEvent.partStored,
  ...fields,
});

const NODE_OPTIONS = { cwd: new URL('../..', import.meta.url) };
const script = (body: string): string[] => [
  '--input-type=module',
  '--eval',
  `import { createEventLog } from './agent/adapters/logs/create-event-log.ts';
   import { stdoutSink } from './agent/adapters/logs/stdout-sink.ts';
   ${body}`,
];

describe('the event log', () => {
  it('gives every sink a record with UTC milliseconds, level, event and fields', async () => {
    const [one, two] = [memorySink(), memorySink()];
    const log = createEventLog({ sinks: [one, two], clock: () => Date.UTC(2026, 2, 1, 12, 0, 0, 7) });
    log.warn(LogEvent.diskGone, { volumeId: 'vol-1', nothing: undefined });
    const expected = { time: '2026-03-01T12:00:00.007Z', level: 'warn', event: 'disk.gone', volumeId: 'vol-1' };
    expect(one.records).to.deep.equal([expected]);
    expect(two.records).to.deep.equal([expected]);
    expect(LogRecord.safeParse(one.records[0]).success).to.equal(true);
    await log.close(10);
  });

  it('keeps a field from hiding the record\'s own time, level and event', () => {
    const sink = memorySink();
    createEventLog({ sinks: [sink], clock: () => 0 }).info(LogEvent.diskFound, { time: 'never', event: 'x', level: 'y' });
    expect(sink.records[0]).to.deep.equal({
      time: '1970-01-01T00:00:00.000Z', level: 'info', event: 'disk.found', 'field.time': 'never', 'field.event': 'x', 'field.level': 'y',
    });
  });

  it('goes on with the other sinks when one throws, and never throws itself', async () => {
    const good = memorySink();
    const bad = {
      write: () => { throw new Error('no'); },
      close: () => Promise.reject(new Error('no')),
    };
    const log = createEventLog({ sinks: [bad, good] });
    log.info(LogEvent.diskFound);
    expect(good.records).to.have.length(1);
    expect(log.refused).to.equal(1);
    await log.close(10);
  });

  it('survives a clock that gives nonsense', () => {
    const log = createEventLog({ sinks: [memorySink()], clock: () => Number.NaN });
    log.info(LogEvent.diskFound);
    expect(log.refused).to.equal(1);
  });

  it('takes a sink in and out while it is in use', () => {
    const capture = memorySink({ filter: ({ acquisitionId }) => acquisitionId === 'A' });
    const log = createEventLog({ sinks: [] });
    const remove = log.add(capture);
    log.info(LogEvent.partStored, { acquisitionId: 'A', part: 1 });
    log.info(LogEvent.partStored, { acquisitionId: 'B', part: 1 });
    remove();
    log.info(LogEvent.partStored, { acquisitionId: 'A', part: 2 });
    expect(capture.records.map(({ acquisitionId, part }) => [acquisitionId, part])).to.deep.equal([['A', 1]]);
  });
});

describe('the memory sink', () => {
  it('keeps inside its bound and says in the text how much it left out', () => {
    const sink = memorySink({ maxBytes: 200 });
    for (let part = 0; part < 5; part += 1) sink.write(record({ part }));
    expect(sink.records.map(({ part }) => part)).to.deep.equal([0, 1]);
    expect(sink.dropped).to.equal(3);
    const lines = sink.text().trimEnd().split('\n').map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines.at(-1)).to.include({ leftOut: 3 });
    expect(lines).to.have.length(3);
  });
});

describe('a log line', () => {
  const hostile = 'a\u001b[31m\u202egnp.exe\u0085\n\u007fü😀"';

  it('is printable ASCII, whatever the fields hold, and loses nothing', () => {
    const line = jsonLine(record({ label: hostile }));
    expect(line).to.match(/^[\x20-\x7e]+$/);
    expect((JSON.parse(line) as { label: string }).label).to.equal(hostile);
  });

  it('is printable ASCII on one line also for a person', () => {
    expect(textLine(record({ label: hostile, part: 3, 'ke\ny': 'v w' }))).to.equal(
      '2026-03-01T12:00:00.000Z part.stored label="a\\u001b[31m\\u202egnp.exe\\u0085\\n\\u007f\\u00fc\\ud83d\\ude00\\"" part=3 "ke\\ny"="v w"',
    );
  });

  it('shows a level that is not info', () => {
    expect(textLine(record({ level: 'error' }))).to.equal('2026-03-01T12:00:00.000Z ERROR part.stored');
  });

  it('says so when a record cannot be JSON', () => {
    const cyclic: Record<string, unknown> = {};
    cyclic['self'] = cyclic;
    expect(JSON.parse(jsonLine(record({ cyclic })))).to.include({ event: 'part.stored', unserializable: true });
  });

  it('fits a bound by cutting the longest fields, keeps the others, and says how long it was', () => {
    const line = boundedJsonLine(record({ caseId: 'CASE-1', stderr: '"\\'.repeat(100_000), more: 'x'.repeat(50_000) }), 10_000);
    expect(line.length).to.be.at.most(10_000);
    const parsed = JSON.parse(line) as Record<string, string>;
    expect(parsed['caseId']).to.equal('CASE-1');
    expect(parsed['truncated']).to.match(/^\d{6} bytes$/);
    expect(parsed['stderr']).to.match(/\(400002 bytes, truncated\)$/);
    expect(parsed['more']).to.match(/\(50002 bytes, truncated\)$/);
  });

  it('fits a bound also with a great many fields', () => {
    const fields = Object.fromEntries(Array.from({ length: 5000 }, (_, index) => [`field${index}`, 'value']));
    const parsed = JSON.parse(boundedJsonLine(record(fields), 1000)) as Record<string, string>;
    expect(Object.keys(parsed)).to.deep.equal(['time', 'level', 'event', 'truncated']);
  });
});

describe('the standard output sink', function () {

  it('writes JSON lines when asked, lines for a person otherwise', async () => {
    for (const [json, line] of [[true, '{"time":"2026-03-01T12:00:00.000Z","level":"info","event":"part.stored","part":1}\n'],
      [false, '2026-03-01T12:00:00.000Z part.stored part=1\n']] as const) {
      const stream = new PassThrough();
      const sink = stdoutSink({ json, stream });
      sink.write(record({ part: 1 }));
      await sink.close(100);
      expect(String(stream.read())).to.equal(line);
    }
  });

  it('survives a reader that went away', async () => {
    const child = spawn(process.execPath, script(`
      const log = createEventLog({ sinks: [stdoutSink({ json: true })] });
      let n = 0;
      const timer = setInterval(() => { log.info('disk.found', { n }); if (++n === 30) { clearInterval(timer); process.stderr.write('went on to ' + n); } }, 10);
    `), { ...NODE_OPTIONS, stdio: ['ignore', 'pipe', 'pipe'] });
    let stderr = '';
    child.stderr.on('data', (chunk) => { stderr += chunk; });
    child.stdout.once('data', () => child.stdout.destroy());
    const [code] = (await once(child, 'close')) as [number];
    expect({ code, stderr }).to.deep.equal({ code: 0, stderr: 'went on to 30' });
  });

  it('survives a full disk behind it', async () => {
    const full = createWriteStream('/dev/full');
    await once(full, 'open');
    const child = spawn(process.execPath, script(`
      const sink = stdoutSink({ json: true });
      const log = createEventLog({ sinks: [sink] });
      log.info('disk.found');
      const timer = setInterval(() => { log.info('disk.found'); if (sink.dropped > 0) { clearInterval(timer); process.stderr.write('went on'); } }, 10);
    `), { ...NODE_OPTIONS, stdio: ['ignore', full, 'pipe'] });
    let stderr = '';
    child.stderr?.on('data', (chunk) => { stderr += chunk; });
    const [code] = (await once(child, 'close')) as [number];
    full.destroy();
    expect({ code, stderr }).to.deep.equal({ code: 0, stderr: 'went on' });
  });

  it('does not wait for a reader that does not read, holds a bounded amount, and says how many it left out', async () => {
    const child = spawn(process.execPath, script(`
      const sink = stdoutSink({ json: true, maxWaitingBytes: 100_000 });
      const log = createEventLog({ sinks: [sink] });
      for (let n = 0; n < 20_000; n += 1) log.info('disk.found', { text: 'x'.repeat(100) });
      process.stderr.write(JSON.stringify({ held: process.stdout.writableLength, dropped: sink.dropped }) + '\\n');
      process.stdout.once('drain', () => { log.info('disk.gone'); });
    `), { ...NODE_OPTIONS, stdio: ['ignore', 'pipe', 'pipe'] });
    const [first] = (await once(child.stderr, 'data')) as [Buffer];
    const { held, dropped } = JSON.parse(String(first)) as { held: number; dropped: number }; // nobody has read until here
    expect(held).to.be.below(102_000);
    expect(dropped).to.be.above(15_000);
    let stdout = '';
    child.stdout.on('data', (chunk) => { stdout += chunk; });
    await once(child, 'close');
    const last = JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '') as Record<string, unknown>;
    expect(last).to.include({ event: 'disk.gone', leftOutBefore: dropped });
    expect(stdout.trimEnd().split('\n')).to.have.length(20_001 - dropped);
  });

  it('survives standard output that is closed from the start', async () => {
    const command = `exec "$0" --input-type=module --eval "$1" >&-`;
    const body = script(`createEventLog({ sinks: [stdoutSink({ json: false })] }).info('disk.found'); process.stderr.write('alive');`).at(-1) ?? '';
    const { stderr } = await promisify(execFile)('sh', ['-c', command, process.execPath, body], NODE_OPTIONS);
    expect(stderr).to.equal('alive');
  });
});
