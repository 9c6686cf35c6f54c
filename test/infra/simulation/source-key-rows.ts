/** Who may grant the key of a source to whom, and what a grant is worth. */
import { policyDocument } from '../../../modules/policy.ts';
import { memberRoleArn, roleArn, SOURCE_KEY_OPERATIONS } from '../../../modules/vocabulary/index.ts';
import { STRANGER, type Cast } from './cast.ts';
import type { Group } from './group.ts';
import type { Principal } from './world.ts';

/** Key of this Region that a monitored account's role may grant, where there is one. */
function sourceKeyOf({ world, place, members }: Cast): { readonly account: string; readonly key: string } | undefined {
  for (const account of members) {
    const policies = JSON.stringify(world.roles.get(memberRoleArn(place, account))?.identity ?? []);
    const key = new RegExp(`arn:aws:kms:${place.region}:${account}:key/[0-9a-f-]+`).exec(policies)?.[0];
    if (key !== undefined) return { account, key };
  }
  return undefined;
}

/** Questions about the key of a suspect's volumes. */
export function sourceKeyGroups(cast: Cast): readonly Group[] {
  const { place, stranger, throughEc2, forEc2 } = cast;
  const found = sourceKeyOf(cast);
  if (!found) return [];
  const { account, key } = found;
  const [workflow, member]: Principal[] = [{ arn: roleArn(place, 'workflow') }, { arn: memberRoleArn(place, account) }];
  const grant = { 'kms:GrantIsForAWSResource': 'false', 'kms:GranteePrincipal': workflow!.arn, 'kms:GrantOperations': [...SOURCE_KEY_OPERATIONS], 'kms:RetiringPrincipal': member!.arn };
  const elsewhere = [
    { ...grant, 'kms:GranteePrincipal': stranger.arn },
    { ...grant, 'kms:GranteePrincipal': roleArn({ ...place, account: STRANGER }, 'workflow') },
    { ...grant, 'kms:GranteePrincipal': roleArn(place, 'investigator') },
    { ...grant, 'kms:GranteePrincipal': member!.arn },
  ];
  const strangers = key.replace(account, STRANGER);
  const otherKey = key.replace(/[0-9a-f]{4}$/, 'ffff');
  const allowing = (Principal: { AWS: string }, Action: string | readonly string[] = 'kms:*') => policyDocument({ Effect: 'Allow', Principal, Action, Resource: '*' });
  /** A grant counts as the key's own leave. */
  const granted = allowing({ AWS: workflow!.arn }, SOURCE_KEY_OPERATIONS.map((operation) => `kms:${operation}`));
  return [
    {
      promise: 'the acquisition role grants a source key to the workflow alone, and for what a copy needs alone',
      who: member!,
      owner: account,
      resourcePolicy: allowing({ AWS: `arn:aws:iam::${account}:root` }),
      rows: [
        ['allow', 'kms:CreateGrant', key, grant],
        ...elsewhere.map((keys) => ['deny', 'kms:CreateGrant', key, keys] as const),
        ['deny', 'kms:CreateGrant', key, { ...grant, 'kms:GrantOperations': [...SOURCE_KEY_OPERATIONS, 'Encrypt'] }],
        ['deny', 'kms:CreateGrant', key, { ...grant, 'kms:RetiringPrincipal': stranger.arn }],
        ['deny', 'kms:CreateGrant', otherKey, grant],
        ['allow', 'kms:CreateGrant', key, forEc2],
        ['allow', 'kms:ListRetirableGrants', '*'],
        // KMS lets the retiring principal retire; a policy's leave would reach the grants of EC2's own volumes.
        ['deny', 'kms:RetireGrant', key],
        ['deny', 'kms:RevokeGrant', key],
        ['deny', 'kms:PutKeyPolicy', key],
      ],
    },
    {
      promise: 'a key or a grant that gives the acquisition role more gives nobody else a grant',
      who: member!,
      owner: account,
      resourcePolicy: allowing({ AWS: member!.arn }),
      rows: [['allow', 'kms:CreateGrant', key, grant], ...elsewhere.map((keys) => ['deny', 'kms:CreateGrant', key, keys] as const), ...elsewhere.map((keys) => ['deny', 'kms:CreateGrant', otherKey, keys] as const)],
    },
    {
      promise: 'a grant lets the workflow try a source key, and use it through EC2 alone',
      who: workflow!,
      owner: account,
      resourcePolicy: granted,
      rows: [
        ['allow', 'kms:DescribeKey', key],
        ['allow', 'kms:ReEncryptFrom', key, throughEc2],
        ['allow', 'kms:Decrypt', key, throughEc2],
        ['allow', 'kms:GenerateDataKeyWithoutPlaintext', key, throughEc2],
        ['allow', 'kms:CreateGrant', key, forEc2],
        ['deny', 'kms:Decrypt', key],
        ['deny', 'kms:CreateGrant', key, { ...throughEc2, 'kms:GrantIsForAWSResource': 'false' }],
        ['deny', 'kms:ReEncryptTo', key, throughEc2],
      ],
    },
    {
      promise: 'a grant of somebody outside the organization is of no use to the workflow',
      who: workflow!,
      resourcePolicy: granted,
      rows: [['deny', 'kms:DescribeKey', strangers], ['deny', 'kms:Decrypt', strangers, throughEc2], ['deny', 'kms:CreateGrant', strangers, forEc2]],
    },
    {
      promise: 'without a grant the workflow has no use for a source key',
      who: workflow!,
      owner: account,
      resourcePolicy: allowing({ AWS: `arn:aws:iam::${account}:root` }),
      rows: [['deny', 'kms:DescribeKey', key], ['deny', 'kms:Decrypt', key, throughEc2], ['deny', 'kms:CreateGrant', key, forEc2]],
    },
  ];
}
