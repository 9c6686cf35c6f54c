import { policyDocument, type PolicyDocument } from '../../policy.ts';
import { CASE_TAGS } from '../../vocabulary/index.ts';
import { unlessBreakGlass, type GuardrailContext } from './context.ts';

/** SCP: nothing that could lead out of the isolated network is created, attached, routed or opened. */
export const denyNetworkChange = (context: GuardrailContext): PolicyDocument =>
  policyDocument(
    {
      Sid: 'DenyWaysOut',
      Effect: 'Deny',
      Action: [
        'ec2:AcceptTransitGateway*',
        'ec2:AcceptVpc*',
        'ec2:AllocateAddress',
        'ec2:AssociateAddress',
        'ec2:AssociateRouteTable',
        'ec2:AssociateSubnetCidrBlock',
        'ec2:AssociateVpcCidrBlock',
        'ec2:Attach*Gateway',
        'ec2:AuthorizeSecurityGroup*',
        'ec2:Create*Gateway',
        'ec2:CreateClientVpn*',
        'ec2:CreateDefaultSubnet',
        'ec2:CreateDefaultVpc',
        'ec2:CreateInstanceConnectEndpoint',
        'ec2:CreateNetworkAclEntry',
        'ec2:CreateRoute',
        'ec2:CreateSubnet',
        'ec2:CreateTransitGateway*',
        'ec2:CreateVpc*',
        'ec2:CreateVpnConnection*',
        'ec2:DeleteNetworkAclEntry',
        'ec2:DeleteVpcEndpoint*',
        'ec2:ModifySecurityGroupRules',
        'ec2:ModifySubnetAttribute',
        'ec2:ModifyVpc*',
        'ec2:ReplaceNetworkAcl*',
        'ec2:ReplaceRoute*',
      ],
      Resource: '*',
      Condition: unlessBreakGlass(context),
    },
    {
      Sid: 'DenyDnsChange',
      Effect: 'Deny',
      Action: [
        'route53resolver:Associate*',
        'route53resolver:Create*',
        'route53resolver:Delete*',
        'route53resolver:Disassociate*',
        'route53resolver:Import*',
        'route53resolver:Put*',
        'route53resolver:Update*',
      ],
      Resource: '*',
      Condition: unlessBreakGlass(context),
    },
    {
      // The launch guard trusts this tag, so nobody may forge it, in whatever case: a condition's key matches any.
      Sid: 'DenyNetworkTagForgery',
      Effect: 'Deny',
      Action: ['ec2:CreateTags', 'ec2:DeleteTags'],
      Resource: [`arn:${context.partition}:ec2:*:*:subnet/*`, `arn:${context.partition}:ec2:*:*:security-group/*`],
      Condition: { 'ForAnyValue:StringEqualsIgnoreCase': { 'aws:TagKeys': [CASE_TAGS.purpose] }, ...unlessBreakGlass(context) },
    },
  );
