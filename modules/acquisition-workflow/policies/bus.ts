import { principalInside, type Perimeter } from '../../perimeter.ts';
import { policyDocument, type PolicyDocument } from '../../policy.ts';
import { caseBusArn, failedEventsQueueName, findingsRolePattern, type Place } from '../../vocabulary/index.ts';

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

/** Policy of the queue of failed events: the bus's rules of this account hand over what they could not deliver. */
export const failedEventsPolicy = (place: Place): PolicyDocument => {
  const queue = `arn:${place.partition}:sqs:${place.region}:${place.account}:${failedEventsQueueName(place)}`;
  return policyDocument(
    {
      Sid: 'KeepWhatWasNotDelivered',
      Effect: 'Allow',
      Principal: { Service: 'events.amazonaws.com' },
      Action: 'sqs:SendMessage',
      Resource: queue,
      Condition: { ArnLike: { 'aws:SourceArn': `arn:${place.partition}:events:${place.region}:${place.account}:rule/*` } },
    },
    { Sid: 'DenyPlaintext', Effect: 'Deny', Principal: '*', Action: 'sqs:*', Resource: queue, Condition: { Bool: { 'aws:SecureTransport': 'false' } } },
  );
};
