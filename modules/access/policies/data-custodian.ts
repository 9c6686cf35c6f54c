import { policyDocument, type PolicyDocument } from '../../policy.ts';
import { bucketArn, EVIDENCE_BUCKETS } from '../../vocabulary/index.ts';
import { anyKey, keyThrough, type AccessContext } from './context.ts';

/** The data custodian admits evidence, extends retention and sets legal holds. Shortening or deleting is not in reach. */
export const dataCustodianPolicy = (context: AccessContext): PolicyDocument => {
  const buckets = EVIDENCE_BUCKETS.map((purpose) => bucketArn(context, purpose));
  const objects = buckets.map((bucket) => `${bucket}/*`);
  return policyDocument(
    {
      Sid: 'ReadEvidence',
      Effect: 'Allow',
      Action: [
        's3:GetObject',
        's3:GetObjectAttributes',
        's3:GetObjectLegalHold',
        's3:GetObjectRetention',
        's3:GetObjectTagging',
        's3:GetObjectVersion',
        's3:GetObjectVersionAttributes',
      ],
      Resource: objects,
    },
    {
      Sid: 'ListEvidence',
      Effect: 'Allow',
      Action: ['s3:GetBucketObjectLockConfiguration', 's3:GetBucketVersioning', 's3:ListBucket', 's3:ListBucketVersions'],
      Resource: buckets,
    },
    {
      Sid: 'AdmitEvidence',
      Effect: 'Allow',
      Action: 's3:PutObject',
      Resource: [`${bucketArn(context, 'active')}/*`, `${bucketArn(context, 'legal-hold')}/*`],
    },
    {
      Sid: 'HoldEvidence',
      Effect: 'Allow',
      Action: ['s3:PutObjectLegalHold', 's3:PutObjectRetention'],
      Resource: objects,
    },
    {
      Sid: 'UseEvidenceKey',
      Effect: 'Allow',
      Action: ['kms:Decrypt', 'kms:GenerateDataKey'],
      Resource: anyKey(context),
      Condition: keyThrough(context, 'evidence', 's3'),
    },
  );
};
