/** Entry points of the functions that work on cases: AWS clients and the estate's names from the environment. */
import { AutoScalingClient } from '@aws-sdk/client-auto-scaling';
import { CloudTrailClient } from '@aws-sdk/client-cloudtrail';
import { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs';
import { EC2Client } from '@aws-sdk/client-ec2';
import { ElasticLoadBalancingClient } from '@aws-sdk/client-elastic-load-balancing';
import { ElasticLoadBalancingV2Client } from '@aws-sdk/client-elastic-load-balancing-v2';
import { IAMClient } from '@aws-sdk/client-iam';
import { KMSClient } from '@aws-sdk/client-kms';
import { S3Client } from '@aws-sdk/client-s3';
import { ServiceQuotasClient } from '@aws-sdk/client-service-quotas';
import { SFNClient } from '@aws-sdk/client-sfn';
import { SNSClient } from '@aws-sdk/client-sns';
import { SSMClient } from '@aws-sdk/client-ssm';
import { logGroupName, type OpenCaseOutput } from '../../vocabulary/index.ts';
import { askApproval as ask } from './approval/ask-approval.ts';
import type {
  AskApprovalInput, AskApprovalOutput, PreflightInput, PreflightOutput, RecordInput, RecordOutput, ReleaseInput, ReleaseOutput, VerifyEvidenceInput, VerifyEvidenceOutput,
} from './contract.ts';
import { enterAccount } from './enter-account.ts';
import { readMembers } from './members.ts';
import { openCase as open } from './open-case/open-case.ts';
import { preflight as check } from './preflight/preflight.ts';
import { serviceQuotas } from './preflight/quotas.ts';
import { auditLog } from './record/audit-log.ts';
import { ExecutionEnded, recordEnding } from './record/ending.ts';
import { record as write } from './record/record.ts';
import { s3Records } from './records.ts';
import { release as undo } from './release/release.ts';
import { requestIds as lookUp, type BatchOutput } from './request-ids/request-ids.ts';
import { handlerSettings } from './settings.ts';
import { verifyEvidence as verify } from './verify/verify-evidence.ts';

const now = (): Date => new Date();

function recorder() {
  const settings = handlerSettings();
  const records = s3Records(new S3Client({}), settings.bucket);
  const audit = auditLog(new CloudWatchLogsClient({}), logGroupName('audit', settings.logPrefix));
  return { settings, records, record: write({ records, audit, now }) };
}

export const openCase = async (event: unknown): Promise<OpenCaseOutput> => {
  const { settings: { place, options, triggers }, records } = recorder();
  const memberAccounts = [...(await readMembers(new SSMClient({}), place)).keys()];
  return await open({ records, sfn: new SFNClient({}), now, place, memberAccounts, options, triggers })(event);
};

export const preflight = async (event: PreflightInput): Promise<PreflightOutput> => {
  const { place } = handlerSettings();
  const ssm = new SSMClient({});
  const member = async (account: string, caseId: string) => {
    const credentials = await enterAccount({ ssm, place, account, caseId });
    return { ec2: new EC2Client({ credentials }), kms: new KMSClient({ credentials }) };
  };
  const clients = { ec2: new EC2Client({}), kms: new KMSClient({}), ssm, s3: new S3Client({}) };
  return await check({ ...clients, place, quotas: serviceQuotas(new ServiceQuotasClient({})), member })(event);
};

/** Changes of the state machine, and EventBridge's word of an execution that was ended from outside. */
export const record = async (event: RecordInput): Promise<RecordOutput | null> => {
  const { records, record: one } = recorder();
  return ExecutionEnded.safeParse(event).success ? await recordEnding({ record: one, records })(event) : await one(event);
};

export const verifyEvidence = (event: VerifyEvidenceInput): Promise<VerifyEvidenceOutput> => verify({ s3: new S3Client({}), now, place: handlerSettings().place })(event);

export const askApproval = (event: AskApprovalInput): Promise<AskApprovalOutput> => {
  const { settings: { topicArn }, record: one } = recorder();
  return ask({ record: one, sns: new SNSClient({}), topicArn, now })(event);
};

export const release = async (event: ReleaseInput): Promise<ReleaseOutput> => {
  const { settings: { place }, records, record: one } = recorder();
  const member = async (account: string, caseId: string) => {
    const credentials = await enterAccount({ ssm: new SSMClient({}), place, account, caseId });
    return {
      ec2: new EC2Client({ credentials }),
      autoScaling: new AutoScalingClient({ credentials }),
      elb: new ElasticLoadBalancingClient({ credentials }),
      elbv2: new ElasticLoadBalancingV2Client({ credentials }),
      iam: new IAMClient({ credentials }),
      kms: new KMSClient({ credentials }),
    };
  };
  return await undo({ records, record: one, member, now })(event);
};

/** Batches of the queue that ended executions wait in until CloudTrail has their calls. */
export const requestIds = async (event: unknown): Promise<BatchOutput> => {
  const { settings: { place }, records, record: one } = recorder();
  const ssm = new SSMClient({});
  const trail = async (account: string, region: string, caseId: string) => {
    // Adaptive: CloudTrail's two requests a second are the account's, and others may ask as well.
    const common = { region, retryMode: 'adaptive', maxAttempts: 8 } as const;
    return account === place.account ? new CloudTrailClient(common) : new CloudTrailClient({ ...common, credentials: await enterAccount({ ssm, place, account, caseId }) });
  };
  return await lookUp({ place, records, record: one, trail, now })(event);
};
