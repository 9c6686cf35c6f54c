import { SsmParameter } from '@cdktf/provider-aws/lib/ssm-parameter/index.js';
import type { TerraformStack } from 'cdktf';
import { membersPath, type Place } from '../modules/vocabulary/index.ts';

/** An account that evidence is acquired from. */
export interface MonitoredAccount {
  readonly id: string;
  readonly externalId: string;
}

/** Accounts a parameter: an external id has up to 128 characters, a parameter up to 4,096. */
const A_PARAMETER = 25;

/** Publishes the monitored accounts for the functions that enter them. */
export function publishMembers(stack: TerraformStack, place: Place, members: readonly MonitoredAccount[]): void {
  for (let index = 0; index * A_PARAMETER < members.length; index++) {
    const some = members.slice(index * A_PARAMETER, (index + 1) * A_PARAMETER);
    new SsmParameter(stack, `members-${index}`, {
      name: `${membersPath(place)}/${index}`,
      type: 'String',
      value: JSON.stringify(Object.fromEntries(some.map(({ id, externalId }) => [id, externalId]))),
      description: 'Monitored accounts, and what their acquisition roles ask for',
    });
  }
}
