import { CloudwatchEventRule } from '@cdktf/provider-aws/lib/cloudwatch-event-rule/index.js';
import { CloudwatchEventTarget } from '@cdktf/provider-aws/lib/cloudwatch-event-target/index.js';
import { SnsTopicPolicy } from '@cdktf/provider-aws/lib/sns-topic-policy/index.js';
import { SnsTopicSubscription } from '@cdktf/provider-aws/lib/sns-topic-subscription/index.js';
import { SnsTopic } from '@cdktf/provider-aws/lib/sns-topic/index.js';
import { Token } from 'cdktf';
import { Construct } from 'constructs';
import { policyJson } from '../render-policy.ts';
import { alertTopicName, type Place } from '../vocabulary/index.ts';
import { alertTopicPolicy } from './policies/alert-topic.ts';

export interface AlertsProps {
  readonly place: Place;
  /** EventBridge patterns by rule name. */
  readonly patterns: Readonly<Record<string, object>>;
  /** Key of the topic. */
  readonly kmsKeyId: string;
  /** Addresses that are told; each has to confirm. @default none */
  readonly emails?: readonly string[];
}

/** A topic, and a rule for each thing that people are told about. */
export class Alerts extends Construct {
  readonly topicArn: string;

  constructor(scope: Construct, id: string, props: AlertsProps) {
    super(scope, id);
    const { place } = props;
    const topic = new SnsTopic(this, 'Resource', { name: alertTopicName(place), kmsMasterKeyId: props.kmsKeyId });
    new SnsTopicPolicy(this, 'Policy', { arn: topic.arn, policy: policyJson(alertTopicPolicy(place, topic.arn), 'bucket', 'the policy of the alert topic') });
    [...new Set(props.emails)].forEach((endpoint, index) => {
      // By address: were it by position, who comes after one that is taken out would be subscribed anew, and hear nothing until it confirms.
      new SnsTopicSubscription(this, Token.isUnresolved(endpoint) ? `Email${index}` : `Email-${endpoint}`, { topicArn: topic.arn, protocol: 'email', endpoint });
    });
    for (const [name, pattern] of Object.entries(props.patterns)) {
      const rule = new CloudwatchEventRule(this, name, {
        name: `${place.prefix}-${name}`,
        description: `Tells people: ${name}`,
        eventPattern: JSON.stringify(pattern),
      });
      new CloudwatchEventTarget(this, `${name}-target`, { rule: rule.name, targetId: 'alerts', arn: topic.arn });
    }
    this.topicArn = topic.arn;
  }
}
