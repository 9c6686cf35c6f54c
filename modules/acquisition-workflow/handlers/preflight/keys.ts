import { DescribeKeyCommand, type KMSClient, ListAliasesCommand } from '@aws-sdk/client-kms';
import type { PreflightProblem } from '../contract.ts';
import { nameOf } from '../errors.ts';
import type { SourceVolume } from './source.ts';

/** Answers that mean that a key is not ours to look at: no grant, no statement, another account's key that is gone. */
const DENIED = new Set(['AccessDeniedException', 'NotFoundException', 'KMSInvalidStateException']);

/**
 * The keys of the source volumes, all of them: each needs a grant of its own. Snapshots under the AWS-managed key cannot be
 * shared, but EC2 may copy them under the transit key for anybody in the account, so that key alone needs nothing.
 * @param member KMS of the suspect's account, by the acquisition role: it can describe a key only through a grant
 */
export async function checkSourceKeys(member: KMSClient, account: string, volumes: readonly SourceVolume[]): Promise<PreflightProblem[]> {
  const byKey = Map.groupBy(volumes.filter(({ encrypted }) => encrypted), ({ keyArn }) => keyArn ?? '');
  if (byKey.size === 0) return [];
  const managed = await managedKeyId(member);
  const problems: PreflightProblem[] = [];
  for (const [keyArn, held] of byKey) {
    if (managed !== undefined && keyArn.endsWith(`:key/${managed}`)) continue;
    problems.push(...(await checkKey(member, keyArn, `the key ${keyArn} of ${held.map(({ volumeId }) => volumeId).join(', ')}`, {
      code: 'GRANT_MISSING',
      fix: `add it to sourceKeyArns of account ${account} in the estate and deploy that account's member stack`,
    })));
  }
  return problems;
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
