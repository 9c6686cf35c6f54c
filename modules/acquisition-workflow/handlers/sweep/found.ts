import { paginateDescribeInstances, paginateDescribeSnapshots, paginateDescribeVolumes, type EC2Client, type Tag } from '@aws-sdk/client-ec2';
import { ListRoleTagsCommand, paginateListInstanceProfiles, paginateListRoles, type IAMClient } from '@aws-sdk/client-iam';
import { CASE_TAGS, caseRolePath, roleName, type Place } from '../../../vocabulary/index.ts';

/** Something in the forensic account that a case once made. */
export interface Found {
  readonly kind: 'snapshot' | 'volume' | 'instance' | 'role' | 'instance-profile';
  /** Its id, or its ARN where it has none. */
  readonly resource: string;
  /** What its tag says; nobody has checked it. */
  readonly caseId: string;
  /** `evidence` for what is meant to stay. */
  readonly purpose: string;
  readonly createdAt: Date | undefined;
}

const tagOf = (tags: readonly Tag[] | undefined, key: string): string => tags?.find((tag) => tag.Key === key)?.Value ?? '';
const TAGGED = [{ Name: 'tag-key', Values: [CASE_TAGS.caseId] }];
const DEAD = new Set(['terminated', 'shutting-down']);

/** Everything of the account and Region that carries a case: snapshots, volumes, instances, and roles that were made for one. */
export async function* findCaseResources({ ec2, iam }: { readonly ec2: EC2Client; readonly iam: IAMClient }, place: Place): AsyncGenerator<Found> {
  const tagged = (Tags: readonly Tag[] | undefined) => ({ caseId: tagOf(Tags, CASE_TAGS.caseId), purpose: tagOf(Tags, CASE_TAGS.purpose) });
  for await (const { Snapshots = [] } of paginateDescribeSnapshots({ client: ec2 }, { OwnerIds: [place.account], Filters: TAGGED })) {
    for (const { SnapshotId = '', StartTime, Tags } of Snapshots) yield { kind: 'snapshot', resource: SnapshotId, createdAt: StartTime, ...tagged(Tags) };
  }
  for await (const { Volumes = [] } of paginateDescribeVolumes({ client: ec2 }, { Filters: TAGGED })) {
    for (const { VolumeId = '', CreateTime, Tags } of Volumes) yield { kind: 'volume', resource: VolumeId, createdAt: CreateTime, ...tagged(Tags) };
  }
  for await (const { Reservations = [] } of paginateDescribeInstances({ client: ec2 }, { Filters: TAGGED })) {
    for (const { InstanceId = '', LaunchTime, Tags, State } of Reservations.flatMap(({ Instances = [] }) => Instances)) {
      if (!DEAD.has(State?.Name ?? '')) yield { kind: 'instance', resource: InstanceId, createdAt: LaunchTime, ...tagged(Tags) };
    }
  }
  // Roles are global: their names say the Region, their tags the case. A profile has the case of the role in it.
  const PathPrefix = caseRolePath(place);
  const ofThisRegion = (name: string) => name.startsWith(`${roleName(place, 'collector')}-`);
  const caseOf = async (RoleName: string) => tagOf((await iam.send(new ListRoleTagsCommand({ RoleName }))).Tags, CASE_TAGS.caseId);
  for await (const { Roles = [] } of paginateListRoles({ client: iam }, { PathPrefix })) {
    for (const { Arn = '', RoleName = '', CreateDate } of Roles) {
      if (ofThisRegion(RoleName)) yield { kind: 'role', resource: Arn, caseId: await caseOf(RoleName), purpose: 'collector', createdAt: CreateDate };
    }
  }
  for await (const { InstanceProfiles = [] } of paginateListInstanceProfiles({ client: iam }, { PathPrefix })) {
    for (const { Arn = '', InstanceProfileName = '', CreateDate, Roles = [] } of InstanceProfiles) {
      const role = Roles[0]?.RoleName;
      if (ofThisRegion(InstanceProfileName)) yield { kind: 'instance-profile', resource: Arn, caseId: role === undefined ? '' : await caseOf(role), purpose: 'collector', createdAt: CreateDate };
    }
  }
}
