import { policyDocument, type PolicyDocument } from '../../policy.ts';
import { CASE_TAGS } from '../../vocabulary/index.ts';
import { unlessBreakGlass, unlessBreakGlassOr, workflowPattern, breakGlassPattern, type GuardrailContext } from './context.ts';

/** SCP: evidence is written once. Not even break-glass deletes a version or bypasses governance. */
export const denyEvidenceTampering = (context: GuardrailContext): PolicyDocument => {
  const { imageDelivery } = context;
  return policyDocument(
    {
      Sid: 'DenyVersionDeletion',
      Effect: 'Deny',
      Action: ['s3:BypassGovernanceRetention', 's3:DeleteObjectVersion', 's3:DeleteObjectVersionTagging'],
      Resource: `arn:${context.partition}:s3:::${context.prefix}-*/*`,
    },
    {
      Sid: 'DenyBucketWeakening',
      Effect: 'Deny',
      Action: [
        's3:CreateAccessPoint',
        's3:DeleteBucket*',
        's3:PutAccountPublicAccessBlock',
        's3:PutBucket*',
        's3:PutEncryptionConfiguration',
        's3:PutInventoryConfiguration',
        's3:PutLifecycleConfiguration',
        's3:PutReplicationConfiguration',
      ],
      Resource: '*',
      Condition: unlessBreakGlass(context),
    },
    {
      Sid: 'DenySnapshotWeakening',
      Effect: 'Deny',
      Action: [
        'ec2:Disable*BlockPublicAccess',
        'ec2:DisableEbsEncryptionByDefault',
        'ec2:EnableSerialConsoleAccess',
        'ec2:ModifyEbsDefaultKmsKeyId',
        ...(imageDelivery === undefined ? ['ec2:ModifySnapshotAttribute'] : []),
        'ec2:ModifySnapshotTier',
        'ec2:ResetEbsDefaultKmsKeyId',
        'ec2:ResetSnapshotAttribute',
        'ec2:UnlockSnapshot',
      ],
      Resource: '*',
      Condition: unlessBreakGlass(context),
    },
    imageDelivery !== undefined && {
      Sid: 'DenySnapshotSharing',
      Effect: 'Deny',
      Action: 'ec2:ModifySnapshotAttribute',
      Resource: '*',
      Condition: unlessBreakGlassOr(context, [imageDelivery.pipelineRoleArn]),
    },
    // A delivered image is made from its snapshot; what belongs to a case is no image, whoever asks.
    imageDelivery !== undefined && {
      Sid: 'DenyEvidenceSharing',
      Effect: 'Deny',
      Action: 'ec2:ModifySnapshotAttribute',
      Resource: '*',
      Condition: { Null: { [`aws:ResourceTag/${CASE_TAGS.caseId}`]: 'false' }, ...unlessBreakGlass(context) },
    },
    {
      Sid: 'DenySnapshotDeletion',
      Effect: 'Deny',
      Action: 'ec2:DeleteSnapshot',
      Resource: '*',
      Condition: { StringNotEquals: { [`aws:ResourceTag/${CASE_TAGS.purpose}`]: 'working-copy' } },
    },
    {
      Sid: 'DenyWorkingCopyDeletion',
      Effect: 'Deny',
      Action: 'ec2:DeleteSnapshot',
      Resource: '*',
      Condition: { ArnNotLike: { 'aws:PrincipalArn': [workflowPattern(context), breakGlassPattern(context)] } },
    },
    {
      // Otherwise a snapshot could be called a working copy, and then be deleted. EC2 tells `CASEID` from `CaseId`, a condition's key does not.
      Sid: 'DenySnapshotRetagging',
      Effect: 'Deny',
      Action: ['ec2:CreateTags', 'ec2:DeleteTags'],
      Resource: `arn:${context.partition}:ec2:*:*:snapshot/*`,
      Condition: { Null: { 'ec2:CreateAction': 'true' }, 'ForAnyValue:StringEqualsIgnoreCase': { 'aws:TagKeys': [CASE_TAGS.purpose, CASE_TAGS.caseId] } },
    },
  );
};
