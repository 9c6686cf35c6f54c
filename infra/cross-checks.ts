import { cidrsOverlap, isAlignedCidr } from '../modules/isolated-network/subnets.ts';
import { at, joined, problem, type Problem } from './problems.ts';

type Loose = Readonly<Record<string, unknown>>;
const objectAt = (input: unknown, ...path: PropertyKey[]): Loose => {
  const value = at(input, path);
  return typeof value === 'object' && value !== null ? (value as Loose) : {};
};
const listAt = (input: unknown, ...path: PropertyKey[]): readonly unknown[] => {
  const value = at(input, path);
  return Array.isArray(value) ? value : [];
};
const textAt = (input: unknown, ...path: PropertyKey[]): string | undefined => {
  const value = at(input, path);
  return typeof value === 'string' ? value : undefined;
};

type Check = (input: unknown) => readonly Problem[];

/** Every value may appear once; a second one is a problem at its own path. */
function unique(input: unknown, paths: readonly (readonly PropertyKey[])[], what: string): readonly Problem[] {
  const seen = new Map<string, readonly PropertyKey[]>();
  return paths.flatMap((path) => {
    const value = textAt(input, ...path);
    if (value === undefined) return [];
    const first = seen.get(value.toLowerCase());
    if (first) return [problem(input, path, `${what} is allowed once; ${joined(first)} has the same`)];
    seen.set(value.toLowerCase(), path);
    return [];
  });
}

const forensicPaths = (input: unknown, key: string) => listAt(input, 'accounts', 'forensic').map((_, index) => ['accounts', 'forensic', index, key]);

const regionsHaveOneAccount: Check = (input) => {
  const declared = Object.keys(objectAt(input, 'regions'));
  const owner = new Map<string, string>();
  const problems: Problem[] = [];
  listAt(input, 'accounts', 'forensic').forEach((_, index) => {
    listAt(input, 'accounts', 'forensic', index, 'regions').forEach((region, position) => {
      if (typeof region !== 'string') return;
      const path = ['accounts', 'forensic', index, 'regions', position];
      if (!declared.includes(region)) problems.push(problem(input, path, `a Region that "regions" describes is allowed: ${declared.join(', ') || 'none yet'}`));
      const other = owner.get(region);
      if (other !== undefined) problems.push(problem(input, path, `a Region belongs to one account; ${other} has this one`));
      owner.set(region, textAt(input, 'accounts', 'forensic', index, 'name') ?? `accounts.forensic[${index}]`);
    });
  });
  for (const region of declared) {
    if (!owner.has(region)) problems.push(problem(input, ['regions', region], 'a Region needs a forensic account that lists it in accounts.forensic[].regions'));
  }
  return problems;
};

const imagesHaveABuilder: Check = (input) => {
  const builtBy = textAt(input, 'images', 'builtBy');
  const names = listAt(input, 'accounts', 'forensic').map((_, index) => textAt(input, 'accounts', 'forensic', index, 'name'));
  return builtBy === undefined || names.includes(builtBy) ? [] : [problem(input, ['images', 'builtBy'], `the name of a forensic account is allowed: ${names.join(', ') || 'there is none yet'}`)];
};

const cidrsAreDisjoint: Check = (input) => {
  const blocks = Object.keys(objectAt(input, 'regions')).flatMap((region) => {
    const cidr = textAt(input, 'regions', region, 'cidr');
    return cidr !== undefined && /^(\d{1,3}\.){3}\d{1,3}\/\d{1,2}$/.test(cidr) ? [{ region, cidr }] : [];
  });
  return blocks.flatMap(({ region, cidr }, index) => {
    const path = ['regions', region, 'cidr'];
    if (cidr.split(/[./]/).slice(0, 4).some((octet) => Number(octet) > 255)) return [problem(input, path, 'octets from 0 to 255 are allowed')];
    if (!isAlignedCidr(cidr)) return [problem(input, path, 'a block that starts on its own boundary is allowed')];
    const other = blocks.slice(0, index).find((before) => cidrsOverlap(before.cidr, cidr));
    return other ? [problem(input, path, `a block that no other Region uses is allowed; ${other.region} has ${other.cidr}`)] : [];
  });
};

const zonesBelongToRegions: Check = (input) =>
  Object.keys(objectAt(input, 'regions')).flatMap((region) => {
    const zones = listAt(input, 'regions', region, 'zones');
    return zones.flatMap((zone, index) => {
      const path = ['regions', region, 'zones', index];
      if (typeof zone !== 'string') return [];
      if (!zone.startsWith(region) || zone.length !== region.length + 1) return [problem(input, path, `a zone of ${region} is allowed`)];
      return zones.indexOf(zone) < index ? [problem(input, path, 'a zone is allowed once')] : [];
    });
  });

const organizationIsWhole: Check = (input) => {
  const mode = textAt(input, 'organization', 'mode') ?? 'none';
  const problems: Problem[] = [];
  if (mode !== 'none' && at(input, ['accounts', 'management', 'id']) === undefined) {
    problems.push(problem(input, ['accounts', 'management'], 'an organization needs {"id": …} of its management account'));
  }
  if (mode === 'existing' && at(input, ['organization', 'id']) === undefined) {
    problems.push(problem(input, ['organization', 'id'], 'an existing organization needs its id, o-…'));
  }
  if (listAt(input, 'organization', 'delegatedServices').length > 0 && at(input, ['accounts', 'securityTooling']) === undefined) {
    problems.push(problem(input, ['accounts', 'securityTooling'], 'delegated services need the account that administers them'));
  }
  return problems;
};

const s3PolicyHasOrganization: Check = (input) =>
  at(input, ['seal', 's3Policy']) === true && (textAt(input, 'organization', 'mode') ?? 'none') === 'none'
    ? [problem(input, ['seal', 's3Policy'], 'false is allowed where there is no organization: nothing else takes an S3 policy')]
    : [];

const accountsAreKnown: Check = (input) => {
  const mode = textAt(input, 'organization', 'mode') ?? 'none';
  const paths: PropertyKey[][] = [
    ...['securityTooling', 'logArchive'].filter((key) => at(input, ['accounts', key]) !== undefined).map((key) => ['accounts', key]),
    ...listAt(input, 'accounts', 'forensic').map((_, index) => ['accounts', 'forensic', index]),
  ];
  return paths.flatMap((path) => {
    const { id, create } = objectAt(input, ...path);
    if (mode === 'none' && create !== undefined) return [problem(input, [...path, 'create'], 'only an organization can create accounts: give an id, or an organization')];
    return id === undefined && create === undefined ? [problem(input, [...path, 'id'], 'an account needs an id, or "create" with an e-mail address')] : [];
  });
};

const valuesAreUnique: Check = (input) => [
  ...unique(input, forensicPaths(input, 'name'), 'a forensic account\'s name'),
  ...unique(input, forensicPaths(input, 'id'), 'a forensic account\'s id'),
  ...unique(
    input,
    [['accounts', 'securityTooling', 'create', 'email'], ['accounts', 'logArchive', 'create', 'email'], ...listAt(input, 'accounts', 'forensic').map((_, index) => ['accounts', 'forensic', index, 'create', 'email'])],
    'an account\'s e-mail address',
  ),
  ...unique(input, listAt(input, 'monitoredAccounts').map((_, index) => ['monitoredAccounts', index, 'id']), 'a monitored account'),
  ...unique(input, listAt(input, 'monitoredAccounts').map((_, index) => ['monitoredAccounts', index, 'externalId']), 'an external id'),
];

/** Paths of the elements of a list. */
const elements = (input: unknown, ...path: PropertyKey[]): readonly PropertyKey[][] => listAt(input, ...path).map((_, index) => [...path, index]);

const listsRepeatNothing: Check = (input) => [
  ...unique(input, elements(input, 'organization', 'delegatedServices'), 'a service'),
  ...unique(input, elements(input, 'notifications', 'emails'), 'an address'),
  ...listAt(input, 'monitoredAccounts').flatMap((_, index) => unique(input, elements(input, 'monitoredAccounts', index, 'sourceKeyArns'), 'a key')),
  ...unique(input, [['organization', 'forensicUnit'], ['organization', 'securityUnit']], 'a unit\'s name'),
];

/** The stacks call the accounts of the organization so that are no forensic ones. */
const accountNamesAreFree: Check = (input) =>
  forensicPaths(input, 'name').flatMap((path) => {
    const name = textAt(input, ...path)?.toLowerCase();
    return name === 'security-tooling' || name === 'log-archive' ? [problem(input, path, 'a name other than "security-tooling" and "log-archive" is allowed: those accounts have them')] : [];
  });

const sourceKeysBelongToTheAccount: Check = (input) =>
  listAt(input, 'monitoredAccounts').flatMap((_, index) => {
    const id = textAt(input, 'monitoredAccounts', index, 'id') ?? '';
    return elements(input, 'monitoredAccounts', index, 'sourceKeyArns').flatMap((path) => {
      const owner = textAt(input, ...path)?.split(':')[4];
      return !/^\d{12}$/.test(id) || owner === undefined || owner === id ? [] : [problem(input, path, `a key of the monitored account itself, ${id}, is allowed`)];
    });
  });

const partitionOf = (region: string): string => (region.startsWith('cn-') ? 'aws-cn' : region.startsWith('us-gov-') ? 'aws-us-gov' : 'aws');

/** Nothing reaches from one partition into another. */
const partitionIsOne: Check = (input) => {
  const partition = textAt(input, 'partition') ?? 'aws';
  if (!['aws', 'aws-us-gov', 'aws-cn'].includes(partition)) return [];
  const arns = [
    ...elements(input, 'access', 'principals'),
    ['access', 'approvalBrokerArn'],
    ...Object.keys(objectAt(input, 'access', 'roles')).flatMap((role) => elements(input, 'access', 'roles', role, 'principals')),
    ...listAt(input, 'monitoredAccounts').flatMap((_, index) => elements(input, 'monitoredAccounts', index, 'sourceKeyArns')),
  ];
  return [
    ...Object.keys(objectAt(input, 'regions')).flatMap((region) => (partitionOf(region) === partition ? [] : [problem(input, ['regions', region], `a Region of the partition ${partition} is allowed; "partition" says which it is`)])),
    ...arns.flatMap((path) => {
      const [scheme, got] = textAt(input, ...path)?.split(':') ?? [];
      return scheme !== 'arn' || got === partition ? [] : [problem(input, path, `an ARN of the partition ${partition} is allowed; "partition" says which it is`)];
    }),
  ];
};

const managementIsNoForensicAccount: Check = (input) => {
  if ((textAt(input, 'organization', 'mode') ?? 'none') === 'none') return [];
  const management = textAt(input, 'accounts', 'management', 'id');
  const archive = textAt(input, 'accounts', 'logArchive', 'id');
  return forensicPaths(input, 'id').flatMap((path) => {
    const id = textAt(input, ...path);
    if (id === undefined) return [];
    if (id === management) return [problem(input, path, 'an account other than the management account is allowed: no policy binds that one')];
    return id === archive ? [problem(input, path, 'an account other than the log archive is allowed: logs belong out of reach')] : [];
  });
};

const keysHaveAdministrators: Check = (input) =>
  textAt(input, 'deployment', 'roleName') === undefined && listAt(input, 'keys', 'administratorRoles').length === 0
    ? [problem(input, ['keys', 'administratorRoles'], 'a role that administers the keys is needed here, or in deployment.roleName: KMS refuses a key that nobody administers')]
    : [];

const brokerIsNamed: Check = (input) =>
  Object.keys(objectAt(input, 'access', 'roles')).flatMap((role) =>
    at(input, ['access', 'roles', role, 'twoPersonRule']) === true && at(input, ['access', 'approvalBrokerArn']) === undefined
      ? [problem(input, ['access', 'roles', role, 'twoPersonRule'], 'the two-person rule needs access.approvalBrokerArn')]
      : [],
  );

const retentionGrows: Check = (input) => {
  const days = (bucket: string) => at(input, ['retention', bucket, 'days']);
  const active = days('active');
  const hold = days('legalHold');
  return typeof active === 'number' && typeof hold === 'number' && hold < active
    ? [problem(input, ['retention', 'legalHold', 'days'], `at least the retention of "active" (${active} days) is allowed`)]
    : [];
};

const monitoredAreNotForensic: Check = (input) => {
  const forensic = forensicPaths(input, 'id').map((path) => textAt(input, ...path));
  if ((textAt(input, 'organization', 'mode') ?? 'none') === 'none') return [];
  return listAt(input, 'monitoredAccounts').flatMap((_, index) => {
    const path = ['monitoredAccounts', index, 'id'];
    const id = textAt(input, ...path);
    return id !== undefined && forensic.includes(id) ? [problem(input, path, 'an account that is not a forensic account is allowed')] : [];
  });
};

const CHECKS: readonly Check[] = [
  regionsHaveOneAccount,
  imagesHaveABuilder,
  cidrsAreDisjoint,
  zonesBelongToRegions,
  organizationIsWhole,
  s3PolicyHasOrganization,
  accountsAreKnown,
  valuesAreUnique,
  listsRepeatNothing,
  accountNamesAreFree,
  sourceKeysBelongToTheAccount,
  partitionIsOne,
  managementIsNoForensicAccount,
  monitoredAreNotForensic,
  keysHaveAdministrators,
  brokerIsNamed,
  retentionGrows,
];

/** What no single field can say: checks across fields, on input of whatever shape. */
export const crossChecks: Check = (input) => CHECKS.flatMap((check) => check(input));
