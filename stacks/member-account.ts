import { TerraformStack, type TerraformProvider } from 'cdktf';
import type { Construct } from 'constructs';
import { AcquisitionRole } from '../modules/member/acquisition-role.ts';
import { KeyGrants } from '../modules/member/key-grants.ts';
import type { MemberPolicyOptions } from '../modules/member/policies.ts';
import { output } from './publish.ts';

export interface MemberAccountProps extends MemberPolicyOptions {
  /** Provider for a Region, since keys live in one; undefined for the stack's own. */
  readonly providerFor: (stack: TerraformStack, region: string) => TerraformProvider | undefined;
}

/** In a monitored account, once: the role by which the workflow acquires, and its way to the account's keys. */
export class MemberAccountStack extends TerraformStack {
  constructor(scope: Construct, id: string, props: MemberAccountProps) {
    super(scope, id);
    const role = new AcquisitionRole(this, 'Acquisition', props);
    const byRegion = Map.groupBy(props.sourceKeyArns, (arn) => arn.split(':')[3] ?? '');
    for (const [region, keyArns] of byRegion) {
      const grants = new KeyGrants(this, `KeyGrants-${region}`, { granteeArn: role.roleArn, keyArns });
      const provider = props.providerFor(this, region);
      if (provider) grants.node.findAll().forEach((child) => useProvider(child, provider));
    }
    output(this, 'roleArn', role.roleArn);
  }
}

const useProvider = (child: unknown, provider: TerraformProvider): void => {
  if (typeof child === 'object' && child !== null && 'terraformResourceType' in child) (child as { provider?: TerraformProvider }).provider = provider;
};
