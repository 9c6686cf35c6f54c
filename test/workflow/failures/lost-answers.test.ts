import { expect } from 'chai';
import { REPEATABLE } from '../../../modules/acquisition-workflow/definition/tasks.ts';
import { CASE_TAGS } from '../../../modules/vocabulary/index.ts';
import { AslError } from '../../helpers/asl/errors.ts';
import { callOf } from '../definition/arguments.ts';
import { MACHINE } from '../definition/names.ts';
import { tasksOf } from '../definition/walk.ts';
import type { AwsWorld } from '../world/aws-world.ts';
import { readCase } from '../world/case.ts';
import type { AwsCall, Hook } from '../world/dispatch.ts';
import { MemoryRecords } from '../world/memory-records.ts';
import { acquireIn, type CaseOptions, expectLoud, type Ended, withWorld } from './support.ts';

type Loses = NonNullable<CaseOptions['loses']>;

/** How an answer is lost: nobody heard it in time, the connection broke, or the service stumbled after it had done its work. */
const LOST = {
  timeout: new AslError('States.Timeout', 'the call took longer than 60 seconds'),
  connection: new AslError('Ec2.SdkClientException', 'Unable to execute HTTP request: Connection reset (SDK Attempt Count: 1)'),
  service: new AslError('Ec2.Ec2Exception', 'An internal error has occurred (Service: Ec2, Status Code: 500, Request ID: 1)'),
} as const;

/** What becomes of a change when its answer is lost, of every call of the definition that makes one. */
const BECOMES: Readonly<Record<string, string>> = {
  ...Object.fromEntries([...REPEATABLE].map((call) => [call, 'made again: twice is as once'])),
  'ec2:createSnapshots': 'looked for, and taken over',
  'ec2:copySnapshot': 'looked for, and taken over',
  'ec2:attachVolume': 'looked for, and taken over',
  'ec2:createVolume': 'made again under its client token',
  'ec2:runInstances': 'made again under its client token',
  'kms:createGrant': 'made again: KMS gives the same grant for the same name',
  'kms:retireGrant': 'noted: the grant is listed, and a release retires it',
  'ec2:deleteVolume': 'noted: listed as left behind; the sweep knows better',
  'ec2:deleteSnapshot': 'noted: listed as left behind; the sweep knows better',
  'ec2:createSecurityGroup': 'noted: the instance is not isolated',
  'ec2:authorizeSecurityGroupIngress': 'noted; the group is open or not, and another one closes',
  'ec2:authorizeSecurityGroupEgress': 'noted; the group is open or not, and another one closes',
  'ec2:revokeSecurityGroupEgress': 'noted: the instance is not isolated, unless it was the rule for IPv6',
  'ec2:revokeSecurityGroupIngress': 'noted: an interface that could not be closed is open or not',
  'ec2:replaceIamInstanceProfileAssociation': 'noted; its sessions are denied all the same',
  'autoscaling:enterStandby': 'noted; how to undo it is written down before',
  'iam:createRole': 'found there, or the acquisition fails',
  'iam:createInstanceProfile': 'found there, or the acquisition fails',
  'iam:addRoleToInstanceProfile': 'found there, or the acquisition fails',
  'iam:removeRoleFromInstanceProfile': 'noted: listed as left behind; the sweep knows better',
  'iam:deleteInstanceProfile': 'noted: listed as left behind; the sweep knows better',
  'iam:detachRolePolicy': 'noted: listed as left behind; the sweep knows better',
  'iam:deleteRole': 'noted: listed as left behind; the sweep knows better',
  'cloudwatchlogs:createLogStream': 'found there, or noted',
  'cloudwatchlogs:putLogEvents': 'noted; the record has it all',
  'securityhub:batchUpdateFindings': 'noted',
  'securityhub:batchUpdateFindingsV2': 'noted',
  'sns:publish': 'sent again: two messages are better than none',
};

describe('a change whose answer is lost', function () {
  this.timeout(300_000);
  let world: AwsWorld;
  const records = new MemoryRecords();
  withWorld((started) => (world = started));

  it('is thought of: every call of the definition that changes something says what becomes of it', () => {
    const changing = tasksOf(MACHINE).flatMap(({ state }) => callOf(state.Resource) ?? []).map(({ service, action }) => `${service}:${action}`).filter((call) => !/:(describe|get|list|filter)/.test(call));
    expect([...new Set(changing)].toSorted()).to.deep.equal(Object.keys(BECOMES).toSorted());
  });

  /** Loses the answer of the first call of each of these, by role; those after it are heard. */
  const losing = (lost: AslError, ...names: readonly (readonly [action: string, inMember: boolean])[]): Loses => {
    const left = names.map(([action, inMember]) => named(action, inMember));
    return (call) => {
      const at = left.findIndex((of) => of(call));
      if (at >= 0) left.splice(at, 1);
      return at < 0 ? undefined : lost;
    };
  };
  const named = (action: string, inMember: boolean) => (call: AwsCall): boolean => call.action === action && call.inMember === inMember;
  /** A volume under a key that is not granted, so that there is a working copy as well. */
  const acquire = async ({ loses = () => undefined, hook, volumes = 1 }: { readonly loses?: Loses; readonly hook?: Hook; readonly volumes?: number }): Promise<Ended> => {
    const { KeyMetadata } = (await world.call('member', 'kms', 'createKey')) as unknown as { KeyMetadata: { Arn: string } };
    const refused = (): Promise<never> => Promise.reject(new AslError('Kms.KmsException', 'not authorized (Service: Kms, Status Code: 400, Request ID: 1)'));
    return acquireIn({ world, records }, { keyArn: KeyMetadata.Arn, volumes, loses, hook: (call) => (call.action === 'createGrant' ? refused() : hook?.(call)) });
  };
  const ofCase = async ({ input }: Ended, account: 'member' | 'forensic', action: string, list: (answer: never) => unknown[]): Promise<number> =>
    list((await world.call(account, 'ec2', action, { Filters: [{ Name: `tag:${CASE_TAGS.caseId}`, Values: [input.caseId] }] })) as never).length;
  const snapshots = (ended: Ended, account: 'member' | 'forensic') => ofCase(ended, account, 'describeSnapshots', ({ Snapshots }: { Snapshots: unknown[] }) => Snapshots);
  const collectors = (ended: Ended) => ofCase(ended, 'forensic', 'describeInstances', ({ Reservations }: { Reservations: { Instances: unknown[] }[] }) => Reservations.flatMap(({ Instances }) => Instances));
  const times = ({ run }: Ended, action: string, inMember: boolean): number => run.calls.filter(named(action, inMember)).length;

  for (const [how, lost] of Object.entries(LOST)) {
    it(`is made once: snapshots and both copies, where the answer is lost by ${how}`, async () => {
      const ended = await acquire({ loses: losing(lost, ['createSnapshots', true], ['copySnapshot', true], ['copySnapshot', false]), volumes: how === 'timeout' ? 2 : 1 });
      expect(ended.run.status, `${ended.run.cause}`).to.equal('SUCCEEDED');
      expect(ended.record.status).to.equal('COMPLETE');
      const volumes = ended.suspect.volumeIds.length;
      expect([times(ended, 'createSnapshots', true), times(ended, 'copySnapshot', true), times(ended, 'copySnapshot', false)], 'nothing was asked for twice').to.deep.equal([1, volumes, volumes]);
      expect([await snapshots(ended, 'member'), await snapshots(ended, 'forensic')], 'the working copies are deleted').to.deep.equal([volumes, volumes]);
      expect(ended.record.problems.concat(...Object.values(ended.record.volumes).map(({ problems }) => problems)).filter((problem) => problem.includes('Cleanroom.AnswerLost')), 'the record says so').to.have.length(3);
      const { custody } = await readCase(records, ended.input);
      const told = custody.filter(({ action }) => ['ec2:CreateSnapshots', 'ec2:CopySnapshot'].includes(action));
      expect(told.map(({ detail }) => (detail['resources'] as string[]).length)).to.deep.equal([1 + volumes, ...Array.from({ length: 2 * volumes }, () => 2)]);
      expect(new Set(told.map(({ detail }) => detail['state']))).to.deep.equal(new Set(['Snapshot its volumes at once', 'Copy it under the transit key', 'Copy it under the evidence key']));
    });
  }

  it('is asked for again where it was not carried out', async () => {
    let lost = 1;
    const ended = await acquire({ hook: ({ action }) => (action === 'createSnapshots' && lost-- > 0 ? Promise.reject(LOST.timeout) : undefined) });
    expect(ended.record.status).to.equal('COMPLETE');
    expect([times(ended, 'createSnapshots', true), await snapshots(ended, 'member')]).to.deep.equal([2, 1]);
  });

  it('is given up loudly where there is never an answer, and no snapshot', async () => {
    const ended = await acquire({ hook: ({ action }) => (action === 'createSnapshots' ? Promise.reject(LOST.timeout) : undefined) });
    expectLoud(ended, 'States.Timeout');
    expect(times(ended, 'createSnapshots', true)).to.be.within(10, 30);
  });

  it('is asked for once where EC2 says no', async () => {
    const ended = await acquire({ hook: ({ action }) => (action === 'createSnapshots' ? Promise.reject(new AslError('Ec2.Ec2Exception', 'not authorized (Service: Ec2, Status Code: 403, Request ID: 1)')) : undefined) });
    expectLoud(ended, 'Ec2.Ec2Exception');
    expect(times(ended, 'createSnapshots', true)).to.equal(1);
  });

  for (const [how, lost] of Object.entries(LOST)) {
    it(`starts one collector, restores one volume and attaches it once, where the answer is lost by ${how}`, async () => {
      const ended = await acquire({ loses: losing(lost, ['runInstances', false], ['createVolume', false], ['attachVolume', false]) });
      expect(ended.run.status, `${ended.run.cause}`).to.equal('SUCCEEDED');
      expect(await collectors(ended)).to.equal(1);
      expect([times(ended, 'runInstances', false), times(ended, 'createVolume', false), times(ended, 'attachVolume', false)], 'by a client token, and by looking').to.deep.equal([2, 2, how === 'service' ? 5 : 1]); // EC2 is asked again after an error that it gave, and refuses
      expect(ended.record.leftBehind.map(({ why }) => why).filter((why) => /collector|restored/.test(why))).to.deep.equal([]);
      const { custody } = await readCase(records, ended.input);
      for (const action of ['ec2:RunInstances', 'ec2:CreateVolume', 'ec2:AttachVolume']) expect(custody.filter((event) => event.action === action), action).to.have.length(1);
    });
  }

  it('is made again where that does no harm', async () => {
    const ended = await acquire({ loses: losing(LOST.timeout, ['modifyInstanceAttribute', true], ['modifySnapshotAttribute', true], ['lockSnapshot', false], ['terminateInstances', false]) });
    expect(ended.record.status).to.equal('COMPLETE');
    expect(ended.record.problems.filter((problem) => !problem.startsWith('Grant a key'))).to.deep.equal([]);
    expect([times(ended, 'lockSnapshot', false), times(ended, 'modifySnapshotAttribute', true), times(ended, 'terminateInstances', false)]).to.deep.equal([2, 2, 2]);
  });
});
