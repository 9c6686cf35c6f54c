import { TerraformStack } from 'cdktf';
import type { Construct } from 'constructs';
import { ForensicOrganization, type ForensicOrganizationProps } from '../modules/governance/forensic-organization.ts';
import { output } from './publish.ts';

/** In the management account: units, accounts, tag policy, delegated administrators. */
export class OrganizationStack extends TerraformStack {
  constructor(scope: Construct, id: string, props: ForensicOrganizationProps) {
    super(scope, id);
    const organization = new ForensicOrganization(this, 'Organization', props);
    output(this, 'forensicUnitId', organization.forensicUnitId);
    for (const [name, accountId] of Object.entries(organization.accountIds)) output(this, `account-${name}`, accountId);
  }
}
