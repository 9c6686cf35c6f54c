import { AwsProvider } from '@cdktf/provider-aws/lib/provider/index.js';
import type { TerraformStack } from 'cdktf';
import { AWS_PROVIDER, TERRAFORM } from '../modules/terraform/versions.ts';
import type { Estate } from './config.ts';

/** Where a stack is deployed. */
export interface Target {
  readonly account: string;
  readonly region: string;
}

/** Says which versions of the AWS provider a stack takes; Terraform uses the newest of them that the machine has. */
export const requireProvider = (stack: TerraformStack, version: string): void =>
  stack.addOverride('terraform.required_providers.aws', { source: 'hashicorp/aws', version });

/** Gives a stack its provider: the target's account, by the deployment role, and its Region. Calls into any other account fail. */
export function configureProvider(stack: TerraformStack, estate: Estate, { account, region }: Target, alias?: string): AwsProvider {
  const { deployment, partition, prefix, accounts } = estate;
  const assume = deployment.roleName !== undefined && account !== accounts.management?.id;
  stack.addOverride('terraform.required_version', TERRAFORM);
  requireProvider(stack, AWS_PROVIDER);
  return new AwsProvider(stack, alias === undefined ? 'aws' : `aws-${alias}`, {
    region,
    allowedAccountIds: [account],
    ...(alias === undefined ? {} : { alias }),
    ...(assume ? { assumeRole: [{ roleArn: `arn:${partition}:iam::${account}:role/${deployment.roleName}`, sessionName: `${prefix}-deployment` }] } : {}),
    defaultTags: [{ tags: { ManagedBy: prefix, Estate: estate.name } }],
  });
}
