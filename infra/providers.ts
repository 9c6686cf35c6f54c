import { AwsProvider } from '@cdktf/provider-aws/lib/provider/index.js';
import type { TerraformStack } from 'cdktf';
import type { Estate } from './config.ts';

/** Where a stack is deployed. */
export interface Target {
  readonly account: string;
  readonly region: string;
}

/** Provider versions whose schema the stacks stay inside of. */
export const PROVIDER_CONSTRAINT = '>= 5.100.0, < 7.0.0';
/** The seal's validation compares two variables, which Terraform does since 1.9. */
const TERRAFORM_CONSTRAINT = '>= 1.9.0';

/** Gives a stack its provider: the target's account, by the deployment role, and its Region. Calls into any other account fail. */
export function configureProvider(stack: TerraformStack, estate: Estate, { account, region }: Target, alias?: string): AwsProvider {
  const { deployment, partition, prefix, accounts } = estate;
  const assume = deployment.roleName !== undefined && account !== accounts.management?.id;
  // Terraform takes the provider's newest version inside the constraint that the machine has.
  stack.addOverride('terraform.required_version', TERRAFORM_CONSTRAINT);
  stack.addOverride('terraform.required_providers.aws', { source: 'hashicorp/aws', version: PROVIDER_CONSTRAINT });
  return new AwsProvider(stack, alias === undefined ? 'aws' : `aws-${alias}`, {
    region,
    allowedAccountIds: [account],
    ...(alias === undefined ? {} : { alias }),
    ...(assume ? { assumeRole: [{ roleArn: `arn:${partition}:iam::${account}:role/${deployment.roleName}`, sessionName: `${prefix}-deployment` }] } : {}),
    defaultTags: [{ tags: { ManagedBy: prefix, Estate: estate.name } }],
  });
}
