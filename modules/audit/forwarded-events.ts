import { CloudwatchEventRule } from '@cdktf/provider-aws/lib/cloudwatch-event-rule/index.js';
import { CloudwatchEventTarget } from '@cdktf/provider-aws/lib/cloudwatch-event-target/index.js';
import { IamRolePolicy } from '@cdktf/provider-aws/lib/iam-role-policy/index.js';
import { IamRole } from '@cdktf/provider-aws/lib/iam-role/index.js';
import { Construct } from 'constructs';
import { policyJson } from '../render-policy.ts';
import { forwarderRoleName, iamPath, type Place } from '../vocabulary/index.ts';
import { forwardedPattern } from './alert-patterns.ts';
import { defaultBusArn, forwarderPolicy, forwarderTrust, forwardingRuleName } from './policies/forwarder.ts';

export interface ForwardedEventsProps {
  /** Where people are told: the account, and the Region whose default event bus the alert rules are on. */
  readonly home: Place;
  /** Region that AWS reports in, and in which all of this is made. */
  readonly region: string;
}

/** Sends what AWS reports of an account in another Region (log-ins, changes in IAM) to the Region where people are told. */
export class ForwardedEvents extends Construct {
  constructor(scope: Construct, id: string, { home, region }: ForwardedEventsProps) {
    super(scope, id);
    const role = new IamRole(this, 'Role', {
      name: forwarderRoleName(home, region),
      path: iamPath(home),
      description: `Brings log-ins and changes in IAM from ${region} to the alerts`,
      assumeRolePolicy: policyJson(forwarderTrust(home, region), 'trust', 'the trust of the forwarding role'),
    });
    const rights = new IamRolePolicy(this, 'Policy', { name: 'forward', role: role.id, policy: policyJson(forwarderPolicy(home), 'inlineRole', 'the policy of the forwarding role') });
    const rule = new CloudwatchEventRule(this, 'Resource', {
      name: forwardingRuleName(home),
      description: `Forwards log-ins and changes in IAM to ${home.region}`,
      eventPattern: JSON.stringify(forwardedPattern(home)),
    });
    new CloudwatchEventTarget(this, 'Target', { rule: rule.name, targetId: 'home', arn: defaultBusArn(home), roleArn: role.arn, dependsOn: [rights] });
  }
}
