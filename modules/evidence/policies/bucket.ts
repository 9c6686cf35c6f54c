import { policyDocument, type PolicyDocument } from '../../policy.ts';
import { principalInside, type Perimeter } from '../../perimeter.ts';

export interface EvidenceBucketPolicyOptions {
  readonly bucketArn: string;
  readonly evidenceKeyArn: string;
  readonly perimeter: Perimeter;
  /** VPC endpoints through which evidence is read and written. None: the bucket is not bound to a network. */
  readonly endpointIds: readonly string[];
  /** ARN patterns of the roles that work from outside the network: without them the binding would lock everybody out. */
  readonly endpointExemptArns: readonly string[];
  /** ARN patterns of roles that may set and release legal holds. */
  readonly custodianArns: readonly string[];
  /** ARN patterns of roles that may place a delete marker. A version is out of everybody's reach. */
  readonly breakGlassArns: readonly string[];
  /** Shortest retention, in days, that may be asked for explicitly. */
  readonly minimumRetentionDays: number;
  /** The bucket's own lock: no new object asks for a shorter or a weaker one. @default none */
  readonly lock?: { readonly mode: string; readonly days: number | string };
  /** Other accounts that may add objects (to the incoming bucket), by a role that the pattern says. */
  readonly uploaders?: { readonly accounts: readonly string[]; readonly rolePattern: string };
}

const DATA_ACTIONS = [
  's3:AbortMultipartUpload',
  's3:DeleteObject*',
  's3:GetObject*',
  's3:ListBucket*',
  's3:ListMultipartUploadParts',
  's3:PutObject*',
  's3:ReplicateObject',
  's3:RestoreObject',
];

/** Policy of an evidence bucket. It grants nothing but uploads into the incoming bucket; the rest says what never happens. */
export function evidenceBucketPolicy(options: EvidenceBucketPolicyOptions): PolicyDocument {
  const { bucketArn } = options;
  const objects = `${bucketArn}/*`;
  const both = [bucketArn, objects];
  return policyDocument(
    {
      Sid: 'DenyPlaintext',
      Effect: 'Deny',
      Principal: '*',
      Action: 's3:*',
      Resource: both,
      Condition: { Bool: { 'aws:SecureTransport': 'false' } },
    },
    {
      Sid: 'DenyOldTls',
      Effect: 'Deny',
      Principal: '*',
      Action: 's3:*',
      Resource: both,
      Condition: { NumericLessThan: { 's3:TlsVersion': '1.2' } },
    },
    {
      Sid: 'DenyStrangers',
      Effect: 'Deny',
      Principal: '*',
      Action: 's3:*',
      Resource: both,
      Condition: { StringNotEquals: principalInside(options.perimeter), BoolIfExists: { 'aws:PrincipalIsAWSService': 'false' } },
    },
    options.endpointIds.length > 0 && {
      Sid: 'DenyOutsideTheNetwork',
      Effect: 'Deny',
      Principal: '*',
      // Settings are not bound: an endpoint that was replaced must not leave a bucket that nobody can repair.
      Action: DATA_ACTIONS,
      Resource: both,
      Condition: {
        StringNotEquals: { 'aws:SourceVpce': options.endpointIds },
        ArnNotLike: { 'aws:PrincipalArn': options.endpointExemptArns },
        BoolIfExists: { 'aws:PrincipalIsAWSService': 'false', 'aws:ViaAWSService': 'false' },
      },
    },
    {
      Sid: 'DenyOtherEncryption',
      Effect: 'Deny',
      Principal: '*',
      Action: 's3:PutObject',
      Resource: objects,
      // A request that names no encryption gets the bucket's own, which is the right one; a negated condition alone would refuse it.
      Condition: { StringNotEquals: { 's3:x-amz-server-side-encryption': 'aws:kms' }, Null: { 's3:x-amz-server-side-encryption': 'false' } },
    },
    {
      Sid: 'DenyOtherKeys',
      Effect: 'Deny',
      Principal: '*',
      Action: 's3:PutObject',
      Resource: objects,
      Condition: {
        StringNotEquals: { 's3:x-amz-server-side-encryption-aws-kms-key-id': options.evidenceKeyArn },
        Null: { 's3:x-amz-server-side-encryption-aws-kms-key-id': 'false' },
      },
    },
    {
      Sid: 'DenyCustomerProvidedKeys',
      Effect: 'Deny',
      Principal: '*',
      Action: 's3:PutObject',
      Resource: objects,
      Condition: { Null: { 's3:x-amz-server-side-encryption-customer-algorithm': 'false' } },
    },
    {
      // Parts and the start of an upload create no object and cannot carry the header; its completion must.
      Sid: 'DenyOverwriting',
      Effect: 'Deny',
      Principal: '*',
      Action: 's3:PutObject',
      Resource: `${bucketArn}/*/disk_evidence/*`,
      Condition: { Null: { 's3:if-none-match': 'true' }, Bool: { 's3:ObjectCreationOperation': 'true' } },
    },
    {
      Sid: 'DenyVersionDeletion',
      Effect: 'Deny',
      Principal: '*',
      Action: ['s3:BypassGovernanceRetention', 's3:DeleteObjectVersion'],
      Resource: objects,
    },
    {
      Sid: 'DenyDeletion',
      Effect: 'Deny',
      Principal: '*',
      Action: ['s3:DeleteBucket', 's3:DeleteObject'],
      Resource: both,
      Condition: { ArnNotLike: { 'aws:PrincipalArn': options.breakGlassArns } },
    },
    {
      Sid: 'DenyShortRetention',
      Effect: 'Deny',
      Principal: '*',
      Action: ['s3:PutObject', 's3:PutObjectRetention'],
      Resource: objects,
      Condition: { NumericLessThan: { 's3:object-lock-remaining-retention-days': String(options.minimumRetentionDays) } },
    },
    options.lock !== undefined && {
      Sid: 'DenyShorterLock',
      Effect: 'Deny',
      Principal: '*',
      Action: 's3:PutObject',
      Resource: objects,
      Condition: { NumericLessThan: { 's3:object-lock-remaining-retention-days': String(options.lock.days) } },
    },
    options.lock !== undefined && options.lock.mode !== 'GOVERNANCE' && {
      Sid: 'DenyWeakerLock',
      Effect: 'Deny',
      Principal: '*',
      Action: 's3:PutObject',
      Resource: objects,
      // A request that names no mode gets the bucket's own.
      Condition: { StringNotEquals: { 's3:object-lock-mode': [...new Set(['COMPLIANCE', options.lock.mode])] }, Null: { 's3:object-lock-mode': 'false' } },
    },
    {
      Sid: 'DenyHoldsByOthers',
      Effect: 'Deny',
      Principal: '*',
      Action: 's3:PutObjectLegalHold',
      Resource: objects,
      Condition: { ArnNotLike: { 'aws:PrincipalArn': [...options.custodianArns, ...options.breakGlassArns] } },
    },
    options.uploaders !== undefined && {
      Sid: 'AllowUploadsFromMonitoredAccounts',
      Effect: 'Allow',
      Principal: { AWS: options.uploaders.accounts },
      Action: 's3:PutObject',
      Resource: objects,
      // By condition: S3 refuses a principal that does not exist yet.
      Condition: { ArnLike: { 'aws:PrincipalArn': options.uploaders.rolePattern } },
    },
  );
}
