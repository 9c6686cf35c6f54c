import type { AwsProvider } from '@cdktf/provider-aws/lib/provider/index.js';
import type { App, TerraformStack } from 'cdktf';
import type { RoleAccess } from '../modules/access/forensic-roles.ts';
import type { HandlerCode } from '../modules/acquisition-workflow/workflow-functions.ts';
import { foreignReportingRegions } from '../modules/audit/reporting-regions.ts';
import { S3_POLICY_PROVIDER, type GuardrailContext } from '../modules/governance/policies/index.ts';
import { HUMAN_ROLES, imageBuilderRoleArn, imageReceiverRoleArn, type HumanRole, type ImageReceiverRole, type Place } from '../modules/vocabulary/index.ts';
import { EvidenceRegionStack } from '../stacks/evidence-region.ts';
import { ForensicsRegionStack } from '../stacks/forensics-region.ts';
import { ImageBuilderStack } from '../stacks/image-builder.ts';
import { ImageReceiverStack } from '../stacks/image-receiver.ts';
import { LogArchiveStack } from '../stacks/log-archive.ts';
import { MemberAccountStack } from '../stacks/member-account.ts';
import { OrganizationStack } from '../stacks/organization.ts';
import type { RegionProps } from '../stacks/region.ts';
import { SealStack } from '../stacks/seal.ts';
import { SecurityToolingStack } from '../stacks/security-tooling.ts';
import type { ProviderFor } from '../stacks/use-provider.ts';
import { configureBackend } from './backend.ts';
import type { Estate } from './config.ts';
import { accountOfRegion, archiveOf, forensicPlaces, planStacks, sharedBuilder, targetOf, type PlannedStack } from './plan.ts';
import { configureProvider, requireProvider } from './providers.ts';

type Maker = (app: App, estate: Estate, plan: PlannedStack, made: Made) => TerraformStack;

/** What was made before the stacks are declared. */
export interface Made {
  /** Archive of the workflow's functions. */
  readonly handlers: HandlerCode;
}

/** Where `npm run build:handlers` puts the archive, unless it is told otherwise; its digest is not known here. */
const NOT_BUILT: Made = { handlers: { file: 'handlers.zip', sha256: '' } };
type Organized = Extract<Estate['organization'], { mode: 'existing' | 'new' }>;

const organized = (estate: Estate): Organized => {
  if (estate.organization.mode === 'none') throw new RangeError('this estate has no organization');
  return estate.organization;
};

const organizationId = (estate: Estate): string | undefined => (estate.organization.mode === 'none' ? undefined : estate.organization.id);

const administratorsIn = (estate: Estate, account: string): readonly string[] =>
  [estate.deployment.roleName, ...estate.keys.administratorRoles]
    .filter((name) => name !== undefined)
    .map((name) => `arn:${estate.partition}:iam::${account}:role/${name}`);

const placeOf = (estate: Estate, plan: PlannedStack): Place => ({ prefix: estate.prefix, partition: estate.partition, ...targetOf(plan) });

/** One provider a Region beside the stack's own, whoever asks for it first. */
const providersOf = (estate: Estate, plan: PlannedStack): ProviderFor => {
  const { account, region: own } = targetOf(plan);
  const made = new Map<string, AwsProvider>();
  return (stack, region) => {
    if (region === own) return undefined;
    const provider = made.get(region) ?? configureProvider(stack, estate, { account, region }, region);
    made.set(region, provider);
    return provider;
  };
};

const allAccounts = (estate: Estate): readonly string[] =>
  [
    ...new Set(
      [
        estate.accounts.management?.id,
        estate.accounts.securityTooling?.id,
        estate.accounts.logArchive?.id,
        ...estate.accounts.forensic.map(({ id }) => id),
        ...estate.monitoredAccounts.map(({ id }) => id),
      ].filter((id) => id !== undefined),
    ),
  ].toSorted();

function regionProps(estate: Estate, plan: PlannedStack): RegionProps {
  const place = placeOf(estate, plan);
  const organization = organizationId(estate);
  return {
    place,
    archive: { ...place, account: archiveOf(estate, plan.region) ?? place.account },
    perimeter: { accounts: allAccounts(estate), ...(organization === undefined ? {} : { organizationId: organization }) },
    memberAccounts: estate.monitoredAccounts.map(({ id }) => id),
    keyAdministratorArns: administratorsIn(estate, place.account),
    logDays: estate.retention.logDays,
  };
}

function accessOf({ access }: Estate): Readonly<Record<HumanRole | 'break-glass', RoleAccess>> {
  const entries = [...HUMAN_ROLES, 'break-glass' as const].map((role): [string, RoleAccess] => {
    const own = access.roles[role] ?? {};
    return [
      role,
      {
        principals: own.principals ?? access.principals,
        requireMfa: own.requireMfa ?? access.requireMfa,
        twoPersonRule: own.twoPersonRule ?? false,
        maxSessionSeconds: own.maxSessionSeconds ?? 3600,
      },
    ];
  });
  return Object.fromEntries(entries) as Record<HumanRole | 'break-glass', RoleAccess>;
}

const makeOrganization: Maker = (app, estate, plan) => {
  const { mode, parentId, forensicUnit, securityUnit, delegatedServices } = organized(estate);
  const roleName = estate.deployment.roleName ?? 'OrganizationAccountAccessRole';
  const { securityTooling, logArchive, forensic } = estate.accounts;
  const security = [
    ['security-tooling', securityTooling],
    ['log-archive', logArchive],
  ] as const;
  return new OrganizationStack(app, plan.id, {
    prefix: estate.prefix,
    mode,
    forensicUnitName: forensicUnit,
    delegatedServices,
    s3Policies: estate.seal.s3Policy,
    ...(parentId === undefined ? {} : { parentId }),
    ...(securityUnit === undefined ? {} : { securityUnitName: securityUnit }),
    ...(securityTooling?.id === undefined ? {} : { securityToolingAccountId: securityTooling.id }),
    existingAccounts: [
      ...forensic.flatMap(({ name, create }) => (create === undefined ? [name] : [])),
      ...security.flatMap(([name, account]) => (account !== undefined && account.create === undefined ? [name] : [])),
    ],
    accounts: [
      ...forensic.flatMap(({ name, create }) => (create === undefined ? [] : [{ name, email: create.email, roleName, unit: 'forensic' as const }])),
      ...security.flatMap(([name, account]) => (account?.create === undefined ? [] : [{ name, email: account.create.email, roleName, unit: 'security' as const }])),
    ],
  });
};

const makeLogArchive: Maker = (app, estate, plan) => {
  const account = accountOfRegion(estate, plan.region);
  const place = placeOf(estate, plan);
  return new LogArchiveStack(app, plan.id, {
    place,
    sources: account === undefined ? [] : [{ ...place, account }],
    keyAdministratorArns: administratorsIn(estate, place.account),
    retentionDays: estate.retention.logDays,
    lockMode: estate.retention.logMode,
  });
};

const makeForensics: Maker = (app, estate, plan, { handlers }) => {
  const { cidr, zones, extraEndpoints } = estate.regions[plan.region] ?? { cidr: '', zones: undefined, extraEndpoints: [] };
  const props = regionProps(estate, plan);
  const { approval, approvalMinutes, containment, volumeType, deadlineMinutes, tracing, sweepHours, triggers } = estate.workflow;
  const ownRegions = estate.accounts.forensic.find(({ id }) => id === plan.account)?.regions ?? [];
  return new ForensicsRegionStack(app, plan.id, {
    ...props,
    cidr,
    zones: zones ?? [`${plan.region}a`, `${plan.region}b`],
    extraServices: extraEndpoints,
    access: accessOf(estate),
    logPrefix: estate.logPrefix,
    emails: estate.notifications.emails,
    buildsImages: estate.images !== undefined && ownRegions[0] === plan.region && (sharedBuilder(estate)?.account ?? plan.account) === plan.account,
    accountWide: ownRegions[0] === plan.region,
    reportingRegions: foreignReportingRegions(estate.partition, ownRegions),
    providerFor: providersOf(estate, plan),
    workflow: {
      options: { approval, approvalMinutes, containment, volumeType, deadlineMinutes, volumes: 'all' },
      triggers,
      members: estate.monitoredAccounts.map(({ id, externalId }) => ({ id, externalId })),
      code: handlers,
      snapshotLock: estate.retention.active,
      tracing,
      sweepHours,
    },
    ...(estate.access.approvalBrokerArn === undefined ? {} : { approvalBrokerArn: estate.access.approvalBrokerArn }),
  });
};

const makeEvidence: Maker = (app, estate, plan) => {
  const { incoming, active, legalHold, abandonedUploadDays } = estate.retention;
  return new EvidenceRegionStack(app, plan.id, {
    ...regionProps(estate, plan),
    retention: { incoming, active, 'legal-hold': legalHold },
    abandonedUploadDays,
    keyDeletionWindowDays: estate.keys.deletionWindowDays,
  });
};

const makeImageBuilder: Maker = (app, estate, plan) => {
  const { images } = estate;
  if (images === undefined) throw new RangeError('this estate builds no images');
  const place = placeOf(estate, plan);
  const builder = sharedBuilder(estate);
  const common = {
    place,
    regions: estate.accounts.forensic.find(({ id }) => id === place.account)?.regions ?? [place.region],
    keyAdministratorArns: administratorsIn(estate, place.account),
    providerFor: (stack: TerraformStack, region: string) => configureProvider(stack, estate, { account: place.account, region }, region),
  };
  if (builder !== undefined && builder.account !== place.account) return new ImageReceiverStack(app, plan.id, { ...common, builder });
  return new ImageBuilderStack(app, plan.id, {
    ...common,
    receivers: builder === undefined ? [] : forensicPlaces(estate).filter(({ account }) => account !== builder.account),
    collectorVersion: images.collectorVersion,
    bundles: images.bundles,
    parentVersion: images.parentVersion,
    tools: images.tools,
  });
};

const makeMember: Maker = (app, estate, plan) => {
  const member = estate.monitoredAccounts.find(({ id }) => id === plan.account);
  if (!member) throw new RangeError(`no monitored account ${plan.account}`);
  return new MemberAccountStack(app, plan.id, {
    prefix: estate.prefix,
    partition: estate.partition,
    account: member.id,
    forensicPlaces: forensicPlaces(estate),
    externalId: member.externalId,
    organizationId: organizationId(estate),
    containment: member.containment,
    sourceKeyArns: member.sourceKeyArns,
    triggers: estate.workflow.triggers,
    providerFor: providersOf(estate, plan),
  });
};

const makeSecurity: Maker = (app, estate, plan) => {
  const place = placeOf(estate, plan);
  const account = accountOfRegion(estate, plan.region) ?? place.account;
  return new SecurityToolingStack(app, plan.id, { place, forensic: { ...place, account }, triggers: estate.workflow.triggers });
};

/** Who delivers images to whom, for the seal. */
const imageDelivery = (estate: Estate): Pick<GuardrailContext, 'imageDelivery'> => {
  const builder = sharedBuilder(estate);
  if (builder === undefined) return {};
  const receivers = [...new Set(forensicPlaces(estate).map(({ account }) => account))].filter((account) => account !== builder.account);
  const arns = (role: ImageReceiverRole) => receivers.map((account) => imageReceiverRoleArn(estate, account, role));
  return { imageDelivery: { pipelineRoleArn: imageBuilderRoleArn(builder, 'pipeline'), receiverRoleArns: arns('delivery'), lifecycleRoleArns: arns('lifecycle') } };
};

const makeSeal: Maker = (app, estate, plan) => {
  const { forensicUnit, parentId, quotas, id } = organized(estate);
  const { forensic } = estate.accounts;
  const place = placeOf(estate, plan);
  return new SealStack(app, plan.id, {
    place,
    context: { prefix: estate.prefix, partition: estate.partition, organizationId: id ?? '', ...imageDelivery(estate) },
    forensicUnit: forensic.some(({ create }) => create !== undefined) ? forensicUnit : undefined,
    parentId,
    accountIds: forensic.flatMap((account) => (account.create === undefined && account.id !== undefined ? [account.id] : [])),
    // Global services answer in one Region for all; a forensic account's own Regions are where evidence may be.
    regionsOfAccounts: Object.fromEntries(forensic.flatMap((account) => (account.id === undefined ? [] : [[account.id, account.regions]]))),
    sealedByDefault: estate.seal.sealed,
    s3Policy: estate.seal.s3Policy,
    scpLimit: quotas.scpCharacters,
    scpPerNode: quotas.scpsPerNode,
    keyAdministratorArns: administratorsIn(estate, place.account),
    emails: estate.notifications.emails,
  });
};

const MAKERS: Readonly<Record<PlannedStack['kind'], Maker>> = {
  organization: makeOrganization,
  'log-archive': makeLogArchive,
  forensics: makeForensics,
  evidence: makeEvidence,
  'image-builder': makeImageBuilder,
  security: makeSecurity,
  member: makeMember,
  seal: makeSeal,
};

/** Stacks that name types of organization policies, of which a provider knows those of its day. */
const KINDS_WITH_POLICY_TYPES: readonly PlannedStack['kind'][] = ['organization', 'seal'];

/**
 * Declares every stack that the estate says enough about; the others wait, and `plan:order` says for what.
 * @param made what was built before; without it the functions' archive is expected beside the stacks, of whatever content
 */
export function declareStacks(app: App, estate: Estate, made: Made = NOT_BUILT): ReadonlyMap<string, TerraformStack> {
  const stacks = new Map<string, TerraformStack>();
  for (const plan of planStacks(estate)) {
    if (plan.missing.length > 0) continue;
    const stack = MAKERS[plan.kind](app, estate, plan, made);
    configureProvider(stack, estate, targetOf(plan));
    if (estate.seal.s3Policy && KINDS_WITH_POLICY_TYPES.includes(plan.kind)) requireProvider(stack, S3_POLICY_PROVIDER);
    configureBackend(stack, estate);
    stacks.set(plan.id, stack);
    for (const before of plan.after) {
      const dependency = stacks.get(before);
      if (dependency) stack.addDependency(dependency);
    }
  }
  return stacks;
}
