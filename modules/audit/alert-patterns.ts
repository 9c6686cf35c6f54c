import { iamPath, type EstateNaming } from '../vocabulary/index.ts';

const byTrail = (source: string, eventNames: readonly (string | { readonly wildcard: string })[], more: object = {}): object => ({
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
    'PutBucketReplication',
    'PutBucketVersioning',
  ]),
  'key-policy-change': byTrail('aws.kms', ['CreateGrant', 'DisableKey', 'PutKeyPolicy', 'ScheduleKeyDeletion'], {
    // EC2 and S3 take grants by the hundred on the pipeline's behalf.
    userIdentity: { invokedBy: [{ exists: false }] },
  }),
  'role-change': byTrail('aws.iam', [
    'AttachRolePolicy',
    'AttachUserPolicy',
    'CreateAccessKey',
    'CreateLoginProfile',
    'CreateOpenIDConnectProvider',
    'CreatePolicyVersion',
    'CreateSAMLProvider',
    'CreateUser',
    'DeleteRolePermissionsBoundary',
    'DeleteRolePolicy',
    'DetachRolePolicy',
    'PutRolePermissionsBoundary',
    'PutRolePolicy',
    'PutUserPolicy',
    'SetDefaultPolicyVersion',
    'UpdateAssumeRolePolicy',
    'UpdateSAMLProvider',
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
  'alert-change': byTrail('aws.events', ['DeleteRule', 'DisableRule', 'PutRule', 'PutTargets', 'RemoveTargets']),
  'topic-change': byTrail('aws.sns', ['DeleteTopic', 'RemovePermission', 'SetSubscriptionAttributes', 'SetTopicAttributes', 'Unsubscribe']),
  // Lambda's events are named after a version of its interface: UpdateFunctionCode20150331v2.
  'function-change': byTrail('aws.lambda', [{ wildcard: 'AddPermission*' }, { wildcard: 'CreateFunction*' }, { wildcard: 'DeleteFunction*' }, { wildcard: 'UpdateFunction*' }]),
  'workflow-change': byTrail('aws.states', ['CreateStateMachine', 'DeleteStateMachine', 'UpdateStateMachine']),
});

/** Alerts on what happens to an account as a whole, which AWS may report in another Region than the account's own. */
const REPORTED_ELSEWHERE = ['console-login', 'root-activity', 'role-assumption', 'role-change'];

/** Pattern of what is forwarded from another Region to the one with the alert rules; at most 2048 characters, EventBridge's quota. */
export const forwardedPattern = (naming: EstateNaming & { readonly account: string }): object => {
  const patterns = alertPatterns(naming);
  return { $or: REPORTED_ELSEWHERE.map((name) => patterns[name]) };
};

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
