import { CreateGrantCommand, DescribeKeyCommand, type KMSClient, ListAliasesCommand } from '@aws-sdk/client-kms';
import { memberRoleArn, roleArn, SOURCE_KEY_OPERATIONS, type Place } from '../../../vocabulary/index.ts';
import type { PreflightProblem } from '../contract.ts';
import { nameOf } from '../errors.ts';
import type { SourceVolume } from './source.ts';

/** Answers that mean that a key is not ours to look at: no grant, no statement, another account's key that is gone. */
const DENIED = new Set(['AccessDeniedException', 'NotFoundException', 'KMSInvalidStateException']);

export type SourceKeyCheck = {
  readonly problems: readonly PreflightProblem[];
  /** Keys that the acquisition role may grant to the workflow. */
  readonly grants: readonly string[];
};

export type SourceKeyOptions = {
  /** KMS of the suspect's account, by the acquisition role: it can describe a key only through a grant. */
  readonly member: KMSClient;
  readonly account: string;
  /** Where the workflow is that a key would be granted to. */
  readonly place: Place;
};

/**
 * The keys of the source volumes, all of them: each needs a grant of its own. Snapshots under the AWS-managed key cannot be
 * shared, but EC2 may copy them under the transit key for anybody in the account, so that key alone needs nothing.
 */
export async function checkSourceKeys({ member, account, place }: SourceKeyOptions, volumes: readonly SourceVolume[]): Promise<SourceKeyCheck> {
  const byKey = Map.groupBy(volumes.filter(({ encrypted }) => encrypted), ({ keyArn }) => keyArn ?? '');
  if (byKey.size === 0) return { problems: [], grants: [] };
  const managed = await managedKeyId(member);
  const problems: PreflightProblem[] = [];
  const grants: string[] = [];
  for (const [keyArn, held] of byKey) {
    if (managed !== undefined && keyArn.endsWith(`:key/${managed}`)) continue;
    const found = await checkKey(member, keyArn, `the key ${keyArn} of ${held.map(({ volumeId }) => volumeId).join(', ')}`, {
      code: 'GRANT_MISSING',
      fix: `add it to sourceKeyArns of account ${account} in the estate and deploy that account's member stack`,
    });
    problems.push(...found);
    if (found.length === 0 && (await mayGrant(member, account, place, keyArn))) grants.push(keyArn);
  }
  return { problems, grants };
}

/** Whether the very grant that the workflow would make is allowed; KMS makes none of a dry run. */
async function mayGrant(kms: KMSClient, account: string, place: Place, KeyId: string): Promise<boolean> {
  try {
    const [GranteePrincipal, RetiringPrincipal] = [roleArn(place, 'workflow'), memberRoleArn(place, account)];
    await kms.send(new CreateGrantCommand({ KeyId, GranteePrincipal, RetiringPrincipal, Operations: [...SOURCE_KEY_OPERATIONS], DryRun: true }));
    return false; // KMS answers a dry run with an error, whichever way it goes
  } catch (error) {
    if (nameOf(error) === 'DryRunOperationException') return true;
    if (DENIED.has(nameOf(error))) return false;
    throw error;
  }
}

/** Id of the key that AWS manages for EBS in this account and Region. */
async function managedKeyId(kms: KMSClient): Promise<string | undefined> {
  let Marker: string | undefined;
  do {
    const page = await kms.send(new ListAliasesCommand({ Marker }));
    const found = page.Aliases?.find(({ AliasName }) => AliasName === 'alias/aws/ebs');
    if (found) return found.TargetKeyId;
    Marker = page.NextMarker;
  } while (Marker !== undefined);
  return undefined;
}

/** Whether a key can be seen and used. */
export async function checkKey(kms: KMSClient, keyArn: string, name: string, denied: { readonly code: string; readonly fix: string }): Promise<PreflightProblem[]> {
  try {
    const { KeyMetadata } = await kms.send(new DescribeKeyCommand({ KeyId: keyArn }));
    const state = KeyMetadata?.KeyState ?? 'unknown';
    if (state === 'Enabled') return [];
    const fix = state === 'PendingDeletion' ? 'cancel its deletion at once: without the key its data is lost' : 'enable it again';
    return [{ code: 'KEY_NOT_USABLE', what: `${name} is ${state}`, fix }];
  } catch (error) {
    if (!DENIED.has(nameOf(error))) throw error;
    return [{ code: denied.code, what: `${name} may not be used (${nameOf(error)})`, fix: denied.fix }];
  }
}
