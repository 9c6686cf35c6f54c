import { policyDocument, type PolicyDocument } from '../../policy.ts';
import { bucketArn } from '../../vocabulary/index.ts';
import { anyKey, collectorLogArns, keyThrough, OWN_CASE, type AccessContext } from './context.ts';

/**
 * The collector adds objects under the case that its role is tagged with, and does nothing else: it cannot read back,
 * overwrite (the bucket refuses) or delete, and a role without a case tag reaches no key at all.
 */
export const collectorPolicy = (context: AccessContext): PolicyDocument => {
  const bucket = bucketArn(context, 'active');
  return policyDocument(
    {
      Sid: 'AddEvidenceToOwnCase',
      Effect: 'Allow',
      Action: ['s3:PutObject', 's3:ListMultipartUploadParts'],
      Resource: `${bucket}/${OWN_CASE}/disk_evidence/*`,
    },
    {
      // Resuming looks for the upload that an interrupted run left; S3 knows no narrower right for it.
      Sid: 'FindOwnUploads',
      Effect: 'Allow',
      Action: [
        's3:GetBucketLocation',
        's3:GetBucketObjectLockConfiguration',
        's3:GetBucketVersioning',
        's3:GetEncryptionConfiguration',
        's3:ListBucketMultipartUploads',
      ],
      Resource: bucket,
    },
    {
      // Completing a multipart upload under SSE-KMS needs Decrypt; without s3:GetObject it reads nothing.
      Sid: 'EncryptEvidence',
      Effect: 'Allow',
      Action: ['kms:Decrypt', 'kms:GenerateDataKey'],
      Resource: anyKey(context),
      Condition: keyThrough(context, 'evidence', 's3'),
    },
    {
      Sid: 'Report',
      Effect: 'Allow',
      Action: ['logs:CreateLogStream', 'logs:DescribeLogGroups', 'logs:DescribeLogStreams', 'logs:PutLogEvents'],
      Resource: collectorLogArns(context),
    },
  );
};
