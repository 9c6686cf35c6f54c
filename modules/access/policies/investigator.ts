import { policyDocument, type PolicyDocument } from '../../policy.ts';
import { bucketArn, CASE_TAGS, keyAlias, SESSION_PREFERENCES_DOCUMENT } from '../../vocabulary/index.ts';
import { anyKey, keyThrough, OWN_CASE, type AccessContext } from './context.ts';

/** The investigator reads the evidence of the case in the session's tag, from inside the network, and writes nothing. */
export const investigatorPolicy = (context: AccessContext): PolicyDocument => {
  const buckets = [bucketArn(context, 'active'), bucketArn(context, 'legal-hold')];
  const { partition, region, account } = context;
  return policyDocument(
    {
      Sid: 'ReadOwnCase',
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
      Resource: buckets.map((bucket) => `${bucket}/${OWN_CASE}/*`),
    },
    {
      Sid: 'ListOwnCase',
      Effect: 'Allow',
      Action: ['s3:ListBucket', 's3:ListBucketVersions'],
      Resource: buckets,
      Condition: { StringLike: { 's3:prefix': `${OWN_CASE}/*` } },
    },
    {
      Sid: 'DecryptEvidence',
      Effect: 'Allow',
      Action: 'kms:Decrypt',
      Resource: anyKey(context),
      Condition: keyThrough(context, 'evidence', 's3'),
    },
    {
      Sid: 'OpenLoggedSession',
      Effect: 'Allow',
      Action: 'ssm:StartSession',
      Resource: `arn:${partition}:ec2:${region}:${account}:instance/*`,
      Condition: {
        StringEquals: {
          [`ssm:resourceTag/${CASE_TAGS.purpose}`]: 'analysis',
          [`ssm:resourceTag/${CASE_TAGS.caseId}`]: OWN_CASE,
        },
        BoolIfExists: { 'ssm:SessionDocumentAccessCheck': 'true' },
      },
    },
    {
      Sid: 'UseLoggedSessionDocument',
      Effect: 'Allow',
      Action: 'ssm:StartSession',
      Resource: `arn:${partition}:ssm:${region}:${account}:document/${SESSION_PREFERENCES_DOCUMENT}`,
    },
    {
      Sid: 'EncryptSession',
      Effect: 'Allow',
      Action: 'kms:GenerateDataKey',
      Resource: anyKey(context),
      Condition: { 'ForAnyValue:StringEquals': { 'kms:ResourceAliases': keyAlias(context, 'logs') } },
    },
    {
      Sid: 'EndOwnSession',
      Effect: 'Allow',
      Action: ['ssm:ResumeSession', 'ssm:TerminateSession'],
      Resource: `arn:${partition}:ssm:${region}:${account}:session/\${aws:userid}-*`,
    },
    {
      Sid: 'FindInstances',
      Effect: 'Allow',
      Action: ['ec2:DescribeInstances', 'ssm:DescribeInstanceInformation', 'ssm:DescribeSessions', 'ssm:GetConnectionStatus'],
      Resource: '*',
    },
  );
};
