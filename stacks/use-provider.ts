import type { TerraformProvider, TerraformStack } from 'cdktf';
import type { Construct } from 'constructs';

/** Provider of a stack's account in another Region; undefined where that is the stack's own. */
export type ProviderFor = (stack: TerraformStack, region: string) => TerraformProvider | undefined;

/** Puts every resource of a construct into another Region than its stack's. */
export function useProvider(construct: Construct, provider: TerraformProvider | undefined): void {
  if (provider === undefined) return;
  for (const child of construct.node.findAll()) {
    if ('terraformResourceType' in child) (child as { provider?: TerraformProvider }).provider = provider;
  }
}
