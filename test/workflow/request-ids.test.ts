import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { record } from '../../modules/acquisition-workflow/handlers/record/record.ts';
import { requestIds, type BatchOutput } from '../../modules/acquisition-workflow/handlers/request-ids/request-ids.ts';
import { instanceKey, recordedCalls, TRACE_ACTIONS, type AcquisitionInput, type RecordedCall } from '../../modules/vocabulary/index.ts';
import { acquireIn, type CaseOptions } from './failures/support.ts';
import { AwsWorld, MEMBER, PLACE } from './world/aws-world.ts';
import { inputFor, MACHINE_ARN, readCase } from './world/case.ts';
import { MemoryRecords } from './world/memory-records.ts';
import type { CaseRun } from './world/run-case.ts';
import type { Suspect } from './world/suspect.ts';
import { Trail, type TrailRecord } from './world/trail.ts';

const MINUTE = 60_000;

describe('the request ids of an acquisition that ended', function () {
  this.timeout(300_000);
  let world: AwsWorld;
  let trail: Trail;
  let suspect: Suspect;
  let run: CaseRun;
  let input: AcquisitionInput;
  const records = new MemoryRecords();
  /** Time by which the function looks. */
  let now = 0;

  const event = (about: unknown = input): object => ({
    Records: [{
      messageId: 'message-1',
      body: JSON.stringify({ source: 'aws.states', 'detail-type': 'Step Functions Execution Status Change', detail: { executionArn: 'arn:aws:states:eu-west-1:100000000003:execution:a:b', stateMachineArn: MACHINE_ARN, status: run.status, input: JSON.stringify(about) } }),
    }],
  });
  const look = (about: unknown = input): Promise<BatchOutput> =>
    requestIds({
      place: PLACE,
      records,
      record: record({ records, audit: () => Promise.reject(new Error('nothing is closed here')), now: () => new Date(now) }),
      trail: (account, region) => Promise.resolve(trail.client(account, region)),
      now: () => new Date(now),
      pause: () => Promise.resolve(),
    })(event(about));
  const calls = async (): Promise<readonly RecordedCall[]> => recordedCalls((await readCase(records, input)).custody);
  const DONE = { batchItemFailures: [] };
  const AGAIN = { batchItemFailures: [{ itemIdentifier: 'message-1' }] };

  /** Somebody else's call of the same name and resources at the same time, or one that failed. */
  const likeness = (of: TrailRecord, changes: object): TrailRecord => ({ ...of, eventID: randomUUID(), requestID: randomUUID(), ...changes });
  const somebodyElse = { userIdentity: { type: 'AssumedRole', sessionContext: { sessionIssuer: { type: 'Role', arn: `arn:aws:iam::${MEMBER}:role/operator` } } } };

  /** An acquisition that ended a quarter of an hour ago. */
  const acquire = async (volumes: number, options: CaseOptions['options'] = {}): Promise<void> => {
    ({ run, input, suspect } = await acquireIn({ world, records }, { volumes, options, trail }));
    now = Date.parse((await readCase(records, input)).record.endedAt!) + 15 * MINUTE;
  };

  before(async () => {
    world = await AwsWorld.start();
    trail = new Trail(() => now);
    await trail.start();
    await acquire(2, { containment: 'isolate' });
  });
  after(async () => {
    await trail?.stop();
    await world?.stop();
  });

  it('are not known before: every call names how CloudTrail finds it, or has the id that its handler was told', async () => {
    expect(run.status).to.equal('SUCCEEDED');
    const made = await calls();
    expect(made.length).to.be.above(35);
    expect(new Set(made.filter(({ requestId }) => requestId !== undefined).map(({ action }) => action))).to.deep.equal(new Set(['s3:PutObject', 's3:HeadObject', 's3:GetObject']));
    for (const call of made) expect(call.trace ?? call.requestId ?? call.whereabouts?.eventName, call.action).to.equal(call.requestId ?? call.action.split(':')[1]);
  });

  it('wait while CloudTrail has not delivered the calls: nothing is written, and the message comes again', async () => {
    trail.deliveryMinutes = 1000;
    const before = (await records.read(instanceKey(input.caseId, input.instanceId, 'custody.jsonl')))!.text;
    expect(await look()).to.deep.equal(AGAIN);
    expect((await records.read(instanceKey(input.caseId, input.instanceId, 'custody.jsonl')))!.text).to.equal(before);
    trail.deliveryMinutes = 10;
  });

  it('are found for every call, each its own, among thousands of others of the name and beside some that look the same', async () => {
    for (const { event: one } of trail.noted.slice()) {
      trail.more.push(likeness(one, somebodyElse), likeness(one, { errorCode: 'Client.RequestLimitExceeded' }), likeness(one, { eventTime: new Date(Date.parse(one.eventTime) - 20 * MINUTE).toISOString().replace('.000', '') }));
    }
    const copy = trail.noted.find(({ event: { eventName } }) => eventName === 'CopySnapshot')!.event;
    // Later by two seconds, so that CloudTrail gives two pages of them first.
    const eventTime = new Date(Date.parse(copy.eventTime) + 2000).toISOString().replace('.000', '');
    for (let index = 0; index < 120; index++) trail.more.push(likeness(copy, { eventTime, requestParameters: { sourceSnapshotId: `snap-${index}` }, responseElements: { snapshotId: `snap-${index}-copy` } }));

    expect(await look()).to.deep.equal(DONE);
    const { custody, record: acquisition } = await readCase(records, input); // which checks the chain
    const untold = recordedCalls(custody).filter(({ requestId }) => requestId === undefined);
    expect(untold.map(({ action, trace }) => [action, trace?.cloudTrail?.length])).to.deep.equal(untold.map(({ action }) => [action, 1]));

    // What moto answered each state with, by the state's name; volumes and interfaces share one.
    const idsOf = (state: string): string[] => trail.noted.filter(({ call }) => call.state === state && !('error' in call)).map(({ event: { requestID } }) => requestID).toSorted();
    for (const [state, group] of Map.groupBy(untold, ({ sequence }) => custody[sequence]!.detail['state'] as string)) {
      expect(group.map(({ trace }) => trace!.cloudTrail![0]!.requestId!).toSorted(), state).to.deep.equal(idsOf(state));
    }
    const given = untold.map(({ trace }) => trace!.cloudTrail![0]!.eventId);
    expect(new Set(given).size).to.equal(given.length);
    expect(acquisition.status, 'the ending stays as it was').to.equal('COMPLETE');
    expect(custody.at(-1)).to.include({ action: TRACE_ACTIONS.found });
  });

  it('told the volumes apart: each copy\'s event names that copy', async () => {
    for (const { action, resources, trace } of await calls()) {
      if (action !== 'ec2:CopySnapshot') continue;
      const { event: found } = trail.noted.find(({ event: { eventID } }) => eventID === trace!.cloudTrail![0]!.eventId)!;
      for (const resource of resources) expect(JSON.stringify(found)).to.contain(resource);
    }
  });

  it('of IAM are looked up where CloudTrail has them, and all others in the Region and account of the call', () => {
    const asked = trail.asked.map(({ account, region, eventName }) => `${account} ${region} ${eventName}`);
    expect(asked).to.include.members([`${PLACE.account} ${PLACE.region} LockSnapshot`, `${MEMBER} ${PLACE.region} CreateSnapshots`]);
    expect(trail.asked.filter(({ account, region }) => region !== PLACE.region && account !== MEMBER)).to.deep.equal([]);
  });

  it('are written once, however often the message comes', async () => {
    const before = (await readCase(records, input)).custody.length;
    expect([await look(), await look()]).to.deep.equal([DONE, DONE]);
    expect((await readCase(records, input)).custody).to.have.length(before);
  });

  it('are nobody\'s business where an execution was started with what is no case', async () => {
    expect(await look({ caseId: '../..' })).to.deep.equal(DONE);
    expect(await look(inputFor(suspect.instanceId, {}, 'never-opened'))).to.deep.equal(DONE);
  });

  describe('that CloudTrail does not give', () => {
    it('are said to be missing two hours after the call, with where they were looked for; the others are there', async () => {
      await acquire(1);
      const lost = trail.noted.findIndex(({ call }) => call.state === 'Snapshot its volumes at once' && JSON.stringify(call.args).includes(`case ${input.caseId}, `));
      expect(lost).to.be.at.least(0);
      trail.noted.splice(lost, 1);
      expect(await look()).to.deep.equal(AGAIN);
      const missing = async () => (await calls()).filter(({ requestId, trace }) => requestId === undefined && trace?.cloudTrail === undefined);
      expect((await missing()).map(({ action, trace }) => [action, trace])).to.deep.equal([['ec2:CreateSnapshots', undefined]]);
      now += 120 * MINUTE;
      expect(await look()).to.deep.equal(DONE);
      const [{ trace } = {}] = await missing();
      expect(trace?.why).to.equal(`CloudTrail of account ${MEMBER} in ${PLACE.region} has no event CreateSnapshots of arn:aws:iam::${MEMBER}:role/cleanroom/cleanroom-acquisition with these resources at that time`);
      expect((await readCase(records, input)).custody.at(-1)).to.include({ action: TRACE_ACTIONS.missing });
    });

    it('since it refuses, in one account: the other\'s are written at once, and the refusal is said in the end', async () => {
      await acquire(1);
      trail.refuse = (account) => (account === MEMBER ? 'AccessDeniedException' : undefined);
      expect(await look()).to.deep.equal(AGAIN);
      expect((await calls()).filter(({ account, trace }) => account === PLACE.account && trace?.cloudTrail === undefined && trace !== undefined)).to.deep.equal([]);
      expect((await calls()).filter(({ trace }) => trace?.cloudTrail).length).to.be.above(4);
      now += 120 * MINUTE;
      expect(await look()).to.deep.equal(DONE);
      const whys = new Set((await calls()).filter(({ account, requestId }) => account === MEMBER && requestId === undefined).map(({ trace }) => trace?.why));
      expect([...whys]).to.deep.equal([`CloudTrail of account ${MEMBER} in ${PLACE.region} could not be asked: AccessDeniedException: AccessDeniedException!`]);
      trail.refuse = () => undefined;
    });
  });
});
