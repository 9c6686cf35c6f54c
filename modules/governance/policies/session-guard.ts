import { policyDocument, type PolicyDocument } from '../../policy.ts';
import type { GuardrailContext } from './context.ts';

/** SCP: sessions that Session Manager cannot log (SSH, port forwarding) do not start, for nobody. */
export const denyUnloggedSessions = (context: GuardrailContext): PolicyDocument =>
  policyDocument({
    Sid: 'DenyUnloggedSessions',
    Effect: 'Deny',
    Action: 'ssm:StartSession',
    Resource: [
      `arn:${context.partition}:ssm:*::document/AWS-StartSSHSession`,
      `arn:${context.partition}:ssm:*::document/AWS-StartPortForwardingSession*`,
      `arn:${context.partition}:ssm:*:*:document/AWS-StartSSHSession`,
      `arn:${context.partition}:ssm:*:*:document/AWS-StartPortForwardingSession*`,
    ],
  });
