import { SsmParameter } from '@cdktf/provider-aws/lib/ssm-parameter/index.js';
import { Fn } from 'cdktf';
import type { Construct } from 'constructs';
import { AcquisitionWorkflow } from '../../acquisition-workflow/acquisition-workflow.ts';
import { acquisitionDefinition } from '../../acquisition-workflow/definition.ts';
import { handlerEnvironment } from '../../acquisition-workflow/handlers/settings.ts';
import { bucketName, DEFAULT_OPTIONS, membersPath, parameterName, TriggerSettings, type AcquisitionOptions, type ParameterName, type Place } from '../../vocabulary/index.ts';
import type { ModuleSpec, Variables, VariableSpec } from '../spec.ts';
import { accounts, LOG_ARCHIVE, LOG_DAYS, ORGANIZATION, PLACE, placeOf, SEVERITY } from '../variables.ts';

const arn = (of: string): VariableSpec => ({ type: 'string', description: `ARN of ${of}.`, validation: { condition: 'startswith(VALUE, "arn:")', message: 'An ARN is allowed.' } });
const id = (of: string, prefix: string): VariableSpec => ({ type: 'string', description: `Id of ${of}.`, validation: { condition: `startswith(VALUE, "${prefix}-")`, message: `An id ${prefix}-… is allowed.` } });
const oneOf = (description: string, value: string, ...allowed: readonly string[]): VariableSpec => ({
  type: 'string', description, default: value, validation: { condition: `contains(${JSON.stringify(allowed)}, VALUE)`, message: `${allowed.join(' or ')} is allowed.` },
});
const between = (description: string, value: number, least: number, most: number): VariableSpec => ({
  type: 'number', description, default: value, validation: { condition: `VALUE >= ${least} && VALUE <= ${most}`, message: `${least} to ${most} is allowed.` },
});

/** Accounts whose external ids fit into one parameter of 4,096 characters, whatever their length. */
const MOST_MEMBERS = 25;

/** What of the estate the preflight reads, and the variable that says it. The image's id is published by its pipeline. */
function publishParameters(scope: Construct, place: Place, v: Variables): void {
  const values: Partial<Record<ParameterName, string>> = {
    vpcId: v.text('vpc_id'),
    collectorSubnetIds: Fn.join(',', v.list('collector_subnet_ids')),
    collectorSecurityGroupId: v.text('collector_security_group_id'),
    evidenceKeyArn: v.text('evidence_key_arn'),
    transitKeyArn: v.text('transit_key_arn'),
    activeBucket: bucketName(place, 'active'),
  };
  for (const [name, value] of Object.entries(values)) new SsmParameter(scope, name, { name: parameterName(place, name as ParameterName), type: 'String', value });
  new SsmParameter(scope, 'members', {
    name: `${membersPath(place)}/0`,
    type: 'String',
    value: Fn.jsonencode(Fn.zipmap(v.list('member_account_ids'), v.list('member_external_ids'))),
    description: 'Monitored accounts, and what their acquisition roles ask for',
  });
}

/** Texts of variables stand for what their validation allows. */
const optionsOf = (v: Variables): AcquisitionOptions => ({
  ...DEFAULT_OPTIONS,
  approval: v.text('approval') as AcquisitionOptions['approval'],
  approvalMinutes: v.number('approval_minutes'),
  containment: v.text('containment') as AcquisitionOptions['containment'],
  deadlineMinutes: v.number('deadline_minutes'),
});

export const acquisitionWorkflow: ModuleSpec = {
  name: 'acquisition-workflow',
  description: 'From a finding to verified images: the state machine, its functions, the bus of cases, the daily sweep and the alarms, and the SSM parameters that the preflight reads.',
  costs: 'Step Functions\' transitions and Lambda\'s milliseconds, cents a case; log ingestion; a few alarms. Snapshots, volumes and collectors of a case cost more.',
  not: 'It makes no roles, network, buckets, keys or image (the other modules do), forwards no findings (detection does), and takes 25 monitored accounts at most (the construct any number).',
  variables: {
    ...PLACE,
    organization_id: ORGANIZATION,
    log_archive_account_id: LOG_ARCHIVE,
    workflow_role_arn: arn('the role of the state machine, from forensic-roles'),
    handlers_archive: { type: 'string', description: 'Path of the functions\' archive, as `npm run build:handlers` makes it.', validation: { condition: 'endswith(VALUE, ".zip")', message: 'A zip archive is allowed.' } },
    logs_key_arn: arn('the key of the log groups, from forensic-audit'),
    log_retention_days: LOG_DAYS,
    alert_topic_arn: arn('the topic that is told, from forensic-audit'),
    vpc_id: id('the isolated network', 'vpc'),
    collector_subnet_ids: { type: 'list(string)', description: 'Ids of the subnets that collectors are started in.', validation: { condition: 'length(VALUE) > 0 && alltrue([for id in VALUE : startswith(id, "subnet-")])', message: 'At least one subnet id is needed.' } },
    collector_security_group_id: id('the collectors\' security group', 'sg'),
    evidence_key_arn: arn('the evidence key'),
    transit_key_arn: arn('the transit key'),
    member_account_ids: accounts('the monitored accounts'),
    member_external_ids: {
      type: 'list(string)',
      description: 'External ids of the monitored accounts\' acquisition roles, in the order of their accounts.',
      validation: { condition: `length(VALUE) <= ${MOST_MEMBERS} && alltrue([for id in VALUE : length(id) >= 16 && length(id) <= 128])`, message: `Up to ${MOST_MEMBERS} external ids of 16 to 128 characters are allowed.` },
    },
    approval: oneOf('Whether a second person has to approve an acquisition.', DEFAULT_OPTIONS.approval, 'none', 'required'),
    approval_minutes: between('Minutes in which somebody has to approve.', DEFAULT_OPTIONS.approvalMinutes, 1, 10_080),
    containment: oneOf('What is done to an instance after its snapshots; its account\'s role has to allow it.', DEFAULT_OPTIONS.containment, 'none', 'isolate'),
    deadline_minutes: between('Minutes from the start of a volume\'s imaging to its manifest.', DEFAULT_OPTIONS.deadlineMinutes, 10, 20_160),
    guardduty_minimum_severity: SEVERITY,
    snapshot_lock_days: between('Days for which evidence snapshots are locked.', 365, 1, 36_500),
    snapshot_lock_mode: oneOf('Lock mode of evidence snapshots.', 'compliance', 'compliance', 'governance'),
  },
  build: (scope, v) => {
    const place = placeOf(v);
    const workflow = new AcquisitionWorkflow(scope, 'Workflow', {
      context: { ...place, logPrefix: '', memberAccounts: [], organizationId: v.text('organization_id'), logArchiveAccount: v.text('log_archive_account_id') },
      perimeter: { organizationId: v.text('organization_id'), accounts: [] },
      definition: acquisitionDefinition({ ...place, logPrefix: '', snapshotLockDays: v.number('snapshot_lock_days'), snapshotLockMode: v.text('snapshot_lock_mode') as 'compliance' }),
      workflowRoleArn: v.text('workflow_role_arn'),
      code: { file: v.text('handlers_archive'), sha256: Fn.filebase64sha256(v.text('handlers_archive')) },
      environment: handlerEnvironment({
        place,
        logPrefix: '',
        bucket: bucketName(place, 'active'),
        topicArn: v.text('alert_topic_arn'),
        options: optionsOf(v),
        triggers: { ...TriggerSettings.parse({}), guardduty: { enabled: true, minimumSeverity: v.number('guardduty_minimum_severity') } },
      }),
      logsKeyArn: v.text('logs_key_arn'),
      logRetentionDays: v.number('log_retention_days'),
      alertTopicArn: v.text('alert_topic_arn'),
    });
    publishParameters(scope, place, v);
    return {
      state_machine_arn: { value: workflow.stateMachineArn, description: 'The state machine.' },
      case_bus_arn: { value: workflow.busArn, description: 'Bus that findings are forwarded to.' },
    };
  },
};
