import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, stat } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { GetObjectCommand, HeadObjectCommand } from '@aws-sdk/client-s3';
import { expect } from 'chai';
import { execa } from 'execa';
import { s3Records } from '../../modules/acquisition-workflow/handlers/records.ts';
import { imageKey, instanceKey, MiB } from '../../modules/vocabulary/index.ts';
import { makeExt4, makeRaw } from '../../scripts/lab/disks.ts';
import { RealClock } from '../helpers/asl/clock.ts';
import { Execution, type ExecutionResult, Tokens } from '../helpers/asl/interpreter.ts';
import { AwsError } from '../helpers/aws/bridge.ts';
import { useDisks } from '../helpers/disks.ts';
import { MACHINE } from './definition/names.ts';
import { AwsWorld } from './world/aws-world.ts';
import { inputFor, MACHINE_ARN, nameOf, readCase } from './world/case.ts';
import { CollectorHost } from './world/collector-host.ts';
import { type AwsCall, dispatchTo, type Hook } from './world/dispatch.ts';
import { handlersOf } from './world/handlers.ts';
import { MOTO_LACKS } from './world/moto-lacks.ts';
import { cleanroom, sessionOf } from './world/responder.ts';
import { published } from './world/surroundings.ts';
import { startSuspect, type Suspect } from './world/suspect.ts';

const sha256OfFile = async (path: string): Promise<string> => {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest('hex');
};

describe('an acquisition from end to end: the state machine, moto, and the real collector on real disks', function () {
  this.timeout(600_000);
  const disks = useDisks();
  let world: AwsWorld;
  let suspect: Suspect;
  /** Of the suspect's second volume; the first is under the key that AWS manages. */
  let keyArn: string;
  let host: CollectorHost;
  let result: ExecutionResult;
  const contents = new Map<string, string>();
  const calls: AwsCall[] = [];
  let input: ReturnType<typeof inputFor>;
  let decided: Awaited<ReturnType<typeof cleanroom>>;

  /** Runs once, in the first test: the disks are put away after each. */
  const acquire = async (): Promise<void> => {
    const { KeyMetadata } = (await world.call('member', 'kms', 'createKey')) as unknown as { KeyMetadata: { Arn: string } };
    keyArn = KeyMetadata.Arn;
    suspect = await startSuspect(world, { dataKeyArn: keyArn });
    const [root, data] = suspect.volumeIds;
    contents.set(root!, await makeExt4(disks.file('root'), { label: '$(reboot) evil' }));
    contents.set(data!, await makeRaw(disks.file('data'), 3 * MiB));
    const sizes = new Map(await Promise.all([...contents].map(async ([volumeId, file]) => [volumeId, (await stat(file)).size] as const)));
    const scratch = disks.file('scratch');
    await mkdir(scratch);
    host = new CollectorHost(world, disks, contents, scratch);
    input = inputFor(suspect.instanceId, { containment: 'isolate', approval: 'required' });
    const handlers = handlersOf({ world, records: s3Records(world.s3, world.bucket), now: () => new Date(), sizeOf: (volumeId) => sizes.get(volumeId)! });
    // Waiting for the image means waiting for the collector to end; every other wait is for something that moto has done already.
    const clock = new RealClock(async (_, why) => (why === 'Wait for the image' ? host.waitForEnd() : sleep(100)));
    const tokens = new Tokens();
    const approve = async (call: AwsCall): Promise<unknown> => {
      const answer = await call.real();
      decided = await cleanroom(world, tokens, 'bob', ['case', 'approve', input.caseId, '--reason', 'confirmed with the owner']);
      return answer;
    };
    const hook: Hook = (call) => (call.action === 'ask-approval' ? approve(call) : host.hook(call));
    const execution = new Execution({ machine: MACHINE, input, name: nameOf(input), stateMachineArn: MACHINE_ARN, clock, tokens, dispatch: dispatchTo({ world, handlers, calls, hook }) });
    result = await execution.run();
    await host.stop();
  };

  before(async () => {
    world = await AwsWorld.start();
  });
  after(async () => {
    await host?.stop();
    await world?.stop();
  });

  it('ends as COMPLETE, and every image has the bytes of its source', async () => {
    await acquire();
    expect(result, `${JSON.stringify(result.history.filter(({ type }) => type !== 'entered'))}\n${host.output}`).to.include({ status: 'SUCCEEDED' });
    for (const [volumeId, file] of contents) {
      const { Body } = await world.s3.send(new GetObjectCommand({ Bucket: world.bucket, Key: imageKey(input.caseId, volumeId) }));
      const copy = disks.file(`copy-${volumeId}`);
      await pipeline(Body as NodeJS.ReadableStream, createWriteStream(copy));
      await execa('cmp', [file, copy]);
      const { record } = await readCase(s3Records(world.s3, world.bucket), input);
      expect(record.volumes[volumeId]).to.deep.include({ status: 'COMPLETE', imageLocation: `s3://${world.bucket}/${imageKey(input.caseId, volumeId)}` });
      expect(record.volumes[volumeId]!.manifest!.imageSha256).to.equal(await sha256OfFile(file));
    }
  });

  it('was planned by the preflight, with what the estate has published, and begun when a second person had approved it', async () => {
    const { record } = await readCase(s3Records(world.s3, world.bucket), input);
    expect(decided).to.include({ code: 0, stderr: '' });
    expect(record.approvals.map(({ decision, by, reason }) => [decision, by, reason])).to.deep.equal([['approved', sessionOf('bob'), 'confirmed with the owner']]);
    expect(record.estimate!.seconds).to.be.above(0);
    const order = calls.map(({ action }) => action);
    expect(order.indexOf('preflight')).to.be.below(order.indexOf('ask-approval'));
    expect(order.indexOf('ask-approval')).to.be.below(order.indexOf('createSnapshots'));
    for (const { args } of calls.filter(({ action }) => action === 'runInstances')) {
      expect(args).to.include({ ImageId: await published(world, 'collectorImageId') });
      expect(args).to.have.nested.property('NetworkInterfaces[0].SubnetId', await published(world, 'collectorSubnetIds'));
    }
    const copied = calls.filter(({ action, inMember }) => action === 'copySnapshot' && inMember).map(({ args }) => args['KmsKeyId']);
    expect(copied, 'the one volume whose key cannot be granted').to.deep.equal([await published(world, 'transitKeyArn')]);
  });

  it('gave each collector its one case and one volume', () => {
    expect(host.started.map((tags) => [tags['CaseId'], tags['cleanroom:volume'], tags['cleanroom:to']])).to.have.deep.members(
      suspect.volumeIds.map((volumeId) => [input.caseId, volumeId, `s3://${world.bucket}`]),
    );
  });

  it('leaves the locked evidence snapshots and the source snapshots, and lists them; collectors, volumes and working copies are gone', async () => {
    const { record } = await readCase(s3Records(world.s3, world.bucket), input);
    expect(record.status).to.equal('COMPLETE');
    const instances = (await world.call('forensic', 'ec2', 'describeInstances')) as unknown as { Reservations: { Instances: { State: { Name: string } }[] }[] };
    expect(instances.Reservations.flatMap(({ Instances }) => Instances.map(({ State }) => State.Name))).to.deep.equal(['terminated', 'terminated']);
    const restored = calls.filter(({ action, inMember }) => action === 'createVolume' && !inMember);
    expect(restored).to.have.length(2);
    const { Volumes } = (await world.call('forensic', 'ec2', 'describeVolumes', { Filters: [{ Name: 'tag:CaseId', Values: [input.caseId] }] })) as unknown as { Volumes: { Tags: { Key: string; Value: string }[] }[] };
    expect(Volumes.filter(({ Tags }) => Tags.some(({ Key }) => Key === 'ExhibitId'))).to.deep.equal([]);
    const [root, data] = suspect.volumeIds.map((id) => record.volumes[id]!.snapshots.map(({ purpose, kept, account }) => `${purpose} in ${account} ${kept ? 'kept' : 'gone'}`));
    expect(root, 'copied, since nobody can share what is under the AWS-managed key').to.have.members(['source in 200000000002 kept', 'transit in 200000000002 gone', 'evidence in 100000000003 kept']);
    expect(data, 'its own key was granted').to.have.members(['source in 200000000002 kept', 'evidence in 100000000003 kept']);
    expect(((await world.call('member', 'kms', 'listGrants', { KeyId: keyArn })) as unknown as { Grants: unknown[] }).Grants).to.deep.equal([]);
    expect(record.leftBehind.map(({ resource }) => resource).filter((id) => id.startsWith('snap-'))).to.have.length(4);
    const roles = (await world.call('forensic', 'iam', 'listRoles', { PathPrefix: '/cleanroom/case/' })) as unknown as { Roles: unknown[] };
    expect(roles.Roles).to.deep.equal([]);
  });

  it('protected and isolated the suspect, and wrote down how to undo each step', async () => {
    const { record } = await readCase(s3Records(world.s3, world.bucket), input);
    const attribute = (await world.call('member', 'ec2', 'describeInstanceAttribute', { InstanceId: suspect.instanceId, Attribute: 'disableApiTermination' })) as unknown as { DisableApiTermination: { Value: boolean } };
    expect(attribute.DisableApiTermination.Value).to.equal(true);
    const { Reservations } = (await world.call('member', 'ec2', 'describeInstances', { InstanceIds: [suspect.instanceId] })) as unknown as { Reservations: { Instances: { State: { Name: string }; NetworkInterfaces: { Groups: { GroupName: string }[] }[] }[] }[] };
    const { State, NetworkInterfaces } = Reservations[0]!.Instances[0]!;
    expect(State.Name).to.equal('running');
    expect(NetworkInterfaces.flatMap(({ Groups }) => Groups.map(({ GroupName }) => GroupName))).to.deep.equal([`cleanroom-containment-${nameOf(input)}`]);
    expect(record.done.map(({ what, undo }) => `${what}: ${undo?.action}`).map((line) => line.replace(/eni-\w+/, 'eni').replace(keyArn, 'key'))).to.deep.equal([
      'protected from termination: ec2:modifyInstanceAttribute',
      'protected from being stopped: ec2:modifyInstanceAttribute',
      'stops where it would have been terminated on shutdown: ec2:modifyInstanceAttribute',
      'keeps its volumes on termination: ec2:modifyInstanceAttribute',
      'the forensic account may use the key key: kms:retireGrant',
      'isolated: network interface eni: ec2:modifyNetworkInterfaceAttribute',
      'its metadata service is off: ec2:modifyInstanceMetadataOptions',
    ]);
    for (const name of ['metadata.json', 'console.jpg', 'console.txt'] as const) {
      expect((await world.s3.send(new HeadObjectCommand({ Bucket: world.bucket, Key: instanceKey(input.caseId, suspect.instanceId, name) }))).ObjectLockMode, name).to.equal('COMPLIANCE');
    }
  });

  it('has every call that touched evidence in the custody log, in a chain that holds', async () => {
    const { custody } = await readCase(s3Records(world.s3, world.bucket), input);
    const actions = custody.map(({ action }) => action);
    expect(actions).to.include.members([
      'ec2:CreateSnapshots', 'ec2:CopySnapshot', 'ec2:ModifySnapshotAttribute', 'ec2:LockSnapshot', 'ec2:CreateVolume', 'ec2:AttachVolume', 'ec2:TerminateInstances', 'ec2:DeleteVolume', 'ec2:DeleteSnapshot',
      'kms:CreateGrant', 'kms:RetireGrant',
    ]);
    expect(actions.filter((action) => action === 'ec2:AttachVolume')).to.have.length(2);
  });

  it('entered the monitored account with the state machine\'s ARN, made every call there with that role, and none that ends anything of the source', () => {
    const inMember = calls.filter((call) => call.inMember);
    expect(inMember.length).to.be.above(20);
    const ended = inMember.filter(({ action, args }) => /terminate|delete|stop|detach/i.test(action) && [suspect.instanceId, ...suspect.volumeIds].some((id) => JSON.stringify(args).includes(id)));
    expect(ended).to.deep.equal([]);
  });

  it('writes the summary of the audit log with the fields that the AWS pipeline logged', async () => {
    const { Events } = (await world.call('forensic', 'logs', 'filterLogEvents', { LogGroupName: 'ForensicDiskAudit' })) as unknown as { Events: { Message: string }[] };
    const lines = Events.map(({ Message }) => JSON.parse(Message) as { event: string; volumes: Record<string, string>[] });
    const line = lines.find(({ event }) => event === 'case.closed')!;
    expect(line.volumes).to.have.length(2);
    for (const volume of line.volumes) expect(volume).to.have.all.keys('SourceVolume', 'SourceSnapshot', 'CopiedSnapshot', 'KmsKey', 'ForensicVolume', 'AvailabilityZone', 'CollectorInstance', 'DiskImageLocation');
  });

  it('leaves out of moto only what moto still does not know', async () => {
    for (const name of Object.keys(MOTO_LACKS)) {
      const [service, action] = name.split(':') as [string, string];
      const parameters = { InstanceId: suspect.instanceId, SnapshotId: 'snap-0123456789abcdef0', LockMode: 'governance', LockDuration: 1, ServiceCode: 'ebs', FindingIdentifiers: [{ Id: 'a', ProductArn: 'arn:aws:securityhub:eu-west-1::product/aws/guardduty' }] };
      const models = await world.bridge.models(service, [action]);
      const known = Object.fromEntries(Object.entries(parameters).filter(([key]) => models[action]!.input.members![key] !== undefined));
      const refused = await world.call('member', service, action, known).then(() => undefined, (error: unknown) => error);
      expect(refused, name).to.be.instanceOf(AwsError);
      expect((refused as AwsError).message, name).to.match(/not.+implemented|NotImplemented|Not Found|404|Unable to|HTTP 5/i);
    }
  });
});
