import type { Place } from '../vocabulary/index.ts';
import type { Variables, VariableSpec } from './spec.ts';

const accountId = (of: string): VariableSpec => ({
  type: 'string',
  description: `Id of ${of}, 12 digits.`,
  validation: { condition: 'can(regex("^[0-9]{12}$", VALUE))', message: 'An account id of 12 digits is allowed.' },
});

export const PREFIX: VariableSpec = {
  type: 'string',
  description: 'First part of every name, 2 to 12 lower-case letters and digits.',
  default: 'cleanroom',
  validation: { condition: 'can(regex("^[a-z][a-z0-9]{1,11}$", VALUE))', message: '2 to 12 lower-case letters and digits, a letter first, are allowed.' },
};

/** Variables of whatever belongs to one forensic account and Region. */
export const PLACE = {
  prefix: PREFIX,
  partition: {
    type: 'string',
    description: 'Partition of AWS.',
    default: 'aws',
    validation: { condition: 'contains(["aws", "aws-us-gov", "aws-cn"], VALUE)', message: 'aws, aws-us-gov or aws-cn is allowed.' },
  },
  account_id: accountId('the account that this is deployed to'),
  region: {
    type: 'string',
    description: 'Region that this is deployed to; the provider has to be configured for the same.',
    validation: { condition: 'can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", VALUE))', message: 'A Region such as eu-west-1 is allowed.' },
  },
} as const satisfies Readonly<Record<string, VariableSpec>>;

export const LOG_ARCHIVE: VariableSpec = accountId('the log-archive account');

export const FORENSIC_ACCOUNT: VariableSpec = accountId('the forensic account that cases are handled in');

export const SEVERITY: VariableSpec = {
  type: 'number',
  description: 'Least severity of a GuardDuty finding that opens a case by itself; 7 is HIGH.',
  default: 7,
  validation: { condition: 'VALUE >= 1 && VALUE <= 10', message: '1 to 10 is allowed.' },
};

export const ORGANIZATION: VariableSpec = {
  type: 'string',
  description: 'Id of the organization, o-…: its principals are inside, all others outside.',
  validation: { condition: 'can(regex("^o-[a-z0-9]{10,32}$", VALUE))', message: 'An organization id such as o-abcdefghij is allowed.' },
};

const arns = (of: string): VariableSpec => ({
  type: 'list(string)',
  description: `ARNs of ${of}.`,
  validation: { condition: 'length(VALUE) > 0 && alltrue([for arn in VALUE : startswith(arn, "arn:")])', message: 'At least one ARN is needed, and only ARNs are allowed.' },
});

export const KEY_ADMINISTRATORS: VariableSpec = arns('the roles that administer the keys; the role that runs Terraform has to be among them, or KMS refuses the key');
export const principalsOf = (role: string): VariableSpec => arns(`the roles or account roots that may assume the role ${role}`);

export const accounts = (of: string): VariableSpec => ({
  type: 'list(string)',
  description: `Ids of ${of}.`,
  validation: { condition: 'length(VALUE) > 0 && alltrue([for id in VALUE : can(regex("^[0-9]{12}$", id))])', message: 'At least one account id of 12 digits is needed.' },
});

export const LOG_DAYS: VariableSpec = {
  type: 'number',
  description: 'Days that logs are kept, one of CloudWatch\'s values from a year on.',
  default: 731,
  validation: { condition: 'contains([365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], VALUE)', message: 'One of CloudWatch\'s values from 365 on is allowed.' },
};

export const LOG_PREFIX: VariableSpec = { type: 'string', description: 'Prefix of the collector\'s log groups.', default: '' };

export const retentionDays = (of: string, days: number): VariableSpec => ({
  type: 'number',
  description: `Days that object versions in ${of} stay undeletable.`,
  default: days,
  validation: { condition: 'VALUE >= 1 && VALUE <= 36500', message: '1 to 36500 days are allowed.' },
});

export const lockMode = (of: string, mode: string): VariableSpec => ({
  type: 'string',
  description: `Object Lock mode of ${of}.`,
  default: mode,
  validation: { condition: 'contains(["COMPLIANCE", "GOVERNANCE"], VALUE)', message: 'COMPLIANCE or GOVERNANCE is allowed.' },
});

/** The place that the variables of {@link PLACE} describe. */
export const placeOf = (variables: Variables): Place => ({
  prefix: variables.text('prefix'),
  partition: variables.text('partition'),
  account: variables.text('account_id'),
  region: variables.text('region'),
});
