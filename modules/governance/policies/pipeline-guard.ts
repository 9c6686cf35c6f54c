import { policyDocument, type PolicyDocument } from '../../policy.ts';
import { imagePipelinePattern, unlessBreakGlass, unlessBreakGlassOr, type GuardrailContext } from './context.ts';

/**
 * SCP: what acquires and verifies is what was deployed. Whoever may write a function or a state machine works with its role, which
 * reaches evidence and the monitored accounts; whoever may write a parameter chooses the collector's image.
 */
export const denyPipelineChange = (context: GuardrailContext): PolicyDocument =>
  policyDocument(
    {
      Sid: 'DenyPipelineChange',
      Effect: 'Deny',
      Action: [
        'lambda:Create*',
        'lambda:Delete*',
        'lambda:Put*',
        'lambda:Update*',
        'states:CreateStateMachine*',
        'states:DeleteStateMachine*',
        'states:UpdateStateMachine*',
      ],
      Resource: '*',
      Condition: unlessBreakGlass(context),
    },
    {
      Sid: 'DenyParameterChange',
      Effect: 'Deny',
      Action: ['ssm:DeleteParameter*', 'ssm:PutParameter'],
      Resource: `arn:${context.partition}:ssm:*:*:parameter/${context.prefix}/*`,
      // The id of a new image is published by what made it, or took delivery of it.
      Condition: unlessBreakGlassOr(context, [imagePipelinePattern(context), ...(context.imageDelivery?.receiverRoleArns ?? [])]),
    },
  );
