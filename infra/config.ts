import { z } from 'zod';
import { OPTIONAL_SERVICES } from '../modules/isolated-network/policies/endpoints.ts';
import { HUMAN_ROLES, IMAGE_ARCHITECTURES, onlyKeys, strict } from '../modules/vocabulary/index.ts';
import { crossChecks } from './cross-checks.ts';
import { inert, readable, type Problem } from './problems.ts';
import { workflowOptions } from './workflow-options.ts';

/** A record that takes some keys and no others. */
const recordOf = <const Key extends string, Value extends z.ZodType>(keys: readonly Key[], value: Value) => z.partialRecord(z.enum(keys), value, onlyKeys(keys));

const AccountId = z.string().regex(/^\d{12}$/, 'an account id of 12 digits is allowed');
const Region = z.string().regex(/^[a-z]{2}(-gov|-iso[a-z]?)?-(central|(north|south)?(east|west)|north|south)-\d$/, 'a Region such as eu-west-1 is allowed');
const Email = z.email('an e-mail address is allowed').max(64, 'at most 64 characters are allowed');
const Name = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9-]{0,39}$/, '1 to 40 letters, digits and "-" are allowed');
const ToolName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9+._-]{0,63}$/, '1 to 64 letters, digits and "+._-" are allowed');
const RoleName = z.string().regex(/^(?!role\/)([A-Za-z0-9+=,.@_-]+\/)*[A-Za-z0-9+=,.@_-]{1,64}$/, 'an IAM role name (with its path, as in teams/admin, without "role/") is allowed').max(512, 'at most 512 characters are allowed');
const PrincipalArn = z
  .string()
  .regex(/^arn:aws[a-z-]*:iam::\d{12}:(root|role\/[A-Za-z0-9+=,.@_/-]+)$/, 'the ARN of an IAM role or of an account\'s root is allowed');
const RoleArn = z.string().regex(/^arn:aws[a-z-]*:iam::\d{12}:role\/[A-Za-z0-9+=,.@_/-]+$/, 'the ARN of an IAM role is allowed');
const KeyArn = z.string().regex(/^arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key\/[A-Za-z0-9-]+$/, 'the ARN of a KMS key is allowed');

/** Retention that CloudWatch Logs takes, in days. */
export const LOG_RETENTION_DAYS = [365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653] as const;

const Account = strict({
  id: AccountId.optional().describe('Id of the account. Leave it out until an account that is to be created exists.'),
  create: strict({ email: Email }).optional().describe('Have the organization stack create the account. Without it again, the account stays as it is, and Terraform no longer knows it.'),
});

const Organization = z.discriminatedUnion(
  'mode',
  [
    strict({ mode: z.literal('none').describe('No organization: no units, no seal; the accounts named here are the perimeter.') }),
    strict({
      mode: z.enum(['existing', 'new']).describe('Read the organization, or make it.'),
      id: z.string().regex(/^o-[a-z0-9]{10,32}$/, 'an organization id such as o-abcdefghij is allowed').optional(),
      parentId: z.string().regex(/^(r-[a-z0-9]{4,32}|ou-[a-z0-9]{4,32}-[a-z0-9]{8,32})$/, 'the id of a root (r-…) or a unit (ou-…) is allowed').optional(),
      forensicUnit: Name.default('Forensics'),
      securityUnit: Name.optional().describe('Name of a unit for security accounts, where one is wanted.'),
      delegatedServices: z
        .array(z.string().regex(/^[a-z0-9.-]+\.amazonaws\.com$/, 'a service principal such as guardduty.amazonaws.com is allowed'))
        .default([]),
      quotas: strict({
        scpCharacters: z.union([z.literal(5120), z.literal(10_240)], '5120 or 10240 is allowed').default(5120),
        scpsPerNode: z.union([z.literal(5), z.literal(10)], '5 or 10 is allowed').default(5),
      })
        .default({ scpCharacters: 5120, scpsPerNode: 5 })
        .describe('What this organization allows: 5120 and 5 before May 2026, 10240 and 10 since.'),
    }),
  ],
  { error: 'mode "none", "existing" or "new" is allowed' },
);

const Retention = strict({
  mode: z.enum(['COMPLIANCE', 'GOVERNANCE'], 'COMPLIANCE or GOVERNANCE is allowed'),
  days: z.int('a whole number of days is allowed').min(1, 'at least 1 day is allowed').max(36_500, 'at most 36500 days are allowed'),
});

const RoleAccess = strict({
  principals: z.array(PrincipalArn).min(1, 'at least one principal is needed').optional(),
  requireMfa: z.boolean().optional(),
  twoPersonRule: z.boolean().optional(),
  maxSessionSeconds: z.int().min(3600, '3600 to 43200 seconds are allowed').max(43_200, '3600 to 43200 seconds are allowed').optional(),
});

const Backend = z.discriminatedUnion(
  'type',
  [
    strict({ type: z.literal('local').describe('A state file a stack, beside cdktf.out: keep them. For trying things out; a team needs s3.') }),
    strict({
      type: z.literal('s3'),
      bucket: z.string().regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, 'a bucket name is allowed'),
      region: Region,
      keyPrefix: z.string().regex(/^[A-Za-z0-9/_.-]*$/, 'letters, digits and "/_.-" are allowed').default('cleanroom/'),
      kmsKeyId: KeyArn.optional(),
      roleArn: RoleArn.optional(),
    }),
  ],
  { error: 'type "local" or "s3" is allowed' },
);

/** One estate: organization, accounts, Regions, people and rules. The file in `infra/estates` that says it all. */
export const Estate = strict({
  $schema: z.string().optional(),
  version: z.literal(1, 'version 1 is allowed'),
  name: Name.describe('In tags, and in the names of states: an estate that is renamed finds none of its states.'),
  prefix: z.string().regex(/^[a-z][a-z0-9]{1,11}$/, '2 to 12 lower-case letters and digits, a letter first, are allowed').default('cleanroom'),
  partition: z.enum(['aws', 'aws-us-gov', 'aws-cn'], 'aws, aws-us-gov or aws-cn is allowed').default('aws'),
  organization: Organization.default({ mode: 'none' }),
  accounts: strict({
    management: strict({ id: AccountId }).optional().describe('Needed where there is an organization.'),
    securityTooling: Account.optional(),
    logArchive: Account.optional().describe('Keeps trails and transcripts. Without it, the first forensic account does.'),
    forensic: z
      .array(
        strict({
          name: Name,
          ...Account.shape,
          regions: z.array(Region).min(1, 'at least one Region is needed').describe('Regions this account serves. What an account has once is made in the first: add others behind it.'),
        }),
      )
      .min(1, 'at least one forensic account is needed'),
  }),
  regions: z
    .record(
      Region,
      strict({
        cidr: z
          .string()
          .regex(/^(\d{1,3}\.){3}\d{1,3}\/(1[6-9]|2[0-4])$/, 'an IPv4 block of /16 to /24 is allowed')
          .describe('Block of the isolated network in this Region.'),
        zones: z
          .array(z.string().regex(/^[a-z]{2}(-[a-z]+)+-\d[a-z]$/, 'an availability zone such as eu-west-1a is allowed'))
          .min(2, '2 or 3 zones are allowed')
          .max(3, '2 or 3 zones are allowed')
          .optional()
          .describe('Two or three availability zones; a and b unless told otherwise, which not every account has in every Region (ap-northeast-1 has no b for most): aws ec2 describe-availability-zones tells.'),
        extraEndpoints: z.array(z.enum(OPTIONAL_SERVICES, `one of ${OPTIONAL_SERVICES.join(', ')} is allowed`)).default([]),
      }),
    )
    .refine((regions) => Object.keys(regions).length > 0, 'at least one Region is needed'),
  deployment: strict({
    roleName: RoleName.optional().describe('Role that Terraform assumes in every account but the one it runs in.'),
  }).default({}),
  access: strict({
    principals: z.array(PrincipalArn).min(1, 'at least one principal is needed').describe('Who may assume the forensic roles, unless a role says otherwise.'),
    requireMfa: z.boolean().default(true),
    approvalBrokerArn: RoleArn.optional().describe('Role of the system where a second person approves.'),
    roles: recordOf([...HUMAN_ROLES, 'break-glass'], RoleAccess).default({}),
  }),
  retention: strict({
    incoming: Retention.default({ mode: 'GOVERNANCE', days: 30 }),
    active: Retention.default({ mode: 'COMPLIANCE', days: 365 }),
    legalHold: Retention.default({ mode: 'COMPLIANCE', days: 2555 }),
    logDays: z.union(
      LOG_RETENTION_DAYS.map((days) => z.literal(days)),
      `one of CloudWatch's values from a year on is allowed: ${LOG_RETENTION_DAYS.join(', ')}`,
    ).default(731),
    logMode: z
      .enum(['COMPLIANCE', 'GOVERNANCE'], 'COMPLIANCE or GOVERNANCE is allowed')
      .default('COMPLIANCE')
      .describe('Lock of trails, configuration records and transcripts. GOVERNANCE is for estates that are to be torn down: an administrator of the log archive could then delete them.'),
    abandonedUploadDays: z.int().min(14, '14 to 365 days are allowed').max(365, '14 to 365 days are allowed').default(90),
  }).prefault({}),
  keys: strict({
    administratorRoles: z.array(RoleName).default([]).describe('Roles, by name, that administer the keys of their account beside the deployment role.'),
    deletionWindowDays: z.int().min(7, '7 to 30 days are allowed').max(30, '7 to 30 days are allowed').default(30),
  }).prefault({}),
  monitoredAccounts: z
    .array(
      strict({
        id: AccountId,
        name: Name,
        externalId: z.string().regex(/^[A-Za-z0-9+=,.@:/_-]{16,128}$/, '16 to 128 letters, digits and "+=,.@:/_-" are allowed'),
        containment: z.boolean().default(false).describe('Whether the workflow may also isolate suspects.'),
        sourceKeyArns: z.array(KeyArn).default([]).describe('Keys that the account encrypts its volumes with; a case may grant them to the workflow of a forensic account.'),
      }),
    )
    .default([]),
  images: strict({
    collectorVersion: z.string().regex(/^\d+\.\d+\.\d+$/, 'a version such as 0.1.0 is allowed').describe('Version of the collector that the images carry.'),
    bundles: recordOf(IMAGE_ARCHITECTURES, z.string().regex(/^[0-9a-f]{64}$/, 'a SHA-256 of 64 hexadecimal digits is allowed'))
      .refine((bundles) => Object.keys(bundles).length > 0, 'at least one architecture is needed')
      .describe('SHA-256 of the bundle for each architecture, as npm run build:collector wrote it.'),
    parentVersion: z
      .string()
      .regex(/^(x\.x\.x|\d+\.\d+\.\d+)$/, 'x.x.x, or a version such as 2026.11.3, is allowed')
      .default('x.x.x')
      .describe('Version of Amazon\'s image that is built on; x.x.x is the newest at each build.'),
    builtBy: Name.optional().describe('Forensic account that builds for all: the others get copies of their own, under keys of their own. Without it each builds its own.'),
    tools: z
      .array(strict({ package: ToolName, command: ToolName }))
      .min(1, 'at least one tool is needed')
      .optional()
      .describe('Tools of the analysts\' workstation. Without them no workstation is built.'),
  })
    .optional()
    .describe('Machine images. Without it none are built here.'),
  notifications: strict({ emails: z.array(Email).default([]) }).prefault({}),
  logPrefix: z.string().regex(/^[A-Za-z0-9/_.-]{0,64}$/, 'up to 64 letters, digits and "/_.-" are allowed').default(''),
  workflow: workflowOptions(),
  seal: strict({
    sealed: z.boolean().default(true),
    s3Policy: z.boolean().default(false).describe('Also attach an S3 policy (block public access). The organization and seal stacks then need AWS provider 6.26 or newer.'),
  }).prefault({}),
  backend: Backend.default({ type: 'local' }),
});
export type Estate = z.infer<typeof Estate>;
export type EstateInput = z.input<typeof Estate>;

/** What is wrong with an estate, all of it: each line has the path, what was got, and what is allowed. */
export class EstateError extends Error {
  override readonly name = 'EstateError';
  readonly problems: readonly Problem[];

  constructor(source: string, problems: readonly Problem[]) {
    super(`${source} is not a valid estate:\n${problems.map(({ path, got, allowed }) => inert(`${path}: got ${got}; ${allowed}`)).map((line) => `  ${line}`).join('\n')}`);
    this.problems = problems;
  }
}

/**
 * Reads an estate.
 * @param source what to call it in messages
 * @throws EstateError with every problem at once
 */
export function parseEstate(input: unknown, source: string): Estate {
  const parsed = Estate.safeParse(input);
  // The checks across fields run on whatever is there, so that one wrong field does not hide the others' problems.
  const problems = [...(parsed.success ? [] : readable(parsed.error.issues, input)), ...crossChecks(input)];
  if (problems.length > 0 || !parsed.success) throw new EstateError(source, problems);
  return parsed.data;
}
