import { fork, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import { expect } from 'chai';
import { parseReadiness } from '../../modules/vocabulary/index.ts';
import { makeWorkspace, type Workspace } from '../../scripts/lab/disks.ts';
import { ensureUdev } from '../../scripts/lab/udev.ts';
import { startCli, type Cli, type CliOptions } from '../helpers/cli.ts';
import { startMoto, type Moto } from '../helpers/moto.ts';
import { eventually, logsClient, messagesOf, startFront } from './logs-support.ts';

const CASE = 'unattended-1';

describe('collector run, where nobody watches', function () {
  let workspace: Workspace;
  before(async () => {
    await ensureUdev();
    workspace = await makeWorkspace();
    await mkdir(workspace.file('evidence'));
  });
  after(() => workspace.remove());

  const run = (more: readonly string[], options?: CliOptions): Cli =>
    startCli(['run', '--case', CASE, '--to', workspace.file('evidence'), '--scratch-dir', workspace.file('scratch'), '--json', '--ignore-attached', ...more], options);

  it('tells everything that the readiness contract promises, and ends at its deadline', async () => {
    const cli = run(['--deadline-seconds', '12', '--heartbeat-seconds', '5']);
    expect(await cli.ended).to.deep.equal({ code: 0, signal: null });
    const records = cli.stdout().trim().split('\n').map(parseReadiness);
    expect(records, cli.stdout()).to.not.include(undefined);
    const told = records.map((record) => record!.event).filter((event) => !event.startsWith('disk.'));
    expect(told[0]).to.equal('collector.started');
    expect(told).to.include('collector.heartbeat');
    expect(told.slice(-2)).to.deep.equal(['collector.stopping', 'collector.stopped']);
    expect(records.at(-1)).to.include({ event: 'collector.stopped', exit: 0, reason: 'deadline' });
  });

  it('goes on where the supervisor that forked it has let go of it', async () => {
    const args = ['run', '--case', CASE, '--to', workspace.file('evidence'), '--scratch-dir', workspace.file('scratch'), '--ignore-attached', '--deadline-seconds', '1'];
    const child = fork(resolve(import.meta.dirname, '../../agent/cli.ts'), args, { stdio: ['ignore', 'ignore', 'pipe', 'ipc'], execArgv: [] });
    let stderr = '';
    child.stderr!.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    child.disconnect();
    const [[code]] = await Promise.all([once(child, 'exit'), once(child.stderr!, 'end')]);
    expect(stderr).to.equal('');
    expect(code).to.equal(0);
  });

  describe('under systemd', () => {
    let listener: ChildProcess;
    afterEach(() => listener.kill());

    it('says when it is ready, and afterwards that it is alive', async () => {
      const socket = workspace.file('notify');
      let heard = '';
      listener = spawn('python3', [resolve(import.meta.dirname, '../fixtures/notify-socket.py'), socket], { stdio: ['ignore', 'pipe', 'inherit'] });
      listener.stdout!.setEncoding('utf8').on('data', (text: string) => (heard += text));
      await eventually('the socket is there', () => heard.startsWith('listening'));
      const cli = run([], { env: { NOTIFY_SOCKET: socket, WATCHDOG_USEC: '1500000' } });
      await eventually('two signs of life', () => heard.split('WATCHDOG=1').length > 2, 60_000);
      expect(heard.indexOf('READY=1')).to.be.within(0, heard.indexOf('WATCHDOG=1'));
      expect(heard).to.contain(`STATUS=watching for disks of case ${CASE}`);
      cli.signal('SIGTERM');
      expect(await cli.ended).to.deep.equal({ code: 0, signal: null });
      expect(parseReadiness(cli.stdout().trim().split('\n').at(-1)!)).to.include({ event: 'collector.stopped', reason: 'told' });
    });

    it('goes on without, where systemd does not listen', async () => {
      listener = spawn('true');
      await once(listener, 'exit');
      const cli = run(['--deadline-seconds', '2'], { env: { NOTIFY_SOCKET: workspace.file('nobody') } });
      expect(await cli.ended).to.deep.equal({ code: 0, signal: null });
      expect(cli.lines().filter(({ event }) => event === 'collector.warning')).to.have.length(1);
    });
  });

  describe('with a log service that is away', () => {
    let moto: Moto;
    before(async () => {
      moto = await startMoto();
    });
    after(() => moto.stop());

    it('ends only when its last event was delivered, with --await-logs', async () => {
      const front = await startFront(moto.endpoint);
      try {
        await front.down();
        const env = { AWS_ENDPOINT_URL_CLOUDWATCH_LOGS: front.endpoint, AWS_REGION: 'eu-central-1' };
        const cli = run(['--deadline-seconds', '2', '--logs', 'cloudwatch', '--log-group-prefix', '/un/', '--await-logs'], { env });
        await cli.event('collector.stopped');
        let isOver = false;
        void cli.ended.then(() => (isOver = true));
        await new Promise((done) => setTimeout(done, 5000)); // longer than it waits without the option
        expect(isOver).to.equal(false);
        await front.up();
        expect(await cli.ended).to.deep.equal({ code: 0, signal: null });
        const { DescribeLogStreamsCommand } = await import('@aws-sdk/client-cloudwatch-logs');
        const client = logsClient(moto.endpoint);
        const { logStreams } = await client.send(new DescribeLogStreamsCommand({ logGroupName: '/un/ForensicDiskReadiness' }));
        expect(logStreams).to.have.length(1);
        const events = (await messagesOf(client, 'readiness', '/un/', logStreams![0]!.logStreamName!)).map(({ event }) => event);
        expect(events).to.include.members(['collector.started', 'collector.stopped']);
      } finally {
        await front.stop();
      }
    });
  });
});
