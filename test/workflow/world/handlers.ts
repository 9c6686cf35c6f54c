import { askApproval } from '../../../modules/acquisition-workflow/handlers/approval/ask-approval.ts';
import type { VerifyEvidenceInput } from '../../../modules/acquisition-workflow/handlers/contract.ts';
import { preflight } from '../../../modules/acquisition-workflow/handlers/preflight/preflight.ts';
import { serviceQuotas } from '../../../modules/acquisition-workflow/handlers/preflight/quotas.ts';
import { record } from '../../../modules/acquisition-workflow/handlers/record/record.ts';
import type { Records } from '../../../modules/acquisition-workflow/handlers/records.ts';
import { storeConsole } from '../../../modules/acquisition-workflow/handlers/store-console.ts';
import { verifyEvidence } from '../../../modules/acquisition-workflow/handlers/verify/verify-evidence.ts';
import { PLACE, type AwsWorld } from './aws-world.ts';
import { functionClients } from './clients.ts';
import type { Handler } from './dispatch.ts';

export interface HandlerOptions {
  readonly world: AwsWorld;
  /** Where the case's records are kept. */
  readonly records: Records;
  readonly now: () => Date;
  /** Bytes of the disk that stands for a volume: EC2's volumes are whole GiB, the tests' disks are not. */
  readonly sizeOf: (volumeId: string) => number;
}

/** The functions as the state machine calls them, with their clients pointed to moto. */
export function handlersOf({ world, records, now, sizeOf }: HandlerOptions): Readonly<Record<string, Handler>> {
  const { ec2, kms, ssm, sns, quotas, member } = functionClients(world);
  const write = record({ records, audit: () => Promise.resolve(), now });
  const verify = verifyEvidence({ s3: world.s3, now: () => new Date(), place: PLACE });
  return {
    preflight: preflight({ place: PLACE, ec2, kms, ssm, s3: world.s3, quotas: serviceQuotas(quotas), member }),
    'ask-approval': askApproval({ record: write, sns, topicArn: world.topicArn, now }),
    record: write,
    'store-console': storeConsole({ s3: world.s3, bucket: world.bucket, place: PLACE, now }),
    'verify-evidence': (event: VerifyEvidenceInput) => verify({ ...event, sizeBytes: sizeOf(event.volumeId) }),
  };
}
