import { AutoScalingClient } from '@aws-sdk/client-auto-scaling';
import { DescribeImagesCommand, DescribeInstanceAttributeCommand, EC2Client, ModifyInstanceAttributeCommand, RunInstancesCommand } from '@aws-sdk/client-ec2';
import { ElasticLoadBalancingClient } from '@aws-sdk/client-elastic-load-balancing';
import { ElasticLoadBalancingV2Client } from '@aws-sdk/client-elastic-load-balancing-v2';
import { AttachRolePolicyCommand, CreatePolicyCommand, CreateRoleCommand, IAMClient, ListAttachedRolePoliciesCommand } from '@aws-sdk/client-iam';
import { KMSClient } from '@aws-sdk/client-kms';
import { expect } from 'chai';
import { release } from '../../../modules/acquisition-workflow/handlers/release/release.ts';
import { actionName, type UndoClients } from '../../../modules/acquisition-workflow/handlers/release/undo-calls.ts';
import { iamPath, sessionDenialPolicyName, UNDO_ACTIONS, type AcquisitionInput, type CaseChange, type UndoCall } from '../../../modules/vocabulary/index.ts';
import { rejectionOf } from '../../helpers/rejection.ts';
import { anInput, AT, later, MEMBER, opened, PLACE, startVault, type Vault } from './support.ts';

const REQUESTER = 'arn:aws:sts::111122223333:assumed-role/acme-responder-eu-central-1/ann';

describe('release', () => {
  let vault: Vault;
  let clients: UndoClients;
  let instanceId: string;
  let cases = 0;
  before(async () => {
    vault = await startVault();
    const where = { endpoint: vault.endpoint, region: PLACE.region, maxAttempts: 1 };
    clients = { ec2: new EC2Client(where), autoScaling: new AutoScalingClient(where), elb: new ElasticLoadBalancingClient(where), elbv2: new ElasticLoadBalancingV2Client(where), iam: new IAMClient(where), kms: new KMSClient(where) };
    const [image] = (await clients.ec2.send(new DescribeImagesCommand({ Owners: ['amazon'] }))).Images ?? [];
    instanceId = (await clients.ec2.send(new RunInstancesCommand({ ImageId: image!.ImageId!, MinCount: 1, MaxCount: 1 }))).Instances![0]!.InstanceId!;
  });
  after(async () => {
    for (const client of Object.values(clients ?? {})) client.destroy();
    await vault?.stop();
  });

  const undo = (action: UndoCall['action'], parameters: UndoCall['parameters']): UndoCall => ({ action, account: MEMBER, region: PLACE.region, parameters });
  const done = (second: number, what: string, call?: UndoCall): CaseChange => ({ kind: 'done', at: later(second), what, ...(call && { undo: call }) });
  const aCase = async (steps: readonly CaseChange[], end: readonly CaseChange[] = [{ kind: 'closed', at: later(60), status: 'COMPLETE' }]): Promise<AcquisitionInput> => {
    const input = anInput({ caseId: `case-u${++cases}`, instanceId });
    await vault.record({ input, change: [opened(input), ...steps, ...end] });
    return input;
  };
  let clock = 100;
  const releaseIt = ({ caseId }: AcquisitionInput) =>
    release({ records: vault.dependencies.records, record: vault.record, member: () => Promise.resolve(clients), now: () => new Date(Date.parse(AT) + 1000 * clock++) })({ caseId, instanceId, requester: REQUESTER });
  const isProtected = async (): Promise<boolean> =>
    (await clients.ec2.send(new DescribeInstanceAttributeCommand({ InstanceId: instanceId, Attribute: 'disableApiTermination' }))).DisableApiTermination?.Value ?? false;

  it('undoes what was done, the last first, and records each step with its request id and who released', async () => {
    await clients.ec2.send(new ModifyInstanceAttributeCommand({ InstanceId: instanceId, DisableApiTermination: { Value: true } }));
    await clients.iam.send(new CreateRoleCommand({ RoleName: 'web', AssumeRolePolicyDocument: '{"Version":"2012-10-17","Statement":[]}' }));
    const made = await clients.iam.send(new CreatePolicyCommand({ Path: iamPath(PLACE), PolicyName: sessionDenialPolicyName(PLACE), PolicyDocument: '{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]}' }));
    const PolicyArn = made.Policy!.Arn!;
    await clients.iam.send(new AttachRolePolicyCommand({ RoleName: 'web', PolicyArn }));
    const input = await aCase([
      done(1, 'turned termination protection on', undo('ec2:modifyInstanceAttribute', { InstanceId: instanceId, DisableApiTermination: { Value: false } })),
      done(2, 'took a screenshot'),
      done(3, 'denied its sessions', undo('iam:detachRolePolicy', { RoleName: 'web', PolicyArn })),
    ]);
    expect(await releaseIt(input)).to.deep.equal({ undone: ['denied its sessions', 'turned termination protection on'], problems: [] });
    expect(await isProtected()).to.equal(false);
    expect((await clients.iam.send(new ListAttachedRolePoliciesCommand({ RoleName: 'web' }))).AttachedPolicies).to.deep.equal([]);
    expect((await vault.acquisitionOf(input)).done.map(({ undoneAt }) => typeof undoneAt)).to.deep.equal(['string', 'undefined', 'string']);
    const calls = (await vault.custodyOf(input)).filter(({ detail }) => detail['state'] === 'release');
    expect(calls.map(({ action, actor }) => [action, actor])).to.deep.equal([['iam:DetachRolePolicy', REQUESTER], ['ec2:ModifyInstanceAttribute', REQUESTER]]);
    for (const { detail } of calls) expect(detail['requestId'] ?? detail['findInCloudTrail']).to.not.equal(undefined);
    expect(await releaseIt(input), 'a second time there is nothing left').to.deep.equal({ undone: [], problems: [] });
  });

  it('goes on where a step cannot be undone, records why, and tries that one again the next time', async () => {
    await clients.ec2.send(new ModifyInstanceAttributeCommand({ InstanceId: instanceId, DisableApiTermination: { Value: true } }));
    const input = await aCase([
      done(1, 'turned termination protection on', undo('ec2:modifyInstanceAttribute', { InstanceId: instanceId, DisableApiTermination: { Value: false } })),
      done(2, 'took it out of its target group', undo('elasticloadbalancingv2:registerTargets', {
        TargetGroupArn: `arn:aws:elasticloadbalancing:${PLACE.region}:${MEMBER}:targetgroup/gone/0123456789abcdef`, Targets: [{ Id: instanceId }],
      })),
    ]);
    const first = await releaseIt(input);
    expect(first.undone).to.deep.equal(['turned termination protection on']);
    expect(first.problems[0]).to.match(/^took it out of its target group: TargetGroupNotFound/);
    expect(await isProtected()).to.equal(false);
    expect((await vault.acquisitionOf(input)).done[1]).to.have.property('undoProblem').that.matches(/TargetGroupNotFound/);
    expect((await releaseIt(input)).problems).to.have.length(1);
  });

  it('makes no recorded call that is for another account, Region or instance', async () => {
    const other = 'i-0aaaaaaaaaaaaaaaa';
    const input = await aCase([
      done(1, 'a', { ...undo('ec2:modifyInstanceAttribute', { InstanceId: instanceId }), account: '999999999999' }),
      done(2, 'b', { ...undo('ec2:modifyInstanceAttribute', { InstanceId: instanceId }), region: 'us-east-1' }),
      done(3, 'c', undo('ec2:modifyInstanceAttribute', { InstanceId: other })),
    ]);
    const { undone, problems } = await releaseIt(input);
    expect(undone).to.deep.equal([]);
    expect(problems).to.have.length(3);
    for (const problem of problems) expect(problem).to.match(/another account, Region or instance/);
  });

  it('undoes nothing while the acquisition runs, and says what to do', async () => {
    const input = await aCase([done(1, 'a', undo('ec2:modifyInstanceAttribute', { InstanceId: instanceId }))], []);
    expect((await rejectionOf(releaseIt(input))).message).to.match(/is OPEN; release it when it has ended, or cancel it first/);
    expect((await rejectionOf(releaseIt(anInput({ caseId: 'never', instanceId })))).message).to.match(/nothing was done/);
  });

  it('names every call as IAM and CloudTrail do', () => {
    expect(UNDO_ACTIONS.map((action) => actionName(undo(action, {})))).to.deep.equal([
      'autoscaling:ExitStandby', 'ec2:ModifyInstanceAttribute', 'ec2:ModifyInstanceMetadataOptions', 'ec2:ModifyNetworkInterfaceAttribute',
      'ec2:ReplaceIamInstanceProfileAssociation', 'elasticloadbalancing:RegisterInstancesWithLoadBalancer', 'elasticloadbalancing:RegisterTargets', 'iam:DetachRolePolicy', 'iam:UntagRole', 'kms:RetireGrant',
    ]);
  });
});
