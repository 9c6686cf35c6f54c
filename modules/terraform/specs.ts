import { ForensicRoles, type RoleAccess } from '../access/forensic-roles.ts';
import { LogArchive } from '../audit/log-archive.ts';
import { EvidenceVault } from '../evidence/evidence-vault.ts';
import { Seal } from '../governance/seal.ts';
import { AccountDefaults } from '../isolated-network/account-defaults.ts';
import { IsolatedNetwork } from '../isolated-network/isolated-network.ts';
import { AcquisitionRole } from '../member/acquisition-role.ts';
import { CollectorDashboard } from '../observability/collector-dashboard.ts';
import { bucketArn, EVIDENCE_BUCKETS, HUMAN_ROLES, LOG_GROUPS, logGroupName, type HumanRole, type LogGroup } from '../vocabulary/index.ts';
import type { ModuleSpec, Variables } from './spec.ts';
import { accounts, KEY_ADMINISTRATORS, LOG_ARCHIVE, LOG_DAYS, lockMode, ORGANIZATION, PLACE, placeOf, PREFIX, principalsOf, retentionDays } from './variables.ts';

const retentionOf = (v: Variables, bucket: string) => ({ mode: v.text(`${bucket}_lock_mode`) as 'COMPLIANCE', days: v.number(`${bucket}_retention_days`) });

const evidenceVault: ModuleSpec = {
  name: 'evidence-vault',
  description: 'Three append-only evidence buckets (incoming, active, legal hold), a bucket for their access logs and inventories, the evidence key and the transit key.',
  costs: 'Storage by the byte (compliance-locked objects cannot be deleted, so neither can their cost), two KMS keys, requests, inventories.',
  not: 'It grants nobody access by itself (roles come from forensic-roles), replicates nothing to another Region, and never expires an object.',
  variables: {
    ...PLACE,
    organization_id: ORGANIZATION,
    key_administrator_arns: KEY_ADMINISTRATORS,
    member_account_ids: accounts('the monitored accounts that hand snapshots over and may upload'),
    endpoint_ids: {
      type: 'list(string)',
      description: 'VPC endpoints that evidence is reached through.',
      validation: { condition: 'length(VALUE) > 0 && alltrue([for id in VALUE : startswith(id, "vpce-")])', message: 'At least one endpoint id, vpce-…, is needed.' },
    },
    incoming_retention_days: retentionDays('incoming', 30),
    incoming_lock_mode: lockMode('incoming', 'GOVERNANCE'),
    active_retention_days: retentionDays('active', 365),
    active_lock_mode: lockMode('active', 'COMPLIANCE'),
    legal_hold_retention_days: retentionDays('legal hold', 2555),
    legal_hold_lock_mode: lockMode('legal hold', 'COMPLIANCE'),
  },
  build: (scope, v) => {
    const vault = new EvidenceVault(scope, 'Vault', {
      place: placeOf(v),
      perimeter: { organizationId: v.text('organization_id'), accounts: [] },
      retention: { incoming: retentionOf(v, 'incoming'), active: retentionOf(v, 'active'), 'legal-hold': retentionOf(v, 'legal_hold') },
      endpointIds: v.list('endpoint_ids'),
      keyAdministratorArns: v.list('key_administrator_arns'),
      memberAccounts: v.list('member_account_ids'),
    });
    return {
      evidence_key_arn: { value: vault.evidenceKeyArn, description: 'Key that evidence is encrypted under.' },
      transit_key_arn: { value: vault.transitKeyArn, description: 'Key that monitored accounts copy their snapshots under.' },
      incoming_bucket: { value: vault.bucketNames.incoming, description: 'Bucket for what is sent in from elsewhere.' },
      active_bucket: { value: vault.bucketNames.active, description: 'Bucket that collectors store in.' },
      legal_hold_bucket: { value: vault.bucketNames['legal-hold'], description: 'Bucket for what is under legal hold.' },
    };
  },
};

const isolatedNetwork: ModuleSpec = {
  name: 'isolated-network',
  description: 'A VPC over two zones without a way out: endpoints with policies, closed security groups and ACLs, flow logs, and a DNS firewall that fails closed.',
  costs: 'Interface endpoints by the hour and zone (five services, two zones), flow and query logs by the byte, DNS firewall by the query.',
  not: 'It launches nothing, and sets nothing for the account as a whole (that is account-defaults).',
  variables: {
    ...PLACE,
    organization_id: ORGANIZATION,
    log_archive_account_id: LOG_ARCHIVE,
    cidr: {
      type: 'string',
      description: 'IPv4 block of the VPC, /16 to /24.',
      validation: { condition: 'can(cidrhost(VALUE, 0)) && can(regex("/(1[6-9]|2[0-4])$", VALUE))', message: 'An IPv4 block of /16 to /24 is allowed.' },
    },
    zones: {
      type: 'list(string)',
      description: 'Two availability zones of the Region.',
      validation: { condition: 'length(VALUE) == 2 && length(distinct(VALUE)) == 2', message: 'Exactly two different zones are allowed.' },
    },
    logs_key_arn: { type: 'string', description: 'Key of the flow and query logs; its policy has to let CloudWatch Logs use it.', validation: { condition: 'startswith(VALUE, "arn:")', message: 'The ARN of a KMS key is allowed.' } },
    log_retention_days: LOG_DAYS,
  },
  build: (scope, v) => {
    const place = placeOf(v);
    const network = new IsolatedNetwork(scope, 'Network', {
      place,
      perimeter: { organizationId: v.text('organization_id'), accounts: [] },
      cidr: v.text('cidr'),
      zones: [v.element('zones', 0), v.element('zones', 1)],
      bucketArns: [...EVIDENCE_BUCKETS.map((purpose) => bucketArn(place, purpose)), bucketArn({ ...place, account: v.text('log_archive_account_id') }, 'audit-logs')],
      logsKeyArn: v.text('logs_key_arn'),
      logRetentionDays: v.number('log_retention_days'),
    });
    return {
      vpc_id: { value: network.vpcId, description: 'The network.' },
      s3_endpoint_id: { value: network.s3EndpointId, description: 'Endpoint that the evidence buckets are bound to.' },
      collector_subnet_ids: { value: network.subnetIds.collector, description: 'Subnets of the collectors.' },
      analysis_subnet_ids: { value: network.subnetIds.analysis, description: 'Subnets of analysis instances.' },
      collector_security_group_id: { value: network.collectorSecurityGroupId, description: 'Group of the collectors: no way in, endpoints and S3 only.' },
      analysis_security_group_id: { value: network.analysisSecurityGroupId, description: 'Group of analysis instances.' },
    };
  },
};

const accountDefaults: ModuleSpec = {
  name: 'account-defaults',
  description: 'Settings of an account and Region that everything launched there inherits: nothing public, IMDSv2, encryption, no serial console.',
  costs: 'None.',
  not: 'It does not spare other VPCs of the account and Region: their internet gateways stop working.',
  variables: {},
  build: (scope) => {
    new AccountDefaults(scope, 'Defaults');
    return {};
  },
};

const forensicRoles: ModuleSpec = {
  name: 'forensic-roles',
  description: 'Responder, investigator, data custodian, analyst and break-glass, the pipeline\'s roles, and the boundaries around them.',
  costs: 'None.',
  not: 'It makes no users and no identity provider, and has no two-person rule (the construct has).',
  variables: {
    ...PLACE,
    organization_id: ORGANIZATION,
    log_archive_account_id: LOG_ARCHIVE,
    ...Object.fromEntries([...HUMAN_ROLES, 'break-glass'].map((role) => [`${role.replaceAll('-', '_')}_principal_arns`, principalsOf(role)])),
  },
  build: (scope, v) => {
    const access: Record<string, RoleAccess> = Object.fromEntries([...HUMAN_ROLES, 'break-glass'].map((role) => [role, { principals: v.list(`${role.replaceAll('-', '_')}_principal_arns`) }]));
    const roles = new ForensicRoles(scope, 'Roles', {
      context: { ...placeOf(v), logPrefix: '', memberAccounts: [], organizationId: v.text('organization_id'), logArchiveAccount: v.text('log_archive_account_id') },
      access: access as Record<HumanRole | 'break-glass', RoleAccess>,
    });
    return {
      ...Object.fromEntries(Object.entries(roles.roleArns).map(([role, value]) => [`${role.replaceAll('-', '_')}_role_arn`, { value, description: `The role ${role}.` }])),
      collector_policy_arn: { value: roles.collectorPolicyArn, description: 'Policy that a case\'s collector role carries.' },
      pipeline_boundary_arn: { value: roles.pipelineBoundaryArn, description: 'Boundary that roles made for cases have to carry.' },
    };
  },
};

const acquisitionRole: ModuleSpec = {
  name: 'acquisition-role',
  description: 'In a monitored account: the role by which the forensic workflow looks, protects, snapshots and shares.',
  costs: 'None; the snapshots that the workflow takes cost by the byte.',
  not: 'It terminates, stops and deletes nothing, and isolates nothing (the construct can, by an option).',
  variables: {
    prefix: PREFIX,
    partition: PLACE.partition as ModuleSpec['variables'][string],
    account_id: PLACE.account_id as ModuleSpec['variables'][string],
    organization_id: ORGANIZATION,
    forensic_account_id: { type: 'string', description: 'Id of the forensic account whose workflow may enter.', validation: { condition: 'can(regex("^[0-9]{12}$", VALUE))', message: 'An account id of 12 digits is allowed.' } },
    external_id: { type: 'string', description: 'What the workflow has to give, 16 to 128 characters.', validation: { condition: 'length(VALUE) >= 16 && length(VALUE) <= 128', message: '16 to 128 characters are allowed.' } },
  },
  build: (scope, v) => {
    const naming = { prefix: v.text('prefix'), partition: v.text('partition') };
    const role = new AcquisitionRole(scope, 'Acquisition', {
      ...naming,
      account: v.text('account_id'),
      forensicPlaces: [{ ...naming, account: v.text('forensic_account_id'), region: '*' }],
      externalId: v.text('external_id'),
      organizationId: v.text('organization_id'),
      containment: false,
      sourceKeyArns: [],
    });
    return { role_arn: { value: role.roleArn, description: 'The acquisition role.' } };
  },
};

const logArchive: ModuleSpec = {
  name: 'log-archive',
  description: 'In the log-archive account: the locked bucket and the key for a forensic account\'s trails, configuration records and session transcripts.',
  costs: 'Storage by the byte for the whole retention, one KMS key.',
  not: 'It makes no trail and no recorder.',
  variables: {
    ...PLACE,
    forensic_account_id: { type: 'string', description: 'Id of the forensic account whose logs are kept.', validation: { condition: 'can(regex("^[0-9]{12}$", VALUE))', message: 'An account id of 12 digits is allowed.' } },
    key_administrator_arns: KEY_ADMINISTRATORS,
    retention_days: retentionDays('the archive', 731),
  },
  build: (scope, v) => {
    const place = placeOf(v);
    const archive = new LogArchive(scope, 'Archive', {
      place,
      sources: [{ ...place, account: v.text('forensic_account_id') }],
      keyAdministratorArns: v.list('key_administrator_arns'),
      retentionDays: v.number('retention_days'),
    });
    return {
      bucket: { value: archive.bucketName, description: 'The bucket.' },
      key_arn: { value: archive.keyArn, description: 'The key.' },
    };
  },
};

const guardrails: ModuleSpec = {
  name: 'guardrails',
  description: 'In the management account: the service control, resource control and EC2 declarative policies, attached to one unit or account.',
  costs: 'None.',
  not: 'It pins no Regions (one policy an account does, in the construct), enables no policy types, and does not bind the management account.',
  variables: {
    prefix: PREFIX,
    partition: PLACE.partition as ModuleSpec['variables'][string],
    organization_id: ORGANIZATION,
    target_id: { type: 'string', description: 'Unit (ou-…) or account that the policies are attached to.', validation: { condition: 'can(regex("^(ou-[a-z0-9]+-[a-z0-9]+|[0-9]{12})$", VALUE))', message: 'The id of a unit or of an account is allowed.' } },
  },
  build: (scope, v) => {
    new Seal(scope, 'Seal', {
      context: { prefix: v.text('prefix'), partition: v.text('partition'), organizationId: v.text('organization_id') },
      targets: { target: v.text('target_id') },
      regionsOfAccounts: {},
      sealed: true,
    });
    return {};
  },
};

const collectorDashboard: ModuleSpec = {
  name: 'collector-dashboard',
  description: 'Metrics from the collector\'s log groups, alarms, and a dashboard.',
  costs: 'Ten custom metrics, six alarms and a dashboard a month.',
  not: 'It makes neither the log groups nor the topic.',
  variables: {
    ...PLACE,
    alert_topic_arn: { type: 'string', description: 'Topic that alarms are sent to.', validation: { condition: 'startswith(VALUE, "arn:")', message: 'The ARN of a topic is allowed.' } },
    log_prefix: { type: 'string', description: 'Prefix of the collector\'s log groups.', default: '' },
  },
  build: (scope, v) => {
    const groups = (Object.keys(LOG_GROUPS) as LogGroup[]).map((group) => [group, logGroupName(group, v.text('log_prefix'))]);
    new CollectorDashboard(scope, 'Dashboard', { place: placeOf(v), logGroupNames: Object.fromEntries(groups) as Record<LogGroup, string>, alertTopicArn: v.text('alert_topic_arn') });
    return {};
  },
};

/** Every module that is also there for plain Terraform. */
export const MODULE_SPECS: readonly ModuleSpec[] = [
  accountDefaults,
  acquisitionRole,
  collectorDashboard,
  evidenceVault,
  forensicRoles,
  guardrails,
  isolatedNetwork,
  logArchive,
];
