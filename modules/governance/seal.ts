import { OrganizationsPolicyAttachment } from '@cdktf/provider-aws/lib/organizations-policy-attachment/index.js';
import { OrganizationsPolicy } from '@cdktf/provider-aws/lib/organizations-policy/index.js';
import { Fn, Op, TerraformCount, type IResolvable } from 'cdktf';
import { Construct } from 'constructs';
import { POLICY_QUOTAS } from '../policy.ts';
import { policyJson } from '../render-policy.ts';
import {
  denyOtherRegions,
  ec2Declarative,
  packedServiceControlPolicies,
  resourcePerimeter,
  s3BlockPublicAccess,
  type GuardrailContext,
} from './policies/index.ts';

export interface SealProps {
  readonly context: GuardrailContext;
  /** Units and accounts that the policies are attached to, by a name for each. */
  readonly targets: Readonly<Record<string, string>>;
  /** Regions that each forensic account may use. */
  readonly regionsOfAccounts: Readonly<Record<string, readonly string[]>>;
  /** Whether the policies are attached. Taking them off leaves them in place, unattached. */
  readonly sealed: boolean | IResolvable;
  /** Characters that a service control policy may have in this organization. @default 5120 (10240 since May 2026) */
  readonly scpLimit?: number;
  /** Policies of one kind that may hang on a node, AWS's own included. @default 5 (10 since May 2026) */
  readonly scpPerNode?: number;
  /** Whether to keep S3 block public access on by an S3 policy; needs the AWS provider of {@link S3_POLICY_PROVIDER}. @default false */
  readonly s3Policy?: boolean;
}

/** The policies that turn a standing estate into a sealed one. */
export class Seal extends Construct {
  /** Names of all policies. */
  readonly policyNames: readonly string[];

  constructor(scope: Construct, id: string, props: SealProps) {
    super(scope, id);
    const { context, scpLimit = POLICY_QUOTAS.scpBefore2026, scpPerNode = 5 } = props;
    const names: string[] = [];
    const count =
      typeof props.sealed === 'boolean' ? TerraformCount.of(props.sealed ? 1 : 0) : TerraformCount.of(Fn.conditional(Op.eq(props.sealed, true), 1, 0));
    const attach = (policyId: string, type: string, description: string, content: string, targets = props.targets) => {
      const name = `${context.prefix}-${policyId}`;
      const policy = new OrganizationsPolicy(this, policyId, { name, description, type, content });
      for (const [target, targetId] of Object.entries(targets)) {
        new OrganizationsPolicyAttachment(this, `${policyId}-on-${target}`, { policyId: policy.id, targetId, count });
      }
      names.push(name);
    };
    const packed = packedServiceControlPolicies(context, scpLimit);
    // An account that is sealed by itself has its Region pin on the same node.
    const needed = packed.length + (Object.values(props.targets).some((target) => target in props.regionsOfAccounts) ? 1 : 0);
    if (needed + 1 > scpPerNode) {
      throw new RangeError(
        `the seal needs ${needed} service control policies besides FullAWSAccess on a node; ${scpPerNode - 1} are allowed: raise organization.quotas, if this organization has more`,
      );
    }
    packed.forEach((document, index) => {
      attach(`seal-${index + 1}`, 'SERVICE_CONTROL_POLICY', 'Forensic guardrails', policyJson(document, scpLimit > 5120 ? 'scp' : 'scpBefore2026', `seal-${index + 1}`));
    });
    for (const [account, regions] of Object.entries(props.regionsOfAccounts)) {
      attach(`regions-${account}`, 'SERVICE_CONTROL_POLICY', `Regions of ${account}`, policyJson(denyOtherRegions(context, regions), 'scpBefore2026', `the Region pin of ${account}`), { [account]: account });
    }
    attach('perimeter', 'RESOURCE_CONTROL_POLICY', 'Resources answer the organization', policyJson(resourcePerimeter(context), 'rcp', 'the resource perimeter'));
    attach('ec2', 'DECLARATIVE_POLICY_EC2', 'Account settings of EC2', policyJson(ec2Declarative(), 'declarative', 'the EC2 policy'));
    if (props.s3Policy ?? false) {
      attach('s3', 'S3_POLICY', 'Block public access', policyJson(s3BlockPublicAccess(), 's3', 'the S3 policy'));
    }
    this.policyNames = names;
  }
}
