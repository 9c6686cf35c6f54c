import {
  CreateSubnetCommand, CreateVolumeCommand, CreateVpcCommand, CreateVpcEndpointCommand, DescribeImagesCommand, EC2Client,
} from '@aws-sdk/client-ec2';
import {
  CreateKeyCommand, DisableKeyCommand, EnableKeyCommand, KMSClient, ListAliasesCommand, ListGrantsCommand, ScheduleKeyDeletionCommand,
} from '@aws-sdk/client-kms';
import type { ServiceQuotasClient } from '@aws-sdk/client-service-quotas';
import { PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { expect } from 'chai';
import type { PreflightInput } from '../../../modules/acquisition-workflow/handlers/contract.ts';
import { preflight, type PreflightDependencies } from '../../../modules/acquisition-workflow/handlers/preflight/preflight.ts';
import { type QuotaName, type Quotas, serviceQuotas } from '../../../modules/acquisition-workflow/handlers/preflight/quotas.ts';
import { CostAndTime, DEFAULT_OPTIONS, memberRoleArn, parameterName, roleArn, SOURCE_KEY_OPERATIONS, type AcquisitionOptions, type ParameterName } from '../../../modules/vocabulary/index.ts';
import { dryRunKms } from '../../helpers/aws/kms-dry-run.ts';
import { newBucket } from '../../helpers/s3-store.ts';
import { anInput, INSTANCE, MEMBER, PLACE, startVault, VOLUME, type Vault } from './support.ts';

const LIMITS: Record<QuotaName, number> = { copies: 20, gp3: 50, standard: 50, vcpus: 640 };
const SECOND = 'vol-0aaaaaaaaaaaaaaaa';

describe('preflight', () => {
  let vault: Vault;
  let ec2: EC2Client;
  let kms: KMSClient;
  let ssm: SSMClient;
  let dependencies: PreflightDependencies;
  const given: Partial<Record<ParameterName, string>> = {};

  const newKey = async (): Promise<string> => (await kms.send(new CreateKeyCommand({}))).KeyMetadata!.Arn!;
  /** moto changes keys by their ids only. */
  const idOf = (keyArn: string): string => keyArn.split('/').at(-1)!;
  const publish = (name: ParameterName, Value: string) => ssm.send(new PutParameterCommand({ Name: parameterName(PLACE, name), Value, Type: 'String', Overwrite: true }));
  const limits = (edit: Partial<Record<QuotaName, number>> = {}): Quotas => (name) => Promise.resolve({ ...LIMITS, ...edit }[name]);
  const addEndpoint = async (VpcId: string, service: string): Promise<string> =>
    (await ec2.send(new CreateVpcEndpointCommand({ VpcId, ServiceName: `com.amazonaws.${PLACE.region}.${service}`, VpcEndpointType: service === 's3' ? 'Gateway' : 'Interface' }))).VpcEndpoint!.VpcEndpointId!;

  before(async () => {
    vault = await startVault();
    const where = { endpoint: vault.endpoint, region: PLACE.region };
    [ec2, kms, ssm] = [new EC2Client(where), new KMSClient(where), new SSMClient(where)];
    const vpcId = (await ec2.send(new CreateVpcCommand({ CidrBlock: '10.9.0.0/20' }))).Vpc!.VpcId!;
    const subnets = [];
    for (const [CidrBlock, zone] of [['10.9.0.0/28', 'a'], ['10.9.1.0/24', 'b']]) {
      subnets.push((await ec2.send(new CreateSubnetCommand({ VpcId: vpcId, CidrBlock, AvailabilityZone: `${PLACE.region}${zone}` }))).Subnet!.SubnetId!);
    }
    for (const service of ['s3', 'kms', 'logs', 'sts']) await addEndpoint(vpcId, service);
    const [image] = (await ec2.send(new DescribeImagesCommand({ Owners: ['amazon'] }))).Images ?? [];
    Object.assign(given, {
      collectorImageId: image!.ImageId!, vpcId, collectorSubnetIds: subnets.join(','), collectorSecurityGroupId: 'sg-0123456789abcdef0',
      evidenceKeyArn: await newKey(), transitKeyArn: await newKey(), activeBucket: vault.bucket,
    });
    for (const [name, value] of Object.entries(given)) await publish(name as ParameterName, value);
    dependencies = { place: PLACE, ec2, kms, ssm, s3: vault.s3, quotas: limits(), member: () => Promise.resolve({ ec2, kms }) };
  });
  after(async () => {
    for (const client of [ec2, kms, ssm]) client?.destroy();
    await vault?.stop();
  });

  const [allowed, denied, broken] = ['DryRunOperationException', 'AccessDeniedException', 'KMSInternalException'] as const;
  const grantsAsked: unknown[] = [];
  const dryRuns = (answer: string): Partial<PreflightDependencies> => {
    const client = dryRunKms({ endpoint: vault.endpoint, region: PLACE.region }, answer, grantsAsked);
    return { member: () => Promise.resolve({ ec2, kms: client }) };
  };

  type Edit = { options?: Partial<AcquisitionOptions>; keyArn?: string; instance?: object; volume?: object; volumes?: PreflightInput['volumes']; attempt?: number };
  /** The check of an instance with one volume of 8 GiB, not encrypted unless a key is given. */
  const check = (edit: Edit = {}, more: Partial<PreflightDependencies> = {}) => {
    const volume = { VolumeId: VOLUME, Size: 8, State: 'in-use', Encrypted: edit.keyArn !== undefined, ...(edit.keyArn !== undefined && { KmsKeyId: edit.keyArn }), ...edit.volume };
    const volumes = edit.volumes ?? [volume];
    const BlockDeviceMappings = volumes.map(({ VolumeId }, index) => ({ DeviceName: `/dev/xvd${index}`, Ebs: { VolumeId } }));
    return preflight({ ...dependencies, ...more })({
      input: anInput({ options: { ...DEFAULT_OPTIONS, ...edit.options } }),
      instance: { InstanceId: INSTANCE, OwnerId: MEMBER, State: { Name: 'running' }, BlockDeviceMappings, ...edit.instance },
      volumes,
      attempt: edit.attempt ?? 1,
    });
  };
  const codes = (output: Awaited<ReturnType<typeof check>>): readonly string[] => output.problems.map(({ code }) => code);

  it('says go where nothing is in the way, with the plan of every volume and what it will take', async () => {
    const output = await check({ volumes: [{ VolumeId: VOLUME, Size: 8 }, { VolumeId: SECOND, Size: 4096, Encrypted: true, KmsKeyId: await newKey() }] });
    expect(output.problems).to.deep.equal([]);
    if (output.verdict !== 'go') throw new Error(output.verdict);
    const { plan, estimate } = output;
    const [, wide] = given.collectorSubnetIds!.split(',');
    expect(plan).to.deep.include({
      imageId: given.collectorImageId, subnetId: wide, zone: `${PLACE.region}b`, securityGroupId: 'sg-0123456789abcdef0', transitKeyArn: given.transitKeyArn,
      evidenceKeyArn: given.evidenceKeyArn, bucket: vault.bucket,
    });
    expect(plan.volumes[0]).to.include({ volumeId: VOLUME, deviceName: '/dev/xvd0', sizeGiB: 8, encrypted: false, route: 'direct', volumeType: 'gp3' });
    expect(plan.volumes[1]).to.include({ volumeId: SECOND, encrypted: true });
    expect(CostAndTime.parse(estimate)).to.deep.equal(estimate);
    expect(estimate.seconds).to.be.greaterThan(0);
  });

  it('takes the volumes that were asked for, and says which are not there', async () => {
    const some = await check({ volumes: [{ VolumeId: VOLUME, Size: 8 }, { VolumeId: SECOND, Size: 8 }], options: { volumes: [SECOND] } });
    expect(some.verdict === 'go' && some.plan.volumes.map(({ volumeId }) => volumeId)).to.deep.equal([SECOND]);
    const missing = await check({ options: { volumes: ['vol-0ccccccccccccccccc'.slice(0, 21)] } });
    expect(codes(missing)).to.deep.equal(['VOLUME_MISSING']);
    expect(missing.problems[0]?.fix).to.contain(VOLUME);
  });

  it('lets a volume under the key that AWS manages for EBS through: it is copied under the transit key', async () => {
    const { Aliases } = await kms.send(new ListAliasesCommand({}));
    const managed = Aliases?.find(({ AliasName }) => AliasName === 'alias/aws/ebs')?.TargetKeyId;
    const output = await check({ keyArn: `arn:aws:kms:${PLACE.region}:${MEMBER}:key/${managed}` });
    expect(output.verdict === 'go' && output.plan.volumes[0]?.route, JSON.stringify(output.problems)).to.equal('transit');
  });

  it('takes the direct route where the key may be granted to the workflow, and asks KMS for that very grant without making it', async () => {
    const keyArn = await newKey();
    const [granted, copied] = [await check({ keyArn }, dryRuns(allowed)), await check({ keyArn }, dryRuns(denied))];
    if (granted.verdict !== 'go' || copied.verdict !== 'go') throw new Error(JSON.stringify([granted.problems, copied.problems]));
    expect(granted.plan.volumes[0]).to.include({ encrypted: true, keyArn, route: 'direct' });
    expect(granted.plan.grants).to.deep.equal([{ keyArn }]);
    expect(copied.plan.volumes[0]).to.include({ encrypted: true, keyArn, route: 'transit' });
    expect(copied.plan.grants).to.deep.equal([]);
    expect(granted.estimate.seconds).to.be.below(copied.estimate.seconds);
    expect(grantsAsked).to.deep.equal(Array.from({ length: 2 }, () => ({
      KeyId: keyArn, GranteePrincipal: roleArn(PLACE, 'workflow'), RetiringPrincipal: memberRoleArn(PLACE, MEMBER), Operations: [...SOURCE_KEY_OPERATIONS], DryRun: true,
    })));
    expect((await kms.send(new ListGrantsCommand({ KeyId: keyArn }))).Grants).to.deep.equal([]);
  });

  it('does not take a refusal for a fault, nor a fault for a refusal', async () => {
    const output = await check({ keyArn: await newKey() }, dryRuns(broken));
    expect(codes(output)).to.deep.equal(['MEMBER_ROLE']);
    expect(output.problems[0]?.what).to.contain('KMSInternalException');
  });

  it('names each of several keys that nobody has granted, with the volumes under it and what to do', async () => {
    const keys = ['11111111', '22222222'].map((start) => `arn:aws:kms:${PLACE.region}:${MEMBER}:key/${start}-0000-4000-8000-000000000000`);
    const output = await check({
      volumes: [{ VolumeId: VOLUME, Size: 8, Encrypted: true, KmsKeyId: keys[0]! }, { VolumeId: SECOND, Size: 8, Encrypted: true, KmsKeyId: keys[1]! }],
    });
    expect(output.verdict).to.equal('stop');
    expect(codes(output)).to.deep.equal(['GRANT_MISSING', 'GRANT_MISSING']);
    expect(output.problems.map(({ what }) => what)).to.deep.equal([
      `the key ${keys[0]} of ${VOLUME} may not be used (NotFoundException)`, `the key ${keys[1]} of ${SECOND} may not be used (NotFoundException)`,
    ]);
    expect(output.problems[0]?.fix).to.contain(`sourceKeyArns of account ${MEMBER}`);
  });

  it('sees a key that is disabled, and one that is to be deleted', async () => {
    const [disabled, dying] = [await newKey(), await newKey()];
    await kms.send(new DisableKeyCommand({ KeyId: idOf(disabled) }));
    await kms.send(new ScheduleKeyDeletionCommand({ KeyId: idOf(dying) }));
    expect((await check({ keyArn: disabled })).problems).to.deep.equal([{ code: 'KEY_NOT_USABLE', what: `the key ${disabled} of ${VOLUME} is Disabled`, fix: 'enable it again' }]);
    expect((await check({ keyArn: dying })).problems[0]?.fix).to.match(/cancel its deletion at once/);
  });

  it('sees an instance that is gone, is another, or has nothing to image', async () => {
    expect(codes(await check({ instance: { State: { Name: 'terminated' } } }))).to.deep.equal(['INSTANCE_GONE']);
    expect(codes(await check({ instance: { OwnerId: '999999999999' } }))).to.deep.equal(['INSTANCE_OTHER']);
    expect(codes(await check({ instance: { InstanceId: 'i-0aaaaaaaaaaaaaaaa' } }))).to.deep.equal(['INSTANCE_OTHER']);
    expect(codes(await check({ volumes: [] }))).to.deep.equal(['NO_VOLUMES']);
  });

  it('says everything that is wrong at once, not one thing after the other', async () => {
    const bucket = await newBucket(vault.s3); // no versions, no lock
    const put = { activeBucket: bucket, collectorImageId: 'ami-0ffffffffffffffff' } as const;
    for (const [name, value] of Object.entries(put)) await publish(name as ParameterName, value);
    await kms.send(new DisableKeyCommand({ KeyId: idOf(given.evidenceKeyArn!) }));
    const output = await check({ instance: { State: { Name: 'terminated' } }, keyArn: `arn:aws:kms:${PLACE.region}:${MEMBER}:key/33333333-0000-4000-8000-000000000000` }, { quotas: limits({ vcpus: 0 }) });
    for (const name of Object.keys(put)) await publish(name as ParameterName, given[name as ParameterName]!);
    await kms.send(new EnableKeyCommand({ KeyId: idOf(given.evidenceKeyArn!) }));
    expect(output.verdict).to.equal('stop');
    expect(codes(output)).to.have.members(['INSTANCE_GONE', 'GRANT_MISSING', 'IMAGE_NOT_AVAILABLE', 'BUCKET_NOT_FIT', 'KEY_NOT_USABLE', 'QUOTA_VCPUS']);
    for (const { what, fix } of output.problems) expect([what, fix].join(''), what).to.match(/^[\x20-\x7e]+$/);
  });

  it('sees an endpoint that is not there', async () => {
    const { Vpc } = await ec2.send(new CreateVpcCommand({ CidrBlock: '10.8.0.0/20' }));
    await publish('vpcId', Vpc!.VpcId!);
    const output = await check();
    await publish('vpcId', given.vpcId!);
    expect(codes(output)).to.deep.equal(Array.from({ length: 4 }, () => 'ENDPOINT_NOT_AVAILABLE'));
    expect(output.problems[0]?.what).to.equal(`the endpoint com.amazonaws.${PLACE.region}.s3 of ${Vpc!.VpcId!} is not there`);
  });

  it('sees what no stack has published, and says which one does', async () => {
    const output = await check({}, { place: { ...PLACE, prefix: 'other' } });
    expect(output.problems).to.deep.include({
      code: 'PARAMETER_MISSING', what: `the parameter /other/${PLACE.region}/collector-image/image-id is not there`, fix: `deploy the stack image-builder of ${PLACE.region}: it publishes it`,
    });
  });

  it('sees an account that it cannot enter, and still says the rest', async () => {
    const closed = new KMSClient({ endpoint: 'http://127.0.0.1:1', region: PLACE.region, maxAttempts: 1 });
    const output = await check({ keyArn: 'arn:aws:kms:x', instance: { State: { Name: 'terminated' } } }, { member: () => Promise.resolve({ ec2, kms: closed }) });
    closed.destroy();
    expect(codes(output)).to.have.members(['MEMBER_ROLE', 'INSTANCE_GONE']);
  });

  it('queues where a quota is in use and nothing else is wrong, and waits longer each time', async () => {
    await ec2.send(new CreateVolumeCommand({ AvailabilityZone: `${PLACE.region}a`, Size: 100, VolumeType: 'gp3' }));
    const quotas = limits({ gp3: 104 / 1024 });
    const first = await check({}, { quotas });
    expect(first.verdict).to.equal('queue');
    expect(codes(first)).to.deep.equal(['QUOTA_GP3']);
    expect(first.problems[0]?.what).to.match(/^the case needs 0.01 TiB of gp3 volumes; 0.1 of 0.11 are in use$/);
    expect(first.verdict === 'queue' && first.waitSeconds).to.equal(60);
    const fourth = await check({ attempt: 4 }, { quotas });
    expect(fourth.verdict === 'queue' && fourth.waitSeconds).to.equal(240);
    expect((await check({ instance: { State: { Name: 'terminated' } } }, { quotas })).verdict, 'waiting would not help').to.equal('stop');
  });

  it('stops where a case is larger than a whole quota: no waiting makes room', async () => {
    const output = await check({ volume: { Size: 16_384 } }, { quotas: limits({ gp3: 10 }) });
    expect(codes(output)).to.contain('QUOTA_GP3');
    expect(output.verdict).to.equal('stop');
  });

  it('stops where the deadline cannot be met, and where a magnetic volume cannot be as large', async () => {
    expect(codes(await check({ volume: { Size: 16_384 }, options: { deadlineMinutes: 10 } }))).to.deep.equal(['DEADLINE']);
    expect(codes(await check({ volume: { Size: 2048 }, options: { volumeType: 'standard' } }))).to.deep.equal(['VOLUME_TYPE']);
  });

  it('lists hostile text of a described volume inert', async () => {
    const output = await check({ volumes: [{ VolumeId: 'vol-\u001b[2J', Size: 8, State: 'error' }] });
    expect(output.problems.map(({ what }) => what).join('')).to.match(/^[\x20-\x7e]+$/).and.contain('vol-\\x1b[2J is in the state error');
  });

  it('reads quotas from Service Quotas by their names, all pages once, and AWS\'s own where it lists none', async () => {
    const pages = [
      { Quotas: [{ QuotaName: 'Snapshots per Region', Value: 100_000 }], NextToken: 'more' },
      { Quotas: [{ QuotaName: 'Storage for General Purpose SSD (gp3) volumes, in TiB', Value: 300 }, { QuotaName: 'Concurrent snapshot copies per destination Region', Value: 40 }] },
    ];
    const asked: unknown[] = [];
    // moto knows no quotas of EBS
    const client = { send: ({ input }: { input: { ServiceCode: string; NextToken?: string } }) => {
      asked.push(input.ServiceCode);
      return Promise.resolve(input.ServiceCode === 'ebs' ? pages[input.NextToken === undefined ? 0 : 1] : { Quotas: [] });
    } } as unknown as ServiceQuotasClient;
    const quotas = serviceQuotas(client);
    expect([await quotas('gp3'), await quotas('copies'), await quotas('standard'), await quotas('vcpus')]).to.deep.equal([300, 40, 50, 5]);
    expect(asked).to.deep.equal(['ebs', 'ebs', 'ec2']);
  });
});
