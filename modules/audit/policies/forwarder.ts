import { policyDocument, type PolicyDocument } from '../../policy.ts';
import type { EstateNaming, Place } from '../../vocabulary/index.ts';

/** Name of the rule that forwards an account's events to its home Region. */
export const forwardingRuleName = ({ prefix }: Pick<EstateNaming, 'prefix'>): string => `${prefix}-forward`;

/** ARN of the bus on which a Region's alert rules listen. */
export const defaultBusArn = ({ partition, account, region }: Place): string => `arn:${partition}:events:${region}:${account}:event-bus/default`;

/** Trust of the forwarding role: EventBridge, for the one rule in the one Region. */
export const forwarderTrust = (home: Place, region: string): PolicyDocument =>
  policyDocument({
    Sid: 'Forward',
    Effect: 'Allow',
    Principal: { Service: 'events.amazonaws.com' },
    Action: 'sts:AssumeRole',
    Condition: {
      StringEquals: { 'aws:SourceAccount': home.account },
      ArnEquals: { 'aws:SourceArn': `arn:${home.partition}:events:${region}:${home.account}:rule/${forwardingRuleName(home)}` },
    },
  });

/** The forwarding role's only right. The call is made in the home Region, so the seal's Region pin lets it pass. */
export const forwarderPolicy = (home: Place): PolicyDocument =>
  policyDocument({ Sid: 'Forward', Effect: 'Allow', Action: 'events:PutEvents', Resource: defaultBusArn(home) });
