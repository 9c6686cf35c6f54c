import { OrganizationsAccount } from '@cdktf/provider-aws/lib/organizations-account/index.js';
import { OrganizationsDelegatedAdministrator } from '@cdktf/provider-aws/lib/organizations-delegated-administrator/index.js';
import { OrganizationsOrganization } from '@cdktf/provider-aws/lib/organizations-organization/index.js';
import { OrganizationsOrganizationalUnit } from '@cdktf/provider-aws/lib/organizations-organizational-unit/index.js';
import { OrganizationsPolicyAttachment } from '@cdktf/provider-aws/lib/organizations-policy-attachment/index.js';
import { OrganizationsPolicy } from '@cdktf/provider-aws/lib/organizations-policy/index.js';
import { DataAwsOrganizationsOrganization } from '@cdktf/provider-aws/lib/data-aws-organizations-organization/index.js';
import { Construct } from 'constructs';
import { policyJson } from '../render-policy.ts';
import { Forgotten } from './forgotten.ts';
import { caseTagPolicy } from './policies/index.ts';

/** Policy types that the seal needs. */
export const POLICY_TYPES = ['SERVICE_CONTROL_POLICY', 'RESOURCE_CONTROL_POLICY', 'DECLARATIVE_POLICY_EC2', 'TAG_POLICY'] as const;

export interface AccountToMake {
  /** Unique in the organization; also the resource's name. */
  readonly name: string;
  /** Unique in all of AWS, and never usable again. */
  readonly email: string;
  /** Unit that the account is put in. */
  readonly unit: 'forensic' | 'security';
  /** Role that AWS makes in the account for the organization's management account. */
  readonly roleName: string;
}

export interface ForensicOrganizationProps {
  readonly prefix: string;
  /** `new` makes the organization; `existing` reads it, and changes nothing of what it already has, also where `new` made it. */
  readonly mode: 'new' | 'existing';
  /** Unit under which the new units are made. @default the organization's root */
  readonly parentId?: string;
  readonly forensicUnitName: string;
  /** @default none: no unit for security accounts */
  readonly securityUnitName?: string;
  readonly accounts: readonly AccountToMake[];
  /** Names of accounts that are known by their ids alone. Where they were among `accounts` before, they stay as they are. @default none */
  readonly existingAccounts?: readonly string[];
  /** Services that the security-tooling account administers for the organization, `guardduty.amazonaws.com` for example. */
  readonly delegatedServices: readonly string[];
  /** @default none: nothing is delegated */
  readonly securityToolingAccountId?: string;
  /** Whether a new organization enables S3 policies too; needs the AWS provider of {@link S3_POLICY_PROVIDER}. @default false */
  readonly s3Policies?: boolean;
}

/** Units and accounts of an estate, the tag policy for cases, and who administers security services. */
export class ForensicOrganization extends Construct {
  readonly forensicUnitId: string;
  readonly securityUnitId: string | undefined;
  /** Ids of the accounts that were made, by name. */
  readonly accountIds: Readonly<Record<string, string>>;

  constructor(scope: Construct, id: string, props: ForensicOrganizationProps) {
    super(scope, id);
    const rootId =
      props.mode === 'new'
        ? new OrganizationsOrganization(this, 'Resource', {
            featureSet: 'ALL',
            enabledPolicyTypes: [...POLICY_TYPES, ...(props.s3Policies === true ? ['S3_POLICY'] : [])],
            awsServiceAccessPrincipals: ['cloudtrail.amazonaws.com', 'config.amazonaws.com', 'ec2.amazonaws.com', ...props.delegatedServices].toSorted(),
            lifecycle: { preventDestroy: true },
          }).roots.get(0).id
        : new DataAwsOrganizationsOrganization(this, 'Existing', {}).roots.get(0).id;
    if (props.mode === 'existing') new Forgotten(this, 'Resource', OrganizationsOrganization.tfResourceType);
    const parentId = props.parentId ?? rootId;
    const unit = (unitId: string, name: string) =>
      new OrganizationsOrganizationalUnit(this, unitId, { name, parentId, lifecycle: { preventDestroy: true } });
    const forensic = unit('ForensicUnit', props.forensicUnitName);
    const security = props.securityUnitName === undefined ? undefined : unit('SecurityUnit', props.securityUnitName);
    if (security === undefined) new Forgotten(this, 'SecurityUnit', OrganizationsOrganizationalUnit.tfResourceType);
    const accountIds: Record<string, string> = {};
    for (const { name, email, roleName, unit: where } of props.accounts) {
      accountIds[name] = new OrganizationsAccount(this, `account-${name}`, {
        name,
        email,
        roleName,
        parentId: where === 'security' && security ? security.id : where === 'forensic' ? forensic.id : parentId,
        closeOnDeletion: false,
        iamUserAccessToBilling: 'DENY',
        // AWS never tells the role's name again, so an imported account would look changed.
        lifecycle: { preventDestroy: true, ignoreChanges: ['role_name', 'iam_user_access_to_billing'] },
      }).id;
    }
    // An account that is taken out of the organization is out of every policy's reach.
    for (const name of props.existingAccounts ?? []) new Forgotten(this, `account-${name}`, OrganizationsAccount.tfResourceType);
    const tags = new OrganizationsPolicy(this, 'CaseTags', {
      name: `${props.prefix}-case-tags`,
      description: 'Case tags have one spelling',
      type: 'TAG_POLICY',
      content: policyJson(caseTagPolicy(), 'tag', 'the tag policy'),
    });
    new OrganizationsPolicyAttachment(this, 'CaseTagsAttachment', { policyId: tags.id, targetId: forensic.id });
    if (props.securityToolingAccountId !== undefined) {
      for (const servicePrincipal of props.delegatedServices) {
        new OrganizationsDelegatedAdministrator(this, `delegate-${servicePrincipal}`, { accountId: props.securityToolingAccountId, servicePrincipal });
      }
    }
    this.forensicUnitId = forensic.id;
    this.securityUnitId = security?.id;
    this.accountIds = accountIds;
  }
}
