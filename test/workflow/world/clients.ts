import { AutoScalingClient } from '@aws-sdk/client-auto-scaling';
import { EC2Client } from '@aws-sdk/client-ec2';
import { ElasticLoadBalancingClient } from '@aws-sdk/client-elastic-load-balancing';
import { ElasticLoadBalancingV2Client } from '@aws-sdk/client-elastic-load-balancing-v2';
import { IAMClient } from '@aws-sdk/client-iam';
import { KMSClient } from '@aws-sdk/client-kms';
import { ServiceQuotasClient } from '@aws-sdk/client-service-quotas';
import { SNSClient } from '@aws-sdk/client-sns';
import { SSMClient } from '@aws-sdk/client-ssm';
import { enterAccount } from '../../../modules/acquisition-workflow/handlers/enter-account.ts';
import type { UndoClients } from '../../../modules/acquisition-workflow/handlers/release/undo-calls.ts';
import { dryRunKms } from '../../helpers/aws/kms-dry-run.ts';
import { PLACE, type AwsWorld } from './aws-world.ts';
import { MOTO_LACKS } from './moto-lacks.ts';

const where = ({ endpoint }: AwsWorld) => ({ endpoint, region: PLACE.region, maxAttempts: 1 });

/** Clients of the workflow's functions, in the forensic account: its credentials are those of the environment. */
export function functionClients(world: AwsWorld) {
  const quotas = world.closes(new ServiceQuotasClient(where(world)));
  // moto knows no quotas of EBS: the world's are answered in its place.
  quotas.middlewareStack.add(() => ({ input }) => Promise.resolve({ response: undefined, output: MOTO_LACKS['service-quotas:listServiceQuotas']!(input as Record<string, unknown>, world) as never }), { step: 'build' });
  const ssm = world.closes(new SSMClient(where(world)));
  const clients = { ec2: world.closes(new EC2Client(where(world))), kms: world.closes(new KMSClient(where(world))), sns: world.closes(new SNSClient(where(world))), ssm, quotas };
  /** As the entry point of the function does it: by the account's acquisition role, with its external id and the case's tag. */
  const member = async (account: string, caseId: string) => {
    const credentials = await enterAccount({ ssm, place: PLACE, account, caseId });
    return { ec2: world.closes(new EC2Client({ ...where(world), credentials })), kms: world.closes(dryRunKms({ ...where(world), credentials }, world.grantDryRun)) };
  };
  return { ...clients, member };
}

/** Clients of the release, in the monitored account. */
export function undoClients(world: AwsWorld): UndoClients {
  const { accessKeyId, secretAccessKey, sessionToken } = world.member;
  const inMember = { ...where(world), credentials: { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) } };
  return {
    ec2: world.closes(new EC2Client(inMember)),
    autoScaling: world.closes(new AutoScalingClient(inMember)),
    elb: world.closes(new ElasticLoadBalancingClient(inMember)),
    elbv2: world.closes(new ElasticLoadBalancingV2Client(inMember)),
    iam: world.closes(new IAMClient(inMember)),
    kms: world.closes(new KMSClient(inMember)),
  };
}
