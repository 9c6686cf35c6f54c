import { expect } from 'chai';
import { record as recordHandler } from '../../../modules/acquisition-workflow/handlers/record/record.ts';
import { release } from '../../../modules/acquisition-workflow/handlers/release/release.ts';
import type { UndoClients } from '../../../modules/acquisition-workflow/handlers/release/undo-calls.ts';
import { sessionDenial } from '../../../modules/member/containment-policies.ts';
import { CONTAINED_TAG_KEYS, containedProfileArn, containedProfileName, iamPath, sessionDenialPolicyArn, sessionDenialPolicyName, type AcquisitionInput } from '../../../modules/vocabulary/index.ts';
import { AslError } from '../../helpers/asl/errors.ts';
import { type AwsWorld, MEMBER, PLACE } from '../world/aws-world.ts';
import { inputFor, nameOf, readCase } from '../world/case.ts';
import { undoClients } from '../world/clients.ts';
import { MemoryRecords } from '../world/memory-records.ts';
import { type CaseRun, runCase, type RunOptions } from '../world/run-case.ts';
import { startSuspect } from '../world/suspect.ts';
import { statesOf, withWorld } from './support.ts';

const DENIAL = sessionDenialPolicyArn(PLACE, MEMBER);
const WEB = { profile: `arn:aws:iam::${MEMBER}:instance-profile/app/web`, role: 'web-role' };
const NOBODY = JSON.stringify({ Version: '2012-10-17', Statement: [] });
/** What takes credentials away, and gives them back. */
const ON_CREDENTIALS = ['attachRolePolicy', 'modifyInstanceMetadataOptions', 'replaceIamInstanceProfileAssociation', 'tagRole'];

describe('the credentials of a contained instance', function () {
  this.timeout(120_000);
  let world: AwsWorld;
  let clients: UndoClients;
  const records = new MemoryRecords();
  const inMember = (service: string, action: string, parameters: object = {}): Promise<unknown> => world.call('member', service, action, parameters);

  withWorld((started) => (world = started));
  before(async () => {
    clients = undoClients(world);
    for (const [Path, name, role] of [[iamPath(PLACE), containedProfileName(PLACE), containedProfileName(PLACE)], ['/app/', 'web', WEB.role]] as const) {
      await inMember('iam', 'createRole', { Path, RoleName: role, AssumeRolePolicyDocument: NOBODY });
      await inMember('iam', 'createInstanceProfile', { Path, InstanceProfileName: name });
      await inMember('iam', 'addRoleToInstanceProfile', { InstanceProfileName: name, RoleName: role });
    }
    await inMember('iam', 'createPolicy', { Path: iamPath(PLACE), PolicyName: sessionDenialPolicyName(PLACE), PolicyDocument: JSON.stringify(sessionDenial()) });
  });

  const contain = async (hook?: RunOptions['hook']): Promise<{ readonly run: CaseRun; readonly input: AcquisitionInput }> => {
    const { instanceId } = await startSuspect(world, { dataVolumes: 0 });
    await inMember('ec2', 'associateIamInstanceProfile', { InstanceId: instanceId, IamInstanceProfile: { Arn: WEB.profile } });
    const input = inputFor(instanceId, { containment: 'isolate' });
    return { input, run: await runCase({ world, records, input, ...(hook === undefined ? {} : { hook }) }) };
  };
  const releaseIt = ({ caseId, instanceId, requester }: AcquisitionInput): Promise<{ undone: readonly string[]; problems: readonly string[] }> =>
    release({ records, record: recordHandler({ records, audit: () => Promise.resolve(), now: () => new Date() }), member: () => Promise.resolve(clients), now: () => new Date() })({ caseId, instanceId, requester });
  const profileOf = async ({ instanceId }: AcquisitionInput): Promise<string[]> => {
    const answer = (await inMember('ec2', 'describeIamInstanceProfileAssociations', { Filters: [{ Name: 'instance-id', Values: [instanceId] }] })) as { IamInstanceProfileAssociations: { IamInstanceProfile: { Arn: string } }[] };
    return answer.IamInstanceProfileAssociations.map(({ IamInstanceProfile }) => IamInstanceProfile.Arn);
  };
  const interfacesOf = async ({ instanceId }: AcquisitionInput): Promise<{ groups: string; metadata: string }[]> => {
    const { Reservations } = (await inMember('ec2', 'describeInstances', { InstanceIds: [instanceId] })) as { Reservations: { Instances: { MetadataOptions: { HttpEndpoint: string }; NetworkInterfaces: { Groups: { GroupName: string }[] }[] }[] }[] };
    const { MetadataOptions, NetworkInterfaces } = Reservations[0]!.Instances[0]!;
    return NetworkInterfaces.map(({ Groups }) => ({ groups: Groups.map(({ GroupName }) => GroupName).join(), metadata: MetadataOptions.HttpEndpoint }));
  };
  const contained = async (): Promise<string[]> => ((await inMember('iam', 'listRoleTags', { RoleName: WEB.role })) as { Tags: { Value: string }[] }).Tags.map(({ Value }) => Value);
  const attached = async (): Promise<string[]> => ((await inMember('iam', 'listAttachedRolePolicies', { RoleName: WEB.role })) as { AttachedPolicies: { PolicyArn: string }[] }).AttachedPolicies.map(({ PolicyArn }) => PolicyArn);
  const onCredentials = (run: CaseRun): string[] => run.calls.filter((call) => call.inMember && ON_CREDENTIALS.includes(call.action)).map(({ action }) => action);

  it('are taken in this order: metadata service, profile, sessions; after the network, and when their undo is recorded', async () => {
    const { run, input } = await contain();
    expect(run.status).to.equal('SUCCEEDED');
    expect(onCredentials(run)).to.deep.equal(['modifyInstanceMetadataOptions', 'replaceIamInstanceProfileAssociation', 'attachRolePolicy', 'tagRole']);
    const order = run.calls.map(({ action, state }) => (action === 'record' ? state : action));
    expect(order.lastIndexOf('modifyNetworkInterfaceAttribute')).to.be.below(order.indexOf('modifyInstanceMetadataOptions'));
    expect(order.indexOf('createSnapshots')).to.be.below(order.indexOf('Write down how to lift the isolation'));
    expect(order.indexOf('Write down how to lift the isolation')).to.be.below(order.indexOf('modifyNetworkInterfaceAttribute'));
    expect(await profileOf(input)).to.deep.equal([containedProfileArn(PLACE, MEMBER)]);
    expect([await contained(), await attached()]).to.deep.equal([[input.instanceId], [DENIAL]]);
    const { custody } = await readCase(records, input);
    expect(custody.map(({ action }) => action)).to.include.members(['ec2:ReplaceIamInstanceProfileAssociation', 'iam:AttachRolePolicy', 'iam:TagRole']);

    const { undone, problems } = await releaseIt(input);
    expect(problems.filter((problem) => !problem.startsWith('keeps its volumes'))).to.deep.equal([]);
    expect(undone.slice(0, 4)).to.deep.equal([
      'its sessions of role web-role are denied', 'the denial of sessions is attached to role web-role', 'its instance profile is replaced by one that may do nothing', 'its metadata service is off',
    ]);
    expect(await profileOf(input)).to.deep.equal([WEB.profile]);
    expect([await contained(), await attached()]).to.deep.equal([[], []]);
  });

  it('are denied to every instance that shares the role and is contained, and to each until its own release', async () => {
    const both = await Promise.all([contain(), contain()]);
    expect(both.map(({ run }) => run.status)).to.deep.equal(['SUCCEEDED', 'SUCCEEDED']);
    const [first, second] = both.map(({ input }) => input);
    const ids = [first!.instanceId, second!.instanceId];
    // Two that end in the same digit and ask at the same moment take the same key; IAM has no way to say "only if it is free".
    const apart = ids[0]!.at(-1) !== ids[1]!.at(-1);
    if (apart) expect(await contained()).to.have.members(ids);
    const released = await releaseIt(first!);
    expect(await contained()).not.to.include(ids[0]);
    if (apart) {
      expect([await contained(), await attached()]).to.deep.equal([[ids[1]], [DENIAL]]);
      const { custody } = await readCase(records, first!);
      expect(custody.filter(({ detail }) => detail['state'] === 'release').map(({ action }) => action), 'of calls that were made').not.to.include('iam:DetachRolePolicy');
    }
    const last = await releaseIt(second!);
    expect([await contained(), await attached()]).to.deep.equal([[], []]);
    for (const { undone, problems } of [released, last]) {
      expect(undone).to.include('the denial of sessions is attached to role web-role');
      expect(problems.filter((problem) => !problem.startsWith('keeps its volumes'))).to.deep.equal([]);
    }
  });

  it('take another key where another instance has the one of their digit', async () => {
    await inMember('iam', 'tagRole', { RoleName: WEB.role, Tags: CONTAINED_TAG_KEYS.slice(0, 15).map((Key) => ({ Key, Value: 'i-0ffffffffffffffff' })) });
    const { input } = await contain();
    expect((await contained()).at(-1)).to.equal(input.instanceId);
    const full = await contain();
    const { record } = await readCase(records, full.input);
    expect(onCredentials(full.run)).to.deep.equal(['modifyInstanceMetadataOptions', 'replaceIamInstanceProfileAssociation']);
    expect(JSON.stringify(record)).to.contain('the sessions of 16 instances of this role are denied already');
    await inMember('iam', 'untagRole', { RoleName: WEB.role, TagKeys: CONTAINED_TAG_KEYS });
  });

  it('lose their profile even where the denial cannot be attached, and the record says so', async () => {
    const { run, input } = await contain(({ action, inMember: member }) => (member && action === 'attachRolePolicy' ? Promise.reject(new AslError('Iam.LimitExceededException', 'Cannot exceed quota for PoliciesPerRole: 10')) : undefined));
    expect(onCredentials(run)).to.include('replaceIamInstanceProfileAssociation').and.not.include('tagRole');
    expect(await profileOf(input)).to.deep.equal([containedProfileArn(PLACE, MEMBER)]);
    expect(JSON.stringify((await readCase(records, input)).record)).to.contain('Cannot exceed quota for PoliciesPerRole: 10');
  });

  it('are left alone where the instance has none', async () => {
    const { instanceId } = await startSuspect(world, { dataVolumes: 0 });
    const input = inputFor(instanceId, { containment: 'isolate' });
    const run = await runCase({ world, records, input });
    expect([run.status, onCredentials(run)]).to.deep.equal(['SUCCEEDED', ['modifyInstanceMetadataOptions']]);
  });

  it('and its network stay closed where a second case contains it, and both are given back whichever case is released first', async () => {
    for (const order of [[0, 1], [1, 0]]) {
      const first = await contain();
      const input = { ...inputFor(first.input.instanceId, { containment: 'isolate' }) };
      const [before] = await interfacesOf(input);
      const second = await runCase({ world, records, input });
      expect(second.status, second.cause).to.equal('SUCCEEDED');
      const swaps = second.calls.filter(({ action }) => action === 'modifyNetworkInterfaceAttribute').map(({ state }) => state);
      expect(swaps, 'what is closed is not opened again').to.deep.equal(['Close a network interface']);
      expect(before!.groups).to.match(/^cleanroom-containment-/);
      expect((await interfacesOf(input)).map(({ groups }) => groups)).to.deep.equal([`cleanroom-containment-${nameOf(input)}`]);
      expect(await profileOf(input)).to.deep.equal([containedProfileArn(PLACE, MEMBER)]);
      expect((await readCase(records, input)).record.problems.join()).to.contain('isolated already');
      for (const one of order) await releaseIt([first.input, input][one]!);
      expect(await interfacesOf(input)).to.deep.equal([{ groups: 'default', metadata: 'enabled' }]);
      expect(await profileOf(input)).to.deep.equal([WEB.profile]);
      expect([await contained(), await attached()]).to.deep.equal([[], []]);
    }
  });

  it('and its network are not left open where an interface can be opened and not closed', async () => {
    const { run, input } = await contain(({ state }) => (state === 'Close a network interface' ? Promise.reject(new AslError('Ec2.Ec2Exception', 'You are not authorized to perform this operation. (Service: Ec2, Status Code: 403, Request ID: 1)')) : undefined));
    expect((await interfacesOf(input)).map(({ groups }) => groups)).to.deep.equal([`cleanroom-open-${nameOf(input)}`]);
    const { SecurityGroups } = (await inMember('ec2', 'describeSecurityGroups', { Filters: [{ Name: 'group-name', Values: [`cleanroom-open-${nameOf(input)}`] }] })) as { SecurityGroups: { IpPermissions: object[]; IpPermissionsEgress: { IpRanges: object[] }[] }[] };
    // moto takes the IPv6 rule's revocation, and keeps the rule.
    expect(SecurityGroups.map(({ IpPermissions, IpPermissionsEgress }) => [IpPermissions, IpPermissionsEgress.flatMap(({ IpRanges }) => IpRanges)])).to.deep.equal([[[], []]]);
    expect(statesOf(run).filter((state) => /any more/.test(state))).to.deep.equal(['Let nothing in any more', 'Let nothing out any more', 'Let nothing out any more over IPv6']);
    expect(onCredentials(run)).to.include.members(['modifyInstanceMetadataOptions', 'replaceIamInstanceProfileAssociation']);
    expect((await readCase(records, input)).record.problems.join()).to.contain('could not be changed: the instance is not isolated').and.contain('the group that let everything through lets nothing through any more');
  });
});
