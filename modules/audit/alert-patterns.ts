import { iamPath, type EstateNaming } from '../vocabulary/index.ts';

const byTrail = (source: string, eventNames: readonly string[], more: object = {}): object => ({
  source: [source],
  'detail-type': ['AWS API Call via CloudTrail'],
  detail: { eventName: eventNames, ...more },
});

/** EventBridge patterns of what people are told about, by the rule's name. */
export const alertPatterns = (naming: EstateNaming & { readonly account: string }): Readonly<Record<string, object>> => ({
  'console-login': { source: ['aws.signin'], 'detail-type': ['AWS Console Sign In via CloudTrail'] },
  'root-activity': { detail: { userIdentity: { type: ['Root'] } }, 'detail-type': ['AWS API Call via CloudTrail', 'AWS Console Sign In via CloudTrail'] },
  'role-assumption': byTrail('aws.sts', ['AssumeRole', 'AssumeRoleWithSAML', 'AssumeRoleWithWebIdentity'], {
    requestParameters: {
      // The pipeline assumes its own roles all day; people and emergencies are what matters.
      roleArn: ['responder', 'investigator', 'data-custodian', 'analyst', 'break-glass'].map((role) => ({
        wildcard: `arn:${naming.partition}:iam::${naming.account}:role${iamPath(naming)}${naming.prefix}-${role}-*`,
      })),
    },
  }),
  'session-start': byTrail('aws.ssm', ['StartSession', 'ResumeSession']),
  'session-preferences': byTrail('aws.ssm', ['CreateDocument', 'DeleteDocument', 'UpdateDocument', 'UpdateDocumentDefaultVersion']),
  'bucket-policy-change': byTrail('aws.s3', [
    'DeleteBucketPolicy',
    'PutBucketLifecycle',
    'PutBucketObjectLockConfiguration',
    'PutBucketPolicy',
    'PutBucketPublicAccessBlock',
    'PutBucketVersioning',
    'PutReplicationConfiguration',
  ]),
  'key-policy-change': byTrail('aws.kms', ['CreateGrant', 'DisableKey', 'PutKeyPolicy', 'ScheduleKeyDeletion'], {
    // EC2 and S3 take grants by the hundred on the pipeline's behalf.
    userIdentity: { invokedBy: [{ exists: false }] },
  }),
  'role-change': byTrail('aws.iam', [
    'AttachRolePolicy',
    'CreatePolicyVersion',
    'DeleteRolePermissionsBoundary',
    'PutRolePermissionsBoundary',
    'PutRolePolicy',
    'UpdateAssumeRolePolicy',
  ]),
  'network-change': byTrail('aws.ec2', [
    'AttachInternetGateway',
    'AuthorizeSecurityGroupEgress',
    'CreateNatGateway',
    'CreateRoute',
    'CreateVpcPeeringConnection',
    'ModifySnapshotAttribute',
    'ModifyVpcBlockPublicAccessOptions',
    'ModifyVpcEndpoint',
  ]),
  'log-change': byTrail('aws.cloudtrail', ['DeleteTrail', 'PutEventSelectors', 'StopLogging', 'UpdateTrail']),
});

/** Patterns in the organization's management account: what happens to the seal itself. */
export const sealPatterns = (): Readonly<Record<string, object>> => ({
  'seal-change': byTrail('aws.organizations', [
    'AttachPolicy',
    'DeletePolicy',
    'DetachPolicy',
    'DisablePolicyType',
    'MoveAccount',
    'RemoveAccountFromOrganization',
    'UpdatePolicy',
  ]),
});
