import { CloudwatchEventRule } from '@cdktf/provider-aws/lib/cloudwatch-event-rule/index.js';
import { CloudwatchEventTarget } from '@cdktf/provider-aws/lib/cloudwatch-event-target/index.js';
import { LambdaEventSourceMapping } from '@cdktf/provider-aws/lib/lambda-event-source-mapping/index.js';
import { SqsQueuePolicy } from '@cdktf/provider-aws/lib/sqs-queue-policy/index.js';
import { SqsQueue } from '@cdktf/provider-aws/lib/sqs-queue/index.js';
import { Construct } from 'constructs';
import { endedPattern } from '../detection/patterns.ts';
import { policyJson } from '../render-policy.ts';
import { requestIdsQueueName, stateMachineArn, TRAIL_HOURS, type Place } from '../vocabulary/index.ts';
import { requestIdsQueuePolicy } from './policies/bus.ts';

export interface EndedAcquisitionsProps {
  readonly place: Place;
  /** The function that looks request ids up. */
  readonly requestIdsArn: string;
  /** Queue of the events that were not handled. */
  readonly failedEventsQueueArn: string;
}

/** Seconds until the first look: CloudTrail delivers within about 15 minutes, and a queue delays no longer. */
const FIRST_LOOK = 900;
/** Seconds between two looks. At least the function's own time, or a message would be handled twice at once. */
const NEXT_LOOK = 1_800;

/**
 * A queue in which acquisitions that ended wait until CloudTrail has their calls, and the function behind it. Nothing waits
 * for it: images, messages and endings are there already.
 */
export class EndedAcquisitions extends Construct {
  constructor(scope: Construct, id: string, props: EndedAcquisitionsProps) {
    super(scope, id);
    const { place } = props;
    const ruleName = `${place.prefix}-acquisition-ended`;
    const queue = new SqsQueue(this, 'Resource', {
      name: requestIdsQueueName(place),
      delaySeconds: FIRST_LOOK,
      visibilityTimeoutSeconds: NEXT_LOOK,
      messageRetentionSeconds: 4 * 86_400,
      sqsManagedSseEnabled: true,
      // Twice the looks after which the function gives up a call: a message that comes more often meets an error each time.
      redrivePolicy: JSON.stringify({ deadLetterTargetArn: props.failedEventsQueueArn, maxReceiveCount: 2 * Math.ceil((TRAIL_HOURS * 3600) / NEXT_LOOK) + 2 }),
    });
    const queuePolicy = new SqsQueuePolicy(this, 'Policy', { queueUrl: queue.url, policy: policyJson(requestIdsQueuePolicy(place, ruleName), 'queue', 'the policy of the queue of ended acquisitions') });
    const rule = new CloudwatchEventRule(this, 'Rule', {
      name: ruleName,
      description: 'Has the request ids of an acquisition looked up when it has ended',
      eventPattern: JSON.stringify(endedPattern(stateMachineArn(place))),
    });
    new CloudwatchEventTarget(this, 'Target', { rule: rule.name, targetId: 'request-ids', arn: queue.arn, deadLetterConfig: { arn: props.failedEventsQueueArn }, dependsOn: [queuePolicy] });
    new LambdaEventSourceMapping(this, 'Mapping', {
      eventSourceArn: queue.arn,
      functionName: props.requestIdsArn,
      batchSize: 1,
      functionResponseTypes: ['ReportBatchItemFailures'],
      scalingConfig: { maximumConcurrency: 2 }, // the fewest there are: all share CloudTrail's two requests a second
    });
  }
}
