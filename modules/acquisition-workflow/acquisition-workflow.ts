import { CloudwatchEventRule } from '@cdktf/provider-aws/lib/cloudwatch-event-rule/index.js';
import { CloudwatchEventTarget } from '@cdktf/provider-aws/lib/cloudwatch-event-target/index.js';
import { CloudwatchLogGroup } from '@cdktf/provider-aws/lib/cloudwatch-log-group/index.js';
import { LambdaPermission } from '@cdktf/provider-aws/lib/lambda-permission/index.js';
import { SfnStateMachine } from '@cdktf/provider-aws/lib/sfn-state-machine/index.js';
import { Construct } from 'constructs';
import type { AccessContext } from '../access/policies/context.ts';
import type { Perimeter } from '../perimeter.ts';
import { endedFromOutsidePattern } from '../detection/patterns.ts';
import { stateMachineLogGroup, stateMachineName } from '../vocabulary/index.ts';
import { CaseBus } from './case-bus.ts';
import { definitionJson } from './definition-json.ts';
import { EndedAcquisitions } from './ended-acquisitions.ts';
import { WorkflowAlarms } from './workflow-alarms.ts';
import { WorkflowFunctions, type HandlerCode } from './workflow-functions.ts';

export interface AcquisitionWorkflowProps {
  readonly context: AccessContext;
  readonly perimeter: Perimeter;
  /** The state machine, as `acquisitionDefinition` gives it. */
  readonly definition: object;
  /** Role of the state machine. */
  readonly workflowRoleArn: string;
  readonly code: HandlerCode;
  /** Environment of the functions. */
  readonly environment: Readonly<Record<string, string>>;
  /** Key of the log groups. */
  readonly logsKeyArn: string;
  /** Days that logs are kept, one of CloudWatch's values. @default 731 */
  readonly logRetentionDays?: number;
  /** Topic of notifications and alarms. */
  readonly alertTopicArn: string;
  /** Whether executions are traced by X-Ray as well; the log has everything already. @default false */
  readonly tracing?: boolean;
  /** Hours between two sweeps for what cases left behind, at least 1. @default 24 */
  readonly sweepHours?: number;
}

/** From a finding to verified images: the state machine, its functions, the bus that triggers arrive on, and the alarms. */
export class AcquisitionWorkflow extends Construct {
  readonly stateMachineArn: string;
  /** The bus that findings are forwarded to. */
  readonly busArn: string;

  constructor(scope: Construct, id: string, props: AcquisitionWorkflowProps) {
    super(scope, id);
    const { context, logRetentionDays = 731, sweepHours = 24, alertTopicArn } = props;
    const functions = new WorkflowFunctions(this, 'Functions', { context, code: props.code, environment: props.environment, logsKeyArn: props.logsKeyArn, logRetentionDays });
    const log = new CloudwatchLogGroup(this, 'Log', { name: stateMachineLogGroup(context), kmsKeyId: props.logsKeyArn, retentionInDays: logRetentionDays, skipDestroy: true });
    const machine = new SfnStateMachine(this, 'Resource', {
      name: stateMachineName(context),
      roleArn: props.workflowRoleArn,
      type: 'STANDARD',
      definition: definitionJson(props.definition),
      loggingConfiguration: { level: 'ALL', includeExecutionData: true, logDestination: `${log.arn}:*` },
      tracingConfiguration: { enabled: props.tracing ?? false },
    });
    const bus = new CaseBus(this, 'Bus', { place: context, perimeter: props.perimeter, openCaseArn: functions.functionArns['open-case'], openCaseName: functions.functionNames['open-case'] });
    this.#sweepEvery(sweepHours, functions, context);
    this.#closeWhatEndedFromOutside(machine.arn, functions, bus, context);
    new EndedAcquisitions(this, 'Ended', { place: context, requestIdsArn: functions.functionArns['request-ids'], failedEventsQueueArn: bus.failedEventsQueueArn });
    new WorkflowAlarms(this, 'Alarms', {
      place: context,
      alertTopicArn,
      failedEventsQueueName: bus.failedEventsQueueName,
      functionNames: functions.functionNames,
      sweepLogGroupName: functions.logGroupNames['sweep-orphans'],
    });
    this.stateMachineArn = machine.arn;
    this.busArn = bus.busArn;
  }

  /** An execution that was stopped, or whose time was over, closes no record of its own; one that failed may have been unable to. */
  #closeWhatEndedFromOutside(machineArn: string, { functionArns, functionNames }: WorkflowFunctions, bus: CaseBus, { prefix, account }: AccessContext): void {
    const rule = new CloudwatchEventRule(this, 'EndedFromOutside', {
      name: `${prefix}-acquisition-ended-from-outside`,
      description: 'Closes the record of an acquisition that was stopped, whose time was over, or that could not close it',
      eventPattern: JSON.stringify(endedFromOutsidePattern(machineArn)),
    });
    const permission = new LambdaPermission(this, 'EndedFromOutsidePermission', {
      statementId: 'EndedFromOutside',
      action: 'lambda:InvokeFunction',
      functionName: functionNames.record,
      principal: 'events.amazonaws.com',
      sourceArn: rule.arn,
      sourceAccount: account,
    });
    new CloudwatchEventTarget(this, 'EndedFromOutsideTarget', {
      rule: rule.name,
      targetId: 'record',
      arn: functionArns.record,
      deadLetterConfig: { arn: bus.failedEventsQueueArn },
      dependsOn: [permission],
    });
  }

  #sweepEvery(hours: number, { functionArns, functionNames }: WorkflowFunctions, { prefix, account }: AccessContext): void {
    const rule = new CloudwatchEventRule(this, 'Sweep', {
      name: `${prefix}-sweep`,
      description: 'Looks for what cases left behind',
      scheduleExpression: `rate(${hours} ${hours === 1 ? 'hour' : 'hours'})`,
    });
    const permission = new LambdaPermission(this, 'SweepPermission', {
      statementId: 'Sweep',
      action: 'lambda:InvokeFunction',
      functionName: functionNames['sweep-orphans'],
      principal: 'events.amazonaws.com',
      sourceArn: rule.arn,
      sourceAccount: account,
    });
    new CloudwatchEventTarget(this, 'SweepTarget', { rule: rule.name, targetId: 'sweep', arn: functionArns['sweep-orphans'], dependsOn: [permission] });
  }
}
