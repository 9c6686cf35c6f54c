import { CloudwatchEventRule } from '@cdktf/provider-aws/lib/cloudwatch-event-rule/index.js';
import { CloudwatchEventTarget } from '@cdktf/provider-aws/lib/cloudwatch-event-target/index.js';
import { CloudwatchMetricAlarm } from '@cdktf/provider-aws/lib/cloudwatch-metric-alarm/index.js';
import { IamRolePolicy } from '@cdktf/provider-aws/lib/iam-role-policy/index.js';
import { IamRole } from '@cdktf/provider-aws/lib/iam-role/index.js';
import { SecurityhubActionTarget } from '@cdktf/provider-aws/lib/securityhub-action-target/index.js';
import { SqsQueuePolicy } from '@cdktf/provider-aws/lib/sqs-queue-policy/index.js';
import { SqsQueue } from '@cdktf/provider-aws/lib/sqs-queue/index.js';
import { Construct } from 'constructs';
import { policyJson } from '../render-policy.ts';
import { actionTargetId, findingsRoleName, iamPath, type EstateNaming, type TriggerSettings } from '../vocabulary/index.ts';
import { detectionPatterns, type DetectionKind } from './patterns.ts';
import { forwardingPolicy, forwardingTrust, undeliveredPolicy } from './policies/forwarding.ts';

export interface DetectionProps {
  readonly naming: EstateNaming;
  /** Account that the rules are in. */
  readonly account: string;
  /** Region that the rules are in; findings of a Region are handled by its own forensic stack. */
  readonly region: string;
  /** Bus of cases of the forensic account in this Region. */
  readonly busArn: string;
  /** What starts cases. */
  readonly triggers: TriggerSettings;
  /** `security` for the account where findings come together, `member` for one with instances. */
  readonly kind: DetectionKind;
  /** Topic that is told when an event could not be delivered. @default none: the alarm is seen in CloudWatch alone */
  readonly alertTopicArn?: string;
}

/** Rules that forward what starts a case to the forensic account. What cannot be delivered is kept for 14 days, with an alarm. */
export class Detection extends Construct {
  /** Names of the rules; none where every trigger of this kind is turned off, and then there is nothing else either. */
  readonly ruleNames: readonly string[];

  constructor(scope: Construct, id: string, props: DetectionProps) {
    super(scope, id);
    const { naming, account, region, busArn, kind, triggers, alertTopicArn } = props;
    const patterns = Object.entries(detectionPatterns(props));
    const ruleName = (name: string): string => `${naming.prefix}-${name}`;
    this.ruleNames = patterns.map(([name]) => ruleName(name));
    if (patterns.length === 0) return;

    const role = new IamRole(this, 'Resource', {
      name: findingsRoleName(naming, region, kind),
      path: iamPath(naming),
      description: 'Forwards what starts a forensic case',
      assumeRolePolicy: policyJson(forwardingTrust(account), 'trust', 'the trust of the findings role'),
    });
    new IamRolePolicy(this, 'Policy', { name: 'forward', role: role.id, policy: policyJson(forwardingPolicy(busArn), 'inlineRole', 'the policy of the findings role') });

    // Of its kind: the account where findings come together may be one with instances as well.
    const queueName = `${naming.prefix}-${kind === 'member' ? 'tags' : 'findings'}-undelivered`;
    const queue = new SqsQueue(this, 'Undelivered', { name: queueName, messageRetentionSeconds: 14 * 24 * 3600, sqsManagedSseEnabled: true });
    const ruleArns = this.ruleNames.map((name) => `arn:${naming.partition}:events:${region}:${account}:rule/${name}`);
    new SqsQueuePolicy(this, 'UndeliveredPolicy', { queueUrl: queue.url, policy: policyJson(undeliveredPolicy(queue.arn, ruleArns), 'bucket', 'the policy of the undelivered events') });
    new CloudwatchMetricAlarm(this, 'UndeliveredAlarm', {
      alarmName: queueName,
      alarmDescription: 'A finding did not reach the forensic account: no case was opened for it',
      namespace: 'AWS/SQS',
      metricName: 'ApproximateNumberOfMessagesVisible',
      dimensions: { QueueName: queueName },
      statistic: 'Maximum',
      period: 60,
      evaluationPeriods: 1,
      threshold: 0,
      comparisonOperator: 'GreaterThanThreshold',
      treatMissingData: 'notBreaching',
      ...(alertTopicArn === undefined ? {} : { alarmActions: [alertTopicArn] }),
    });

    for (const [name, pattern] of patterns) {
      const rule = new CloudwatchEventRule(this, name, { name: ruleName(name), description: `Starts a forensic case: ${name}`, eventPattern: JSON.stringify(pattern) });
      new CloudwatchEventTarget(this, `${name}-target`, {
        rule: rule.name,
        targetId: 'cases',
        arn: busArn,
        roleArn: role.arn,
        deadLetterConfig: { arn: queue.arn },
        retryPolicy: { maximumEventAgeInSeconds: 24 * 3600, maximumRetryAttempts: 185 },
      });
    }
    if (kind === 'security' && triggers.securityHubAction.enabled) {
      new SecurityhubActionTarget(this, 'Action', { identifier: actionTargetId(naming), name: 'Acquire', description: 'Acquire the instances of these findings forensically' });
    }
  }
}
