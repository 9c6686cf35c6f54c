import { type AutoScalingClient, ExitStandbyCommand } from '@aws-sdk/client-auto-scaling';
import {
  DescribeIamInstanceProfileAssociationsCommand, type EC2Client, ModifyInstanceAttributeCommand, ModifyInstanceMetadataOptionsCommand, ModifyNetworkInterfaceAttributeCommand,
  ReplaceIamInstanceProfileAssociationCommand,
} from '@aws-sdk/client-ec2';
import { type ElasticLoadBalancingClient, RegisterInstancesWithLoadBalancerCommand } from '@aws-sdk/client-elastic-load-balancing';
import { type ElasticLoadBalancingV2Client, RegisterTargetsCommand } from '@aws-sdk/client-elastic-load-balancing-v2';
import { DetachRolePolicyCommand, type IAMClient, NoSuchEntityException, paginateListRoleTags, UntagRoleCommand } from '@aws-sdk/client-iam';
import { type KMSClient, paginateListRetirableGrants, RetireGrantCommand } from '@aws-sdk/client-kms';
import { CONTAINED_TAG_KEYS, type UndoAction, type UndoCall } from '../../../vocabulary/index.ts';

/** Clients of the suspect's account, by its acquisition role. */
export type UndoClients = {
  readonly ec2: EC2Client;
  readonly autoScaling: AutoScalingClient;
  readonly elb: ElasticLoadBalancingClient;
  readonly elbv2: ElasticLoadBalancingV2Client;
  readonly iam: IAMClient;
  readonly kms: KMSClient;
};

type Answer = { readonly $metadata: { readonly requestId?: string | undefined } };

/** Where the instance has no profile now, somebody has taken the contained one away, and what it is to have is theirs to say. */
async function giveProfileBack({ ec2 }: UndoClients, { InstanceId, IamInstanceProfile }: { readonly InstanceId: string; readonly IamInstanceProfile: { readonly Arn: string } }): Promise<Answer> {
  const { IamInstanceProfileAssociations: found = [] } = await ec2.send(new DescribeIamInstanceProfileAssociationsCommand({ Filters: [{ Name: 'instance-id', Values: [InstanceId] }] }));
  const now = found.find(({ State }) => State === 'associated' || State === 'associating');
  if (now?.AssociationId === undefined) throw new Error(`${InstanceId} has no instance profile now that could be replaced; associate ${IamInstanceProfile.Arn} by hand if it is to have it`);
  return ec2.send(new ReplaceIamInstanceProfileAssociationCommand({ AssociationId: now.AssociationId, IamInstanceProfile }));
}

const idOf = (key = ''): string => key.split('/').at(-1)!;

/** Where there is no such grant, it was never made, or somebody retired it: nothing is left to undo. */
async function retireGrants({ kms }: UndoClients, { KeyId, Name, RetiringPrincipal }: { readonly KeyId: string; readonly Name: string; readonly RetiringPrincipal: string }): Promise<Answer> {
  let answer: Answer = { $metadata: {} };
  for await (const page of paginateListRetirableGrants({ client: kms }, { RetiringPrincipal })) {
    answer = page;
    for (const grant of page.Grants ?? []) {
      if (grant.Name === Name && idOf(grant.KeyId) === idOf(KeyId)) answer = await kms.send(new RetireGrantCommand({ KeyId, GrantId: grant.GrantId }));
    }
  }
  return answer;
}

/** Tags by which a role names the instances whose sessions are denied. */
async function containedBy(iam: IAMClient, RoleName: string): Promise<readonly { readonly key: string; readonly instanceId: string | undefined }[]> {
  const pages = await Array.fromAsync(paginateListRoleTags({ client: iam }, { RoleName }));
  return pages.flatMap(({ Tags = [] }) => Tags).flatMap(({ Key = '', Value }) => (CONTAINED_TAG_KEYS.includes(Key) ? [{ key: Key, instanceId: Value }] : []));
}

/** What is not there any more needs no undoing. */
const unlessGone = async (call: () => Promise<Answer | undefined>): Promise<Answer | undefined> => {
  try {
    return await call();
  } catch (error) {
    if (error instanceof NoSuchEntityException) return undefined;
    throw error;
  }
};

/** Takes the instance's own tag away: another one that shares the role may have taken the key over. */
const unmark = ({ iam }: UndoClients, { RoleName, TagKeys }: { readonly RoleName: string; readonly TagKeys: readonly string[] }, instanceId: string): Promise<Answer | undefined> =>
  unlessGone(async () => {
    const own = (await containedBy(iam, RoleName)).filter((tag) => tag.instanceId === instanceId && TagKeys.includes(tag.key));
    return own.length === 0 ? undefined : iam.send(new UntagRoleCommand({ RoleName, TagKeys: own.map(({ key }) => key) }));
  });

/** One policy denies the sessions of all that share the role: it goes with the last of them. */
const detachDenial = ({ iam }: UndoClients, { RoleName, PolicyArn }: { readonly RoleName: string; readonly PolicyArn: string }, instanceId: string): Promise<Answer | undefined> =>
  unlessGone(async () => {
    const others = (await containedBy(iam, RoleName)).some((tag) => tag.instanceId !== instanceId);
    return others ? undefined : iam.send(new DetachRolePolicyCommand({ RoleName, PolicyArn }));
  });

/** Parameters come from the record, where JSON has checked nothing but their shape: AWS itself refuses what does not fit. */
const CALLS: Readonly<Record<UndoAction, (clients: UndoClients, parameters: never, instanceId: string) => Promise<Answer | undefined>>> = {
  'autoscaling:exitStandby': ({ autoScaling }, parameters) => autoScaling.send(new ExitStandbyCommand(parameters)),
  'ec2:modifyInstanceAttribute': ({ ec2 }, parameters) => ec2.send(new ModifyInstanceAttributeCommand(parameters)),
  'ec2:modifyInstanceMetadataOptions': ({ ec2 }, parameters) => ec2.send(new ModifyInstanceMetadataOptionsCommand(parameters)),
  'ec2:modifyNetworkInterfaceAttribute': ({ ec2 }, parameters) => ec2.send(new ModifyNetworkInterfaceAttributeCommand(parameters)),
  'ec2:replaceIamInstanceProfileAssociation': giveProfileBack,
  'elasticloadbalancing:registerInstancesWithLoadBalancer': ({ elb }, parameters) => elb.send(new RegisterInstancesWithLoadBalancerCommand(parameters)),
  'elasticloadbalancingv2:registerTargets': ({ elbv2 }, parameters) => elbv2.send(new RegisterTargetsCommand(parameters)),
  'iam:detachRolePolicy': detachDenial,
  'iam:untagRole': unmark,
  'kms:retireGrant': retireGrants,
};

/** Makes the call; gives its request id. Undefined where there was nothing to call for. @param instanceId which is released */
export async function undo(clients: UndoClients, { action, parameters }: UndoCall, instanceId: string): Promise<{ readonly requestId?: string } | undefined> {
  const answer = await CALLS[action](clients, parameters as never, instanceId);
  const requestId = answer?.$metadata.requestId;
  return answer && (requestId === undefined ? {} : { requestId });
}

/** The call as IAM and CloudTrail name it. */
export function actionName({ action }: UndoCall): string {
  const [service = '', operation = ''] = action.split(':');
  return `${service === 'elasticloadbalancingv2' ? 'elasticloadbalancing' : service}:${operation.charAt(0).toUpperCase()}${operation.slice(1)}`;
}
