import { CreateSnapshotCommand, CreateVolumeCommand, DescribeInstancesCommand, DescribeSnapshotsCommand, DescribeVolumesCommand, EC2Client, RunInstancesCommand } from '@aws-sdk/client-ec2';
import { AddRoleToInstanceProfileCommand, CreateInstanceProfileCommand, CreateRoleCommand, IAMClient } from '@aws-sdk/client-iam';
import { CreateBucketCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { CreateTopicCommand, SNSClient } from '@aws-sdk/client-sns';
import { expect } from 'chai';
import { s3Records } from '../../../modules/acquisition-workflow/handlers/records.ts';
import { sweepOrphans, type SweepOutput } from '../../../modules/acquisition-workflow/handlers/sweep-orphans.ts';
import {
  AcquisitionRecord, CASE_SCHEMA, caseKey, CaseRecord, caseRolePath, DEFAULT_OPTIONS, FunctionLogEvent, INSTANCE_RECORD_SCHEMA, instanceKey,
  type AcquisitionStatus,
} from '../../../modules/vocabulary/index.ts';
import { startMoto, type Moto } from '../../helpers/moto.ts';

const ACCOUNT = '123456789012';
const place = { prefix: 'cleanroom', partition: 'aws', account: ACCOUNT, region: 'eu-west-1' };
const BUCKET = 'cleanroom-active';
const INSTANCE = 'i-0123456789abcdef0';
const SOURCE = 'vol-0123456789abcdef0';
const FIVE_HOURS = 5 * 3_600_000;

describe('the sweep for what cases left behind', function () {
  this.timeout(120_000);
  let moto: Moto;
  let ec2: EC2Client;
  let iam: IAMClient;
  let s3: S3Client;
  let sns: SNSClient;
  let topicArn: string;
  const published: { Subject?: string; Message?: string }[] = [];
  const lines: Record<string, unknown>[] = [];
  const made: Record<string, string> = {};

  const tags = (caseId: string, purpose: string) => [{ Key: 'CaseId', Value: caseId }, { Key: 'CleanroomPurpose', Value: purpose }];
  const snapshot = async (caseId: string, purpose: string): Promise<string> => {
    const { VolumeId } = await ec2.send(new CreateVolumeCommand({ AvailabilityZone: 'eu-west-1a', Size: 1 }));
    const { SnapshotId = '' } = await ec2.send(new CreateSnapshotCommand({ VolumeId, TagSpecifications: [{ ResourceType: 'snapshot', Tags: tags(caseId, purpose) }] }));
    return SnapshotId;
  };
  const volume = async (caseId: string): Promise<string> => {
    const { VolumeId = '' } = await ec2.send(new CreateVolumeCommand({ AvailabilityZone: 'eu-west-1a', Size: 1, TagSpecifications: [{ ResourceType: 'volume', Tags: tags(caseId, 'collector') }] }));
    return VolumeId;
  };
  const store = (key: string, body: string) => s3.send(new PutObjectCommand({ Bucket: BUCKET, Key: key, Body: body }));

  /** Stores the records of a case with one instance. */
  async function record(caseId: string, status: AcquisitionStatus, evidence: readonly string[], leftBehind: readonly { resource: string; why: string }[] = []): Promise<void> {
    const at = '2026-11-21T10:00:00.000Z';
    const executionArn = `arn:aws:states:eu-west-1:${ACCOUNT}:execution:cleanroom-acquisition:${caseId}`;
    const common = { caseId, requester: 'alice', reason: 'test', trigger: { kind: 'person', key: caseId }, options: DEFAULT_OPTIONS, openedAt: at, updatedAt: at };
    const acquisition: AcquisitionRecord = AcquisitionRecord.parse({
      schema: INSTANCE_RECORD_SCHEMA, ...common, instanceId: INSTANCE, account: '200000000001', region: 'eu-west-1', status, stage: 'close', executionArn, approvals: [], done: [], problems: [], applied: [], leftBehind,
      volumes: { [SOURCE]: { status: 'COMPLETE', problems: [], snapshots: evidence.map((id) => ({ id, purpose: 'evidence', account: ACCOUNT, region: 'eu-west-1', kept: true })) } },
    });
    await store(instanceKey(caseId, INSTANCE, 'acquisition.json'), JSON.stringify(acquisition));
    const whole: CaseRecord = CaseRecord.parse({
      schema: CASE_SCHEMA, ...common, instances: { [INSTANCE]: { revision: 1, account: '200000000001', region: 'eu-west-1', status, stage: 'close', executionArn, openedAt: at, volumes: { COMPLETE: 1 }, leftBehind, problems: [] } },
    });
    await store(caseKey(caseId, 'case.json'), JSON.stringify(whole));
  }

  const sweep = (now = () => new Date(Date.now() + FIVE_HOURS)): Promise<SweepOutput> => {
    lines.length = 0;
    published.length = 0;
    return sweepOrphans({ place, ec2, iam, s3, sns, records: s3Records(s3, BUCKET), bucket: BUCKET, topicArn, log: (line) => lines.push(line), now })();
  };
  const why = ({ orphans }: SweepOutput, resource: string | undefined): string | undefined => orphans.find((orphan) => orphan.resource === resource)?.why;

  before(async () => {
    moto = await startMoto();
    const client = { endpoint: moto.endpoint, region: 'eu-west-1', credentials: { accessKeyId: 'test', secretAccessKey: 'test' } };
    [ec2, iam, s3, sns] = [new EC2Client(client), new IAMClient(client), new S3Client({ ...client, forcePathStyle: true }), new SNSClient(client)];
    sns.middlewareStack.add((next, { commandName }) => (args) => {
      if (commandName === 'PublishCommand') published.push(args.input as { Subject?: string; Message?: string });
      return next(args);
    }, { step: 'initialize' });
    await s3.send(new CreateBucketCommand({ Bucket: BUCKET, CreateBucketConfiguration: { LocationConstraint: 'eu-west-1' } }));
    topicArn = (await sns.send(new CreateTopicCommand({ Name: 'cleanroom-alerts' }))).TopicArn ?? '';

    made.openVolume = await volume('OPEN-1');
    made.evidence = await snapshot('ENDED-1', 'evidence');
    made.workingCopy = await snapshot('ENDED-1', 'working-copy');
    made.forgotten = await volume('ENDED-1');
    made.stranger = await snapshot('NOBODY-1', 'working-copy');
    made.hostile = await volume('../\u202Ex');
    made.unreadable = await volume('BROKEN-1');
    const { Instances } = await ec2.send(new RunInstancesCommand({ ImageId: 'ami-12c6146b', MinCount: 1, MaxCount: 1, TagSpecifications: [{ ResourceType: 'instance', Tags: tags('ENDED-1', 'collector') }] }));
    made.collector = Instances?.[0]?.InstanceId ?? '';
    const Path = caseRolePath(place);
    const role = (RoleName: string, caseId: string) => iam.send(new CreateRoleCommand({ RoleName, Path, AssumeRolePolicyDocument: '{}', Tags: [{ Key: 'CaseId', Value: caseId }] }));
    made.role = (await role(`cleanroom-collector-eu-west-1-${INSTANCE}-ended1`, 'ENDED-1')).Role?.Arn ?? '';
    await role(`cleanroom-collector-eu-west-1-${INSTANCE}-open01`, 'OPEN-1');
    await role(`cleanroom-collector-us-east-1-${INSTANCE}-ended1`, 'ENDED-1');
    const profile = `cleanroom-collector-eu-west-1-${INSTANCE}-open01`;
    await iam.send(new CreateInstanceProfileCommand({ InstanceProfileName: profile, Path }));
    await iam.send(new AddRoleToInstanceProfileCommand({ InstanceProfileName: profile, RoleName: profile }));
    await record('OPEN-1', 'ACQUIRING', []);
    await record('ENDED-1', 'PARTIAL', [made.evidence], [
      { resource: made.workingCopy, why: 'its deletion was refused' },
      { resource: 'snap-0aaaaaaaaaaaaaaaa', why: 'source snapshot in account 200000000001' },
    ]);
    await store(caseKey('BROKEN-1', 'case.json'), '{"schema":');
  });

  after(() => moto.stop());

  it('reports what an ended case did not record, what no case knows, and what a case says it left', async () => {
    const swept = await sweep();
    expect(why(swept, made.forgotten)).to.equal('its case has ended, and does not record it');
    expect(why(swept, made.collector)).to.equal('its case has ended, and does not record it');
    expect(why(swept, made.role)).to.equal('its case has ended, and does not record it');
    expect(why(swept, made.workingCopy)).to.equal('left behind by its case: its deletion was refused');
    expect(why(swept, 'snap-0aaaaaaaaaaaaaaaa')).to.equal('left behind by its case: source snapshot in account 200000000001');
    expect(why(swept, made.stranger)).to.equal('no case of this id is recorded');
    expect(why(swept, made.hostile)).to.equal('no case of this id is recorded');
    expect(why(swept, made.unreadable)).to.match(/^its case's record cannot be read: /);
    expect(swept.orphans).to.have.length(8);
  });

  it('leaves alone what an open case uses, evidence that is to stay, and other Regions\' roles', async () => {
    const swept = await sweep();
    const reported = new Set(swept.orphans.map(({ resource }) => resource));
    for (const resource of [made.openVolume, made.evidence]) expect(reported.has(resource ?? ''), resource).to.equal(false);
    expect(swept.orphans.filter(({ resource }) => /us-east-1|open01/.test(resource))).to.deep.equal([]);
    expect(swept.looked).to.equal(11);
  });

  it('spares what is younger than an hour: its case may be about to record it', async () => {
    const swept = await sweep(() => new Date());
    expect(swept.orphans.map(({ kind }) => kind)).to.deep.equal(['recorded']);
  });

  it('tells the log line by line and the topic once, with what others wrote made inert', async () => {
    const swept = await sweep();
    const events = lines.map(({ event }) => event);
    expect(events.filter((event) => event === FunctionLogEvent.sweepOrphan)).to.have.length(swept.orphans.length);
    expect(lines.at(-1)).to.include({ event: FunctionLogEvent.sweepFinished, looked: 11, orphans: 8 });
    expect(published.map(({ Subject }) => Subject)).to.deep.equal(['Cleanroom: 8 left behind in eu-west-1']);
    expect(published[0]?.Message).to.match(/^[\x20-\x7e\n]*$/).and.contain('../\\xe2\\x80\\xaex');
  });

  it('deletes nothing', async () => {
    await sweep();
    const { Snapshots = [] } = await ec2.send(new DescribeSnapshotsCommand({ OwnerIds: [ACCOUNT], Filters: [{ Name: 'tag-key', Values: ['CaseId'] }] }));
    const { Volumes = [] } = await ec2.send(new DescribeVolumesCommand({ Filters: [{ Name: 'tag-key', Values: ['CaseId'] }] }));
    const { Reservations = [] } = await ec2.send(new DescribeInstancesCommand({}));
    expect([Snapshots.length, Volumes.length, Reservations.flatMap(({ Instances = [] }) => Instances).map(({ State }) => State?.Name)]).to.deep.equal([3, 4, ['running']]);
  });
});
