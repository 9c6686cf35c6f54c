import { policyDocument, type PolicyDocument, type PolicyStatement } from '../policy.ts';
import { bucketArn, CASE_TAGS, handlerRoleArn, memberRoleArn, roleArn, SOURCE_KEY_OPERATIONS, stateMachineArn, VOLUMES_LABEL, type EstateNaming, type Place } from '../vocabulary/index.ts';
import { credentialStatements, NEVER_ON_IDENTITIES, neverGiveRights } from './containment-policies.ts';

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

/** Functions of the workflow that enter a monitored account themselves: to look before anything begins, to undo what was done, and to look it up. */
const ENTERING_FUNCTIONS = ['preflight', 'release', 'request-ids'] as const;

/**
 * Trust policy of the acquisition role. Step Functions gives the ARN of the state machine as the external id, and no session
 * tags; a function gives the external id of this account, and names its case.
 */
export function memberTrust(options: MemberPolicyOptions): PolicyDocument {
  const common = {
    Effect: 'Allow',
    // Accounts, not roles: IAM refuses a role that does not exist yet.
    Principal: { AWS: [...new Set(options.forensicPlaces.map((place) => place.account))] },
  } as const;
  const anywhere = { ...options, account: '*', region: '*' };
  const inOrganization = options.organizationId === undefined ? {} : { 'aws:PrincipalOrgID': options.organizationId };
  const functions = { ArnLike: { 'aws:PrincipalArn': ENTERING_FUNCTIONS.map((handler) => handlerRoleArn(anywhere, handler)) } };
  const forCase = { StringLike: { [`aws:RequestTag/${CASE_TAGS.caseId}`]: '?*' } };
  // The caller's own machine, whatever its Region: a trust policy takes 2,048 characters, and an estate may have thirty Regions.
  const machine = stateMachineArn({ ...options, account: '${aws:PrincipalAccount}', region: '*' });
  return policyDocument(
    {
      Sid: 'StateMachine',
      ...common,
      Action: 'sts:AssumeRole',
      Condition: {
        ArnLike: { 'aws:PrincipalArn': roleArn(anywhere, 'workflow') },
        // The executions of a distributed Map belong to the machine's ARN with the Map's label behind it.
        StringLike: { 'sts:ExternalId': [machine, `${machine}/${VOLUMES_LABEL}`] },
        ...(options.organizationId === undefined ? {} : { StringEquals: inOrganization }),
      },
    },
    {
      Sid: 'Functions',
      ...common,
      Action: 'sts:AssumeRole',
      Condition: { ...functions, ...forCase, StringEquals: { 'sts:ExternalId': options.externalId, ...inOrganization } },
    },
    {
      // STS sends no external id when it asks for the tags' leave, so this cannot stand in the statement above.
      Sid: 'CaseTag',
      ...common,
      Action: 'sts:TagSession',
      Condition: { ...functions, ...forCase, ...(options.organizationId === undefined ? {} : { StringEquals: inOrganization }) },
    },
  );
}

/** The workflows that a source key may be granted to, in any of their Regions. */
const granteesOf = (options: MemberPolicyOptions): readonly string[] =>
  [...new Set(options.forensicPlaces.map(({ account }) => roleArn({ ...options, account, region: '*' }, 'workflow')))];

/** Uses of keys that the role makes through EC2 only, as when a snapshot is copied. */
const throughEc2 = (keys: readonly string[]): readonly PolicyStatement[] => {
  const viaEc2 = { StringLike: { 'kms:ViaService': 'ec2.*.amazonaws.com' } };
  return [
    {
      Sid: 'UseKeysThroughEc2',
      Effect: 'Allow',
      Action: ['kms:Decrypt', 'kms:DescribeKey', 'kms:GenerateDataKeyWithoutPlaintext', 'kms:ReEncryptFrom', 'kms:ReEncryptTo'],
      Resource: keys,
      Condition: viaEc2,
    },
    { Sid: 'GrantKeysToEc2', Effect: 'Allow', Action: 'kms:CreateGrant', Resource: keys, Condition: { ...viaEc2, Bool: { 'kms:GrantIsForAWSResource': 'true' } } },
  ];
};

/**
 * What the role may do with the account's own keys: use them through EC2, and grant them to the workflow of a forensic account,
 * for what it needs and no more, and so that this role may retire the grant, which needs no leave of a policy. A policy beside
 * {@link memberPolicy}, which has no room for the ARNs of many keys.
 */
export function sourceKeyPolicy(options: MemberPolicyOptions): PolicyDocument {
  return policyDocument(...throughEc2(options.sourceKeyArns), {
    Sid: 'GrantSourceKeys',
    Effect: 'Allow',
    Action: 'kms:CreateGrant',
    Resource: options.sourceKeyArns,
    Condition: {
      'ForAllValues:StringEquals': { 'kms:GrantOperations': SOURCE_KEY_OPERATIONS },
      StringLike: { 'kms:GranteePrincipal': granteesOf(options) },
      StringEquals: { 'kms:RetiringPrincipal': memberRoleArn(options, options.account) },
    },
  });
}

/** Attributes of a network interface that are not its groups and would do harm; a role's policies have no room for all. */
const OTHER_INTERFACE_ATTRIBUTES = ['AssociatePublicIpAddress', 'Attachment', 'Description', 'SourceDestCheck'];

/** What the workflow does in a monitored account: look, protect, snapshot, share with the forensic accounts. Nothing is deleted. */
export function memberPolicy(options: MemberPolicyOptions): PolicyDocument {
  const { partition, account } = options;
  const ec2 = (type: string) => `arn:${partition}:ec2:*:${account}:${type}/*`;
  const snapshots = `arn:${partition}:ec2:*::snapshot/*`;
  const forensicAccounts = [...new Set(options.forensicPlaces.map((place) => place.account))];
  const forensicKeys = forensicAccounts.map((forensic) => `arn:${partition}:kms:*:${forensic}:key/*`);
  return policyDocument(
    {
      Sid: 'Look',
      Effect: 'Allow',
      Action: [
        'autoscaling:DescribeAutoScalingInstances',
        'cloudtrail:LookupEvents',
        'ec2:DescribeIamInstanceProfileAssociations',
        'ec2:DescribeInstanceAttribute',
        'ec2:DescribeInstances',
        'ec2:DescribeSnapshots',
        'ec2:DescribeVolumes',
        'ec2:GetConsoleOutput',
        'ec2:GetConsoleScreenshot',
        'elasticloadbalancing:DescribeLoadBalancers',
        'elasticloadbalancing:DescribeTargetGroups',
        'elasticloadbalancing:DescribeTargetHealth',
        'kms:ListAliases',
        'kms:ListRetirableGrants',
      ],
      Resource: '*',
    },
    {
      // AWS documents no list of the key's values, and spells those in its examples in more than one way.
      Sid: 'ProtectTheSuspect',
      Effect: 'Allow',
      Action: 'ec2:ModifyInstanceAttribute',
      Resource: ec2('instance'),
      Condition: {
        StringEqualsIgnoreCase: { 'ec2:Attribute': ['DisableApiTermination', 'DisableApiStop', 'InstanceInitiatedShutdownBehavior', 'BlockDeviceMapping'] },
      },
    },
    {
      // What outlives the instance is authorized as well, and a volume has no such key; nothing but its mapping can be changed by it.
      Sid: 'LetVolumesOutliveIt',
      Effect: 'Allow',
      Action: 'ec2:ModifyInstanceAttribute',
      Resource: ec2('volume'),
    },
    {
      // Its traffic goes elsewhere, and nothing terminates it; a release undoes all of it.
      Sid: 'TakeOutOfService',
      Effect: 'Allow',
      Action: [
        'autoscaling:EnterStandby',
        'autoscaling:ExitStandby',
        'elasticloadbalancing:DeregisterInstancesFromLoadBalancer',
        'elasticloadbalancing:DeregisterTargets',
        'elasticloadbalancing:RegisterInstancesWithLoadBalancer',
        'elasticloadbalancing:RegisterTargets',
      ],
      Resource: [
        `arn:${partition}:autoscaling:*:${account}:autoScalingGroup:*:autoScalingGroupName/*`,
        `arn:${partition}:elasticloadbalancing:*:${account}:loadbalancer/*`,
        `arn:${partition}:elasticloadbalancing:*:${account}:targetgroup/*`,
      ],
    },
    {
      Sid: 'NoteOnFindings',
      Effect: 'Allow',
      Action: ['securityhub:BatchUpdateFindings', 'securityhub:BatchUpdateFindingsV2'],
      Resource: '*',
    },
    {
      Sid: 'SnapshotSources',
      Effect: 'Allow',
      Action: 'ec2:CreateSnapshots',
      Resource: [ec2('instance'), ec2('volume')],
    },
    {
      Sid: 'MakeSnapshotsOfACase',
      Effect: 'Allow',
      Action: ['ec2:CopySnapshot', 'ec2:CreateSnapshots'],
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
      Condition: { StringEquals: { 'ec2:CreateAction': ['CopySnapshot', 'CreateSnapshots'] } },
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
      // The copy that the workflow made to share it. It tags what it makes, and can tag nothing else.
      Sid: 'DeleteWorkingCopies',
      Effect: 'Allow',
      Action: 'ec2:DeleteSnapshot',
      Resource: snapshots,
      Condition: { StringEquals: { [`aws:ResourceTag/${CASE_TAGS.purpose}`]: 'working-copy' }, StringLike: { [`aws:ResourceTag/${CASE_TAGS.caseId}`]: '?*' } },
    },
    ...throughEc2(forensicKeys),
    {
      // Holds where a key's own policy or grant allows more.
      Sid: 'NeverGrantElsewhere',
      Effect: 'Deny',
      Action: 'kms:CreateGrant',
      Resource: '*',
      Condition: { BoolIfExists: { 'kms:GrantIsForAWSResource': 'false' }, StringNotLike: { 'kms:GranteePrincipal': granteesOf(options) } },
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
      Resource: forensicKeys,
      Condition: { StringLike: { 'kms:ViaService': 's3.*.amazonaws.com' } },
    },
    options.containment && {
      // Only its groups: the name of that attribute is documented nowhere, so the others are left out, in any spelling.
      Sid: 'Isolate',
      Effect: 'Allow',
      Action: 'ec2:ModifyNetworkInterfaceAttribute',
      Resource: ec2('network-interface'),
      Condition: { StringNotEqualsIgnoreCase: { 'ec2:Attribute': OTHER_INTERFACE_ATTRIBUTES } },
    },
    options.containment && {
      // Its instance and its groups are authorized in the same call, each by itself and without that key.
      Sid: 'IsolateWith',
      Effect: 'Allow',
      Action: ['ec2:ModifyInstanceMetadataOptions', 'ec2:ModifyNetworkInterfaceAttribute'],
      Resource: [ec2('instance'), ec2('security-group')],
    },
    ...(options.containment ? credentialStatements(options) : []),
    options.containment && {
      Sid: 'MakeContainmentGroups',
      Effect: 'Allow',
      Action: 'ec2:CreateSecurityGroup',
      Resource: [ec2('security-group'), ec2('vpc')],
    },
    options.containment && {
      Sid: 'TagContainmentGroups',
      Effect: 'Allow',
      Action: 'ec2:CreateTags',
      Resource: ec2('security-group'),
      Condition: { StringEquals: { 'ec2:CreateAction': 'CreateSecurityGroup' } },
    },
    options.containment && {
      // Groups of a case only: no other rule of the account can be touched.
      Sid: 'WriteContainmentRules',
      Effect: 'Allow',
      Action: ['ec2:AuthorizeSecurityGroupEgress', 'ec2:AuthorizeSecurityGroupIngress', 'ec2:RevokeSecurityGroupEgress', 'ec2:RevokeSecurityGroupIngress'],
      Resource: ec2('security-group'),
      Condition: { StringLike: { [`aws:ResourceTag/${CASE_TAGS.caseId}`]: '?*' } },
    },
    {
      Sid: 'NeverDestroy',
      Effect: 'Deny',
      Action: [
        'ec2:DeleteTags',
        'ec2:DeleteVolume',
        'ec2:DetachVolume',
        'ec2:RebootInstances',
        'ec2:StopInstances',
        'ec2:TerminateInstances',
        ...(options.containment ? NEVER_ON_IDENTITIES : ['iam:*']),
        's3:GetObject',
      ],
      Resource: '*',
    },
    ...(options.containment ? neverGiveRights(options) : []),
    {
      Sid: 'NeverDeleteEvidence',
      Effect: 'Deny',
      Action: 'ec2:DeleteSnapshot',
      Resource: '*',
      Condition: { StringNotEquals: { [`aws:ResourceTag/${CASE_TAGS.purpose}`]: 'working-copy' } },
    },
  );
}
