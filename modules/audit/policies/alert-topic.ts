import { policyDocument, type PolicyDocument } from '../../policy.ts';
import { alertTopicName, type Place } from '../../vocabulary/index.ts';

/** Policy of the alert topic: rules and alarms of the account publish, everything else is refused. */
export const alertTopicPolicy = (place: Place, topicArn: string): PolicyDocument =>
  policyDocument(
    {
      Sid: 'PublishAlarms',
      Effect: 'Allow',
      Principal: { Service: 'cloudwatch.amazonaws.com' },
      Action: 'sns:Publish',
      Resource: topicArn,
      Condition: { StringEquals: { 'aws:SourceAccount': place.account } },
    },
    {
      // EventBridge promises no condition keys to topic policies; an alert too many does less harm than one that is lost.
      Sid: 'PublishEvents',
      Effect: 'Allow',
      Principal: { Service: 'events.amazonaws.com' },
      Action: 'sns:Publish',
      Resource: topicArn,
    },
    {
      Sid: 'DenyPlaintext',
      Effect: 'Deny',
      Principal: '*',
      Action: 'sns:Publish',
      Resource: topicArn,
      Condition: { Bool: { 'aws:SecureTransport': 'false' } },
    },
  );

/** ARN of the alert topic of an account and Region. */
export const alertTopicArn = (place: Place): string =>
  `arn:${place.partition}:sns:${place.region}:${place.account}:${alertTopicName(place)}`;
