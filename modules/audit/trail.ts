import { Cloudtrail } from '@cdktf/provider-aws/lib/cloudtrail/index.js';
import type { IResolvable } from 'cdktf';
import { Construct } from 'constructs';
import type { Place } from '../vocabulary/index.ts';

export interface EvidenceTrailProps {
  readonly place: Place;
  /** Bucket in the log-archive account. */
  readonly bucketName: string;
  /** Key of the log-archive account, by key or alias ARN. */
  readonly kmsKeyArn: string;
  /** Buckets whose every read and write is recorded. */
  readonly evidenceBucketArns: readonly string[];
  /**
   * Whether it records every Region of the account: one of its Regions' trails does. CloudTrail records changes in IAM in the
   * global Region alone, and EventBridge tells of what a trail records. @default false
   */
  readonly multiRegion?: boolean | IResolvable;
}

/** Management events, and every access to an object of evidence, signed and stored where this account cannot reach them. */
export class EvidenceTrail extends Construct {
  constructor(scope: Construct, id: string, props: EvidenceTrailProps) {
    super(scope, id);
    new Cloudtrail(this, 'Resource', {
      name: `${props.place.prefix}-${props.place.region}`,
      s3BucketName: props.bucketName,
      s3KeyPrefix: 'trail',
      kmsKeyId: props.kmsKeyArn,
      enableLogFileValidation: true,
      includeGlobalServiceEvents: true,
      isMultiRegionTrail: props.multiRegion ?? false,
      advancedEventSelector: [
        { name: 'Management events', fieldSelector: [{ field: 'eventCategory', equalTo: ['Management'] }] },
        {
          name: 'Every access to evidence',
          fieldSelector: [
            { field: 'eventCategory', equalTo: ['Data'] },
            { field: 'resources.type', equalTo: ['AWS::S3::Object'] },
            { field: 'resources.ARN', startsWith: props.evidenceBucketArns.map((arn) => `${arn}/`) },
          ],
        },
      ],
      // CloudTrail answers with the key's own ARN where an alias was given.
      lifecycle: { ignoreChanges: ['kms_key_id'] },
    });
  }
}
