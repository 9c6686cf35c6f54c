import { principalInside, type Perimeter } from '../../perimeter.ts';
import { policyDocument, type PolicyDocument } from '../../policy.ts';
import { caseBusArn, failedEventsQueueName, findingsRolePattern, requestIdsQueueName, type Place } from '../../vocabulary/index.ts';

/** Policy of the bus of cases: only the estate's own forwarding roles put findings there. Anybody else could open cases at will. */
export const caseBusPolicy = (place: Place, perimeter: Perimeter): PolicyDocument =>
  policyDocument({
    Sid: 'FindingsFromTheEstate',
    Effect: 'Allow',
    Principal: '*',
    Action: 'events:PutEvents',
    Resource: caseBusArn(place),
    Condition: { StringEquals: principalInside(perimeter), ArnLike: { 'aws:PrincipalArn': findingsRolePattern(place) } },
  });

/** A queue that rules of this account put events into. @param rule the rule's name, or a pattern */
const queuePolicy = (place: Place, name: string, sid: string, rule: string): PolicyDocument => {
  const queue = `arn:${place.partition}:sqs:${place.region}:${place.account}:${name}`;
  return policyDocument(
    {
      Sid: sid,
      Effect: 'Allow',
      Principal: { Service: 'events.amazonaws.com' },
      Action: 'sqs:SendMessage',
      Resource: queue,
      Condition: { ArnLike: { 'aws:SourceArn': `arn:${place.partition}:events:${place.region}:${place.account}:rule/${rule}` } },
    },
    { Sid: 'DenyPlaintext', Effect: 'Deny', Principal: '*', Action: 'sqs:*', Resource: queue, Condition: { Bool: { 'aws:SecureTransport': 'false' } } },
  );
};

/** Policy of the queue of failed events: the rules of this account hand over what they could not deliver. */
export const failedEventsPolicy = (place: Place): PolicyDocument => queuePolicy(place, failedEventsQueueName(place), 'KeepWhatWasNotDelivered', '*');

/** Policy of the queue of acquisitions that ended. @param rule name of the rule that hears of them */
export const requestIdsQueuePolicy = (place: Place, rule: string): PolicyDocument => queuePolicy(place, requestIdsQueueName(place), 'KeepWhatEnded', rule);
