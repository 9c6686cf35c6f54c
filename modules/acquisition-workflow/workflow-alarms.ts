import { CloudwatchEventRule } from '@cdktf/provider-aws/lib/cloudwatch-event-rule/index.js';
import { CloudwatchEventTarget } from '@cdktf/provider-aws/lib/cloudwatch-event-target/index.js';
import { CloudwatchLogMetricFilter } from '@cdktf/provider-aws/lib/cloudwatch-log-metric-filter/index.js';
import { CloudwatchMetricAlarm } from '@cdktf/provider-aws/lib/cloudwatch-metric-alarm/index.js';
import { Construct } from 'constructs';
import { FunctionLogEvent, METRIC_NAMESPACE, stateMachineArn, type HandlerName, type Place } from '../vocabulary/index.ts';

export interface WorkflowAlarmsProps {
  readonly place: Place;
  /** Topic that alarms are sent to. */
  readonly alertTopicArn: string;
  readonly failedEventsQueueName: string;
  readonly functionNames: Readonly<Record<HandlerName, string>>;
  /** Log group of the sweep. */
  readonly sweepLogGroupName: string;
}

/** Functions that no state machine watches: an error of any other ends an acquisition, which has an alarm of its own. */
const UNWATCHED = ['open-case', 'release', 'request-ids', 'sweep-orphans'] as const satisfies readonly HandlerName[];

/**
 * Alarms on events that opened no case, functions that failed, and what cases left behind; and, past the state machine's
 * own notification, every execution that did not end well. Failed, timed-out, aborted and throttled executions are in
 * `observability`.
 */
export class WorkflowAlarms extends Construct {
  constructor(scope: Construct, id: string, props: WorkflowAlarmsProps) {
    super(scope, id);
    const { place, alertTopicArn } = props;
    const alarm = (name: string, description: string, namespace: string, metricName: string, dimensions: Record<string, string>, statistic: 'Maximum' | 'Sum') =>
      new CloudwatchMetricAlarm(this, name, {
        alarmName: `${place.prefix}-${name}`,
        alarmDescription: description,
        namespace,
        metricName,
        ...(Object.keys(dimensions).length === 0 ? {} : { dimensions }),
        statistic,
        period: 60,
        evaluationPeriods: 1,
        threshold: 1,
        comparisonOperator: 'GreaterThanOrEqualToThreshold',
        treatMissingData: 'notBreaching',
        alarmActions: [alertTopicArn],
      });
    alarm('FailedEvents', 'A trigger opened no case, or an acquisition that ended was not followed up: the queue keeps the event for 14 days', 'AWS/SQS', 'ApproximateNumberOfMessagesVisible', { QueueName: props.failedEventsQueueName }, 'Maximum');
    for (const handler of UNWATCHED) alarm(`${handler}-errors`, `The function ${handler} failed`, 'AWS/Lambda', 'Errors', { FunctionName: props.functionNames[handler] }, 'Sum');
    const namespace = `${METRIC_NAMESPACE}/${place.prefix}`;
    new CloudwatchLogMetricFilter(this, 'OrphansFilter', {
      name: `${place.prefix}-Orphans`,
      logGroupName: props.sweepLogGroupName,
      pattern: `{ $.event = "${FunctionLogEvent.sweepOrphan}" }`,
      metricTransformation: { name: 'Orphans', namespace, value: '1', unit: 'Count' },
    });
    alarm('Orphans', 'Cases left something behind that nobody uses', namespace, 'Orphans', {}, 'Sum');
    const ended = new CloudwatchEventRule(this, 'EndedBadly', {
      name: `${place.prefix}-acquisition-ended-badly`,
      description: 'Tells people of acquisitions that did not end well, also where their own notification failed',
      eventPattern: JSON.stringify({
        source: ['aws.states'],
        'detail-type': ['Step Functions Execution Status Change'],
        detail: { status: ['FAILED', 'TIMED_OUT', 'ABORTED'], stateMachineArn: [stateMachineArn(place)] },
      }),
    });
    new CloudwatchEventTarget(this, 'EndedBadlyTarget', {
      rule: ended.name,
      targetId: 'alerts',
      arn: alertTopicArn,
      // Name, status and ARN only: the input carries text that others wrote.
      inputTransformer: {
        inputPaths: { name: '$.detail.name', status: '$.detail.status', execution: '$.detail.executionArn' },
        inputTemplate: '"The acquisition <name> ended <status>. Execution: <execution>"',
      },
    });
  }
}
