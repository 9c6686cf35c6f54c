import { CloudwatchEventBusPolicy } from '@cdktf/provider-aws/lib/cloudwatch-event-bus-policy/index.js';
import { CloudwatchEventBus } from '@cdktf/provider-aws/lib/cloudwatch-event-bus/index.js';
import { CloudwatchEventRule } from '@cdktf/provider-aws/lib/cloudwatch-event-rule/index.js';
import { CloudwatchEventTarget } from '@cdktf/provider-aws/lib/cloudwatch-event-target/index.js';
import { LambdaFunctionEventInvokeConfig } from '@cdktf/provider-aws/lib/lambda-function-event-invoke-config/index.js';
import { LambdaPermission } from '@cdktf/provider-aws/lib/lambda-permission/index.js';
import { SqsQueuePolicy } from '@cdktf/provider-aws/lib/sqs-queue-policy/index.js';
import { SqsQueue } from '@cdktf/provider-aws/lib/sqs-queue/index.js';
import { Construct } from 'constructs';
import type { Perimeter } from '../perimeter.ts';
import { policyJson } from '../render-policy.ts';
import { caseBusName, failedEventsQueueName, type Place } from '../vocabulary/index.ts';
import { caseBusPolicy, failedEventsPolicy } from './policies/bus.ts';

export interface CaseBusProps {
  readonly place: Place;
  readonly perimeter: Perimeter;
  /** The function that opens cases. */
  readonly openCaseArn: string;
  readonly openCaseName: string;
}

const FOURTEEN_DAYS = 14 * 86_400;
const ONE_DAY = 86_400;

/** Where every trigger arrives: a bus of its own, the function behind it, and a queue for what could not be delivered. */
export class CaseBus extends Construct {
  readonly busArn: string;
  readonly failedEventsQueueName: string;
  readonly failedEventsQueueArn: string;

  constructor(scope: Construct, id: string, props: CaseBusProps) {
    super(scope, id);
    const { place } = props;
    const bus = new CloudwatchEventBus(this, 'Resource', { name: caseBusName(place) });
    new CloudwatchEventBusPolicy(this, 'Policy', { eventBusName: bus.name, policy: policyJson(caseBusPolicy(place, props.perimeter), 'bus', 'the policy of the bus of cases') });
    const queue = new SqsQueue(this, 'Failed', { name: failedEventsQueueName(place), messageRetentionSeconds: FOURTEEN_DAYS, sqsManagedSseEnabled: true });
    const queuePolicy = new SqsQueuePolicy(this, 'FailedPolicy', { queueUrl: queue.url, policy: policyJson(failedEventsPolicy(place), 'queue', 'the policy of the queue of failed events') });
    const rule = new CloudwatchEventRule(this, 'Rule', {
      name: `${place.prefix}-open-case`,
      description: 'Opens a case for every trigger that arrives on this bus',
      eventBusName: bus.name,
      // Forwarded events keep the account they come from, which every event has.
      eventPattern: JSON.stringify({ account: [{ exists: true }] }),
    });
    const permission = new LambdaPermission(this, 'Permission', {
      statementId: 'OpenCase',
      action: 'lambda:InvokeFunction',
      functionName: props.openCaseName,
      principal: 'events.amazonaws.com',
      sourceArn: rule.arn,
      sourceAccount: place.account,
    });
    new CloudwatchEventTarget(this, 'Target', {
      rule: rule.name,
      eventBusName: bus.name,
      targetId: 'open-case',
      arn: props.openCaseArn,
      retryPolicy: { maximumEventAgeInSeconds: ONE_DAY, maximumRetryAttempts: 185 },
      deadLetterConfig: { arn: queue.arn },
      dependsOn: [permission, queuePolicy],
    });
    new LambdaFunctionEventInvokeConfig(this, 'Invoke', {
      functionName: props.openCaseName,
      maximumRetryAttempts: 2,
      maximumEventAgeInSeconds: 21_600,
      destinationConfig: { onFailure: { destination: queue.arn } },
    });
    this.busArn = bus.arn;
    this.failedEventsQueueName = queue.name;
    this.failedEventsQueueArn = queue.arn;
  }
}
