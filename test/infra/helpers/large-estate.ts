import type { EstateInput } from '../../../infra/config.ts';

const pad = (value: number, length: number): string => String(value).padStart(length, '0');

/** A made-up Region name; thirty real ones would say no more. */
const region = (index: number): string => `xx-${['north', 'south', 'east', 'west', 'central'][index % 5]}-${Math.floor(index / 5) + 1}`;

/** An estate of any size: a forensic account for every three Regions, and as many monitored accounts as asked for. */
export const largeEstate = (regions: number, monitored: number): EstateInput => ({
  version: 1,
  name: 'large',
  organization: { mode: 'existing', id: 'o-exampleorg1', quotas: { scpCharacters: 5120, scpsPerNode: 5 } },
  accounts: {
    management: { id: '100000000001' },
    logArchive: { id: '100000000002' },
    forensic: Array.from({ length: Math.ceil(regions / 3) }, (_, index) => ({
      name: `forensics-${index}`,
      id: `3${pad(index, 11)}`,
      create: { email: `forensics-${index}@example.com` },
      regions: Array.from({ length: Math.min(3, regions - index * 3) }, (__, position) => region(index * 3 + position)),
    })),
  },
  regions: Object.fromEntries(Array.from({ length: regions }, (_, index) => [region(index), { cidr: `10.${index}.0.0/20` }])),
  deployment: { roleName: 'OrganizationAccountAccessRole' },
  access: { principals: ['arn:aws:iam::100000000003:root'] },
  monitoredAccounts: Array.from({ length: monitored }, (_, index) => ({ id: `2${pad(index, 11)}`, name: `account-${index}`, externalId: `example-external-id-${index}` })),
});
