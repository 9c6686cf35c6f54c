import { policyDocument, type PolicyDocument } from '../../policy.ts';

/** Trust of the role by which rules forward events: EventBridge, for rules of this account alone. */
export const forwardingTrust = (account: string): PolicyDocument =>
  policyDocument({
    Sid: 'Rules',
    Effect: 'Allow',
    Principal: { Service: 'events.amazonaws.com' },
    Action: 'sts:AssumeRole',
    Condition: { StringEquals: { 'aws:SourceAccount': account } },
  });

/** The role puts events on the bus of cases, and does nothing else. */
export const forwardingPolicy = (busArn: string): PolicyDocument =>
  policyDocument({ Sid: 'Forward', Effect: 'Allow', Action: 'events:PutEvents', Resource: busArn });

/** The queue takes what rules of this account could not deliver. */
export const undeliveredPolicy = (queueArn: string, ruleArns: readonly string[]): PolicyDocument =>
  policyDocument({
    Sid: 'Undelivered',
    Effect: 'Allow',
    Principal: { Service: 'events.amazonaws.com' },
    Action: 'sqs:SendMessage',
    Resource: queueArn,
    Condition: { ArnEquals: { 'aws:SourceArn': ruleArns } },
  });
