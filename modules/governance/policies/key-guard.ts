import { policyDocument, type PolicyDocument } from '../../policy.ts';
import { unlessBreakGlass, type GuardrailContext } from './context.ts';

/** SCP: a key that evidence depends on is neither lost nor handed on. */
export const denyKeyTampering = (context: GuardrailContext): PolicyDocument =>
  policyDocument(
    {
      Sid: 'DenyKeyLoss',
      Effect: 'Deny',
      Action: [
        'kms:DeleteAlias',
        'kms:DeleteImportedKeyMaterial',
        'kms:DisableKey',
        'kms:DisableKeyRotation',
        'kms:PutKeyPolicy',
        'kms:ReplicateKey',
        'kms:ScheduleKeyDeletion',
        'kms:UpdateAlias',
      ],
      Resource: '*',
      Condition: unlessBreakGlass(context),
    },
    {
      Sid: 'DenyGrantsToPeople',
      Effect: 'Deny',
      Action: 'kms:CreateGrant',
      Resource: '*',
      // Also where the key is missing: services that take a grant for a resource of theirs always send it.
      Condition: { BoolIfExists: { 'kms:GrantIsForAWSResource': 'false' }, ...unlessBreakGlass(context) },
    },
  );
