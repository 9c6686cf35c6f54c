import { AutoScalingClient } from '@aws-sdk/client-auto-scaling';
import { EC2Client } from '@aws-sdk/client-ec2';
import { ElasticLoadBalancingClient } from '@aws-sdk/client-elastic-load-balancing';
import { ElasticLoadBalancingV2Client } from '@aws-sdk/client-elastic-load-balancing-v2';
import { IAMClient } from '@aws-sdk/client-iam';
import { KMSClient } from '@aws-sdk/client-kms';
import { expect } from 'chai';
import { record as recordHandler } from '../../../modules/acquisition-workflow/handlers/record/record.ts';
import { release } from '../../../modules/acquisition-workflow/handlers/release/release.ts';
import { memberRoleArn, roleArn, SOURCE_GRANT_NAME, SOURCE_KEY_OPERATIONS } from '../../../modules/vocabulary/index.ts';
import { AslError } from '../../helpers/asl/errors.ts';
import { type AwsWorld, MEMBER, PLACE } from '../world/aws-world.ts';
import { readCase } from '../world/case.ts';
import type { AwsCall } from '../world/dispatch.ts';
import { MemoryRecords } from '../world/memory-records.ts';
import { acquireIn, type CaseOptions, type Ended, statesOf, withWorld } from './support.ts';

const refused = (): Promise<never> => Promise.reject(new AslError('Kms.KmsException', 'not authorized to perform kms:CreateGrant (Service: Kms, Status Code: 400, Request ID: 1)'));
const isTry = ({ action, inMember }: AwsCall): boolean => action === 'describeKey' && !inMember;

describe('the keys of a suspect\'s volumes', function () {
  this.timeout(300_000);
  let world: AwsWorld;
  const records = new MemoryRecords();
  withWorld((started) => (world = started));

  const newKey = async (): Promise<string> => ((await world.call('member', 'kms', 'createKey')) as unknown as { KeyMetadata: { Arn: string } }).KeyMetadata.Arn;
  const grantsOn = async (KeyId: string): Promise<Record<string, unknown>[]> => ((await world.call('member', 'kms', 'listGrants', { KeyId })) as unknown as { Grants: Record<string, unknown>[] }).Grants;

  interface Acquired extends Ended {
    readonly custody: readonly string[];
    readonly states: readonly string[];
  }
  const acquire = async (options: CaseOptions): Promise<Acquired> => {
    const ended = await acquireIn({ world, records }, options);
    const { custody } = await readCase(records, ended.input);
    return { ...ended, custody: custody.map(({ action }) => action), states: statesOf(ended.run) };
  };
  const madeOf = ({ record }: Acquired): string[][] => Object.values(record.volumes).map(({ snapshots }) => snapshots.map(({ purpose }) => purpose).toSorted());

  it('are granted to the workflow once each, used without a copy under the transit key, and taken back when all is proven', async () => {
    const key = await newKey();
    const given: Record<string, unknown>[] = [];
    const ended = await acquire({ keyArn: key, volumes: 2, hook: (call) => (call.action === 'createVolume' && !call.inMember ? grantsOn(key).then((grants) => void given.push(...grants)) : undefined) });
    const { run, record, custody, states, input } = ended;
    expect(run.status, run.cause).to.equal('SUCCEEDED');
    expect(record.status).to.equal('COMPLETE');
    expect(madeOf(ended)).to.deep.equal([['evidence', 'source'], ['evidence', 'source']]);
    expect(run.calls.filter(({ action }) => action === 'createGrant')).to.have.length(1);
    expect(given[0]).to.deep.include({ GranteePrincipal: roleArn(PLACE, 'workflow'), RetiringPrincipal: memberRoleArn(PLACE, MEMBER), Operations: [...SOURCE_KEY_OPERATIONS] });
    expect(given[0]!['Name']).to.match(SOURCE_GRANT_NAME).and.contain(input.instanceId);
    const order = run.calls.map(({ action, state }) => (action === 'record' ? state : action));
    const steps = ['createSnapshots', 'Write down how to take the grants back', 'createGrant', 'describeKey', 'modifySnapshotAttribute', 'lockSnapshot', 'retireGrant', 'Record that the grants are taken back'];
    expect(steps.map((step) => order.indexOf(step))).to.deep.equal(steps.map((step) => order.indexOf(step)).toSorted((a, b) => a - b)).and.not.include(-1);
    expect(states).not.to.include('Copy it under the transit key');
    expect(await grantsOn(key)).to.deep.equal([]);
    const [step] = record.done.filter(({ what }) => what === `the forensic account may use the key ${key}`);
    expect(step!.undo!.action).to.equal('kms:retireGrant');
    expect(step!.undoneAt).to.be.a('string');
    expect(custody).to.include.members(['kms:CreateGrant', 'kms:RetireGrant']);
    expect(record.leftBehind.filter(({ resource }) => resource.startsWith('grant'))).to.deep.equal([]);
  });

  it('that are refused leave their volumes the way through the transit key, and the record says so; the others go direct', async () => {
    const [key, other] = [await newKey(), await newKey()];
    const ended = await acquire({ keyArn: key, dataKeyArn: other, volumes: 2, hook: (call) => (call.action === 'createGrant' && call.args['KeyId'] === other ? refused() : undefined) });
    expect(ended.run.status, ended.run.cause).to.equal('SUCCEEDED');
    const ways = Object.values(ended.record.volumes).map(({ status, snapshots }) => [status, snapshots.some(({ purpose }) => purpose === 'transit')]);
    expect(ways).to.have.deep.members([['COMPLETE', false], ['COMPLETE', true]]);
    expect(ended.states, 'nobody waits for what was refused').not.to.include('Wait for the grant');
    expect(ended.record.problems.join()).to.contain('Grant a key: Kms.KmsException: not authorized to perform kms:CreateGrant');
    expect(ended.custody.filter((action) => action === 'kms:CreateGrant')).to.have.length(1);
  });

  it('that the preflight\'s dry run was refused are not asked for', async () => {
    world.grantDryRun = 'AccessDeniedException';
    const ended = await acquire({ keyArn: await newKey() }).finally(() => (world.grantDryRun = 'DryRunOperationException'));
    expect(ended.record.status).to.equal('COMPLETE');
    expect(ended.run.calls.filter(({ action }) => action === 'createGrant')).to.deep.equal([]);
    expect(madeOf(ended)).to.deep.equal([['evidence', 'source', 'transit']]);
  });

  it('are waited for while a grant has not arrived everywhere', async () => {
    let tries = 0;
    const ended = await acquire({ keyArn: await newKey(), hook: (call) => (isTry(call) && tries++ < 3 ? refused() : undefined) });
    expect(ended.record.status).to.equal('COMPLETE');
    expect(ended.states.filter((state) => state === 'Wait for the grant')).to.have.length(3);
    expect(madeOf(ended)).to.deep.equal([['evidence', 'source']]);
  });

  it('whose grant does not arrive in five minutes are done without, and the record says so', async () => {
    const ended = await acquire({ keyArn: await newKey(), hook: (call) => (isTry(call) ? refused() : undefined) });
    expect(ended.record.status).to.equal('COMPLETE');
    expect(madeOf(ended)).to.deep.equal([['evidence', 'source', 'transit']]);
    expect(Object.values(ended.record.volumes)[0]!.problems.join()).to.contain('Cleanroom.GrantNotUsable').and.contain('could not be used after 300 seconds (Kms.KmsException); copied under the transit key');
  });

  it('are not granted where nobody could write down how to take that back', async () => {
    const key = await newKey();
    const ended = await acquire({ keyArn: key, hook: (call) => (call.state === 'Write down how to take the grants back' ? Promise.reject(new AslError('Cleanroom.Record', 'no')) : undefined) });
    expect(ended.run.calls.filter(({ action }) => action === 'createGrant')).to.deep.equal([]);
    expect(madeOf(ended)).to.deep.equal([['evidence', 'source', 'transit']]);
    expect(ended.record.problems.join()).to.contain('Write down how to take the grants back: Cleanroom.Record: no');
  });

  it('stay granted where a volume was not imaged, are listed, and a release takes them back', async () => {
    const key = await newKey();
    const { run, record, input } = await acquire({ keyArn: key, collector: { starts: false } });
    expect(run.status).to.equal('FAILED');
    const [grant] = await grantsOn(key);
    expect(record.leftBehind).to.deep.include({ resource: `grant ${String(grant!['GrantId'])} on ${key}`, why: 'lets the forensic account use the key; a release takes it back' });
    const { accessKeyId, secretAccessKey, sessionToken = '' } = world.member;
    const where = { endpoint: world.endpoint, region: PLACE.region, maxAttempts: 1, credentials: { accessKeyId, secretAccessKey, sessionToken } };
    const clients = { ec2: new EC2Client(where), autoScaling: new AutoScalingClient(where), elb: new ElasticLoadBalancingClient(where), elbv2: new ElasticLoadBalancingV2Client(where), iam: new IAMClient(where), kms: new KMSClient(where) };
    const now = (): Date => new Date();
    const { undone } = await release({ records, record: recordHandler({ records, audit: () => Promise.resolve(), now }), member: () => Promise.resolve(clients), now })({
      caseId: input.caseId, instanceId: input.instanceId, requester: input.requester,
    });
    for (const client of Object.values(clients)) client.destroy();
    expect(undone).to.include(`the forensic account may use the key ${key}`);
    expect(await grantsOn(key)).to.deep.equal([]);
    expect((await readCase(records, input)).custody.map(({ action }) => action)).to.include('kms:RetireGrant');
  });
});
