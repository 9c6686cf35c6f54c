import { policyDocument, type PolicyDocument } from '../policy.ts';
import { bucketArn, CASE_TAGS, roleArn, type EstateNaming, type Place } from '../vocabulary/index.ts';

export interface MemberPolicyOptions extends EstateNaming {
  /** The monitored account itself. */
  readonly account: string;
  /** Forensic accounts and Regions whose workflow may enter. */
  readonly forensicPlaces: readonly Place[];
  /** Secret-like name that the workflow has to give. */
  readonly externalId: string;
  /** @default none: no condition on the organization */
  readonly organizationId?: string | undefined;
  /** Whether the workflow may also isolate a suspect instance. */
  readonly containment: boolean;
  /** Keys of this account that its volumes are encrypted with; the role may have EC2 use them. */
  readonly sourceKeyArns: readonly string[];
}

/** Trust policy of the acquisition role: the workflows of the forensic accounts, with the external id, for a named case. */
export function memberTrust(options: MemberPolicyOptions): PolicyDocument {
  const common = {
    Effect: 'Allow',
    // Accounts, not roles: IAM refuses a role that does not exist yet.
    Principal: { AWS: [...new Set(options.forensicPlaces.map((place) => place.account))] },
  } as const;
  const workflows = { ArnLike: { 'aws:PrincipalArn': roleArn({ ...options, account: '*', region: '*' }, 'workflow') } };
  const inOrganization = options.organizationId === undefined ? {} : { 'aws:PrincipalOrgID': options.organizationId };
  const forCase = { StringLike: { [`aws:RequestTag/${CASE_TAGS.caseId}`]: '?*' } };
  return policyDocument(
    {
      Sid: 'Workflow',
      ...common,
      Action: 'sts:AssumeRole',
      Condition: { ...workflows, ...forCase, StringEquals: { 'sts:ExternalId': options.externalId, ...inOrganization } },
    },
    {
      // STS sends no external id when it asks for the tags' leave, so this cannot stand in the statement above.
      Sid: 'CaseTag',
      ...common,
      Action: 'sts:TagSession',
      Condition: { ...workflows, ...forCase, ...(options.organizationId === undefined ? {} : { StringEquals: inOrganization }) },
    },
  );
}

/** What the workflow does in a monitored account: look, protect, snapshot, share with the forensic accounts. Nothing is deleted. */
export function memberPolicy(options: MemberPolicyOptions): PolicyDocument {
  const { partition, account } = options;
  const ec2 = (type: string) => `arn:${partition}:ec2:*:${account}:${type}/*`;
  const snapshots = `arn:${partition}:ec2:*::snapshot/*`;
  const forensicAccounts = [...new Set(options.forensicPlaces.map((place) => place.account))];
  const throughEc2 = { StringLike: { 'kms:ViaService': 'ec2.*.amazonaws.com' } };
  const keys = [...forensicAccounts.map((forensic) => `arn:${partition}:kms:*:${forensic}:key/*`), ...options.sourceKeyArns];
  return policyDocument(
    {
      Sid: 'Look',
      Effect: 'Allow',
      Action: [
        'autoscaling:DescribeAutoScalingInstances',
        'ec2:DescribeIamInstanceProfileAssociations',
        'ec2:DescribeInstanceAttribute',
        'ec2:DescribeInstances',
        'ec2:DescribeInstanceStatus',
        'ec2:DescribeNetworkInterfaces',
        'ec2:DescribeSecurityGroups',
        'ec2:DescribeSnapshotAttribute',
        'ec2:DescribeSnapshots',
        'ec2:DescribeTags',
        'ec2:DescribeVolumes',
      ],
      Resource: '*',
    },
    {
      Sid: 'LookAtConsole',
      Effect: 'Allow',
      Action: ['ec2:GetConsoleOutput', 'ec2:GetConsoleScreenshot'],
      Resource: ec2('instance'),
    },
    {
      Sid: 'ProtectTheSuspect',
      Effect: 'Allow',
      Action: 'ec2:ModifyInstanceAttribute',
      Resource: ec2('instance'),
      Condition: {
        StringEquals: { 'ec2:Attribute': ['DisableApiTermination', 'DisableApiStop', 'InstanceInitiatedShutdownBehavior', 'BlockDeviceMapping'] },
      },
    },
    {
      Sid: 'MarkTheSuspect',
      Effect: 'Allow',
      Action: 'ec2:CreateTags',
      Resource: [ec2('instance'), ec2('volume')],
      Condition: { 'ForAllValues:StringEquals': { 'aws:TagKeys': [CASE_TAGS.caseId, CASE_TAGS.exhibitId] }, Null: { 'aws:TagKeys': 'false' } },
    },
    {
      Sid: 'SnapshotSources',
      Effect: 'Allow',
      Action: ['ec2:CreateSnapshot', 'ec2:CreateSnapshots'],
      Resource: [ec2('instance'), ec2('volume')],
    },
    {
      Sid: 'MakeSnapshotsOfACase',
      Effect: 'Allow',
      Action: ['ec2:CopySnapshot', 'ec2:CreateSnapshot', 'ec2:CreateSnapshots'],
      Resource: snapshots,
      Condition: { StringLike: { [`aws:RequestTag/${CASE_TAGS.caseId}`]: '?*' } },
    },
    {
      // The source snapshot's ARN is authorized as well, and it may belong to anybody in this account.
      Sid: 'CopyFromOwnSnapshots',
      Effect: 'Allow',
      Action: 'ec2:CopySnapshot',
      Resource: snapshots,
      Condition: { StringEquals: { 'ec2:Owner': account } },
    },
    {
      Sid: 'TagSnapshots',
      Effect: 'Allow',
      Action: 'ec2:CreateTags',
      Resource: snapshots,
      Condition: { StringEquals: { 'ec2:CreateAction': ['CopySnapshot', 'CreateSnapshot', 'CreateSnapshots'] } },
    },
    {
      Sid: 'ShareWithForensicAccounts',
      Effect: 'Allow',
      Action: 'ec2:ModifySnapshotAttribute',
      Resource: snapshots,
      Condition: {
        StringEquals: { 'ec2:Add/userId': forensicAccounts },
        StringLike: { [`aws:ResourceTag/${CASE_TAGS.caseId}`]: '?*' },
      },
    },
    {
      Sid: 'UseKeysThroughEc2',
      Effect: 'Allow',
      Action: ['kms:Decrypt', 'kms:DescribeKey', 'kms:GenerateDataKeyWithoutPlaintext', 'kms:ReEncryptFrom', 'kms:ReEncryptTo'],
      Resource: keys,
      Condition: throughEc2,
    },
    {
      Sid: 'GrantKeysToEc2',
      Effect: 'Allow',
      Action: 'kms:CreateGrant',
      Resource: keys,
      Condition: { ...throughEc2, Bool: { 'kms:GrantIsForAWSResource': 'true' } },
    },
    {
      // Memory and files of a suspect; what is handed to the host itself is a session that is narrower still.
      Sid: 'SendToIncoming',
      Effect: 'Allow',
      Action: 's3:PutObject',
      Resource: forensicAccounts.map((forensic) => `${bucketArn({ ...options, account: forensic, region: '*' }, 'incoming')}/\${aws:PrincipalTag/${CASE_TAGS.caseId}}/*`),
    },
    {
      Sid: 'EncryptWhatIsSent',
      Effect: 'Allow',
      Action: ['kms:Decrypt', 'kms:GenerateDataKey'],
      Resource: keys,
      Condition: { StringLike: { 'kms:ViaService': 's3.*.amazonaws.com' } },
    },
    options.containment && {
      Sid: 'Isolate',
      Effect: 'Allow',
      Action: ['ec2:ModifyInstanceAttribute', 'ec2:ModifyNetworkInterfaceAttribute'],
      Resource: [ec2('instance'), ec2('network-interface'), ec2('security-group')],
      Condition: { StringEquals: { 'ec2:Attribute': 'GroupSet' } },
    },
    options.containment && {
      Sid: 'TakeCredentialsAway',
      Effect: 'Allow',
      Action: ['ec2:DisassociateIamInstanceProfile', 'ec2:ModifyInstanceMetadataOptions'],
      Resource: ec2('instance'),
    },
    {
      Sid: 'NeverDestroy',
      Effect: 'Deny',
      Action: [
        'ec2:DeleteSnapshot',
        'ec2:DeleteTags',
        'ec2:DeleteVolume',
        'ec2:DetachVolume',
        'ec2:RebootInstances',
        'ec2:StopInstances',
        'ec2:TerminateInstances',
        'iam:*',
        's3:GetObject',
      ],
      Resource: '*',
    },
  );
}
