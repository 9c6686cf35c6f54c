import { stackId, type EstateNaming, type Place, type StackKind } from '../modules/vocabulary/index.ts';
import type { Estate } from './config.ts';
import type { Target } from './providers.ts';

/** A stack of an estate: where it goes, what it waits for, and what the estate does not say yet. */
export interface PlannedStack {
  readonly id: string;
  readonly kind: StackKind;
  /** Account and Region; the account is undefined until it has been created and its id is in the estate. */
  readonly account: string | undefined;
  readonly region: string;
  /** Ids of the stacks that have to be deployed before. */
  readonly after: readonly string[];
  /** What the estate still lacks for this stack, in words; empty when it can be synthesised. */
  readonly missing: readonly string[];
}

const naming = ({ prefix, partition }: Estate): EstateNaming => ({ prefix, partition });

/** Region in which global services of a partition answer and report. */
export const globalRegion = ({ partition }: Estate): string =>
  ({ aws: 'us-east-1', 'aws-us-gov': 'us-gov-west-1', 'aws-cn': 'cn-northwest-1' })[partition];

/** The forensic account of a Region; undefined until it has an id. */
export const accountOfRegion = (estate: Estate, region: string): string | undefined =>
  estate.accounts.forensic.find((account) => account.regions.includes(region))?.id;

/** Forensic accounts and Regions whose accounts exist. */
export const forensicPlaces = (estate: Estate): readonly Place[] =>
  Object.keys(estate.regions).flatMap((region) => {
    const account = accountOfRegion(estate, region);
    return account === undefined ? [] : [{ ...naming(estate), account, region }];
  });

/** Where a Region's logs are kept: the log archive, or the forensic account where there is none. */
export const archiveOf = (estate: Estate, region: string): string | undefined =>
  estate.accounts.logArchive === undefined ? accountOfRegion(estate, region) : estate.accounts.logArchive.id;

/** Forensic accounts that have images, each in the first of its Regions: those that receive them come before the one that builds for all. */
const imageBuilders = ({ accounts, images }: Estate) =>
  images === undefined
    ? []
    : accounts.forensic
        .flatMap(({ name, id, regions: [home] }) => (home === undefined ? [] : [{ name, id, home, builds: (images.builtBy ?? name) === name }]))
        .toSorted((a, b) => Number(a.builds) - Number(b.builds));

/** The account and Region that images are built in for all; undefined where each account builds its own. */
export const sharedBuilder = (estate: Estate): Place | undefined => {
  const { images, accounts } = estate;
  const found = accounts.forensic.find(({ name }) => name === images?.builtBy);
  const [region] = found?.regions ?? [];
  return found?.id === undefined || region === undefined ? undefined : { ...naming(estate), account: found.id, region };
};

/** All stacks of an estate in the order of their deployment. */
export function planStacks(estate: Estate): readonly PlannedStack[] {
  const regions = Object.keys(estate.regions);
  const organized = estate.organization.mode !== 'none';
  const waitForOrganization = organized ? [stackId('organization')] : [];
  const missingId = (what: string, id: string | undefined) => (id === undefined ? [`${what} has no id yet`] : []);
  const noOrganizationId =
    estate.organization.mode !== 'none' && estate.organization.id === undefined ? ['organization.id is not filled in yet'] : [];
  const accountMissing = (region: string) => {
    const owner = estate.accounts.forensic.find((account) => account.regions.includes(region));
    return missingId(`accounts.forensic ${owner?.name ?? region}`, owner?.id);
  };
  const archiveMissing = (region: string) => missingId('accounts.logArchive', archiveOf(estate, region));
  const anyMissing = [...new Set([...noOrganizationId, ...regions.flatMap((region) => accountMissing(region))])];
  const regional = (kind: 'log-archive' | 'forensics' | 'evidence', region: string, account: string | undefined, after: readonly string[]): PlannedStack => ({
    id: stackId(kind, region),
    kind,
    account,
    region,
    after,
    missing: [...new Set([...noOrganizationId, ...archiveMissing(region), ...accountMissing(region)])],
  });
  // Findings go to a bus that has to be there.
  const security = (region: string, account: string | undefined): PlannedStack => ({
    id: stackId('security', region),
    kind: 'security',
    account,
    region,
    after: [stackId('forensics', region)],
    missing: [...new Set([...noOrganizationId, ...accountMissing(region), ...missingId('accounts.securityTooling', account)])],
  });
  const management = estate.accounts.management?.id;
  return [
    ...(organized ? [{ id: stackId('organization'), kind: 'organization' as const, account: management, region: globalRegion(estate), after: [], missing: [] }] : []),
    ...regions.map((region) => regional('log-archive', region, archiveOf(estate, region), waitForOrganization)),
    ...regions.map((region) => regional('forensics', region, accountOfRegion(estate, region), [stackId('log-archive', region)])),
    ...regions.map((region) => regional('evidence', region, accountOfRegion(estate, region), [stackId('forensics', region)])),
    ...imageBuilders(estate).map(({ name, id, home, builds }) => ({
      id: stackId('image-builder', name),
      kind: 'image-builder' as const,
      account: id,
      region: home,
      after: [stackId('evidence', home), ...(builds ? imageBuilders(estate).filter((other) => !other.builds).map((other) => stackId('image-builder', other.name)) : [])],
      // Who delivers names every receiver, and every receiver the one who delivers.
      missing: estate.images?.builtBy === undefined ? [...noOrganizationId, ...missingId(`accounts.forensic ${name}`, id)] : anyMissing,
    })),
    ...(estate.accounts.securityTooling === undefined ? [] : regions.map((region) => security(region, estate.accounts.securityTooling?.id))),
    ...estate.monitoredAccounts.map((member) => ({
      id: stackId('member', member.id),
      kind: 'member' as const,
      account: member.id,
      region: regions[0] ?? globalRegion(estate),
      // The tag's rules name the buses of cases.
      after: [...waitForOrganization, ...(estate.workflow.triggers.tag.enabled ? regions.map((region) => stackId('forensics', region)) : [])],
      missing: anyMissing,
    })),
    ...(organized
      ? [
          {
            id: stackId('seal'),
            kind: 'seal' as const,
            account: management,
            region: globalRegion(estate),
            after: [...regions.map((region) => stackId('evidence', region)), ...imageBuilders(estate).map(({ name }) => stackId('image-builder', name)), ...estate.monitoredAccounts.map(({ id }) => stackId('member', id))],
            missing: anyMissing,
          },
        ]
      : []),
  ];
}

export const targetOf = ({ account, region, id }: PlannedStack): Target => {
  if (account === undefined) throw new RangeError(`stack ${id} has no account yet`);
  return { account, region };
};
