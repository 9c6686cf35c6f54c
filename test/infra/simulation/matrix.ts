/**
 * The matrix: who asks for what, with which keys, and what the answer has to be. A row is
 * `[verdict, action, resource, keys]`; keys are those that AWS adds for this action beside those every request has.
 */
import {
  bucketArn, caseCollectorRoleArn, containedRoleArn, forwarderRoleName, functionArn, handlerRoleArn, infrastructureLogGroup, logGroupName, memberRoleArn, roleArn, stateMachineArn, type ForensicRole, type Place,
} from '../../../modules/vocabulary/index.ts';
import { policyDocument, type PolicyDocument } from '../../../modules/policy.ts';
import { defaultBusArn } from '../../../modules/audit/policies/forwarder.ts';
import { containmentGroups } from './containment-rows.ts';
import { functionGroups } from './function-rows.ts';
import { sourceKeyGroups } from './source-key-rows.ts';
import type { ContextKeys, Principal, World } from './world.ts';

export type Row = readonly [verdict: 'allow' | 'deny', action: string, resource: string, keys?: ContextKeys];

export interface Group {
  readonly promise: string;
  readonly who: Principal;
  /** Endpoint of the isolated network that the requests go through; from outside otherwise. */
  readonly through?: string;
  readonly owner?: string;
  readonly region?: string;
  /** Policy of a resource of somebody's that is not the estate's. */
  readonly resourcePolicy?: PolicyDocument;
  readonly rows: readonly Row[];
}

const OWN = 'CASE-1';
const OTHER = 'CASE-2';
const STRANGER = '999999999999';
const VOLUME = 'vol-0123456789abcdef0';
const ec2 = (place: Place, type: string, id: string, owner = place.account) => `arn:aws:ec2:${place.region}:${owner}:${type}/${id}`;
const snapshot = (place: Place) => `arn:aws:ec2:${place.region}::snapshot/snap-0123456789abcdef0`;

/** An S3 request that makes an object visible, and one that only moves bytes. */
const CREATES = { 's3:ObjectCreationOperation': 'true', 's3:if-none-match': '*' };
const OVERWRITES = { 's3:ObjectCreationOperation': 'true' };
const ADDS_PART = { 's3:ObjectCreationOperation': 'false' };

/** A call for each endpoint that no other group asks through. */
const ENDPOINT_CALLS = [
  ['ssm', 'ssm:DescribeInstanceInformation'],
  ['ssmmessages', 'ssmmessages:CreateControlChannel'],
  ['sts', 'sts:DecodeAuthorizationMessage'],
  ['ebs', 'ebs:ListSnapshotBlocks'],
  ['imagebuilder', 'imagebuilder:ListImages'],
] as const;

/** Everything the estate promises for one forensic account and Region. */
export function matrixOf(world: World, place: Place, members: readonly string[]): readonly Group[] {
  const { account, region } = place;
  const person = (role: ForensicRole, tags: Readonly<Record<string, string>> = { CaseId: OWN }): Principal => ({ arn: roleArn(place, role), tags });
  const responder = person('responder', {});
  const investigator = person('investigator');
  const custodian = person('data-custodian');
  const analyst = person('analyst');
  const breakGlass = person('break-glass', {});
  const workflow = person('workflow', {});
  const workstation = person('workstation', {});
  const collector: Principal = { arn: caseCollectorRoleArn(place, OWN), like: roleArn(place, 'collector'), tags: { CaseId: OWN } };
  const bareCollector = person('collector', {});
  const root: Principal = { arn: `arn:aws:iam::${account}:root` };
  const admin: Principal = { arn: `arn:aws:iam::${account}:role/OrganizationAccountAccessRole` };
  const stranger: Principal = { arn: `arn:aws:iam::${STRANGER}:role/attacker` };
  const firstMember = members[0] ?? '';
  const member: Principal = { arn: memberRoleArn(place, firstMember), tags: { CaseId: OWN } };
  const otherMemberRole: Principal = { arn: `arn:aws:iam::${firstMember}:role/application` };

  const [incoming, active, hold] = [bucketArn(place, 'incoming'), bucketArn(place, 'active'), bucketArn(place, 'legal-hold')];
  const image = (bucket: string, caseId: string) => `${bucket}/${caseId}/disk_evidence/${VOLUME}.image.dd`;
  const manifest = (bucket: string, caseId: string) => `${bucket}/${caseId}/disk_evidence/${VOLUME}.manifest.json`;
  const evidenceKey = world.keyArn('alias/cleanroom-evidence', region, account);
  const transitKey = world.keyArn('alias/cleanroom-transit', region, account);
  const logsKey = world.keyArn('alias/cleanroom-logs', region, account);
  const throughS3 = { 'kms:ViaService': `s3.${region}.amazonaws.com`, 'kms:EncryptionContext:aws:s3:arn': active };
  const throughS3ToIncoming = { ...throughS3, 'kms:EncryptionContext:aws:s3:arn': incoming };
  const throughEc2 = { 'kms:ViaService': `ec2.${region}.amazonaws.com` };
  const forEc2 = { ...throughEc2, 'kms:GrantIsForAWSResource': 'true' };
  const archiveAccount = '100000000003';
  const archive = bucketArn({ ...place, account: archiveAccount }, 'audit-logs');
  const auditKey = world.keyArn('alias/cleanroom-audit', region, archiveAccount);
  const accessLogs = bucketArn(place, 'access-logs');
  const service = (name: string): Principal => ({ arn: `${name}.amazonaws.com` });
  const forUs = (sourceArn: string) => ({ 'aws:SourceAccount': account, 'aws:SourceArn': sourceArn, 'aws:SourceOrgID': world.organizationId });
  const forThem = { 'aws:SourceAccount': STRANGER, 'aws:SourceArn': `arn:aws:cloudtrail:${region}:${STRANGER}:trail/theirs`, 'aws:SourceOrgID': 'o-strangersorg' };
  const open = (resource: string) => policyDocument({ Effect: 'Allow', Principal: '*', Action: '*', Resource: resource });
  const careless = `arn:aws:s3:::cleanroom-scratch-${account}-${region}`;
  const carelessKey = `arn:aws:kms:${region}:${account}:key/00000000-0000-4000-8000-00000000c0de`;
  const instance = ec2(place, 'instance', 'i-0123456789abcdef0');
  const volume = ec2(place, 'volume', VOLUME);
  const subnet = ec2(place, 'subnet', 'subnet-0123456789abcdef0');
  const anything = '*';
  const logs = (name: string) => `arn:aws:logs:${region}:${account}:log-group:${name}:*`;
  const stateMachine = `arn:aws:states:${region}:${account}:stateMachine:cleanroom-acquisition`;
  const trail = `arn:aws:cloudtrail:${region}:${account}:trail/cleanroom-${region}`;
  const topic = `arn:aws:sns:${region}:${account}:cleanroom-alerts`;
  const forwardingRule = `arn:aws:events:ap-southeast-2:${account}:rule/cleanroom-forward`;
  const forwarder = `arn:aws:iam::${account}:role/cleanroom/${forwarderRoleName(place, 'ap-southeast-2')}`;
  const homeBus = defaultBusArn(place);
  /** In the account's first Region, whose alerts hear of what is reported elsewhere. */
  const forwarding: readonly Group[] = JSON.stringify(world.roles.get(forwarder)?.identity ?? []).includes(homeBus) ? [
    {
      promise: 'log-ins and changes in IAM are forwarded by a role that does only that, to one bus',
      who: { arn: forwarder },
      rows: [
        ['allow', 'events:PutEvents', homeBus],
        ['deny', 'events:PutEvents', `arn:aws:events:${region}:${STRANGER}:event-bus/default`],
        ['deny', 'events:PutEvents', `arn:aws:events:${region}:${account}:event-bus/other`],
        ['deny', 'sns:Publish', topic],
      ],
    },
    {
      promise: 'EventBridge puts on the forwarding role for the one rule',
      who: service('events'),
      owner: account,
      rows: [
        ['allow', 'sts:AssumeRole', forwarder, forUs(forwardingRule)],
        ['deny', 'sts:AssumeRole', forwarder, forUs(`arn:aws:events:ap-southeast-2:${account}:rule/another`)],
        ['deny', 'sts:AssumeRole', forwarder, { ...forThem, 'aws:SourceArn': forwardingRule.replace(account, STRANGER) }],
      ],
    },
  ] : [];
  const sealedAdminRows: readonly Row[] = [
    ['deny', 'ec2:CreateInternetGateway', ec2(place, 'internet-gateway', '*')],
    ['deny', 'ec2:AttachInternetGateway', ec2(place, 'vpc', 'vpc-1')],
    ['deny', 'ec2:CreateNatGateway', subnet],
    ['deny', 'ec2:CreateEgressOnlyInternetGateway', ec2(place, 'vpc', 'vpc-1')],
    ['deny', 'ec2:CreateVpcPeeringConnection', ec2(place, 'vpc', 'vpc-1')],
    ['deny', 'ec2:AcceptVpcPeeringConnection', ec2(place, 'vpc', 'vpc-1')],
    ['deny', 'ec2:CreateTransitGatewayVpcAttachment', ec2(place, 'vpc', 'vpc-1')],
    ['deny', 'ec2:CreateVpnGateway', ec2(place, 'vpn-gateway', '*')],
    ['deny', 'ec2:CreateRoute', ec2(place, 'route-table', 'rtb-1')],
    ['deny', 'ec2:ReplaceRoute', ec2(place, 'route-table', 'rtb-1')],
    ['deny', 'ec2:CreateVpc', ec2(place, 'vpc', '*')],
    ['deny', 'ec2:CreateDefaultVpc', anything],
    ['deny', 'ec2:CreateVpcEndpoint', ec2(place, 'vpc', 'vpc-1')],
    ['deny', 'ec2:DeleteVpcEndpoints', ec2(place, 'vpc-endpoint', 'vpce-1')],
    ['deny', 'ec2:ModifyVpcEndpoint', ec2(place, 'vpc-endpoint', 'vpce-1')],
    ['deny', 'ec2:CreateInstanceConnectEndpoint', subnet],
    ['deny', 'ec2:AllocateAddress', ec2(place, 'elastic-ip', '*')],
    ['deny', 'ec2:ModifyVpcBlockPublicAccessOptions', anything],
    ['deny', 'ec2:CreateVpcBlockPublicAccessExclusion', ec2(place, 'vpc', 'vpc-1')],
    ['deny', 'ec2:AuthorizeSecurityGroupEgress', ec2(place, 'security-group', 'sg-1')],
    ['deny', 'ec2:ReplaceNetworkAclEntry', ec2(place, 'network-acl', 'acl-1')],
    ['deny', 'route53resolver:UpdateFirewallConfig', anything],
    ['deny', 'route53resolver:DisassociateFirewallRuleGroup', `arn:aws:route53resolver:${region}:${account}:firewall-rule-group-association/rslvr-1`],
    ['deny', 'ec2:CreateTags', subnet, { 'aws:TagKeys': ['CleanroomPurpose'] }],
    ['deny', 's3:PutBucketPolicy', active],
    ['deny', 's3:DeleteBucketPolicy', active],
    ['deny', 's3:PutBucketVersioning', active],
    ['deny', 's3:PutBucketObjectLockConfiguration', active],
    ['deny', 's3:PutLifecycleConfiguration', active],
    ['deny', 's3:PutReplicationConfiguration', active],
    ['deny', 's3:PutBucketLogging', active],
    ['deny', 's3:DeleteBucket', active],
    ['deny', 'kms:ScheduleKeyDeletion', evidenceKey],
    ['deny', 'kms:DisableKey', evidenceKey],
    ['deny', 'kms:PutKeyPolicy', evidenceKey],
    ['deny', 'kms:DeleteAlias', evidenceKey],
    ['deny', 'cloudtrail:StopLogging', trail],
    ['deny', 'cloudtrail:DeleteTrail', trail],
    ['deny', 'config:StopConfigurationRecorder', anything],
    ['deny', 'logs:DeleteLogGroup', logs('ForensicDiskAudit')],
    ['deny', 'logs:PutRetentionPolicy', logs('ForensicDiskAudit')],
    ['deny', 'logs:PutSubscriptionFilter', logs('ForensicDiskAudit')],
    ['deny', 'events:DisableRule', `arn:aws:events:${region}:${account}:rule/cleanroom-console-login`],
    ['deny', 'events:PutRule', `arn:aws:events:${region}:${account}:rule/cleanroom-console-login`],
    ['deny', 'events:PutTargets', `arn:aws:events:${region}:${account}:rule/cleanroom-console-login`],
    ['deny', 'sns:Subscribe', topic, { 'sns:Protocol': 'email' }],
    ['deny', 'sns:Unsubscribe', anything],
    ['deny', 'ssm:UpdateDocument', `arn:aws:ssm:${region}:${account}:document/SSM-SessionManagerRunShell`],
    ['deny', 'ec2:UnlockSnapshot', snapshot(place)],
    ['deny', 'ec2:DeleteSnapshot', snapshot(place)],
    ['deny', 'ec2:ModifySnapshotAttribute', snapshot(place)],
    ['deny', 'ec2:ModifySnapshotTier', snapshot(place)],
    ['deny', 'ec2:DisableSnapshotBlockPublicAccess', anything],
    ['deny', 'ec2:DisableEbsEncryptionByDefault', anything],
    ['deny', 'ec2:EnableSerialConsoleAccess', anything],
    ['deny', 'iam:CreateUser', `arn:aws:iam::${account}:user/backdoor`],
    ['deny', 'iam:CreateAccessKey', `arn:aws:iam::${account}:user/backdoor`],
    ['deny', 'iam:CreateSAMLProvider', `arn:aws:iam::${account}:saml-provider/evil`],
    ['deny', 'iam:PutRolePolicy', roleArn(place, 'investigator')],
    ['deny', 'iam:UpdateAssumeRolePolicy', roleArn(place, 'break-glass')],
    ['deny', 'iam:CreateRole', roleArn(place, 'break-glass')],
    ['deny', 'iam:CreatePolicyVersion', `arn:aws:iam::${account}:policy/cleanroom/cleanroom-people-boundary-${region}`],
    ['deny', 'organizations:LeaveOrganization', anything],
    ['deny', 'ram:CreateResourceShare', anything],
    ['deny', 'lambda:CreateFunctionUrlConfig', `arn:aws:lambda:${region}:${account}:function:any`],
    ['deny', 'events:CreateApiDestination', `arn:aws:events:${region}:${account}:api-destination/any`],
    ['deny', 'ssm:ModifyDocumentPermission', `arn:aws:ssm:${region}:${account}:document/any`],
    ['deny', 's3:PutObject', 'arn:aws:s3:::somebody-elses-bucket/loot'],
    ['deny', 'sagemaker:CreateNotebookInstance', `arn:aws:sagemaker:${region}:${account}:notebook-instance/any`],
    ['deny', 'ec2:RunInstances', instance, { 'ec2:MetadataHttpTokens': 'optional' }],
    ['deny', 'ec2:RunInstances', ec2(place, 'network-interface', '*'), { 'ec2:AssociatePublicIpAddress': 'true' }],
    ['deny', 'ec2:RunInstances', subnet],
    ['deny', 'ec2:ModifyInstanceMetadataOptions', instance],
    ['deny', 'ec2:CreateTags', snapshot(place), { 'aws:TagKeys': ['CleanroomPurpose'] }],
    ['deny', 'ec2:DeleteSnapshot', snapshot(place), { 'aws:ResourceTag/CleanroomPurpose': 'working-copy' }],
    ['deny', 'iam:PutRolePolicy', caseCollectorRoleArn(place, OWN)],
    ['allow', 'ec2:DescribeInstances', anything],
    ['allow', 'iam:ListRoles', anything],
    ['allow', 'cloudtrail:GetTrailStatus', trail],
    ['allow', 's3:GetBucketPolicy', active],
    ['allow', 'kms:DescribeKey', evidenceKey],
    ['allow', 'route53resolver:GetFirewallConfig', anything],
    ['allow', 'logs:DescribeLogGroups', anything],
  ];

  return [
    {
      promise: 'the collector adds to its own case and does nothing else',
      who: collector,
      through: 's3',
      rows: [
        ['allow', 's3:PutObject', image(active, OWN), CREATES],
        ['allow', 's3:PutObject', image(active, OWN), ADDS_PART],
        ['allow', 's3:PutObject', manifest(active, OWN), CREATES],
        ['allow', 's3:PutObject', image(active, OWN), { ...CREATES, 's3:x-amz-server-side-encryption': 'aws:kms', 's3:x-amz-server-side-encryption-aws-kms-key-id': evidenceKey }],
        ['allow', 's3:ListMultipartUploadParts', image(active, OWN)],
        ['allow', 's3:ListBucketMultipartUploads', active],
        ['allow', 's3:GetBucketVersioning', active],
        ['allow', 's3:GetBucketObjectLockConfiguration', active],
        ['allow', 's3:GetEncryptionConfiguration', active],
        ['deny', 's3:PutObject', image(active, OWN), OVERWRITES],
        ['deny', 's3:PutObject', manifest(active, OWN), OVERWRITES],
        ['deny', 's3:PutObject', image(active, OTHER), CREATES],
        ['deny', 's3:PutObject', image(active, `${OWN}0`), CREATES],
        ['deny', 's3:PutObject', `${active}/${OWN}/case.json`, CREATES],
        ['deny', 's3:PutObject', image(incoming, OWN), CREATES],
        ['deny', 's3:PutObject', image(hold, OWN), CREATES],
        ['deny', 's3:PutObject', image(active, OWN), { ...CREATES, 's3:x-amz-server-side-encryption': 'AES256' }],
        ['deny', 's3:PutObject', image(active, OWN), { ...CREATES, 's3:x-amz-server-side-encryption-aws-kms-key-id': transitKey }],
        ['deny', 's3:PutObject', image(active, OWN), { ...CREATES, 's3:x-amz-server-side-encryption-customer-algorithm': 'AES256' }],
        ['deny', 's3:GetObject', image(active, OWN)],
        ['deny', 's3:GetObject', manifest(active, OWN)],
        ['deny', 's3:ListBucket', active],
        ['deny', 's3:DeleteObject', image(active, OWN)],
        ['deny', 's3:DeleteObjectVersion', image(active, OWN)],
        ['deny', 's3:PutObjectRetention', image(active, OWN)],
        ['deny', 's3:PutObjectLegalHold', image(active, OWN)],
        ['deny', 's3:PutObjectTagging', image(active, OWN)],
        ['deny', 's3:AbortMultipartUpload', image(active, OWN)],
        ['deny', 's3:BypassGovernanceRetention', image(active, OWN)],
        ['deny', 's3:PutObject', 'arn:aws:s3:::somebody-elses-bucket/loot'],
      ],
    },
    {
      promise: 'the collector works from inside the network only',
      who: collector,
      rows: [
        ['deny', 's3:PutObject', image(active, OWN), CREATES],
        ['deny', 's3:PutObject', image(active, OWN), ADDS_PART],
        ['deny', 's3:ListMultipartUploadParts', image(active, OWN)],
        ['deny', 's3:PutObject', image(active, OWN), { ...CREATES, 'aws:SourceVpce': 'vpce-0ffffffffffffffff' }],
      ],
    },
    {
      promise: 'the collector encrypts through S3 and through nothing else',
      who: collector,
      through: 'kms',
      rows: [
        ['allow', 'kms:GenerateDataKey', evidenceKey, throughS3],
        ['allow', 'kms:Decrypt', evidenceKey, throughS3],
        ['deny', 'kms:GenerateDataKey', evidenceKey],
        ['deny', 'kms:Decrypt', evidenceKey],
        ['deny', 'kms:Decrypt', evidenceKey, throughEc2],
        ['deny', 'kms:GenerateDataKey', transitKey, throughS3],
        ['deny', 'kms:CreateGrant', evidenceKey, forEc2],
        ['deny', 'kms:ScheduleKeyDeletion', evidenceKey],
      ],
    },
    {
      promise: 'the collector reports to its own log groups',
      who: collector,
      through: 'logs',
      rows: [
        ['allow', 'logs:PutLogEvents', logs(logGroupName('capture')).replace(':*', ':log-stream:collector')],
        ['allow', 'logs:CreateLogStream', logs(logGroupName('audit'))],
        ['deny', 'logs:GetLogEvents', logs(logGroupName('audit')).replace(':*', ':log-stream:collector')],
        ['deny', 'logs:PutLogEvents', logs(infrastructureLogGroup(place, 'flow')).replace(':*', ':log-stream:any')],
        ['deny', 'logs:DeleteLogGroup', logs(logGroupName('capture'))],
        ['deny', 'logs:PutRetentionPolicy', logs(logGroupName('capture'))],
      ],
    },
    {
      promise: 'a collector without a case stores nothing',
      who: bareCollector,
      through: 's3',
      rows: [
        ['deny', 's3:PutObject', image(active, OWN), CREATES],
        ['deny', 's3:PutObject', `${active}//disk_evidence/x`, CREATES],
        ['deny', 's3:PutObject', `${active}/\${aws:PrincipalTag/CaseId}/disk_evidence/x`, CREATES],
      ],
    },
    {
      promise: 'the investigator reads its own case from inside, and writes nothing',
      who: investigator,
      through: 's3',
      rows: [
        ['allow', 's3:GetObject', image(active, OWN)],
        ['allow', 's3:GetObjectVersion', image(active, OWN)],
        ['allow', 's3:GetObjectAttributes', image(active, OWN)],
        ['allow', 's3:GetObjectRetention', image(active, OWN)],
        ['allow', 's3:GetObject', manifest(active, OWN)],
        ['allow', 's3:GetObject', image(hold, OWN)],
        ['allow', 's3:ListBucket', active, { 's3:prefix': `${OWN}/` }],
        ['allow', 's3:ListBucketVersions', active, { 's3:prefix': `${OWN}/disk_evidence/` }],
        ['deny', 's3:GetObject', image(active, OTHER)],
        ['deny', 's3:GetObject', image(incoming, OWN)],
        ['deny', 's3:ListBucket', active],
        ['deny', 's3:ListBucket', active, { 's3:prefix': `${OTHER}/` }],
        ['deny', 's3:PutObject', image(active, OWN), CREATES],
        ['deny', 's3:PutObject', image(active, OWN), OVERWRITES],
        ['deny', 's3:PutObject', `${active}/${OWN}/notes.txt`, CREATES],
        ['deny', 's3:DeleteObject', image(active, OWN)],
        ['deny', 's3:DeleteObjectVersion', image(active, OWN)],
        ['deny', 's3:PutObjectRetention', image(active, OWN)],
        ['deny', 's3:PutObjectLegalHold', image(active, OWN)],
        ['deny', 's3:PutBucketPolicy', active],
        ['deny', 's3:BypassGovernanceRetention', image(active, OWN)],
        ['deny', 's3:GetObject', 'arn:aws:s3:::somebody-elses-bucket/tool'],
      ],
    },
    {
      promise: 'the investigator reads nothing from outside, over old TLS, or in plain text',
      who: investigator,
      rows: [
        ['deny', 's3:GetObject', image(active, OWN)],
        ['deny', 's3:ListBucket', active, { 's3:prefix': `${OWN}/` }],
        ['deny', 's3:GetObject', image(active, OWN), { 'aws:SourceVpce': 'vpce-0ffffffffffffffff' }],
        ['deny', 's3:GetObject', image(active, OWN), { 'aws:SourceVpce': 'vpce-0a1b2c3d4e5f60718', 's3:TlsVersion': '1.1' }],
        ['deny', 's3:GetObject', image(active, OWN), { 'aws:SourceVpce': 'vpce-0a1b2c3d4e5f60718', 'aws:SecureTransport': 'false', 's3:TlsVersion': undefined }],
      ],
    },
    {
      promise: 'the investigator decrypts through S3 and opens logged sessions on its own case\'s instances',
      who: investigator,
      rows: [
        ['allow', 'kms:Decrypt', evidenceKey, throughS3],
        ['deny', 'kms:Decrypt', evidenceKey],
        ['deny', 'kms:GenerateDataKey', evidenceKey, throughS3],
        ['deny', 'kms:Decrypt', transitKey, throughS3],
        ['allow', 'ssm:StartSession', instance, { 'ssm:resourceTag/CleanroomPurpose': 'analysis', 'ssm:resourceTag/CaseId': OWN, 'ssm:SessionDocumentAccessCheck': 'true' }],
        ['deny', 'ssm:StartSession', instance, { 'ssm:resourceTag/CleanroomPurpose': 'analysis', 'ssm:resourceTag/CaseId': OTHER, 'ssm:SessionDocumentAccessCheck': 'true' }],
        ['deny', 'ssm:StartSession', instance, { 'ssm:resourceTag/CleanroomPurpose': 'collector', 'ssm:resourceTag/CaseId': OWN, 'ssm:SessionDocumentAccessCheck': 'true' }],
        ['deny', 'ssm:StartSession', instance, { 'ssm:resourceTag/CleanroomPurpose': 'analysis', 'ssm:resourceTag/CaseId': OWN, 'ssm:SessionDocumentAccessCheck': 'false' }],
        ['allow', 'ssm:StartSession', `arn:aws:ssm:${region}:${account}:document/SSM-SessionManagerRunShell`],
        ['deny', 'ssm:StartSession', `arn:aws:ssm:${region}:${account}:document/AWS-StartSSHSession`],
        ['deny', 'ssm:StartSession', `arn:aws:ssm:${region}:${account}:document/AWS-StartPortForwardingSession`],
        ['deny', 'ssm:StartSession', `arn:aws:ssm:${region}:${account}:document/AWS-StartPortForwardingSessionToRemoteHost`],
        ['allow', 'ssm:TerminateSession', `arn:aws:ssm:${region}:${account}:session/AROAEXAMPLEEXAMPLE123:session-0123`],
        ['deny', 'ssm:TerminateSession', `arn:aws:ssm:${region}:${account}:session/AROASOMEBODYELSE12345:other-0123`],
        ['allow', 'kms:GenerateDataKey', logsKey],
        ['allow', 'ssm:DescribeSessions', anything],
        ['deny', 'kms:Decrypt', logsKey],
        ['deny', 'ssm:SendCommand', instance],
        ['deny', 'ec2:RunInstances', instance, { 'ec2:MetadataHttpTokens': 'required' }],
        ['deny', 'ec2:CreateSnapshot', volume],
        ['deny', 'iam:PassRole', roleArn(place, 'workstation'), { 'iam:PassedToService': 'ec2.amazonaws.com' }],
        ['deny', 'sts:AssumeRole', memberRoleArn(place, firstMember), { 'sts:ExternalId': 'example-external-id-shop' }],
      ],
    },
    {
      promise: 'the responder runs cases and reads records, never an image',
      who: responder,
      rows: [
        ['allow', 'states:ListExecutions', stateMachine],
        ['allow', 'lambda:InvokeFunction', functionArn(place, 'open-case')],
        ['allow', 'lambda:InvokeFunction', functionArn(place, 'release')],
        ['allow', 'states:StopExecution', `arn:aws:states:${region}:${account}:execution:cleanroom-acquisition:one`],
        ['allow', 'states:SendTaskSuccess', anything],
        ['allow', 'states:DescribeExecution', `arn:aws:states:${region}:${account}:execution:cleanroom-acquisition:one`],
        ['allow', 's3:GetObject', `${active}/${OWN}/case.json`],
        ['allow', 's3:GetObject', `${active}/${OWN}/instance/i-0123456789abcdef0/acquisition.json`],
        ['allow', 's3:GetObject', manifest(active, OWN)],
        ['allow', 's3:ListBucket', active],
        ['allow', 'kms:Decrypt', evidenceKey, throughS3],
        ['allow', 'logs:FilterLogEvents', logs(logGroupName('audit'))],
        ['allow', 'ec2:DescribeSnapshots', anything],
        ['deny', 's3:GetObject', image(active, OWN)],
        ['deny', 's3:PutObject', `${active}/${OWN}/case.json`, CREATES],
        ['deny', 's3:DeleteObjectVersion', manifest(active, OWN)],
        ['deny', 'states:DeleteStateMachine', stateMachine],
        ['deny', 'states:UpdateStateMachine', stateMachine],
        ['deny', 'states:StartExecution', stateMachine],
        ['deny', 'lambda:InvokeFunction', functionArn(place, 'record')],
        ['deny', 's3:GetObject', `${active}/${OWN}/instance/i-0123456789abcdef0/console.jpg`],
        ['deny', 'ssm:StartSession', instance, { 'ssm:resourceTag/CleanroomPurpose': 'analysis', 'ssm:SessionDocumentAccessCheck': 'true' }],
        ['deny', 'ec2:TerminateInstances', instance],
        ['deny', 'sts:AssumeRole', memberRoleArn(place, firstMember), { 'sts:ExternalId': 'example-external-id-shop' }],
      ],
    },
    {
      promise: 'the analyst reads what surrounds an image, never the image',
      who: analyst,
      rows: [
        ['allow', 's3:GetObject', manifest(active, OWN)],
        ['allow', 's3:GetObject', `${active}/${OWN}/instance/i-0123456789abcdef0/console.txt`],
        ['allow', 's3:GetObject', `${active}/${OWN}/disk_evidence/${VOLUME}.custody.jsonl`],
        ['allow', 's3:ListBucket', active, { 's3:prefix': `${OWN}/disk_evidence/` }],
        ['allow', 'kms:Decrypt', evidenceKey, throughS3],
        ['allow', 'logs:StartQuery', logs(infrastructureLogGroup(place, 'flow'))],
        ['allow', 'cloudwatch:GetMetricData', anything],
        ['allow', 'logs:GetLogEvents', logs(logGroupName('audit')).replace(':*', ':log-stream:collector')],
        ['deny', 's3:GetObject', image(active, OWN)],
        ['deny', 's3:GetObjectVersion', image(active, OWN)],
        ['deny', 's3:GetObject', `${image(active, OWN)}.003`],
        ['deny', 's3:GetObject', manifest(active, OTHER)],
        ['deny', 's3:GetObject', manifest(hold, OWN)],
        ['deny', 's3:PutObject', `${active}/${OWN}/notes.txt`, CREATES],
        ['deny', 'ssm:StartSession', instance, { 'ssm:resourceTag/CleanroomPurpose': 'analysis', 'ssm:resourceTag/CaseId': OWN, 'ssm:SessionDocumentAccessCheck': 'true' }],
        ['deny', 'logs:GetLogEvents', logs(infrastructureLogGroup(place, 'sessions')).replace(':*', ':log-stream:x')],
        ['deny', 'states:StartExecution', stateMachine],
      ],
    },
    {
      promise: 'the data custodian admits, extends and holds evidence, but shortens and deletes nothing',
      who: custodian,
      rows: [
        ['allow', 's3:GetObject', image(incoming, OWN)],
        ['allow', 's3:GetObject', image(active, OWN)],
        ['allow', 's3:GetObjectVersion', image(hold, OWN)],
        ['allow', 's3:ListBucketVersions', hold],
        ['allow', 's3:PutObject', image(active, OWN), CREATES],
        ['allow', 's3:PutObject', image(hold, OWN), CREATES],
        ['allow', 's3:PutObjectLegalHold', image(active, OWN)],
        ['allow', 's3:PutObjectRetention', image(active, OWN), { 's3:object-lock-remaining-retention-days': '3650' }],
        ['allow', 'kms:Decrypt', evidenceKey, throughS3],
        ['allow', 'kms:GenerateDataKey', evidenceKey, throughS3],
        ['deny', 's3:PutObject', image(incoming, OWN), CREATES],
        ['deny', 's3:PutObject', image(hold, OWN), OVERWRITES],
        ['deny', 's3:PutObjectRetention', image(active, OWN), { 's3:object-lock-remaining-retention-days': '0' }],
        ['deny', 's3:BypassGovernanceRetention', image(incoming, OWN)],
        ['deny', 's3:DeleteObject', image(active, OWN)],
        ['deny', 's3:DeleteObjectVersion', image(active, OWN)],
        ['deny', 's3:DeleteObjectVersion', image(incoming, OWN)],
        ['deny', 's3:PutBucketPolicy', active],
        ['deny', 's3:PutBucketObjectLockConfiguration', active],
        ['deny', 'kms:Decrypt', evidenceKey],
        ['deny', 'kms:PutKeyPolicy', evidenceKey],
        ['deny', 'kms:ScheduleKeyDeletion', evidenceKey],
        ['deny', 'ssm:StartSession', instance, { 'ssm:resourceTag/CleanroomPurpose': 'analysis', 'ssm:resourceTag/CaseId': OWN, 'ssm:SessionDocumentAccessCheck': 'true' }],
        ['deny', 'ec2:DeleteSnapshot', snapshot(place), { 'aws:ResourceTag/CleanroomPurpose': 'working-copy' }],
      ],
    },
    {
      promise: 'the workflow images, verifies and tidies up after itself in a sealed account',
      who: workflow,
      rows: [
        ['allow', 'sts:AssumeRole', memberRoleArn(place, firstMember), { 'sts:ExternalId': stateMachineArn(place) }],
        ['allow', 'sts:AssumeRole', memberRoleArn(place, firstMember), { 'sts:ExternalId': `${stateMachineArn(place)}/Volumes` }],
        ['allow', 'lambda:InvokeFunction', functionArn(place, 'preflight')],
        ['deny', 'lambda:InvokeFunction', functionArn(place, 'release')],
        ['allow', 'sns:Publish', topic],
        ['allow', 'kms:GenerateDataKey', logsKey, { 'kms:ViaService': `sns.${region}.amazonaws.com` }],
        ['allow', 'states:StartExecution', stateMachineArn(place)],
        ['allow', 'states:DescribeExecution', `${stateMachineArn(place).replace(':stateMachine:', ':execution:')}/Volumes:one`],
        ['deny', 'states:StopExecution', `arn:aws:states:${region}:${account}:execution:other:one`],
        ['allow', 'logs:FilterLogEvents', `${logs('ForensicDiskReadiness')}:*`],
        ['allow', 'logs:PutLogEvents', `${logs('ForensicDiskAudit')}:*`],
        ['deny', 'logs:PutLogEvents', `${logs('ForensicDiskCapture')}:*`],
        ['allow', 'logs:CreateLogDelivery', anything],
        ['allow', 's3:ListBucket', active, { 's3:prefix': `${OWN}/disk_evidence/vol-0123456789abcdef0.manifest.json` }],
        ['deny', 's3:ListBucket', active, { 's3:prefix': OWN }],
        ['deny', 's3:PutObject', `${active}/${OWN}/instance/i-0123456789abcdef0/metadata.json`, CREATES],
        ['allow', 'ec2:CopySnapshot', snapshot(place)],
        ['allow', 'ec2:LockSnapshot', snapshot(place)],
        ['allow', 'ec2:CreateVolume', volume],
        ['allow', 'ec2:CreateTags', snapshot(place), { 'ec2:CreateAction': 'CopySnapshot', 'aws:TagKeys': ['CaseId', 'CleanroomPurpose'] }],
        ['allow', 'ec2:CreateTags', volume, { 'ec2:CreateAction': 'CreateVolume', 'aws:TagKeys': ['CaseId'] }],
        ['allow', 'ec2:RunInstances', instance, { 'ec2:MetadataHttpTokens': 'required' }],
        ['allow', 'ec2:RunInstances', ec2(place, 'network-interface', '*'), { 'ec2:AssociatePublicIpAddress': 'false' }],
        ['allow', 'ec2:RunInstances', subnet, { 'aws:ResourceTag/CleanroomPurpose': 'collector' }],
        ['allow', 'ec2:RunInstances', ec2(place, 'security-group', 'sg-1')],
        ['allow', 'ec2:RunInstances', ec2(place, 'volume', '*'), { 'ec2:Encrypted': 'true' }],
        ['allow', 'ec2:RunInstances', `arn:aws:ec2:${region}::image/ami-0123456789abcdef0`],
        ['allow', 'ec2:CreateVolume', snapshot(place)],
        ['allow', 'ec2:AttachVolume', instance, { 'aws:ResourceTag/CleanroomPurpose': 'collector' }],
        ['allow', 'ec2:AttachVolume', volume, { 'aws:ResourceTag/CleanroomPurpose': 'collector' }],
        ['allow', 'ec2:TerminateInstances', instance, { 'aws:ResourceTag/CleanroomPurpose': 'collector' }],
        ['allow', 'ec2:DeleteVolume', volume, { 'aws:ResourceTag/CleanroomPurpose': 'collector' }],
        ['deny', 'ec2:DeleteSnapshot', snapshot(place), { 'aws:ResourceTag/CleanroomPurpose': 'working-copy' }],
        ['allow', 'iam:CreateRole', caseCollectorRoleArn(place, OWN), { 'iam:PermissionsBoundary': `arn:aws:iam::${account}:policy/cleanroom/cleanroom-pipeline-boundary-${region}` }],
        ['allow', 'iam:TagRole', caseCollectorRoleArn(place, OWN)],
        ['allow', 'iam:AttachRolePolicy', caseCollectorRoleArn(place, OWN), { 'iam:PolicyARN': `arn:aws:iam::${account}:policy/cleanroom/cleanroom-collector-${region}` }],
        ['allow', 'iam:PassRole', caseCollectorRoleArn(place, OWN), { 'iam:PassedToService': 'ec2.amazonaws.com' }],
        ['allow', 'iam:DeleteRole', caseCollectorRoleArn(place, OWN)],
        ['allow', 'iam:AddRoleToInstanceProfile', `arn:aws:iam::${account}:instance-profile/cleanroom/case/cleanroom-collector-${region}-${OWN}`],
        ['allow', 'ec2:DescribeSnapshots', anything],
        ['deny', 'iam:AddRoleToInstanceProfile', `arn:aws:iam::${account}:instance-profile/other`],
        ['allow', 'kms:ReEncryptFrom', transitKey, throughEc2],
        ['allow', 'kms:Decrypt', transitKey, throughEc2],
        ['allow', 'kms:ReEncryptTo', evidenceKey, throughEc2],
        ['allow', 'kms:CreateGrant', evidenceKey, forEc2],
        ['allow', 'kms:GenerateDataKeyWithoutPlaintext', evidenceKey, throughEc2],
        ['deny', 'kms:GenerateDataKey', evidenceKey, throughS3],
        ['deny', 's3:PutObject', `${active}/${OWN}/case.json`, CREATES],
        ['deny', 's3:PutObject', `${active}/${OWN}/event.json`, CREATES],
        ['deny', 's3:PutObject', `${active}/${OWN}/instance/i-0123456789abcdef0/console.jpg`, CREATES],
        ['deny', 's3:GetObject', manifest(active, OWN)],
        ['deny', 's3:PutObject', image(active, OWN), CREATES],
        ['deny', 's3:PutObject', manifest(active, OWN), CREATES],
        ['deny', 's3:DeleteObject', `${active}/${OWN}/case.json`],
        ['deny', 's3:DeleteObjectVersion', image(active, OWN)],
        ['deny', 'ec2:DeleteSnapshot', snapshot(place)],
        ['deny', 'ec2:DeleteSnapshot', snapshot(place), { 'aws:ResourceTag/CleanroomPurpose': 'evidence' }],
        ['deny', 'ec2:CreateTags', snapshot(place), { 'aws:TagKeys': ['CleanroomPurpose'] }],
        ['deny', 'ec2:UnlockSnapshot', snapshot(place)],
        ['deny', 'ec2:ModifySnapshotAttribute', snapshot(place)],
        ['deny', 'ec2:TerminateInstances', instance, { 'aws:ResourceTag/CleanroomPurpose': 'analysis' }],
        ['deny', 'ec2:RunInstances', instance, { 'ec2:MetadataHttpTokens': 'optional' }],
        ['deny', 'ec2:RunInstances', instance],
        ['deny', 'ec2:RunInstances', ec2(place, 'network-interface', '*'), { 'ec2:AssociatePublicIpAddress': 'true' }],
        ['deny', 'ec2:RunInstances', subnet],
        ['deny', 'ec2:RunInstances', subnet, { 'aws:ResourceTag/CleanroomPurpose': 'endpoints' }],
        ['deny', 'iam:CreateRole', caseCollectorRoleArn(place, OWN)],
        ['deny', 'iam:CreateRole', roleArn(place, 'break-glass'), { 'iam:PermissionsBoundary': `arn:aws:iam::${account}:policy/cleanroom/cleanroom-pipeline-boundary-${region}` }],
        ['deny', 'iam:AttachRolePolicy', caseCollectorRoleArn(place, OWN), { 'iam:PolicyARN': 'arn:aws:iam::aws:policy/AdministratorAccess' }],
        ['deny', 'iam:PutRolePolicy', caseCollectorRoleArn(place, OWN)],
        ['deny', 'iam:PassRole', roleArn(place, 'break-glass'), { 'iam:PassedToService': 'ec2.amazonaws.com' }],
        ['deny', 'iam:PassRole', caseCollectorRoleArn(place, OWN), { 'iam:PassedToService': 'lambda.amazonaws.com' }],
        ['deny', 'kms:CreateGrant', evidenceKey, { ...throughEc2, 'kms:GrantIsForAWSResource': 'false' }],
        ['deny', 'kms:Decrypt', evidenceKey],
        ['deny', 'sts:AssumeRole', `arn:aws:iam::${firstMember}:role/OrganizationAccountAccessRole`],
      ],
    },
    {
      promise: 'an analysis instance answers Session Manager and keeps the transcripts',
      who: workstation,
      rows: [
        ['allow', 'ssmmessages:OpenDataChannel', anything],
        ['allow', 'ssm:UpdateInstanceInformation', instance],
        ['allow', 's3:PutObject', `${archive}/sessions/${account}/one.log`],
        ['allow', 's3:PutObjectAcl', `${archive}/sessions/${account}/one.log`],
        ['deny', 's3:PutObjectAcl', image(active, OWN)],
        ['allow', 's3:GetEncryptionConfiguration', archive],
        ['allow', 'kms:Decrypt', logsKey],
        ['allow', 'kms:GenerateDataKey', auditKey, { 'kms:ViaService': `s3.${region}.amazonaws.com` }],
        ['allow', 'logs:CreateLogStream', logs(infrastructureLogGroup(place, 'sessions'))],
        ['deny', 'kms:Decrypt', auditKey, { 'kms:ViaService': `s3.${region}.amazonaws.com` }],
        ['deny', 'kms:GenerateDataKey', auditKey],
        ['deny', 'logs:CreateLogStream', logs(infrastructureLogGroup(place, 'flow'))],
        ['deny', 's3:PutObject', `${archive}/sessions/100000000099/one.log`],
        ['deny', 's3:PutObject', `${archive}/trail/forged.json.gz`],
        ['deny', 's3:GetObject', `${archive}/sessions/${account}/one.log`],
        ['deny', 's3:GetObject', image(active, OWN)],
        ['deny', 's3:PutObject', image(active, OWN), CREATES],
        ['deny', 'sts:AssumeRole', roleArn(place, 'investigator'), { 'aws:MultiFactorAuthPresent': 'false' }],
      ],
    },
    {
      promise: 'break-glass repairs, and still cannot touch a locked version',
      who: breakGlass,
      rows: [
        ['allow', 's3:PutBucketPolicy', active],
        ['allow', 's3:DeleteObject', image(active, OWN)],
        ['allow', 'ec2:CreateRoute', ec2(place, 'route-table', 'rtb-1')],
        ['allow', 'ec2:DeleteVpcEndpoints', ec2(place, 'vpc-endpoint', 'vpce-1')],
        ['allow', 'cloudtrail:UpdateTrail', trail],
        ['allow', 'logs:PutRetentionPolicy', logs('ForensicDiskAudit')],
        ['allow', 'iam:PutRolePolicy', roleArn(place, 'workflow')],
        ['allow', 's3:GetObject', image(active, OWN)],
        ['allow', 'kms:Decrypt', evidenceKey, throughS3],
        ['allow', 's3:PutObjectLegalHold', image(active, OWN)],
        ['allow', 'route53resolver:UpdateFirewallConfig', anything],
        ['allow', 'ssm:UpdateDocument', `arn:aws:ssm:${region}:${account}:document/SSM-SessionManagerRunShell`],
        ['deny', 's3:DeleteObjectVersion', image(active, OWN)],
        ['deny', 's3:BypassGovernanceRetention', image(active, OWN)],
        ['deny', 'kms:ScheduleKeyDeletion', evidenceKey],
        ['deny', 'ec2:UnlockSnapshot', snapshot(place)],
        ['deny', 'ec2:DeleteSnapshot', snapshot(place)],
        ['deny', 'iam:CreateAccessKey', `arn:aws:iam::${account}:user/backdoor`],
        ['deny', 'organizations:LeaveOrganization', anything],
        ['deny', 'ssm:StartSession', `arn:aws:ssm:${region}:${account}:document/AWS-StartSSHSession`],
        ['deny', 'ec2:RunInstances', instance, { 'ec2:MetadataHttpTokens': 'optional' }],
        ['deny', 'ec2:DescribeInstances', anything, { 'aws:RequestedRegion': 'ap-southeast-2' }],
      ],
    },
    {
      promise: 'root is shut out',
      who: root,
      rows: [
        ['deny', 's3:DeleteBucketPolicy', active],
        ['deny', 's3:GetObject', image(active, OWN)],
        ['deny', 's3:DeleteObjectVersion', image(active, OWN)],
        ['deny', 'kms:ScheduleKeyDeletion', evidenceKey],
        ['deny', 'iam:CreateUser', `arn:aws:iam::${account}:user/backdoor`],
        ['deny', 'ec2:DescribeInstances', anything],
        ['deny', 'ec2:CreateInternetGateway', ec2(place, 'internet-gateway', '*')],
        ['deny', 'cloudtrail:StopLogging', trail],
        ['deny', 'sts:AssumeRole', roleArn(place, 'break-glass')],
      ],
    },
    { promise: 'a sealed account\'s administrator looks, and changes nothing that guards it', who: admin, rows: sealedAdminRows },
    {
      promise: 'key administrators administer without using: they decrypt nothing',
      who: admin,
      rows: [
        ['deny', 'kms:Decrypt', evidenceKey, throughS3],
        ['deny', 'kms:GenerateDataKey', evidenceKey, throughS3],
        ['deny', 'kms:Decrypt', transitKey, throughEc2],
        ['deny', 'kms:CreateGrant', evidenceKey, { 'kms:GrantIsForAWSResource': 'false' }],
        ['deny', 's3:DeleteObjectVersion', image(active, OWN)],
        ['deny', 's3:BypassGovernanceRetention', image(incoming, OWN)],
        ['deny', 's3:GetObject', image(active, OWN)],
        ['allow', 'kms:GetKeyPolicy', evidenceKey],
        ['allow', 'kms:ListGrants', evidenceKey],
        ['allow', 'kms:EnableKeyRotation', evidenceKey],
        ['allow', 'kms:DescribeKey', logsKey],
      ],
    },
    {
      promise: 'accounts stay in the Regions they were given',
      who: admin,
      region: 'ap-southeast-2',
      rows: [
        ['deny', 'ec2:DescribeInstances', anything],
        ['deny', 'ec2:RunInstances', `arn:aws:ec2:ap-southeast-2:${account}:instance/i-1`, { 'ec2:MetadataHttpTokens': 'required' }],
        ['deny', 's3:CreateBucket', 'arn:aws:s3:::elsewhere'],
        ['deny', 'kms:CreateKey', anything],
        ['allow', 'iam:ListRoles', anything],
        ['allow', 'sts:GetCallerIdentity', anything],
        // The rule that forwards log-ins from there can be planned, and not be changed.
        ['allow', 'events:DescribeRule', forwardingRule],
        ['allow', 'events:ListTargetsByRule', forwardingRule],
        ['allow', 'events:ListTagsForResource', forwardingRule],
        ['deny', 'events:PutRule', forwardingRule],
        ['deny', 'events:DisableRule', forwardingRule],
        ['deny', 'events:PutEvents', `arn:aws:events:ap-southeast-2:${account}:event-bus/default`],
      ],
    },
    ...forwarding,
    {
      promise: 'strangers get nothing, whatever their own policies say',
      who: stranger,
      rows: [
        ['deny', 's3:GetObject', image(active, OWN)],
        ['deny', 's3:PutObject', image(incoming, OWN), CREATES],
        ['deny', 's3:ListBucket', active],
        ['deny', 's3:DeleteBucket', active],
        ['deny', 'kms:Decrypt', evidenceKey, throughS3],
        ['deny', 'kms:Decrypt', transitKey, throughEc2],
        ['deny', 'kms:CreateGrant', transitKey, forEc2],
        ['deny', 'sts:AssumeRole', roleArn(place, 'investigator'), { 'aws:MultiFactorAuthPresent': 'true', 'aws:RequestTag/CaseId': OWN }],
        ['deny', 'sts:AssumeRole', roleArn(place, 'break-glass'), { 'aws:MultiFactorAuthPresent': 'true' }],
        ['deny', 'sts:AssumeRole', memberRoleArn(place, firstMember), { 'sts:ExternalId': 'example-external-id-shop', 'aws:RequestTag/CaseId': OWN }],
      ],
    },
    {
      promise: 'the acquisition role looks, protects, snapshots and shares, and destroys nothing',
      who: member,
      owner: firstMember,
      rows: [
        ['allow', 'ec2:DescribeInstances', anything],
        ['allow', 'ec2:GetConsoleScreenshot', ec2(place, 'instance', 'i-1', firstMember)],
        ['allow', 'ec2:GetConsoleOutput', ec2(place, 'instance', 'i-1', firstMember)],
        ['allow', 'ec2:ModifyInstanceAttribute', ec2(place, 'instance', 'i-1', firstMember), { 'ec2:Attribute': 'DisableApiTermination' }],
        ['allow', 'ec2:ModifyInstanceAttribute', ec2(place, 'instance', 'i-1', firstMember), { 'ec2:Attribute': 'InstanceInitiatedShutdownBehavior' }],
        ['deny', 'ec2:CreateTags', ec2(place, 'instance', 'i-1', firstMember), { 'aws:TagKeys': ['CaseId'] }],
        ['allow', 'autoscaling:EnterStandby', `arn:aws:autoscaling:${region}:${firstMember}:autoScalingGroup:0:autoScalingGroupName/web`],
        ['allow', 'elasticloadbalancing:DeregisterTargets', `arn:aws:elasticloadbalancing:${region}:${firstMember}:targetgroup/web/0`],
        ['allow', 'elasticloadbalancing:DeregisterInstancesFromLoadBalancer', `arn:aws:elasticloadbalancing:${region}:${firstMember}:loadbalancer/web`],
        ['deny', 'elasticloadbalancing:DeleteLoadBalancer', `arn:aws:elasticloadbalancing:${region}:${firstMember}:loadbalancer/web`],
        ['deny', 'autoscaling:TerminateInstanceInAutoScalingGroup', `arn:aws:autoscaling:${region}:${firstMember}:autoScalingGroup:0:autoScalingGroupName/web`],
        ['allow', 'securityhub:BatchUpdateFindings', `arn:aws:securityhub:${region}:${firstMember}:hub/default`],
        ['allow', 'ec2:DeleteSnapshot', snapshot(place), { 'aws:ResourceTag/CleanroomPurpose': 'working-copy', 'aws:ResourceTag/CaseId': OWN }],
        ['deny', 'ec2:DeleteSnapshot', snapshot(place), { 'aws:ResourceTag/CleanroomPurpose': 'evidence', 'aws:ResourceTag/CaseId': OWN }],
        ['deny', 'ec2:DeleteSnapshot', snapshot(place), { 'aws:ResourceTag/CleanroomPurpose': 'working-copy' }],
        ['allow', 'ec2:CreateSecurityGroup', ec2(place, 'vpc', 'vpc-1', firstMember)],
        ['allow', 'ec2:CreateTags', ec2(place, 'security-group', 'sg-1', firstMember), { 'ec2:CreateAction': 'CreateSecurityGroup', 'aws:TagKeys': ['CaseId'] }],
        ['allow', 'ec2:RevokeSecurityGroupEgress', ec2(place, 'security-group', 'sg-1', firstMember), { 'aws:ResourceTag/CaseId': OWN }],
        ['deny', 'ec2:RevokeSecurityGroupEgress', ec2(place, 'security-group', 'sg-2', firstMember)],
        ['deny', 'ec2:DeleteSecurityGroup', ec2(place, 'security-group', 'sg-1', firstMember), { 'aws:ResourceTag/CaseId': OWN }],
        ['allow', 'ec2:CreateSnapshots', ec2(place, 'instance', 'i-1', firstMember)],
        ['allow', 'ec2:CreateSnapshots', snapshot(place), { 'aws:RequestTag/CaseId': OWN, 'aws:TagKeys': ['CaseId'] }],
        ['allow', 'ec2:CopySnapshot', snapshot(place), { 'aws:RequestTag/CaseId': OWN, 'aws:TagKeys': ['CaseId'] }],
        ['allow', 'ec2:CreateTags', snapshot(place), { 'ec2:CreateAction': 'CreateSnapshots', 'aws:TagKeys': ['CaseId'] }],
        ['allow', 'ec2:ModifySnapshotAttribute', snapshot(place), { 'ec2:Add/userId': account, 'aws:ResourceTag/CaseId': OWN }],
        ['allow', 'ec2:CopySnapshot', snapshot(place), { 'ec2:Owner': firstMember }],
        ['allow', 'ec2:ModifyInstanceAttribute', ec2(place, 'instance', 'i-1', firstMember), { 'ec2:Attribute': 'BlockDeviceMapping' }],
        ['allow', 'ec2:ModifyInstanceAttribute', ec2(place, 'instance', 'i-1', firstMember), { 'ec2:Attribute': 'blockDeviceMapping' }],
        ['allow', 'ec2:ModifyInstanceAttribute', ec2(place, 'volume', VOLUME, firstMember)],
        ['allow', 'ec2:DescribeInstanceAttribute', ec2(place, 'instance', 'i-1', firstMember)],
        ['allow', 'ec2:CreateSnapshots', ec2(place, 'volume', VOLUME, firstMember)],
        ['allow', 'ec2:CreateSecurityGroup', ec2(place, 'security-group', '*', firstMember), { 'aws:RequestTag/CaseId': OWN, 'aws:TagKeys': ['CaseId'] }],
        ['allow', 'ec2:AuthorizeSecurityGroupIngress', ec2(place, 'security-group', 'sg-1', firstMember), { 'aws:ResourceTag/CaseId': OWN }],
        ['allow', 'ec2:AuthorizeSecurityGroupEgress', ec2(place, 'security-group', 'sg-1', firstMember), { 'aws:ResourceTag/CaseId': OWN }],
        ['deny', 'ec2:AuthorizeSecurityGroupIngress', ec2(place, 'security-group', 'sg-2', firstMember)],
        ['allow', 'ec2:ModifyNetworkInterfaceAttribute', ec2(place, 'network-interface', 'eni-1', firstMember), { 'ec2:Attribute': 'GroupSet' }],
        ['allow', 'ec2:ModifyNetworkInterfaceAttribute', ec2(place, 'network-interface', 'eni-1', firstMember), { 'ec2:Attribute': 'groupSet' }],
        ['allow', 'ec2:ModifyNetworkInterfaceAttribute', ec2(place, 'network-interface', 'eni-1', firstMember)],
        ['allow', 'ec2:ModifyNetworkInterfaceAttribute', ec2(place, 'instance', 'i-1', firstMember)],
        ['allow', 'ec2:ModifyNetworkInterfaceAttribute', ec2(place, 'security-group', 'sg-1', firstMember), { 'aws:ResourceTag/CaseId': OWN }],
        ['allow', 'ec2:ModifyNetworkInterfaceAttribute', ec2(place, 'security-group', 'sg-2', firstMember)],
        ['deny', 'ec2:ModifyNetworkInterfaceAttribute', ec2(place, 'network-interface', 'eni-1', firstMember), { 'ec2:Attribute': 'attachment' }],
        ['deny', 'ec2:ModifyNetworkInterfaceAttribute', ec2(place, 'network-interface', 'eni-1', firstMember), { 'ec2:Attribute': 'SourceDestCheck' }],
        ['deny', 'ec2:ModifyInstanceAttribute', ec2(place, 'instance', 'i-1', firstMember), { 'ec2:Attribute': 'GroupSet' }],
        ['deny', 'ec2:ModifyInstanceAttribute', ec2(place, 'security-group', 'sg-1', firstMember)],
        ['deny', 'ec2:DisassociateIamInstanceProfile', ec2(place, 'instance', 'i-1', firstMember)],
        ['deny', 'ec2:AssociateIamInstanceProfile', ec2(place, 'instance', 'i-1', firstMember)],
        ['allow', 'ec2:ModifyInstanceMetadataOptions', ec2(place, 'instance', 'i-1', firstMember)],
        ['deny', 'ec2:TerminateInstances', ec2(place, 'instance', 'i-1', firstMember)],
        ['deny', 'ec2:StopInstances', ec2(place, 'instance', 'i-1', firstMember)],
        ['deny', 'ec2:RebootInstances', ec2(place, 'instance', 'i-1', firstMember)],
        ['deny', 'ec2:DeleteVolume', ec2(place, 'volume', VOLUME, firstMember)],
        ['deny', 'ec2:DetachVolume', ec2(place, 'volume', VOLUME, firstMember)],
        ['deny', 'ec2:DeleteSnapshot', snapshot(place)],
        ['deny', 'ec2:DeleteTags', ec2(place, 'instance', 'i-1', firstMember)],
        ['deny', 'ec2:ModifyInstanceAttribute', ec2(place, 'instance', 'i-1', firstMember), { 'ec2:Attribute': 'UserData' }],
        ['deny', 'ec2:ModifyInstanceAttribute', ec2(place, 'instance', 'i-1', firstMember), { 'ec2:Attribute': 'InstanceType' }],
        ['deny', 'ec2:CreateTags', ec2(place, 'instance', 'i-1', firstMember), { 'aws:TagKeys': ['CaseId', 'Owner'] }],
        ['deny', 'ec2:CreateSnapshots', snapshot(place)],
        ['deny', 'ec2:CreateTags', snapshot(place), { 'aws:TagKeys': ['CaseId'] }],
        ['deny', 'ec2:ModifySnapshotAttribute', snapshot(place), { 'ec2:Add/userId': STRANGER, 'aws:ResourceTag/CaseId': OWN }],
        ['deny', 'ec2:ModifySnapshotAttribute', snapshot(place), { 'ec2:Add/group': 'all', 'aws:ResourceTag/CaseId': OWN }],
        ['deny', 'ec2:ModifySnapshotAttribute', snapshot(place), { 'ec2:Add/userId': account }],
        ['deny', 'ec2:RunInstances', ec2(place, 'instance', '*', firstMember)],
        ['deny', 'iam:CreateRole', `arn:aws:iam::${firstMember}:role/any`],
        ['deny', 'iam:PassRole', `arn:aws:iam::${firstMember}:role/any`],
        ['deny', 's3:GetObject', 'arn:aws:s3:::member-bucket/secret'],
        ['deny', 'ssm:SendCommand', ec2(place, 'instance', 'i-1', firstMember)],
        ['deny', 'secretsmanager:GetSecretValue', `arn:aws:secretsmanager:${region}:${firstMember}:secret:any-AbCdEf`],
      ],
    },
    {
      promise: 'the acquisition role uses the transit key through EC2, and uploads into incoming alone',
      who: member,
      rows: [
        ['allow', 'kms:ReEncryptTo', transitKey, throughEc2],
        ['allow', 'kms:GenerateDataKeyWithoutPlaintext', transitKey, throughEc2],
        ['allow', 'kms:CreateGrant', transitKey, forEc2],
        ['deny', 'kms:CreateGrant', transitKey, { ...throughEc2, 'kms:GrantIsForAWSResource': 'false' }],
        ['deny', 'kms:Decrypt', transitKey],
        ['deny', 'kms:ReEncryptTo', evidenceKey, throughEc2],
        ['deny', 'kms:CreateGrant', evidenceKey, forEc2],
        ['deny', 'kms:PutKeyPolicy', transitKey],
        ['allow', 's3:PutObject', `${incoming}/${OWN}/memory/i-0123456789abcdef0.lime`, CREATES],
        ['allow', 'kms:GenerateDataKey', evidenceKey, throughS3ToIncoming],
        ['deny', 'kms:GenerateDataKey', evidenceKey, throughS3],
        ['deny', 'kms:Decrypt', evidenceKey, { ...throughS3ToIncoming, ...throughEc2 }],
        ['deny', 's3:PutObject', `${incoming}/${OTHER}/memory/i-0123456789abcdef0.lime`, CREATES],
        ['deny', 's3:PutObject', image(incoming, OWN), OVERWRITES],
        ['deny', 'kms:GenerateDataKey', transitKey, throughS3],
        ['deny', 's3:PutObject', image(active, OWN), CREATES],
        ['deny', 's3:GetObject', image(incoming, OWN)],
        ['deny', 's3:ListBucket', incoming],
        ['deny', 's3:DeleteObject', image(incoming, OWN)],
      ],
    },
    {
      promise: 'a legal hold is the custodian\'s, even from inside',
      who: admin,
      through: 's3',
      rows: [
        ['deny', 's3:PutObjectLegalHold', image(active, OWN)],
        ['deny', 's3:DeleteObject', image(active, OWN)],
        ['deny', 's3:PutObject', image(active, OWN), OVERWRITES],
      ],
    },
    {
      promise: 'a bucket that somebody opened to the world still answers the organization alone',
      who: stranger,
      owner: account,
      resourcePolicy: open(`${careless}/*`),
      rows: [
        ['deny', 's3:GetObject', `${careless}/loot`],
        ['deny', 's3:PutObject', `${careless}/loot`, CREATES],
      ],
    },
    {
      promise: 'another organization\'s bucket that takes anything gets nothing',
      who: admin,
      resourcePolicy: open('arn:aws:s3:::somebody-elses-bucket/*'),
      rows: [
        ['deny', 's3:PutObject', 'arn:aws:s3:::somebody-elses-bucket/loot', CREATES],
        ['allow', 's3:GetObject', 'arn:aws:s3:::somebody-elses-bucket/tool'],
      ],
    },
    {
      promise: 'a key that somebody opened hands out no grants',
      who: admin,
      resourcePolicy: open('*'),
      rows: [
        ['deny', 'kms:CreateGrant', carelessKey],
        ['deny', 'kms:CreateGrant', carelessKey, { 'kms:GrantIsForAWSResource': 'false' }],
        ['allow', 'kms:CreateGrant', carelessKey, { 'kms:GrantIsForAWSResource': 'true' }],
        ['deny', 'kms:ScheduleKeyDeletion', carelessKey],
      ],
    },
    {
      promise: 'AWS services deliver for this estate and for nobody else',
      who: service('cloudtrail'),
      owner: archiveAccount,
      rows: [
        ['allow', 's3:GetBucketAcl', archive, forUs(trail)],
        ['allow', 's3:PutObject', `${archive}/trail/AWSLogs/${account}/CloudTrail/x.json.gz`, forUs(trail)],
        ['allow', 'kms:GenerateDataKey', auditKey, forUs(trail)],
        ['deny', 's3:PutObject', `${archive}/trail/AWSLogs/${account}/CloudTrail/x.json.gz`, forThem],
        ['deny', 's3:PutObject', `${archive}/sessions/${account}/forged.log`, forUs(trail)],
        ['deny', 's3:GetObject', `${archive}/trail/AWSLogs/${account}/CloudTrail/x.json.gz`, forUs(trail)],
        ['deny', 'kms:GenerateDataKey', auditKey, forThem],
      ],
    },
    {
      promise: 'Config delivers its own records',
      who: service('config'),
      owner: archiveAccount,
      rows: [
        ['allow', 's3:GetBucketAcl', archive, forUs(trail)],
        ['allow', 'kms:GenerateDataKey', auditKey, forUs(trail)],
        ['deny', 's3:GetBucketAcl', archive, forThem],
        ['deny', 'kms:GenerateDataKey', auditKey, forThem],
        ['allow', 's3:PutObject', `${archive}/config/AWSLogs/${account}/Config/x.json.gz`, forUs(trail)],
        ['deny', 's3:PutObject', `${archive}/config/AWSLogs/${account}/Config/x.json.gz`, forThem],
        ['deny', 's3:PutObject', `${archive}/trail/AWSLogs/${account}/CloudTrail/x.json.gz`, forUs(trail)],
      ],
    },
    {
      promise: 'S3 delivers access logs of evidence',
      who: service('logging.s3'),
      rows: [
        ['allow', 's3:PutObject', `${accessLogs}/access/x`, forUs(active)],
        ['deny', 's3:PutObject', `${accessLogs}/access/x`, forUs('arn:aws:s3:::other')],
        ['deny', 's3:PutObject', `${accessLogs}/inventory/x`, forUs(active)],
        ['deny', 's3:PutObject', `${accessLogs}/access/x`, forThem],
      ],
    },
    {
      promise: 'S3 delivers inventories of evidence',
      who: service('s3'),
      rows: [
        ['allow', 's3:PutObject', `${accessLogs}/inventory/x`, forUs(active)],
        ['deny', 's3:PutObject', `${accessLogs}/inventory/x`, forThem],
      ],
    },
    {
      promise: 'a service that acts for another organization reaches no bucket, however open',
      who: service('cloudtrail'),
      owner: account,
      resourcePolicy: open(`${careless}/*`),
      rows: [
        ['deny', 's3:PutObject', `${careless}/x`, forThem],
        ['allow', 's3:PutObject', `${careless}/x`, forUs(trail)],
      ],
    },
    {
      promise: 'CloudWatch Logs uses the log key for this account\'s groups',
      who: service(`logs.${region}`),
      owner: account,
      rows: [
        ['allow', 'kms:GenerateDataKey', logsKey, { 'kms:EncryptionContext:aws:logs:arn': `arn:aws:logs:${region}:${account}:log-group:ForensicDiskAudit` }],
        ['deny', 'kms:GenerateDataKey', logsKey, { 'kms:EncryptionContext:aws:logs:arn': `arn:aws:logs:${region}:${STRANGER}:log-group:theirs` }],
        ['deny', 'kms:GenerateDataKey', evidenceKey, { 'kms:EncryptionContext:aws:logs:arn': `arn:aws:logs:${region}:${account}:log-group:ForensicDiskAudit` }],
      ],
    },
    {
      promise: 'EventBridge encrypts alerts for the topics of the account, of which SNS tells KMS no more than the name',
      who: service('events'),
      owner: account,
      rows: [
        ['allow', 'kms:GenerateDataKey', logsKey, { 'kms:EncryptionContext:aws:sns:topicArn': `arn:aws:sns:${region}:${account}:cleanroom-alerts` }],
        ['allow', 'kms:Decrypt', logsKey, { 'kms:EncryptionContext:aws:sns:topicArn': `arn:aws:sns:${region}:${account}:cleanroom-alerts` }],
        ['deny', 'kms:GenerateDataKey', logsKey, { 'kms:EncryptionContext:aws:sns:topicArn': `arn:aws:sns:${region}:${STRANGER}:theirs` }],
        ['deny', 'kms:GenerateDataKey', logsKey],
        ['deny', 'kms:GenerateDataKey', evidenceKey, { 'kms:EncryptionContext:aws:sns:topicArn': `arn:aws:sns:${region}:${account}:cleanroom-alerts` }],
      ],
    },
    {
      promise: 'CloudWatch encrypts the alarms of the account',
      who: service('cloudwatch'),
      owner: account,
      rows: [
        ['allow', 'kms:GenerateDataKey', logsKey, { 'aws:SourceAccount': account, 'aws:SourceOrgID': world.organizationId }],
        ['deny', 'kms:GenerateDataKey', logsKey, { 'aws:SourceAccount': STRANGER, 'aws:SourceOrgID': 'o-strangersorg' }],
        ['deny', 'kms:GenerateDataKey', evidenceKey, { 'aws:SourceAccount': account, 'aws:SourceOrgID': world.organizationId }],
      ],
    },
    {
      promise: 'EC2 puts on the collector\'s and the workstation\'s roles, and no person\'s',
      who: service('ec2'),
      owner: account,
      rows: [
        ['allow', 'sts:AssumeRole', roleArn(place, 'collector')],
        ['allow', 'sts:AssumeRole', roleArn(place, 'workstation')],
        ['deny', 'sts:AssumeRole', roleArn(place, 'workflow')],
        ['deny', 'sts:AssumeRole', roleArn(place, 'investigator')],
        ['deny', 'sts:AssumeRole', roleArn(place, 'break-glass')],
      ],
    },
    {
      promise: 'Step Functions puts on the workflow\'s role for this account alone',
      who: service('states'),
      owner: account,
      rows: [
        ['allow', 'sts:AssumeRole', roleArn(place, 'workflow'), forUs(stateMachine)],
        ['deny', 'sts:AssumeRole', roleArn(place, 'workflow'), forThem],
        ['deny', 'sts:AssumeRole', roleArn(place, 'collector'), forUs(stateMachine)],
        ['deny', 'sts:AssumeRole', roleArn(place, 'break-glass'), forUs(stateMachine)],
      ],
    },
    ...ENDPOINT_CALLS.filter(([through]) => world.hasEndpoint(region, through)).flatMap(([through, action]): Group[] => [
      { promise: `the ${through} endpoint answers the organization`, who: admin, through, rows: [['allow', action, anything]] },
      { promise: `the ${through} endpoint answers nobody outside it`, who: stranger, through, rows: [['deny', action, anything]] },
    ]),
    {
      promise: 'packages of Amazon Linux can be read from inside, other people\'s buckets not',
      who: { arn: 'anonymous' },
      through: 's3',
      owner: STRANGER,
      resourcePolicy: open('*'),
      rows: [
        ['allow', 's3:GetObject', `arn:aws:s3:::al2023-repos-${region}-de612dc2/core/mirrors`],
        ['deny', 's3:GetObject', 'arn:aws:s3:::somebody-elses-bucket/tool'],
        ['deny', 's3:PutObject', 'arn:aws:s3:::somebody-elses-bucket/loot'],
      ],
    },
    {
      promise: 'flow logs are delivered by a role that does only that',
      who: { arn: `arn:aws:iam::${account}:role/cleanroom/cleanroom-flow-logs-${region}` },
      rows: [
        ['allow', 'logs:PutLogEvents', logs(infrastructureLogGroup(place, 'flow')).replace(':*', ':log-stream:eni')],
        ['deny', 'logs:PutLogEvents', logs(logGroupName('audit')).replace(':*', ':log-stream:eni')],
        ['deny', 's3:GetObject', image(active, OWN)],
      ],
    },
    {
      promise: 'the log archive reads its own logs',
      who: { arn: `arn:aws:iam::${archiveAccount}:role/auditor` },
      rows: [
        ['allow', 'kms:Decrypt', auditKey, { 'kms:ViaService': `s3.${region}.amazonaws.com` }],
        ['allow', 's3:GetObject', `${archive}/trail/AWSLogs/${account}/CloudTrail/x.json.gz`],
        ['deny', 's3:DeleteObjectVersion', `${archive}/trail/AWSLogs/${account}/CloudTrail/x.json.gz`],
        ['deny', 's3:BypassGovernanceRetention', `${archive}/trail/AWSLogs/${account}/CloudTrail/x.json.gz`],
        ['deny', 'kms:ScheduleKeyDeletion', auditKey],
        ['deny', 's3:GetObject', image(active, OWN)],
      ],
    },
    {
      promise: 'other roles of a monitored account reach neither keys nor buckets',
      who: otherMemberRole,
      rows: [
        ['deny', 'kms:Decrypt', transitKey, throughEc2],
        ['deny', 'kms:CreateGrant', transitKey, forEc2],
        ['deny', 's3:PutObject', image(incoming, OWN), CREATES],
        ['deny', 's3:GetObject', image(active, OWN)],
        ['deny', 'sts:AssumeRole', roleArn(place, 'responder'), { 'aws:MultiFactorAuthPresent': 'true' }],
      ],
    },
    ...functionGroups(world, place, members),
    ...sourceKeyGroups(world, place, members),
    ...containmentGroups(place, firstMember, members.find((id) => !world.roles.has(containedRoleArn(place, id)))),
  ];
}

/** Who may put on which role, and what has to be shown for it. */
export function trustMatrixOf(place: Place, members: readonly string[]): readonly Group[] {
  const security = '100000000002';
  const somebody: Principal = { arn: `arn:aws:iam::${security}:role/alice` };
  const onCall: Principal = { arn: `arn:aws:iam::${security}:role/security-on-call` };
  const broker: Principal = { arn: `arn:aws:iam::${security}:role/approvals/broker` };
  const workflow: Principal = { arn: roleArn(place, 'workflow') };
  const mfa = { 'aws:MultiFactorAuthPresent': 'true' };
  const forCase = { 'aws:RequestTag/CaseId': OWN, 'aws:TagKeys': ['CaseId'] };
  const approved = { ...forCase, 'aws:RequestTag/Requester': 'alice', 'aws:RequestTag/Approver': 'bob', 'aws:TagKeys': ['CaseId', 'Requester', 'Approver'] };
  const memberRole = memberRoleArn(place, members[0] ?? '');
  return [
    {
      promise: 'people put on a role with a second factor, and for one case',
      who: somebody,
      rows: [
        ['allow', 'sts:AssumeRole', roleArn(place, 'responder'), mfa],
        ['allow', 'sts:AssumeRole', roleArn(place, 'investigator'), { ...mfa, ...forCase }],
        ['allow', 'sts:TagSession', roleArn(place, 'investigator'), { ...mfa, ...forCase }],
        ['allow', 'sts:AssumeRole', roleArn(place, 'analyst'), { ...mfa, ...forCase }],
        ['deny', 'sts:AssumeRole', roleArn(place, 'responder')],
        ['deny', 'sts:AssumeRole', roleArn(place, 'responder'), { 'aws:MultiFactorAuthPresent': 'false' }],
        ['deny', 'sts:AssumeRole', roleArn(place, 'investigator'), forCase],
        ['deny', 'sts:AssumeRole', roleArn(place, 'investigator'), mfa],
        ['deny', 'sts:AssumeRole', roleArn(place, 'investigator'), { ...mfa, 'aws:RequestTag/CaseId': '', 'aws:TagKeys': ['CaseId'] }],
        ['deny', 'sts:AssumeRole', roleArn(place, 'data-custodian'), { ...mfa, ...forCase }],
        ['deny', 'sts:AssumeRole', roleArn(place, 'data-custodian'), { ...mfa, ...approved }],
        ['deny', 'sts:AssumeRole', roleArn(place, 'break-glass'), mfa],
        ['deny', 'sts:AssumeRole', roleArn(place, 'workflow'), mfa],
        ['deny', 'sts:AssumeRole', roleArn(place, 'collector'), mfa],
      ],
    },
    {
      promise: 'nobody becomes data custodian without a second person',
      who: broker,
      rows: [
        ['allow', 'sts:AssumeRole', roleArn(place, 'data-custodian'), approved],
        ['allow', 'sts:TagSession', roleArn(place, 'data-custodian'), approved],
        ['deny', 'sts:AssumeRole', roleArn(place, 'data-custodian'), { ...approved, 'aws:RequestTag/Approver': 'alice' }],
        ['deny', 'sts:AssumeRole', roleArn(place, 'data-custodian'), { ...approved, 'aws:RequestTag/Approver': undefined }],
        ['deny', 'sts:AssumeRole', roleArn(place, 'data-custodian'), { ...approved, 'aws:RequestTag/Requester': undefined }],
        ['deny', 'sts:AssumeRole', roleArn(place, 'data-custodian')],
        ['deny', 'sts:AssumeRole', roleArn(place, 'break-glass'), { ...mfa, ...approved }],
      ],
    },
    {
      promise: 'break-glass is for those on call, with a second factor',
      who: onCall,
      rows: [
        ['allow', 'sts:AssumeRole', roleArn(place, 'break-glass'), mfa],
        ['deny', 'sts:AssumeRole', roleArn(place, 'break-glass')],
        ['deny', 'sts:AssumeRole', roleArn(place, 'data-custodian'), { ...mfa, ...approved }],
      ],
    },
    {
      promise: 'the acquisition role is for the state machine, which shows its own ARN and nothing else',
      who: workflow,
      rows: [
        ['allow', 'sts:AssumeRole', memberRole, { 'sts:ExternalId': stateMachineArn(place) }],
        ['allow', 'sts:AssumeRole', memberRole, { 'sts:ExternalId': `${stateMachineArn(place)}/Volumes` }],
        ['deny', 'sts:AssumeRole', memberRole],
        ['deny', 'sts:AssumeRole', memberRole, { 'sts:ExternalId': `${stateMachineArn(place)}-other` }],
        ['deny', 'sts:AssumeRole', memberRole, { 'sts:ExternalId': stateMachineArn({ ...place, account: STRANGER }) }],
        ['deny', 'sts:AssumeRole', memberRole, { 'sts:ExternalId': 'example-external-id-shop', ...forCase }],
      ],
    },
    {
      promise: 'the acquisition role is for the functions that enter accounts, with the external id and a case',
      who: { arn: handlerRoleArn(place, 'preflight') },
      rows: [
        ['allow', 'sts:AssumeRole', memberRole, { 'sts:ExternalId': 'example-external-id-shop', ...forCase }],
        ['allow', 'sts:TagSession', memberRole, forCase],
        ['deny', 'sts:AssumeRole', memberRole, forCase],
        ['deny', 'sts:AssumeRole', memberRole, { 'sts:ExternalId': 'example-external-id-data', ...forCase }],
        ['deny', 'sts:AssumeRole', memberRole, { 'sts:ExternalId': 'example-external-id-shop' }],
        ['deny', 'sts:AssumeRole', memberRole, { 'sts:ExternalId': stateMachineArn(place) }],
      ],
    },
    {
      promise: 'the acquisition role is for no other function',
      who: { arn: handlerRoleArn(place, 'record') },
      rows: [['deny', 'sts:AssumeRole', memberRole, { 'sts:ExternalId': 'example-external-id-shop', ...forCase }]],
    },
  ];
}
