import { DataAwsSsmParameter } from '@cdktf/provider-aws/lib/data-aws-ssm-parameter/index.js';
import { TerraformStack } from 'cdktf';
import type { Construct } from 'constructs';
import type { Retention } from '../modules/evidence/closed-bucket.ts';
import { EvidenceVault } from '../modules/evidence/evidence-vault.ts';
import { parameterName, type EvidenceBucketPurpose } from '../modules/vocabulary/index.ts';
import { publish } from './publish.ts';
import type { RegionProps } from './region.ts';

export interface EvidenceRegionProps extends RegionProps {
  readonly retention: Readonly<Record<EvidenceBucketPurpose, Retention>>;
  readonly abandonedUploadDays: number;
  readonly keyDeletionWindowDays: number;
}

/** In a forensic account, one a Region: evidence buckets, bound to the network that the forensics stack has made, and keys. */
export class EvidenceRegionStack extends TerraformStack {
  constructor(scope: Construct, id: string, props: EvidenceRegionProps) {
    super(scope, id);
    const endpoint = new DataAwsSsmParameter(this, 'S3Endpoint', { name: parameterName(props.place, 's3EndpointId') });
    const vault = new EvidenceVault(this, 'Vault', {
      place: props.place,
      perimeter: props.perimeter,
      retention: props.retention,
      endpointIds: [endpoint.insecureValue],
      keyAdministratorArns: props.keyAdministratorArns,
      memberAccounts: props.memberAccounts,
      logRetentionDays: props.logDays,
      abandonedUploadDays: props.abandonedUploadDays,
      keyDeletionWindowDays: props.keyDeletionWindowDays,
    });
    publish(this, props.place, {
      evidenceKeyArn: vault.evidenceKeyArn,
      transitKeyArn: vault.transitKeyArn,
      activeBucket: vault.bucketNames.active,
    });
  }
}
