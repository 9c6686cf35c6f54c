import { policyDocument, type PolicyDocument } from '../../policy.ts';
import { imagePipelinePattern, unlessBreakGlassOr, type GuardrailContext } from './context.ts';

/** SCP: sessions that Session Manager cannot log (SSH, port forwarding) do not start, for nobody; nor does a command, which is a shell without a session. */
export const denyUnloggedSessions = (context: GuardrailContext): PolicyDocument =>
  policyDocument(
    {
      Sid: 'DenyUnloggedSessions',
      Effect: 'Deny',
      Action: 'ssm:StartSession',
      Resource: [
        `arn:${context.partition}:ssm:*::document/AWS-StartSSHSession`,
        `arn:${context.partition}:ssm:*::document/AWS-StartPortForwardingSession*`,
        `arn:${context.partition}:ssm:*:*:document/AWS-StartSSHSession`,
        `arn:${context.partition}:ssm:*:*:document/AWS-StartPortForwardingSession*`,
      ],
    },
    {
      Sid: 'DenyUnloggedCommands',
      Effect: 'Deny',
      Action: ['ssm:CreateAssociation*', 'ssm:SendCommand', 'ssm:StartAutomationExecution', 'ssm:UpdateAssociation'],
      Resource: '*',
      // Image Builder runs its steps so, on instances that see no evidence.
      Condition: unlessBreakGlassOr(context, [imagePipelinePattern(context)]),
    },
  );
