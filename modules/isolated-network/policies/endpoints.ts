import { policyDocument, type PolicyDocument } from '../../policy.ts';
import { principalInside, resourceInside, type Perimeter } from '../../perimeter.ts';

/** Interface endpoints that the collector and Session Manager need. */
export const REQUIRED_SERVICES = ['kms', 'logs', 'ssm', 'ssmmessages', 'sts'] as const;
/** Interface endpoints that analysis may need besides. */
export const OPTIONAL_SERVICES = ['ebs', 'ec2', 'imagebuilder', 'monitoring', 'sns', 'states'] as const;
export type InterfaceService = (typeof REQUIRED_SERVICES)[number] | (typeof OPTIONAL_SERVICES)[number];

/** IAM prefix of what an endpoint's service does, where it differs from the endpoint's name. */
const IAM_PREFIX: Partial<Record<InterfaceService, string>> = { monitoring: 'cloudwatch' };

/** Services whose calls also touch documents or actions that AWS owns, so that the resource's owner cannot be required. */
const TOUCHES_AWS_RESOURCES: readonly InterfaceService[] = ['ssm', 'ssmmessages', 'ec2', 'monitoring', 'logs', 'states', 'ebs', 'sts', 'imagebuilder'];

/** Policy of an interface endpoint: the estate's own principals, and where the service tells it, its own resources. */
export const interfaceEndpointPolicy = (service: InterfaceService, perimeter: Perimeter): PolicyDocument =>
  policyDocument({
    Sid: 'InsideOnly',
    Effect: 'Allow',
    Principal: '*',
    Action: `${IAM_PREFIX[service] ?? service}:*`,
    Resource: '*',
    Condition: {
      StringEquals: {
        ...principalInside(perimeter),
        ...(TOUCHES_AWS_RESOURCES.includes(service) ? {} : resourceInside(perimeter)),
      },
    },
  });

/** Buckets of AWS's own that Session Manager, the package repositories of Amazon Linux and Image Builder's tool are served from. */
export const awsOwnedBuckets = (partition: string, region: string): readonly string[] =>
  [
    `aws-ssm-${region}`,
    `amazon-ssm-${region}`,
    `amazon-ssm-packages-${region}`,
    `${region}-birdwatcher-prod`,
    `aws-ssm-document-attachments-${region}`,
    `patch-baseline-snapshot-${region}`,
    `al2023-repos-${region}-de612dc2`,
    `ec2imagebuilder-managed-resources-${region}-prod`,
    `ec2imagebuilder-toe-${region}-prod`,
  ].map((bucket) => `arn:${partition}:s3:::${bucket}/*`);

export interface S3EndpointPolicyOptions {
  readonly perimeter: Perimeter;
  readonly partition: string;
  readonly region: string;
  /** Buckets that may be reached, by ARN. */
  readonly bucketArns: readonly string[];
}

/** Policy of the S3 gateway endpoint: the estate's own buckets for its own principals, and AWS's packages to read. */
export const s3EndpointPolicy = ({ perimeter, partition, region, bucketArns }: S3EndpointPolicyOptions): PolicyDocument =>
  policyDocument(
    {
      Sid: 'OwnBucketsOnly',
      Effect: 'Allow',
      Principal: '*',
      Action: 's3:*',
      Resource: bucketArns.flatMap((arn) => [arn, `${arn}/*`]),
      Condition: { StringEquals: { ...principalInside(perimeter), ...resourceInside(perimeter) } },
    },
    {
      Sid: 'PackagesToRead',
      Effect: 'Allow',
      Principal: '*',
      Action: 's3:GetObject',
      Resource: awsOwnedBuckets(partition, region),
    },
  );
