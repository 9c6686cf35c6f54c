import { policyDocument, type PolicyDocument } from '../../policy.ts';
import {
  breakGlassPattern,
  caseRolePattern,
  estateRolePattern,
  unlessBreakGlass,
  workflowPattern,
  type GuardrailContext,
} from './context.ts';

const ROLE_CHANGES = [
  'iam:AttachRolePolicy',
  'iam:CreateRole',
  'iam:DeleteRole*',
  'iam:DetachRolePolicy',
  'iam:PutRole*',
  'iam:TagRole',
  'iam:UntagRole',
  'iam:UpdateAssumeRolePolicy',
  'iam:UpdateRole*',
];

/** SCP: no root, no long-lived identities, no way out of the organization, and nobody changes the estate's roles. */
export const denyIdentityChange = (context: GuardrailContext): PolicyDocument => {
  const { imageDelivery } = context;
  return policyDocument(
    {
      Sid: 'DenyRoot',
      Effect: 'Deny',
      Action: '*',
      Resource: '*',
      Condition: { ArnLike: { 'aws:PrincipalArn': `arn:${context.partition}:iam::*:root` } },
    },
    {
      Sid: 'DenyLeaving',
      Effect: 'Deny',
      Action: ['organizations:LeaveOrganization', 'account:CloseAccount'],
      Resource: '*',
    },
    {
      Sid: 'DenyNewIdentities',
      Effect: 'Deny',
      Action: [
        'iam:*SAMLProvider*',
        'iam:*OpenIDConnect*',
        'iam:AddUserToGroup',
        'iam:CreateAccessKey',
        'iam:CreateGroup',
        'iam:CreateLoginProfile',
        'iam:CreateServiceSpecificCredential',
        'iam:CreateUser',
        'iam:CreateVirtualMFADevice',
        'iam:UploadSSHPublicKey',
        'iam:UploadSigningCertificate',
      ],
      Resource: '*',
      Condition: unlessBreakGlass(context),
    },
    {
      Sid: 'DenyEstateRoleChange',
      Effect: 'Deny',
      Action: ROLE_CHANGES,
      // Image Builder knows its roles by name, without the estate's path.
      Resource: imageDelivery === undefined ? estateRolePattern(context) : [estateRolePattern(context), ...imageDelivery.receiverRoleArns, ...imageDelivery.lifecycleRoleArns],
      Condition: unlessBreakGlass(context),
    },
    {
      Sid: 'DenyCaseRoleChange',
      Effect: 'Deny',
      Action: ROLE_CHANGES,
      Resource: caseRolePattern(context),
      Condition: { ArnNotLike: { 'aws:PrincipalArn': [workflowPattern(context), breakGlassPattern(context)] } },
    },
    {
      Sid: 'DenyEstatePolicyChange',
      Effect: 'Deny',
      Action: ['iam:CreatePolicy*', 'iam:DeletePolicy*', 'iam:SetDefaultPolicyVersion'],
      Resource: `arn:${context.partition}:iam::*:policy/${context.prefix}/*`,
      Condition: unlessBreakGlass(context),
    },
  );
};
