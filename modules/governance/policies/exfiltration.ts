import { policyDocument, type PolicyDocument } from '../../policy.ts';
import { unlessBreakGlass, unlessBreakGlassOr, type GuardrailContext } from './context.ts';

/** SCP: data does not leave by sharing, by HTTP, by e-mail, by export, or into another organization's bucket. */
export const denyExfiltration = (context: GuardrailContext): PolicyDocument => {
  const { imageDelivery } = context;
  return policyDocument(
    {
      Sid: 'DenyExports',
      Effect: 'Deny',
      Action: [
        'ec2:CreateInstanceExportTask',
        'ec2:CreateStoreImageTask',
        'ec2:ExportImage',
        ...(imageDelivery === undefined ? ['ec2:ModifyImageAttribute'] : []),
        'events:CreateApiDestination',
        'events:CreateConnection',
        'events:CreateEndpoint',
        'events:PutPermission',
        'lambda:AddPermission',
        'lambda:CreateFunctionUrlConfig',
        'lambda:InvokeFunctionUrl',
        'logs:CreateExportTask',
        'logs:PutDestination*',
        'logs:PutResourcePolicy',
        'logs:PutSubscriptionFilter',
        'ram:*',
        'ssm:ModifyDocumentPermission',
        'states:InvokeHTTPEndpoint',
      ],
      Resource: '*',
      Condition: unlessBreakGlass(context),
    },
    imageDelivery !== undefined && {
      Sid: 'DenyImageSharing',
      Effect: 'Deny',
      Action: 'ec2:ModifyImageAttribute',
      Resource: '*',
      Condition: unlessBreakGlassOr(context, [imageDelivery.pipelineRoleArn, ...imageDelivery.receiverRoleArns]),
    },
    {
      Sid: 'DenyOutsideSubscriptions',
      Effect: 'Deny',
      Action: 'sns:Subscribe',
      Resource: '*',
      Condition: {
        StringEquals: { 'sns:Protocol': ['email', 'email-json', 'http', 'https', 'sms'] },
        ...unlessBreakGlass(context),
      },
    },
    {
      Sid: 'DenyWritesOutsideTheOrganization',
      Effect: 'Deny',
      Action: ['s3:PutObject*', 's3:ReplicateObject', 'sqs:SendMessage', 'sns:Publish', 'kms:Encrypt', 'kms:ReEncryptTo'],
      Resource: '*',
      // Services act on buckets of their own (patch baselines, session plugins) with the caller's identity.
      Condition: { StringNotEquals: { 'aws:ResourceOrgID': context.organizationId }, BoolIfExists: { 'aws:ViaAWSService': 'false' } },
    },
  );
};
