import { expect } from 'chai';
import { type Records, s3Records } from '../../../modules/acquisition-workflow/handlers/records.ts';
import { Tokens } from '../../helpers/asl/interpreter.ts';
import { type AwsWorld, MEMBER, PLACE } from '../world/aws-world.ts';
import type { AwsCall } from '../world/dispatch.ts';
import { MemoryRecords } from '../world/memory-records.ts';
import { cleanroom, sessionOf } from '../world/responder.ts';
import type { CaseRun } from '../world/run-case.ts';
import { publish, published, publishMembers } from '../world/surroundings.ts';
import { acquireIn, expectLoud, problemOf, statesOf, type CaseOptions, type Ended, withWorld } from './support.ts';

/** Gibibytes of a quota in tebibytes. */
const TIB = 1024;

describe('an acquisition that may not begin', function () {
  this.timeout(300_000);
  let world: AwsWorld;
  const forensic = <Answer>(service: string, action: string, parameters: object = {}): Promise<Answer> => world.call('forensic', service, action, parameters) as Promise<Answer>;
  withWorld((started) => (world = started));

  const acquire = (options?: CaseOptions, where: Records = new MemoryRecords()): Promise<Ended> => acquireIn({ world, records: where }, options);
  /** What was done in the suspect's account beyond looking. */
  const touching = (run: CaseRun): string[] => run.calls.filter(({ inMember, action }) => inMember && !action.startsWith('describe')).map(({ action }) => action);

  const newKey = async (): Promise<{ readonly id: string; readonly arn: string }> => {
    const { KeyMetadata } = (await world.call('member', 'kms', 'createKey')) as unknown as { KeyMetadata: { KeyId: string; Arn: string } };
    return { id: KeyMetadata.KeyId, arn: KeyMetadata.Arn };
  };

  describe('because something has to be fixed first', () => {
    const NOT_GRANTED = `arn:aws:kms:${PLACE.region}:${MEMBER}:key/11111111-0000-4000-8000-000000000000`;
    /** Brings the world into a state, and says how it is mended. */
    type Breakage = () => Promise<{ readonly keyArn?: string; readonly mend: () => unknown }>;
    const republish = (name: Parameters<typeof publish>[1], value: () => Promise<string>): Breakage => async () => {
      const before = await published(world, name);
      await publish(world, name, await value());
      return { mend: () => publish(world, name, before) };
    };
    const otherVpc = async (): Promise<string> => (await forensic<{ Vpc: { VpcId: string } }>('ec2', 'createVpc', { CidrBlock: '10.30.0.0/20' })).Vpc.VpcId;
    const breakages: Readonly<Record<string, readonly [code: string, says: string, Breakage]>> = {
      'a source key that nobody has granted': ['GRANT_MISSING', `the key ${NOT_GRANTED} of vol-`, () => Promise.resolve({ keyArn: NOT_GRANTED, mend: () => undefined })],
      'a source key that is disabled': ['KEY_NOT_USABLE', 'is Disabled; enable it again', async () => {
        const { id, arn } = await newKey();
        await world.call('member', 'kms', 'disableKey', { KeyId: id });
        return { keyArn: arn, mend: () => undefined };
      }],
      'a source key that is to be deleted': ['KEY_NOT_USABLE', 'cancel its deletion at once', async () => {
        const { id, arn } = await newKey();
        await world.call('member', 'kms', 'scheduleKeyDeletion', { KeyId: id, PendingWindowInDays: 7 });
        return { keyArn: arn, mend: () => undefined };
      }],
      'a quota that is smaller than the case': ['QUOTA_VCPUS', 'the account is allowed 1; ask for a higher quota', () => {
        const before = world.quotas['ec2']!;
        world.quotas['ec2'] = before.map((quota) => ({ ...quota, Value: 1 }));
        return Promise.resolve({ mend: () => (world.quotas['ec2'] = before) });
      }],
      'a collector image that is gone': ['IMAGE_NOT_AVAILABLE', 'ami-0ffffffffffffffff is not there', republish('collectorImageId', () => Promise.resolve('ami-0ffffffffffffffff'))],
      'a network without endpoints': ['ENDPOINT_NOT_AVAILABLE', `com.amazonaws.${PLACE.region}.kms`, republish('vpcId', otherVpc)],
      'an account that the estate does not monitor': ['MEMBER_ROLE', `account ${MEMBER} is not monitored by this estate`, async () => {
        await publishMembers(world, { '300000000001': 'another' });
        return { mend: () => publishMembers(world, { [MEMBER]: 'an-external-id-of-its-own' }) };
      }],
    };
    for (const [what, [code, says, breakIt]] of Object.entries(breakages)) {
      it(`stops at ${what}, says what to do, and changes nothing`, async () => {
        const { mend, ...options } = await breakIt();
        const ended = await acquire(options).finally(mend);
        expectLoud(ended, 'Cleanroom.Preflight');
        expect(problemOf(ended)).to.contain(code).and.contain(says);
        expect(touching(ended.run)).to.deep.equal([]);
        expect(statesOf(ended.run)).not.to.include('Say that preserving begins');
      });
    }
  });

  describe('because others use a quota', () => {
    let blocker: string;
    const volumes = async (): Promise<{ VolumeId: string; VolumeType: string; Size: number }[]> => (await forensic<{ Volumes: { VolumeId: string; VolumeType: string; Size: number }[] }>('ec2', 'describeVolumes')).Volumes;
    beforeEach(async () => {
      const used = (await volumes()).filter(({ VolumeType }) => VolumeType === 'gp3').reduce((sum, { Size }) => sum + Size, 0);
      ({ VolumeId: blocker } = await forensic<{ VolumeId: string }>('ec2', 'createVolume', { AvailabilityZone: `${PLACE.region}a`, Size: 100, VolumeType: 'gp3' }));
      world.quotas['ebs'] = [{ QuotaName: 'Storage for General Purpose SSD (gp3) volumes, in TiB', Value: (used + 100) / TIB }];
    });
    afterEach(async () => {
      delete world.quotas['ebs'];
      if ((await volumes()).some(({ VolumeId }) => VolumeId === blocker)) await forensic('ec2', 'deleteVolume', { VolumeId: blocker });
    });

    it('waits for room, and goes on when there is', async () => {
      let waits = 0;
      const free = async (call: AwsCall): Promise<unknown> => {
        if (++waits === 3) await forensic('ec2', 'deleteVolume', { VolumeId: blocker });
        return call.real();
      };
      const { run, record } = await acquire({ hook: (call) => (call.state === 'Record that it waits' ? free(call) : undefined) });
      expect([run.status, record.status, waits]).to.deep.equal(['SUCCEEDED', 'COMPLETE', 3]);
      expect(run.hours * 60).to.be.at.least(1 + 2 + 3);
    });

    it('gives up after four hours', async () => {
      const ended = await acquire();
      expectLoud(ended, 'Cleanroom.QueueTimeout');
      expect(problemOf(ended)).to.contain('QUOTA_GP3').and.contain('are in use; wait until other cases have ended');
      expect(ended.run.hours).to.be.within(4, 4.2);
      expect(touching(ended.run)).to.deep.equal([]);
    });
  });

  describe('before somebody has said yes', () => {
    const ALICE = sessionOf('alice');
    let heard: string;
    before(async () => {
      const { QueueUrl } = await forensic<{ QueueUrl: string }>('sqs', 'createQueue', { QueueName: 'people' });
      heard = QueueUrl;
      await forensic('sns', 'subscribe', { TopicArn: world.topicArn, Protocol: 'sqs', Endpoint: `arn:aws:sqs:${PLACE.region}:${PLACE.account}:people` });
    });
    /** What people were told by the topic since they last looked. */
    const messages = async (): Promise<string[]> => {
      const found: string[] = [];
      for (;;) {
        const { Messages = [] } = await forensic<{ Messages?: { Body: string; ReceiptHandle: string }[] }>('sqs', 'receiveMessage', { QueueUrl: heard, MaxNumberOfMessages: 10 });
        if (Messages.length === 0) return found;
        for (const { Body, ReceiptHandle } of Messages) {
          found.push((JSON.parse(Body) as { Message: string }).Message);
          await forensic('sqs', 'deleteMessage', { QueueUrl: heard, ReceiptHandle });
        }
      }
    };

    /** A case of Alice's; what its responders do with it once the question is in the record. */
    const asked = (decide: (run: (name: string, ...args: string[]) => Promise<{ readonly code: number | null; readonly stderr: string }>) => Promise<void>): Promise<Ended> => {
      const tokens = new Tokens();
      const options = { approval: 'required', approvalMinutes: 90 } as const;
      return acquire({
        options, edit: { requester: ALICE }, tokens,
        hook: (call, _, { caseId }) => (call.action === 'ask-approval' ? call.real().then(async (answer) => {
          await decide((name, ...args) => cleanroom(world, tokens, name, ['case', 'approve', caseId, ...args]));
          return answer;
        }) : undefined),
      }, s3Records(world.s3, world.bucket)); // where the command reads them
    };

    it('does nothing to the suspect when nobody approves in time', async () => {
      await messages();
      const expired = await asked(() => Promise.resolve());
      expectLoud(expired, 'Cleanroom.Cancelled');
      expect(problemOf(expired)).to.contain('Cleanroom.ApprovalExpired');
      expect([expired.record.status, expired.run.hours, touching(expired.run)]).to.deep.equal(['CANCELLED', 1.5, []]);
      const [question] = await messages();
      expect(question).to.contain(`To approve: cleanroom case approve ${expired.input.caseId} --instance ${expired.suspect.instanceId}`).and.contain(`Requested by: ${ALICE}`);
    });

    it('does nothing to the suspect when somebody refuses with the command', async () => {
      const refused = await asked(async (run) => {
        expect(await run('bob', '--refuse', '--reason', 'it is a test system')).to.include({ code: 0, stderr: '' });
      });
      expectLoud(refused, 'Cleanroom.Cancelled');
      expect([refused.record.status, touching(refused.run)]).to.deep.equal(['CANCELLED', []]);
      expect(problemOf(refused)).to.contain(`${sessionOf('bob')}: it is a test system`);
    });

    it('goes on when a second person approves with the command, and not before', async () => {
      const { run, record, input } = await asked(async (decide) => {
        const own = await decide('alice', '--reason', 'mine');
        expect(own.code).to.equal(2);
        expect(own.stderr).to.contain('a second person has to approve it');
        expect(await decide('bob', '--reason', 'go')).to.include({ code: 0, stderr: '' });
      });
      expect([run.status, record.status]).to.deep.equal(['SUCCEEDED', 'COMPLETE']);
      expect(record.approvals).to.have.length(1);
      expect(record.approvals[0]).to.include({ decision: 'approved', by: sessionOf('bob'), reason: 'go' });
      const order = run.calls.map(({ action, inMember }) => (inMember ? `member ${action}` : action));
      expect(order.indexOf('ask-approval')).to.be.below(order.findIndex((call) => call.startsWith('member ') && !call.startsWith('member describe')));
      expect(input.requester).to.equal(ALICE);
    });
  });
});
