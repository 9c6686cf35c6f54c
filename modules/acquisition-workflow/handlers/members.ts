import { paginateGetParametersByPath, type SSMClient } from '@aws-sdk/client-ssm';
import { z } from 'zod';
import { AccountId, membersPath, type Place } from '../../vocabulary/index.ts';

const Chunk = z.string().transform((json) => JSON.parse(json) as unknown).pipe(z.record(AccountId, z.string().min(1)));

/** The monitored accounts, each with the external id that its acquisition role asks for, as the estate's stack published them. */
export async function readMembers(ssm: SSMClient, place: Pick<Place, 'prefix' | 'region'>): Promise<ReadonlyMap<string, string>> {
  const members = new Map<string, string>();
  for await (const { Parameters = [] } of paginateGetParametersByPath({ client: ssm }, { Path: membersPath(place) })) {
    for (const { Name = '', Value } of Parameters) {
      const chunk = Chunk.safeParse(Value);
      if (!chunk.success) throw new Error(`the parameter ${Name} is not a JSON object of account ids and external ids; deploy the forensics stack again`);
      for (const [account, externalId] of Object.entries(chunk.data)) members.set(account, externalId);
    }
  }
  return members;
}
