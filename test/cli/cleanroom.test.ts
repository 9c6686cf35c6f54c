import { PutObjectCommand } from '@aws-sdk/client-s3';
import { CreateStateMachineCommand, DescribeExecutionCommand, SFNClient } from '@aws-sdk/client-sfn';
import { expect } from 'chai';
import { openCase } from '../../modules/acquisition-workflow/handlers/open-case/open-case.ts';
import { release } from '../../modules/acquisition-workflow/handlers/release/release.ts';
import { AcquisitionInput, DEFAULT_OPTIONS, instanceKey, TriggerSettings } from '../../modules/vocabulary/index.ts';
import { anInput, INSTANCE, later, MEMBER, opened, PLACE, startVault, VOLUME, type Vault } from '../workflow/handlers/support.ts';
import { type Endpoint, serveDecisions, serveFunctions, startCleanroom } from './support.ts';

const ACCOUNT = '123456789012'; // moto's

describe('cleanroom case', () => {
  let vault: Vault;
  let sfn: SFNClient;
  let functions: Endpoint;
  let decisions: Endpoint;
  let env: Record<string, string>;
  const decided: { action: string; input: Record<string, unknown> }[] = [];
  let refuseDecisions: string | undefined;
  let cases = 0;
  const fresh = (): string => `case-c${++cases}`;

  before(async () => {
    vault = await startVault();
    const place = { ...PLACE, account: ACCOUNT };
    sfn = new SFNClient({ endpoint: vault.endpoint, region: PLACE.region });
    await sfn.send(new CreateStateMachineCommand({ name: 'acme-acquisition', definition: '{"StartAt":"A","States":{"A":{"Type":"Succeed"}}}', roleArn: `arn:aws:iam::${ACCOUNT}:role/r` }));
    functions = await serveFunctions({
      'acme-open-case': openCase({ ...vault.dependencies, sfn, place, memberAccounts: [MEMBER], options: DEFAULT_OPTIONS, triggers: TriggerSettings.parse({}) }),
      'acme-release': release({ records: vault.dependencies.records, record: vault.record, member: () => Promise.reject(new Error('no member')), now: () => new Date(later(900)) }),
    });
    decisions = await serveDecisions(decided, () => refuseDecisions);
    env = {
      AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test', AWS_REGION: PLACE.region, AWS_ENDPOINT_URL: vault.endpoint, AWS_ENDPOINT_URL_LAMBDA: functions.url, CLEANROOM_PREFIX: 'acme',
    };
  });
  after(async () => {
    sfn?.destroy();
    await functions?.stop();
    await decisions?.stop();
    await vault?.stop();
  });

  const run = (args: readonly string[], more: Record<string, string> = {}) => startCleanroom(['case', ...args, '--bucket', vault.bucket], { ...env, ...more }).ended;
  const open = (caseId: string, ...more: string[]) => run(['open', '--case', caseId, '--account', MEMBER, '--instance', INSTANCE, '--reason', 'beaconing', ...more]);
  /** An acquisition that has begun, as the workflow records it. */
  const begun = async (caseId: string, requester = 'guardduty.amazonaws.com') => {
    const input = anInput({ caseId, requester, trigger: { kind: 'person', key: caseId } });
    await vault.record({ input, change: opened(input) });
    return input;
  };

  it('opens a case as the person it is, says how to follow it, and opens none twice', async () => {
    const caseId = fresh();
    const first = await open(caseId, '--containment', 'isolate', '--json');
    expect(first.stderr).to.equal('');
    expect(first.code).to.equal(0);
    const [line] = first.lines();
    expect(line).to.include({ event: 'case.opened', caseId, instanceId: INSTANCE, started: true });
    const { input } = await sfn.send(new DescribeExecutionCommand({ executionArn: String(line?.['executionArn']) }));
    const given = AcquisitionInput.parse(JSON.parse(input ?? ''));
    expect(given).to.include({ reason: 'beaconing', account: MEMBER }).and.have.nested.property('options.containment', 'isolate');
    expect(given.requester).to.match(/^arn:aws:(iam|sts)::123456789012:/);
    const second = await open(caseId);
    expect(second.stdout).to.contain(`Already open: case ${caseId}, ${INSTANCE}`).and.contain(`cleanroom case watch ${caseId}`);
    expect(second.code).to.equal(0);
  });

  it('says what is wrong with the request before anything is opened, by the names of its flags', async () => {
    for (const [args, says] of [
      [['--instance', 'x', '--account', MEMBER, '--reason', 'r'], /--instance: an instance id looks like/],
      [['--instance', INSTANCE, '--account', '12', '--reason', 'r'], /--account: an account id has 12 digits/],
      [['--instance', INSTANCE, '--account', MEMBER, '--reason', 'r', '--case', '../x'], /--case: a case id may hold only/],
      [['--instance', INSTANCE, '--account', MEMBER, '--reason', 'r', '--deadline', 'soon'], /--deadline: /],
      [['--instance', INSTANCE, '--account', MEMBER, '--reason', 'r', '--approval', 'maybe'], /Allowed choices are none, required/],
      [['--instance', INSTANCE, '--account', MEMBER], /required option '--reason <text>'/],
      [['--instance', INSTANCE, '--account', '999999999999', '--reason', 'r'], /account "999999999999" is not monitored by this estate; add it to monitoredAccounts/],
    ] as const) {
      const { code, stderr } = await run(['open', ...args]);
      expect(code, args.join(' ')).to.equal(2);
      expect(stderr).to.match(says);
    }
  });

  it('lists the cases that are open, and all, the latest first', async () => {
    const [done, current] = [fresh(), fresh()];
    const input = await begun(done);
    await vault.record({ input, change: { kind: 'closed', at: later(9), status: 'COMPLETE' } });
    const latest = anInput({ caseId: current });
    await vault.record({ input: latest, change: opened(latest, later(5)) });
    const all = await run(['list', '--json']);
    const ids = all.lines().map((line) => line['caseId']);
    expect(ids).to.include.members([done, current]);
    expect(ids.indexOf(current)).to.be.lessThan(ids.indexOf(done));
    const { stdout } = await run(['list', '--open']);
    expect(stdout).to.contain(current).and.not.contain(done);
  });

  it('shows what happened: volumes, images, snapshots, steps, what is left; never a token', async () => {
    const caseId = fresh();
    const input = await begun(caseId);
    const manifest = { key: 'k', sha256: 'a'.repeat(64), imageSha256: 'b'.repeat(64), status: 'COMPLETE' } as const;
    await vault.record({
      input,
      change: [
        { kind: 'approval-asked', at: later(1), token: 'SECRET-TOKEN', expiresAt: later(600) },
        { kind: 'done', at: later(2), what: 'turned termination protection on', undo: { action: 'ec2:modifyInstanceAttribute', account: MEMBER, region: PLACE.region, parameters: {} } },
        { kind: 'volume', at: later(3), volumeId: VOLUME, status: 'COMPLETE', sizeBytes: 8 * 2 ** 30, imageLocation: 's3://b/k', manifest },
        { kind: 'snapshot', at: later(4), volumeId: VOLUME, snapshot: { id: 'snap-0123456789abcdef0', purpose: 'evidence', account: ACCOUNT, region: PLACE.region, kept: true, lockedUntil: later(9) } },
        { kind: 'left-behind', at: later(5), leftBehind: [{ resource: 'vol-0bbbbbbbbbbbbbbbb', why: 'could not be deleted' }] },
        { kind: 'estimate', at: later(6), estimate: { seconds: 330, usd: 1.5, stages: [] } },
        { kind: 'closed', at: later(660), status: 'COMPLETE' },
      ],
    });
    const { stdout, code } = await run(['show', caseId]);
    expect(code).to.equal(0);
    for (const text of [`Case ${caseId}`, 'awaited until', 'turned termination protection on (can be released)', `${VOLUME}  COMPLETE  8 GiB`, 's3://b/k', 'b'.repeat(64), 'snap-0123456789abcdef0 evidence', 'vol-0bbbbbbbbbbbbbbbb: could not be deleted', 'estimate  6 min, 1.50 USD', 'actual    11 min, 3.00 USD']) {
      expect(stdout).to.contain(text);
    }
    const json = await run(['show', caseId, '--json']);
    expect(json.stdout).to.contain('"acquisitions"');
    expect(stdout + json.stdout).to.not.contain('SECRET-TOKEN');
  });

  it('shows each call with the ids by which AWS knows it, and says where a custody log does not check', async () => {
    const caseId = fresh();
    const input = await begun(caseId);
    const call = { account: MEMBER, region: PLACE.region, resources: ['snap-0123456789abcdef0'], state: 'Snapshot its volumes at once', enteredAt: later(1), endedAt: later(2) };
    await vault.record({ input, change: { kind: 'touched', at: later(2), calls: ['ec2:CreateSnapshots', 'ec2:CopySnapshot', 'ec2:LockSnapshot'].map((action) => ({ ...call, action })) } });
    await vault.record({ input, change: { kind: 'touched', at: later(3), calls: [{ ...call, action: 's3:PutObject', requestId: 'S3REQUEST' }] } });
    const [created, copied] = (await vault.custodyOf(input)).slice(1);
    const trace = (event: typeof created) => ({ sequence: event!.sequence, hash: event!.hash, action: event!.action });
    const found = [{ eventId: 'e-1', requestId: 'r-1', eventTime: later(2) }, { eventId: 'e-2', requestId: 'r-2', eventTime: later(2) }];
    await vault.record({ input, change: { kind: 'traced', at: later(9), traces: [{ ...trace(created), found }, { ...trace(copied), found: [], why: 'CloudTrail has none' }] } });
    const lines = (await run(['show', caseId])).stdout.split('\n').filter((line) => line.includes('  call  '));
    expect(lines.map((line) => line.replace(/^ +call +\S+ /, ''))).to.deep.equal([
      `ec2:CreateSnapshots in ${MEMBER}, request r-1, CloudTrail event e-1 and request r-2, CloudTrail event e-2`,
      `ec2:CopySnapshot in ${MEMBER}, request id not found: CloudTrail has none`,
      `ec2:LockSnapshot in ${MEMBER}, request id not looked up yet`,
      `s3:PutObject in ${MEMBER}, request S3REQUEST`,
    ]);
    const json = await run(['show', caseId, '--json']);
    expect(json.lines()[0]).to.have.nested.property(`custody.${INSTANCE}.calls[0].trace.cloudTrail`).that.deep.equals(found);

    const key = instanceKey(caseId, INSTANCE, 'custody.jsonl');
    await vault.s3.send(new PutObjectCommand({ Bucket: vault.bucket, Key: key, Body: (await vault.read(key)).replace('S3REQUEST', 'ANOTHER'), ChecksumAlgorithm: 'CRC32' }));
    expect((await run(['show', caseId])).stdout).to.match(/problem +custody log: line 5: hash is/);
  });

  it('approves with a token that nobody sees, and refuses', async () => {
    for (const [flags, action, holds] of [[[], 'SendTaskSuccess', { taskToken: 'TOKEN' }], [['--refuse'], 'SendTaskFailure', { taskToken: 'TOKEN', error: 'Cleanroom.ApprovalRefused' }]] as const) {
      const caseId = fresh();
      const input = await begun(caseId);
      await vault.record({ input, change: { kind: 'approval-asked', at: later(1), token: 'TOKEN', expiresAt: later(600) } });
      decided.length = 0;
      const { code, stdout, stderr } = await run(['approve', caseId, '--reason', 'confirmed', ...flags], { AWS_ENDPOINT_URL_SFN: decisions.url });
      expect(stderr).to.equal('');
      expect(code).to.equal(0);
      expect(stdout).to.contain(`case ${caseId}, ${INSTANCE}`).and.not.contain('TOKEN');
      expect(decided).to.have.length(1);
      expect(decided[0]).to.deep.include({ action });
      expect(decided[0]?.input).to.include(holds);
      expect(JSON.stringify(decided[0]?.input)).to.contain('confirmed').and.contain(':123456789012:');
    }
  });

  it('lets nobody approve their own case, says when nobody waits, and when the time is over', async () => {
    const [own, none, late] = [fresh(), fresh(), fresh()];
    const { requester } = AcquisitionInput.parse(JSON.parse((await sfn.send(new DescribeExecutionCommand({ executionArn: String((await open(own, '--json')).lines()[0]?.['executionArn']) }))).input ?? ''));
    const input = anInput({ caseId: own, requester });
    await vault.record({ input, change: [opened(input), { kind: 'approval-asked', at: later(1), token: 'T', expiresAt: later(9) }] });
    const mine = await run(['approve', own, '--reason', 'r'], { AWS_ENDPOINT_URL_SFN: decisions.url });
    expect([mine.code, mine.stderr]).to.satisfy(([code, text]: [number, string]) => code === 2 && text.includes('a second person has to approve it'));
    await begun(none);
    const nobody = await run(['approve', none, '--reason', 'r']);
    expect([nobody.code, nobody.stderr]).to.satisfy(([code, text]: [number, string]) => code === 2 && text.includes(`nobody waits for an approval of ${INSTANCE}`));
    await vault.record({ input: await begun(late), change: { kind: 'approval-asked', at: later(1), token: 'T', expiresAt: later(9) } });
    refuseDecisions = 'TaskTimedOut';
    const expired = await run(['approve', late, '--reason', 'r'], { AWS_ENDPOINT_URL_SFN: decisions.url });
    refuseDecisions = undefined;
    expect([expired.code, expired.stderr]).to.satisfy(([code, text]: [number, string]) => code === 4 && text.includes('the question has expired or was answered'));
  });

  it('cancels an acquisition that runs, and says what stays; not one that has ended', async () => {
    const caseId = fresh();
    const [line] = (await open(caseId, '--json')).lines();
    const executionArn = String(line?.['executionArn']);
    const input = anInput({ caseId });
    await vault.record({ input, change: { kind: 'opened', at: later(1), executionArn } });
    const { code, stdout } = await run(['cancel', caseId, '--reason', 'wrong host']);
    expect(code).to.equal(0);
    expect(stdout).to.contain('Snapshots and collectors that it made stay');
    expect((await sfn.send(new DescribeExecutionCommand({ executionArn }))).status).to.equal('ABORTED');
    await vault.record({ input, change: { kind: 'closed', at: later(2), status: 'CANCELLED' } });
    const again = await run(['cancel', caseId, '--reason', 'wrong host']);
    expect([again.code, again.stderr]).to.satisfy(([status, text]: [number, string]) => status === 2 && text.includes('has ended already: it is CANCELLED'));
  });

  it('watches a case to its end, a line for each change, and ends with a status that says how', async () => {
    for (const [status, exit] of [['COMPLETE', 0], ['PARTIAL', 3], ['FAILED', 1]] as const) {
      const caseId = fresh();
      const input = await begun(caseId);
      const watcher = startCleanroom(['case', 'watch', caseId, '--interval', '0.1', '--json', '--bucket', vault.bucket], env);
      const until = async (text: string): Promise<void> => {
        for (let tries = 0; tries < 600 && !watcher.stdout().includes(text); tries++) await new Promise((done) => void setTimeout(done, 100));
        expect(watcher.stdout()).to.contain(text);
      };
      await until('"status":"OPEN"');
      await vault.record({ input, change: [{ kind: 'stage', at: later(1), stage: 'image', status: 'ACQUIRING' }, { kind: 'volume', at: later(2), volumeId: VOLUME, status: 'COLLECTING' }] });
      await until('"status":"COLLECTING"');
      await vault.record({ input, change: [{ kind: 'volume', at: later(3), volumeId: VOLUME, status }, { kind: 'closed', at: later(4), status }] });
      const { code, lines } = await watcher.ended;
      expect(code, status).to.equal(exit);
      expect(lines().map((line) => [line['volumeId'] ?? 'instance', line['status']])).to.deep.equal([
        ['instance', 'OPEN'], ['instance', 'ACQUIRING'], [VOLUME, 'COLLECTING'], ['instance', status], [VOLUME, status],
      ]);
    }
  });

  it('watches what was begun again, and not how it had ended before', async () => {
    const caseId = fresh();
    const input = await begun(caseId);
    await vault.record({ input, change: { kind: 'closed', at: later(2), status: 'FAILED' } });
    const [line] = (await open(caseId, '--again', '--json')).lines();
    expect(line).to.include({ started: true });
    const watcher = startCleanroom(['case', 'watch', caseId, '--interval', '0.1', '--json', '--bucket', vault.bucket], env);
    for (let tries = 0; tries < 600 && !watcher.stdout().includes('"status"'); tries++) await new Promise((done) => void setTimeout(done, 100));
    await vault.record({ input, change: [{ kind: 'opened', at: later(3), executionArn: String(line!['executionArn']) }, { kind: 'closed', at: later(4), status: 'COMPLETE' }] });
    const { code, lines } = await watcher.ended;
    expect([code, lines().map(({ status }) => status)]).to.deep.equal([0, ['OPEN', 'COMPLETE']]);
  });

  it('lists a case whose record is damaged as one that cannot be read, and never as none', async () => {
    const [caseId, without] = [fresh(), fresh()];
    await begun(caseId);
    const Key = `${caseId}/case.json`;
    const put = (at: string, Body: string) => vault.s3.send(new PutObjectCommand({ Bucket: vault.bucket, Key: at, Body, ChecksumAlgorithm: 'CRC32' }));
    const whole = await vault.read(Key);
    await put(Key, '{"schema":');
    await put(`${without}/event.json`, '{}');
    const listed = await run(['list', '--open', '--limit', '1000']);
    const json = await run(['list', '--open', '--limit', '1000', '--json']);
    await put(Key, whole);
    expect([listed.code, json.code]).to.deep.equal([1, 1]);
    expect(listed.stdout).to.match(new RegExp(`^${caseId}  cannot be read: s3://.*/${caseId}/case.json is not a record`, 'm')).and.not.contain(without);
    expect(json.lines().filter(({ event }) => event === 'case.unreadable').map((line) => line['caseId'])).to.deep.equal([caseId]);
    expect((await run(['list', '--open', '--limit', '1000'])).code).to.equal(0);
  });

  it('releases by the function that may, and says what could not be undone', async () => {
    const caseId = fresh();
    const input = await begun(caseId);
    const running = await run(['release', caseId, '--anyway']);
    expect([running.code, running.stderr]).to.satisfy(([code, text]: [number, string]) => code === 2 && text.includes('release it when it has ended, or cancel it first'));
    await vault.record({ input, change: { kind: 'closed', at: later(2), status: 'FAILED' } });
    const closed = await run(['release', caseId, '--anyway']);
    expect([closed.code, closed.stderr]).to.satisfy(([code, text]: [number, string]) => code === 1 && text.includes('no member'));
  });

  it('releases no instance that another open case may count on, unless told to', async () => {
    const [ended, running] = [fresh(), fresh()];
    const instanceId = 'i-0dddddddddddddddd';
    const begin = async (caseId: string) => {
      const input = anInput({ caseId, instanceId, trigger: { kind: 'person', key: caseId } });
      await vault.record({ input, change: opened(input) });
      return input;
    };
    await vault.record({ input: await begin(ended), change: { kind: 'closed', at: later(2), status: 'COMPLETE' } });
    const other = await begin(running);
    const refused = await run(['release', ended]);
    expect([refused.code, refused.stderr]).to.satisfy(([code, text]: [number, string]) => code === 2 && text.includes(`${running} (OPEN)`) && text.includes('--anyway'));
    expect((await run(['release', ended, '--anyway'])).stderr).to.contain('no member');
    await vault.record({ input: other, change: { kind: 'closed', at: later(3), status: 'FAILED' } });
    expect((await run(['release', ended])).stderr).to.contain('no member');
  });

  it('says what is not there, what it may not do, and what to do about it', async () => {
    for (const [args, more, exit, says] of [
      [['show', 'nothing-here'], {}, 2, /there is no case nothing-here in s3:\/\/.*cleanroom case list/],
      [['show', '../x'], {}, 2, /is no case id/],
      [['list', '--limit', 'many'], {}, 2, /--limit: "many" is no number of cases/],
      [['list', '--region', 'nowhere'], {}, 2, /the Region is "nowhere"/],
      [['list'], { CLEANROOM_PREFIX: 'A B' }, 2, /the prefix is "A B"/],
      [['list'], { AWS_ENDPOINT_URL: 'http://127.0.0.1:1' }, 4, /ECONNREFUSED|check the network/],
      [['open', '--account', MEMBER, '--instance', INSTANCE, '--reason', 'r'], { CLEANROOM_PREFIX: 'other' }, 4, /ResourceNotFoundException.*forensics stack of this Region is deployed/],
    ] as const) {
      const { code, stderr } = await run(args, more);
      expect(code, `${args.join(' ')}: ${stderr}`).to.equal(exit);
      expect(stderr).to.match(says);
    }
  });

  it('has help with examples and exit statuses for every subcommand', async () => {
    for (const name of ['open', 'list', 'show', 'watch', 'approve', 'cancel', 'release']) {
      const { code, stdout } = await startCleanroom(['case', name, '--help'], env).ended;
      expect(code, name).to.equal(0);
      expect(stdout, name).to.contain('Exit status:').and.contain('--json');
    }
    expect((await startCleanroom(['--help'], env).ended).stdout).to.contain('cleanroom case open --account');
  });
});
