/** Tiers of the isolated network; each has a subnet in every zone. */
export const TIERS = ['collector', 'analysis', 'endpoints'] as const;
export type Tier = (typeof TIERS)[number];

const toNumber = (address: string): number => address.split('.').reduce((sum, octet) => sum * 256 + Number(octet), 0);
const toAddress = (value: number): string => [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join('.');

/** First and last address of a block, as numbers. */
export function cidrRange(cidr: string): readonly [number, number] {
  const [address = '', length = ''] = cidr.split('/');
  const first = toNumber(address);
  return [first, first + 2 ** (32 - Number(length)) - 1];
}

/** Whether two blocks share an address. */
export function cidrsOverlap(a: string, b: string): boolean {
  const [aFirst, aLast] = cidrRange(a);
  const [bFirst, bLast] = cidrRange(b);
  return aFirst <= bLast && bFirst <= aLast;
}

/** Whether an address is the first of its block, as a VPC wants it. */
export function isAlignedCidr(cidr: string): boolean {
  const [, length = ''] = cidr.split('/');
  return cidrRange(cidr)[0] % 2 ** (32 - Number(length)) === 0;
}

/**
 * The subnets' position in the VPC's block, which is cut into sixteen: a tier owns four, one for each zone and one spare.
 * @returns index of the sixteenth
 */
export const subnetIndex = (tier: Tier, zone: number): number => TIERS.indexOf(tier) * 4 + zone;

/** Block of a tier's subnet in a zone: a sixteenth of the VPC's. */
export function subnetCidr(vpcCidr: string, tier: Tier, zone: number): string {
  const length = Number(vpcCidr.split('/')[1]) + 4;
  return `${toAddress(cidrRange(vpcCidr)[0] + subnetIndex(tier, zone) * 2 ** (32 - length))}/${length}`;
}
