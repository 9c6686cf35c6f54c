/**
 * Regions in which AWS reports what happens to an account as a whole, whichever Regions it uses: IAM and STS's global endpoint
 * in the partition's global Region, console log-ins there or in the three Regions to which the sign-in page may redirect.
 * Of the small partitions it is every Region. IAM's is the first.
 * Source: https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-aws-console-sign-in-events.html
 */
const REPORTING_REGIONS: Readonly<Record<string, readonly string[]>> = {
  aws: ['us-east-1', 'us-east-2', 'eu-north-1', 'ap-southeast-2'],
  'aws-us-gov': ['us-gov-west-1', 'us-gov-east-1'],
  'aws-cn': ['cn-north-1', 'cn-northwest-1'],
};

/** Regions that report an account's log-ins and role changes, and that are none of the account's own. */
export const foreignReportingRegions = (partition: string, ownRegions: readonly string[]): readonly string[] =>
  (REPORTING_REGIONS[partition] ?? []).filter((region) => !ownRegions.includes(region));

/** Region in which CloudTrail has the events of IAM, which is one for all Regions of a partition. */
export function iamEventsRegion(partition: string): string {
  const [first] = REPORTING_REGIONS[partition] ?? [];
  if (first === undefined) throw new RangeError(`partition "${partition}" is not known; ${Object.keys(REPORTING_REGIONS).join(', ')} are`);
  return first;
}
