/**
 * Names that cross a stack, an account or a Region. Both sides build them here, so that no stack has to be deployed with
 * another one's constructs at hand, and a policy can name a role or a bucket that does not exist yet.
 */

/** What every name of an estate is made of. */
export type EstateNaming = {
  /** First part of every name, 2 to 12 characters. */
  readonly prefix: string;
  /** `aws`, `aws-us-gov` or `aws-cn`. */
  readonly partition: string;
};

/** One account and Region of an estate. */
export type Place = EstateNaming & { readonly account: string; readonly region: string };

/** The people's roles in a forensic account. */
export const HUMAN_ROLES = ['responder', 'investigator', 'data-custodian', 'analyst'] as const;
export type HumanRole = (typeof HUMAN_ROLES)[number];

/** Every role of a forensic account: the people's, the one for emergencies, the pipeline's, and that of analysis instances. */
export const FORENSIC_ROLES = [...HUMAN_ROLES, 'break-glass', 'collector', 'workflow', 'workstation'] as const;
export type ForensicRole = (typeof FORENSIC_ROLES)[number];

/** IAM path of every role and policy of an estate. */
export const iamPath = ({ prefix }: EstateNaming): string => `/${prefix}/`;

/**
 * Name of a forensic role. Roles are global in an account and an account may serve several Regions, so the Region is a
 * part of the name: a role works in its own Region only.
 */
export const roleName = ({ prefix, region }: Pick<Place, 'prefix' | 'region'>, role: ForensicRole): string =>
  `${prefix}-${role}-${region}`;

export const roleArn = (place: Place, role: ForensicRole): string =>
  `arn:${place.partition}:iam::${place.account}:role${iamPath(place)}${roleName(place, role)}`;

/** Name of the role by which events of another Region are forwarded. */
export const forwarderRoleName = ({ prefix }: Pick<EstateNaming, 'prefix'>, fromRegion: string): string => `${prefix}-forward-${fromRegion}`;

/** Path of the short-lived collector roles, one a case, each tagged with its case. */
export const caseRolePath = (naming: EstateNaming): string => `${iamPath(naming)}case/`;

/** ARN of the collector's role for one case; with `*` it matches those of all cases. */
export const caseCollectorRoleArn = (place: Place, caseId: string): string =>
  `arn:${place.partition}:iam::${place.account}:role${caseRolePath(place)}${roleName(place, 'collector')}-${caseId}`;

/** Name of the role that the workflow assumes in a monitored account. */
export const memberRoleName = ({ prefix }: Pick<EstateNaming, 'prefix'>): string => `${prefix}-acquisition`;

export const memberRoleArn = (naming: EstateNaming, account: string): string =>
  `arn:${naming.partition}:iam::${account}:role${iamPath(naming)}${memberRoleName(naming)}`;

/** The acquisition role of any account; who may be meant is for a principal or a condition beside it to say. */
export const memberRolePattern = (naming: EstateNaming): string => memberRoleArn(naming, '*');

/** Buckets of a Region: three for evidence in the forensic account, the rest for its logs. */
export const EVIDENCE_BUCKETS = ['incoming', 'active', 'legal-hold'] as const;
export type EvidenceBucketPurpose = (typeof EVIDENCE_BUCKETS)[number];
export type BucketPurpose = EvidenceBucketPurpose | 'access-logs' | 'audit-logs' | 'artifacts';

/** Bucket names are global, so they carry account and Region; at most 63 characters for a prefix of 12. */
export const bucketName = (place: Pick<Place, 'prefix' | 'account' | 'region'>, purpose: BucketPurpose): string =>
  `${place.prefix}-${purpose}-${place.account}-${place.region}`;

export const bucketArn = (place: Place, purpose: BucketPurpose): string =>
  `arn:${place.partition}:s3:::${bucketName(place, purpose)}`;

/** Keys of an account and Region. */
export type KeyPurpose = 'evidence' | 'transit' | 'logs' | 'audit' | 'images';

export const keyAlias = ({ prefix }: Pick<EstateNaming, 'prefix'>, purpose: KeyPurpose): string => `alias/${prefix}-${purpose}`;

export const keyAliasArn = (place: Place, purpose: KeyPurpose): string =>
  `arn:${place.partition}:kms:${place.region}:${place.account}:${keyAlias(place, purpose)}`;

/** SSM parameters that stacks publish for later stacks of the same account and Region. */
export const PARAMETERS = {
  s3EndpointId: 'network/s3-endpoint-id',
  vpcId: 'network/vpc-id',
  collectorSubnetIds: 'network/collector-subnet-ids',
  collectorSecurityGroupId: 'network/collector-security-group-id',
  collectorPolicyArn: 'access/collector-policy-arn',
  pipelineBoundaryArn: 'access/pipeline-boundary-arn',
  evidenceKeyArn: 'evidence/evidence-key-arn',
  transitKeyArn: 'evidence/transit-key-arn',
  activeBucket: 'evidence/active-bucket',
  alertTopicArn: 'audit/alert-topic-arn',
  collectorImageId: 'collector-image/image-id',
} as const;
export type ParameterName = keyof typeof PARAMETERS;

export const parameterName = ({ prefix, region }: Pick<Place, 'prefix' | 'region'>, name: ParameterName): string =>
  `/${prefix}/${region}/${PARAMETERS[name]}`;

/** Processors that images are built for, as EC2 names them. */
export const IMAGE_ARCHITECTURES = ['x86_64', 'arm64'] as const;
export type ImageArchitecture = (typeof IMAGE_ARCHITECTURES)[number];

/** What an image is for: a collector serves one case and is gone; an analyst works on a workstation. */
export const IMAGE_PURPOSES = ['collector', 'workstation'] as const;
export type ImagePurpose = (typeof IMAGE_PURPOSES)[number];

/** Parameter with the id of the current image of one kind. The one that the workflow starts is also `collectorImageId`. */
export const imageParameterName = ({ prefix, region }: Pick<Place, 'prefix' | 'region'>, purpose: ImagePurpose, architecture: ImageArchitecture): string =>
  `/${prefix}/${region}/image/${purpose}-${architecture}`;

/**
 * Roles of an account that receives images: Image Builder looks for them by these names, which its documentation fixes, and
 * without a path. One takes delivery, one marks what was delivered as deprecated.
 */
export const IMAGE_RECEIVER_ROLES = { delivery: 'EC2ImageBuilderDistributionCrossAccountRole', lifecycle: 'Ec2ImageBuilderCrossAccountLifecycleAccess' } as const;
export type ImageReceiverRole = keyof typeof IMAGE_RECEIVER_ROLES;

export const imageReceiverRoleArn = ({ partition }: Pick<EstateNaming, 'partition'>, account: string, role: ImageReceiverRole): string =>
  `arn:${partition}:iam::${account}:role/${IMAGE_RECEIVER_ROLES[role]}`;

/** Roles that images are built with: the instance's, the pipeline's, and the one that deprecates old images. */
export type ImageBuilderRole = 'build' | 'pipeline' | 'lifecycle';

export const imageBuilderRoleName = ({ prefix, region }: Pick<Place, 'prefix' | 'region'>, role: ImageBuilderRole): string => `${prefix}-image-${role}-${region}`;

export const imageBuilderRoleArn = (place: Place, role: ImageBuilderRole): string =>
  `arn:${place.partition}:iam::${place.account}:role${iamPath(place)}${imageBuilderRoleName(place, role)}`;

/** Parameter of the management account that says whether the estate is sealed, by whom it was changed, and why. */
export const sealParameterName = ({ prefix }: Pick<EstateNaming, 'prefix'>): string => `/${prefix}/seal/state`;

export type LogSource = 'flow' | 'dns' | 'sessions';
export const infrastructureLogGroup = ({ prefix, region }: Pick<Place, 'prefix' | 'region'>, source: LogSource): string =>
  `/${prefix}/${region}/${source}`;

export const alertTopicName = ({ prefix }: Pick<EstateNaming, 'prefix'>): string => `${prefix}-alerts`;

/** Session Manager reads its preferences from the document of this name and from no other. */
export const SESSION_PREFERENCES_DOCUMENT = 'SSM-SessionManagerRunShell';

/** Name of the state machine that runs a case. */
export const stateMachineName = ({ prefix }: Pick<EstateNaming, 'prefix'>): string => `${prefix}-acquisition`;

export const stateMachineArn = (place: Place): string =>
  `arn:${place.partition}:states:${place.region}:${place.account}:stateMachine:${stateMachineName(place)}`;

/** CloudWatch namespace of the metrics that are made from the collector's and the workflow's logs. */
export const METRIC_NAMESPACE = 'Cleanroom';

/** Tag keys of everything that belongs to a case. Session tags and role tags use the same names. */
export const CASE_TAGS = {
  caseId: 'CaseId',
  exhibitId: 'ExhibitId',
  purpose: 'CleanroomPurpose',
  requester: 'Requester',
  approver: 'Approver',
} as const;
