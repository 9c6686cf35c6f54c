import type { SSMClient } from '@aws-sdk/client-ssm';
import { fromTemporaryCredentials } from '@aws-sdk/credential-providers';
import { CASE_TAGS, memberRoleArn, type Place } from '../../vocabulary/index.ts';
import { HandlerError } from './errors.ts';
import { readMembers } from './members.ts';

export type Entrance = { readonly ssm: SSMClient; readonly place: Place; readonly account: string; readonly caseId: string };

/**
 * Credentials of a monitored account's acquisition role, for one case: with the account's external id, tagged with the case.
 * @throws HandlerError `Cleanroom.OutsideEstate` where the estate does not monitor the account
 */
export async function enterAccount({ ssm, place, account, caseId }: Entrance): Promise<ReturnType<typeof fromTemporaryCredentials>> {
  const externalId = (await readMembers(ssm, place)).get(account);
  if (externalId === undefined) {
    throw new HandlerError('Cleanroom.OutsideEstate', `account ${account} is not monitored by this estate; add it to monitoredAccounts and deploy its member stack`);
  }
  return fromTemporaryCredentials({
    params: {
      RoleArn: memberRoleArn(place, account),
      RoleSessionName: `cleanroom-${caseId}`.slice(0, 64),
      ExternalId: externalId,
      Tags: [{ Key: CASE_TAGS.caseId, Value: caseId }],
      DurationSeconds: 900,
    },
    clientConfig: { region: place.region },
  });
}
