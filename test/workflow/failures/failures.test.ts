import { expect } from 'chai';
import { assert as check, asyncProperty, constant, jsonValue, oneof, record as recordOf } from 'fast-check';
import type { AcquisitionInput, CaseChange } from '../../../modules/vocabulary/index.ts';
import { AslError } from '../../helpers/asl/errors.ts';
import type { AwsWorld } from '../world/aws-world.ts';
import { inputFor, readCase } from '../world/case.ts';
import type { AwsCall, Hook } from '../world/dispatch.ts';
import { MemoryRecords } from '../world/memory-records.ts';
import { runCase, type RunOptions } from '../world/run-case.ts';
import { startSuspect } from '../world/suspect.ts';
import { acquireIn, expectLoud, problemOf, statesOf, type CaseOptions, type Ended, withWorld } from './support.ts';

/** What EC2 says no with, under the one name that Step Functions gives all its errors. */
const ec2Says = (message: string): Promise<never> => Promise.reject(new AslError('Ec2.Ec2Exception', `${message} (Service: Ec2, Status Code: 400, Request ID: 1)`));

/** Whether a call is for the first of the suspect's volumes: a collector's start, or a call about one of its snapshots. */
const ofCollectorOf = (volumeId: string, { args }: AwsCall): boolean => JSON.stringify(args['TagSpecifications'] ?? {}).includes(volumeId);

describe('an acquisition that goes wrong', function () {
  this.timeout(300_000);
  let world: AwsWorld;
  const records = new MemoryRecords();
  withWorld((started) => (world = started));

  const acquire = (options?: CaseOptions): Promise<Ended> => acquireIn({ world, records }, options);
  const left = ({ record }: Ended): string[] => record.leftBehind.map(({ why }) => why.replace(/ in account \d+| until .*/g, ''));

  it('tells of a snapshot in state error at once, and images the other volume', async () => {
    const broken: string[] = [];
    const ended = await acquire({
      volumes: 2,
      hook: (call, { volumeIds }) => {
        if (call.action === 'createSnapshots') {
          return call.real().then((answer) => {
            broken.push(...(answer as { Snapshots: { SnapshotId: string; VolumeId: string }[] }).Snapshots.filter(({ VolumeId }) => VolumeId === volumeIds[0]).map(({ SnapshotId }) => SnapshotId));
            return answer;
          });
        }
        if (call.action !== 'describeSnapshots' || !broken.includes((call.args['SnapshotIds'] as string[])[0]!)) return undefined;
        return Promise.resolve({ Snapshots: [{ State: 'error', StateMessage: 'Given key ID is not accessible' }] });
      },
    });
    expectLoud(ended, 'Cleanroom.VolumesFailed');
    expect(ended.run.hours).to.be.below(1);
    const [first, second] = ended.suspect.volumeIds.map((id) => ended.record.volumes[id]!);
    expect(first).to.include({ status: 'FAILED' });
    expect(first!.problems.join()).to.match(/Cleanroom\.SnapshotError: snapshot snap-\w+ is in state error: Given key ID is not accessible/);
    expect(second).to.include({ status: 'COMPLETE' });
    expect(left(ended)).to.include.members(['collector of a volume that was not imaged', 'role and profile of the collectors', 'evidence snapshot, locked']);
  });

  it('does not wait where a key refuses the copy', async () => {
    const ended = await acquire({ hook: ({ action, inMember }) => (action === 'copySnapshot' && inMember ? ec2Says('The specified KMS key is not accessible') : undefined) });
    expectLoud(ended, 'Cleanroom.VolumesFailed');
    expect(problemOf(ended)).to.contain('Copy it under the transit key').and.contain('KMS key is not accessible');
    expect(statesOf(ended.run)).not.to.include('Wait for room for the copy');
    expect(left(ended)).to.have.members(['source snapshot; Cleanroom deletes nothing there', 'role and profile of the collectors', 'collector of a volume that was not imaged']);
  });

  it('stops where a snapshot cannot be shared', async () => {
    const ended = await acquire({ hook: ({ action }) => (action === 'modifySnapshotAttribute' ? ec2Says('Snapshot is encrypted with an AWS managed key and cannot be shared') : undefined) });
    expectLoud(ended, 'Cleanroom.VolumesFailed');
    expect(problemOf(ended)).to.contain('Share it with the forensic account');
    expect(left(ended)).to.include('copy under the transit key');
  });

  it('waits while too many snapshot copies are in flight, and goes on when there is room', async () => {
    let refusals = 3;
    const { run, record } = await acquire({ hook: ({ action, inMember }) => (action === 'copySnapshot' && !inMember && refusals-- > 0 ? ec2Says('Too many snapshot copies in progress. The limit is 20 for this destination region.') : undefined) });
    expect(run.status).to.equal('SUCCEEDED');
    expect(record.status).to.equal('COMPLETE');
    expect(statesOf(run).filter((state) => state === 'Wait for room for the evidence')).to.have.length(3);
    expect(record.actual!.seconds).to.be.above(0).and.at.most(run.hours * 3600);
    expect(record.actual!.stages.map(({ stage }) => stage)).to.include.members(['open', 'preserve', 'image']);
  });

  it('gives up after two days without room for the evidence snapshot, and says that the image is proven all the same', async () => {
    const ended = await acquire({ hook: ({ action, inMember }) => (action === 'copySnapshot' && !inMember ? ec2Says('Too many snapshot copies in progress. The limit is 20.') : undefined) });
    expectLoud(ended, 'Cleanroom.VolumesFailed');
    expect(ended.run.hours).to.be.within(48, 60);
    expect(ended.record.volumes[ended.suspect.volumeIds[0]!]).to.include({ status: 'COMPLETE' });
  });

  it('stops where the zone has no capacity for a collector, and images the volumes that have one', async () => {
    const ended = await acquire({
      volumes: 2,
      hook: (call, { volumeIds }) => (call.action === 'runInstances' && ofCollectorOf(volumeIds[1]!, call) ? ec2Says('We currently do not have sufficient t3.large capacity in the Availability Zone you requested') : undefined),
    });
    expectLoud(ended, 'Cleanroom.VolumesFailed');
    const [first, second] = ended.suspect.volumeIds.map((id) => ended.record.volumes[id]!);
    expect([first!.status, second!.status]).to.deep.equal(['COMPLETE', 'FAILED']);
    expect(second!.problems.join()).to.contain('sufficient t3.large capacity');
  });

  it('waits for the collectors\' role and profile until IAM knows everywhere what it has just made', async () => {
    const unknown = new Map([['attachRolePolicy', 2], ['addRoleToInstanceProfile', 3]]);
    const { run, record } = await acquire({
      hook: ({ action }) => {
        const refusals = unknown.get(action) ?? 0;
        unknown.set(action, refusals - 1);
        return refusals > 0 ? Promise.reject(new AslError('Iam.NoSuchEntityException', 'The role with name cleanroom-collector cannot be found. (Service: Iam, Status Code: 404, Request ID: 1)')) : undefined;
      },
    });
    expect(run.status).to.equal('SUCCEEDED');
    expect(record.status).to.equal('COMPLETE');
    expect(run.history.filter(({ type }) => type === 'retried').map(({ state }) => state)).to.have.members([
      ...Array.from({ length: 2 }, () => 'Give it the collectors\' policy'), ...Array.from({ length: 3 }, () => 'Put the role into the profile'),
    ]);
  });

  it('puts off for minutes what a Region refuses for its rate, and goes on when there is room', async () => {
    const refusals = new Map([['Start a collector', 15], ['Look for the collector\'s word', 25], ['Look at the volume', 25], ['Look for the manifest', 25]]);
    const { run, record } = await acquire({
      hook: ({ state, service }) => {
        const toGo = refusals.get(state) ?? 0;
        if (toGo > 0) refusals.set(state, toGo - 1);
        return toGo > 0 ? Promise.reject(new AslError(service === 'ec2' ? 'Ec2.Ec2Exception' : `${service}.ThrottlingException`, 'Request limit exceeded. (Status Code: 503, Request ID: 1)')) : undefined;
      },
    });
    expect([...refusals.values()], 'all was asked').to.deep.equal([0, 0, 0, 0]);
    expect([run.status, record.status]).to.deep.equal(['SUCCEEDED', 'COMPLETE']);
    expect(run.hours).to.be.below(6);
  });

  it('asks for the volume that is filled at AWS\'s own pace under another client token than for the fast one', async () => {
    const { run, record } = await acquire({ hook: ({ action, args }) => (action === 'createVolume' && 'VolumeInitializationRate' in args ? ec2Says('Internal error, and the volume may have been made') : undefined) });
    expect([run.status, record.status]).to.deep.equal(['SUCCEEDED', 'COMPLETE']);
    const asked = run.calls.filter(({ action }) => action === 'createVolume').map(({ args }) => [String(args['ClientToken']), 'VolumeInitializationRate' in args] as const);
    expect(asked.map(([, fast]) => fast)).to.deep.equal([true, false]);
    expect(new Set(asked.map(([token]) => token)).size).to.equal(2);
    expect(asked[1]![0]).not.to.equal(asked[0]![0]);
    for (const [token] of asked) expect(token.length).to.be.at.most(64);
  });

  it('waits one turn where the Region fills as much at once as it may, and then restores at AWS\'s own pace', async () => {
    const rates: unknown[] = [];
    const full = (call: AwsCall, refusals: number): ReturnType<Hook> => {
      if (call.action !== 'createVolume' || call.inMember) return undefined;
      rates.push(call.args['VolumeInitializationRate']);
      return rates.length <= refusals ? ec2Says('VolumeInitializationRateLimitExceeded: you have exceeded the initialization rate') : undefined;
    };
    const inTurn = await acquire({ hook: (call) => full(call, 1) });
    expect(inTurn.record.status).to.equal('COMPLETE');
    expect(rates).to.deep.equal([300, 300]);
    const waited = statesOf(inTurn.run).filter((state) => state === 'Wait for its turn');
    expect(waited).to.have.length(1);
    rates.length = 0;
    const never = await acquire({ hook: (call) => full(call, 7) });
    expect(never.record.status).to.equal('COMPLETE');
    // 8 GiB at 100 MiB/s: a turn of 82 seconds, then every five of them.
    expect(rates).to.deep.equal([300, 300, 300, 300, 300, 300, 300, undefined]);
  });

  it('does not wait for a turn where the Region refuses for another reason', async () => {
    const rates: unknown[] = [];
    const ended = await acquire({
      hook: (call) => {
        if (call.action !== 'createVolume' || call.inMember) return undefined;
        rates.push(call.args['VolumeInitializationRate']);
        return rates.length === 1 ? ec2Says('InternalError: try again') : undefined;
      },
    });
    expect(ended.record.status).to.equal('COMPLETE');
    expect(rates).to.deep.equal([300, undefined]);
    expect(statesOf(ended.run)).not.to.include('Wait for its turn');
  });

  it('asks for a share of what the Region fills that leaves the other collectors theirs', async () => {
    const rates: unknown[] = [];
    const others = { Volumes: Array.from({ length: 20 }, () => ({ Tags: [{ Key: 'CleanroomPurpose', Value: 'collector' }] })) };
    const ended = await acquire({
      hook: (call) => {
        if (call.action === 'createVolume' && !call.inMember) rates.push(call.args['VolumeInitializationRate']);
        return call.state === 'Count the collectors at work' ? Promise.resolve(others) : undefined;
      },
    });
    expect(ended.record.status).to.equal('COMPLETE');
    expect(rates).to.deep.equal([250]);
  });

  it('gives up a collector that never says it is ready', async () => {
    const ended = await acquire({ collector: { starts: false } });
    expectLoud(ended, 'Cleanroom.VolumesFailed');
    expect(problemOf(ended)).to.contain('Cleanroom.CollectorNotReady');
    expect(statesOf(ended.run)).not.to.include('Attach it to the collector');
    expect(left(ended)).to.include('collector of a volume that was not imaged');
  });

  for (const [what, collector, error] of [
    ['a collector that ends without a manifest', { stores: false, livesFor: 300 }, 'Cleanroom.CollectorStopped'],
    ['a collector that dies without a word', { stores: false, livesFor: 300, saysGoodbye: false }, 'Cleanroom.CollectorSilent'],
    ['a collector whose log begins with pages that are empty, no earlier than at the deadline', { stores: false, saysGoodbye: false, emptyPages: 3 }, 'Cleanroom.DeadlinePassed'],
    ['a collector that dies, though its log begins with pages that are empty', { stores: false, livesFor: 300, saysGoodbye: false, emptyPages: 3 }, 'Cleanroom.CollectorSilent'],
    ['a collector that is still imaging when the deadline passes', { stores: false, saysGoodbye: false }, 'Cleanroom.DeadlinePassed'],
  ] as const) {
    it(`gives up ${what}, and keeps it and its volume`, async () => {
      const ended = await acquire({ collector, options: { deadlineMinutes: 600 } });
      expectLoud(ended, 'Cleanroom.VolumesFailed');
      expect(problemOf(ended)).to.contain(error);
      expect(ended.run.hours).to.be.below(11);
      expect(left(ended)).to.include.members(['collector of a volume that was not imaged', 'restored volume that was not imaged', 'evidence snapshot, locked']);
      expect(ended.run.calls.map(({ action }) => action)).not.to.include.members(['terminateInstances']);
    });
  }

  it('accepts an image with mapped bad sectors, and says so', async () => {
    const partial: NonNullable<NonNullable<RunOptions['collector']>['stores']> = {
      edit: (body) => ({ ...body, status: 'PARTIAL', process: { ...body.process, badSectors: 1, badRanges: [{ offset: 512, length: 512, errno: 'EIO', tries: 3 }] } }),
    };
    const { run, record } = await acquire({ collector: { stores: partial } });
    expect(run.status).to.equal('SUCCEEDED');
    expect(record.status).to.equal('PARTIAL');
    expect(JSON.parse(run.told[0]!.Message)).to.include({ status: 'PARTIAL' });
  });

  it('believes no manifest that is forged: nothing is released', async () => {
    const forged: NonNullable<NonNullable<RunOptions['collector']>['stores']> = { edit: (body) => ({ ...body, integrity: { ...body.integrity, sha256: 'ab'.repeat(32) }, source: { ...body.source, size: body.source.size + 512 } }) };
    const ended = await acquire({ collector: { stores: forged } });
    expectLoud(ended, 'Cleanroom.VolumesFailed');
    expect(problemOf(ended)).to.contain('Cleanroom.NotProven');
    expect(left(ended)).to.include.members(['collector of a volume that was not imaged', 'restored volume that was not imaged', 'copy under the transit key']);
  });

  it('is loud even when nobody can be told: the execution fails, and the record is closed', async () => {
    const { run, record } = await acquire({ hook: ({ action }) => (action === 'publish' ? Promise.reject(new AslError('Sns.SnsException', 'the topic is gone')) : undefined) });
    expect(run).to.include({ status: 'FAILED', error: 'Cleanroom.NotificationFailed' });
    expect(run.cause).to.contain('ended as COMPLETE').and.contain('the topic is gone');
    expect(record.status).to.equal('COMPLETE');
  });

  it('fails when the end cannot be recorded, whatever the images are', async () => {
    const refuse: Hook = ({ action, args }) => (action === 'record' && (args['change'] as CaseChange[]).some(({ kind }) => kind === 'closed') ? Promise.reject(new AslError('Cleanroom.RecordConflict', 'no')) : undefined);
    const { run } = await acquire({ hook: refuse });
    expect(run).to.include({ status: 'FAILED', error: 'Cleanroom.RecordConflict' });
    expect(run.told).to.have.length(1);
  });

  it('keeps two instances of one case apart that are acquired at the same time', async () => {
    const suspects = [await startSuspect(world, { dataVolumes: 0 }), await startSuspect(world, { dataVolumes: 0 })];
    const inputs = suspects.map(({ instanceId }) => inputFor(instanceId, {}, 'case-of-two'));
    const runs = await Promise.all(inputs.map((input) => runCase({ world, records, input })));
    expect(runs.map(({ status }) => status)).to.deep.equal(['SUCCEEDED', 'SUCCEEDED']);
    const { summary } = await readCase(records, inputs[0]!);
    expect(Object.values(summary.instances).map(({ status }) => status)).to.deep.equal(['COMPLETE', 'COMPLETE']);
  });

  it('refuses any input that is none, and can always tell of it', async () => {
    await check(
      asyncProperty(oneof(jsonValue(), recordOf({ caseId: jsonValue(), account: jsonValue(), trigger: jsonValue(), schema: constant('cleanroom/acquisition/v1') })), async (input) => {
        const run = await runCase({ world, records, input: input as unknown as AcquisitionInput, hook: ({ action }) => (action === 'publish' ? undefined : Promise.reject(new Error(`${action} was called`))), name: 'odd' });
        expect(run).to.include({ status: 'FAILED', error: 'Cleanroom.MalformedRequest' });
        expect(run.told).to.have.length(1);
      }),
      { numRuns: 25 },
    );
  });
});
