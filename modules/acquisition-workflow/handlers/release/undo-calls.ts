import { type AutoScalingClient, ExitStandbyCommand } from '@aws-sdk/client-auto-scaling';
import {
  DescribeIamInstanceProfileAssociationsCommand, type EC2Client, ModifyInstanceAttributeCommand, ModifyInstanceMetadataOptionsCommand, ModifyNetworkInterfaceAttributeCommand,
  ReplaceIamInstanceProfileAssociationCommand,
} from '@aws-sdk/client-ec2';
import { type ElasticLoadBalancingClient, RegisterInstancesWithLoadBalancerCommand } from '@aws-sdk/client-elastic-load-balancing';
import { type ElasticLoadBalancingV2Client, RegisterTargetsCommand } from '@aws-sdk/client-elastic-load-balancing-v2';
import { DetachRolePolicyCommand, type IAMClient, UntagRoleCommand } from '@aws-sdk/client-iam';
import { type KMSClient, paginateListRetirableGrants, RetireGrantCommand } from '@aws-sdk/client-kms';
import type { UndoAction, UndoCall } from '../../../vocabulary/index.ts';

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

/** Parameters come from the record, where JSON has checked nothing but their shape: AWS itself refuses what does not fit. */
const CALLS: Readonly<Record<UndoAction, (clients: UndoClients, parameters: never) => Promise<Answer>>> = {
  'autoscaling:exitStandby': ({ autoScaling }, parameters) => autoScaling.send(new ExitStandbyCommand(parameters)),
  'ec2:modifyInstanceAttribute': ({ ec2 }, parameters) => ec2.send(new ModifyInstanceAttributeCommand(parameters)),
  'ec2:modifyInstanceMetadataOptions': ({ ec2 }, parameters) => ec2.send(new ModifyInstanceMetadataOptionsCommand(parameters)),
  'ec2:modifyNetworkInterfaceAttribute': ({ ec2 }, parameters) => ec2.send(new ModifyNetworkInterfaceAttributeCommand(parameters)),
  'ec2:replaceIamInstanceProfileAssociation': giveProfileBack,
  'elasticloadbalancing:registerInstancesWithLoadBalancer': ({ elb }, parameters) => elb.send(new RegisterInstancesWithLoadBalancerCommand(parameters)),
  'elasticloadbalancingv2:registerTargets': ({ elbv2 }, parameters) => elbv2.send(new RegisterTargetsCommand(parameters)),
  'iam:detachRolePolicy': ({ iam }, parameters) => iam.send(new DetachRolePolicyCommand(parameters)),
  'iam:untagRole': ({ iam }, parameters) => iam.send(new UntagRoleCommand(parameters)),
  'kms:retireGrant': retireGrants,
};

/** Makes the call; gives its request id. */
export const undo = async (clients: UndoClients, { action, parameters }: UndoCall): Promise<string | undefined> =>
  (await CALLS[action](clients, parameters as never)).$metadata.requestId;

/** The call as IAM and CloudTrail name it. */
export function actionName({ action }: UndoCall): string {
  const [service = '', operation = ''] = action.split(':');
  return `${service === 'elasticloadbalancingv2' ? 'elasticloadbalancing' : service}:${operation.charAt(0).toUpperCase()}${operation.slice(1)}`;
}
