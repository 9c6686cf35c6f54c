import type { Conditions } from './policy.ts';

/** Who is inside: an organization, or, where there is none, a list of accounts. */
export interface Perimeter {
  /** Id of the organization, `o-…`. @default none: the accounts alone are inside */
  readonly organizationId?: string;
  /** The estate's own accounts; they are the perimeter where there is no organization. */
  readonly accounts: readonly string[];
}

/** Condition key and value that tell principals inside from others. */
export const principalInside = ({ organizationId, accounts }: Perimeter): Conditions[string] =>
  organizationId === undefined ? { 'aws:PrincipalAccount': accounts } : { 'aws:PrincipalOrgID': organizationId };

/** Condition key and value that tell resources inside from others. */
export const resourceInside = ({ organizationId, accounts }: Perimeter): Conditions[string] =>
  organizationId === undefined ? { 'aws:ResourceAccount': accounts } : { 'aws:ResourceOrgID': organizationId };
