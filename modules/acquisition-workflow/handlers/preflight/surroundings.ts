import { DescribeImagesCommand, DescribeSubnetsCommand, DescribeVpcEndpointsCommand, type EC2Client } from '@aws-sdk/client-ec2';
import type { KMSClient } from '@aws-sdk/client-kms';
import { GetBucketVersioningCommand, GetObjectLockConfigurationCommand, type S3Client } from '@aws-sdk/client-s3';
import { GetParametersCommand, type SSMClient } from '@aws-sdk/client-ssm';
import { parameterName, type ParameterName, type Place } from '../../../vocabulary/index.ts';
import type { AcquisitionPlan, PreflightProblem } from '../contract.ts';
import { messageOf, nameOf } from '../errors.ts';
import { checkKey } from './keys.ts';

export type Clients = { readonly ec2: EC2Client; readonly kms: KMSClient; readonly ssm: SSMClient; readonly s3: S3Client };

/** Where collectors run, and with what. */
export type Surroundings = Omit<AcquisitionPlan, 'instanceType' | 'volumes' | 'grants'> & { readonly architecture: 'arm64' | 'x86_64' };

/** Parameters that the forensic account's stacks publish, and the stack that publishes each. */
const NEEDED = {
  collectorImageId: 'image-builder',
  vpcId: 'forensics',
  collectorSubnetIds: 'forensics',
  collectorSecurityGroupId: 'forensics',
  evidenceKeyArn: 'evidence',
  transitKeyArn: 'evidence',
  activeBucket: 'evidence',
} as const satisfies Partial<Record<ParameterName, string>>;
type Needed = Record<keyof typeof NEEDED, string>;

/** Services that a collector cannot do without. */
const ENDPOINTS = ['s3', 'kms', 'logs', 'sts'] as const;

/** Everything of the forensic account and Region that a case needs, whatever its suspect is. */
export async function checkSurroundings(clients: Clients, place: Place): Promise<{ readonly found?: Surroundings; readonly problems: readonly PreflightProblem[] }> {
  const { values, problems } = await readParameters(clients.ssm, place);
  if (!values) return { problems };
  const [image, subnet, endpoints, bucket, evidenceKey, transitKey] = await Promise.all([
    checkImage(clients.ec2, values.collectorImageId),
    chooseSubnet(clients.ec2, values.collectorSubnetIds.split(',')),
    checkEndpoints(clients.ec2, place, values.vpcId),
    checkBucket(clients.s3, values.activeBucket),
    checkKey(clients.kms, values.evidenceKeyArn, `the evidence key ${values.evidenceKeyArn}`, KEY_DENIED),
    checkKey(clients.kms, values.transitKeyArn, `the transit key ${values.transitKeyArn}`, KEY_DENIED),
  ]);
  const all = [...problems, ...image.problems, ...subnet.problems, ...endpoints, ...bucket, ...evidenceKey, ...transitKey];
  if (!image.architecture || !subnet.chosen) return { problems: all };
  const { collectorSecurityGroupId: securityGroupId, transitKeyArn, evidenceKeyArn, activeBucket } = values;
  return {
    found: { imageId: values.collectorImageId, architecture: image.architecture, ...subnet.chosen, securityGroupId, transitKeyArn, evidenceKeyArn, bucket: activeBucket },
    problems: all,
  };
}

const KEY_DENIED = { code: 'KEY_NOT_USABLE', fix: 'deploy the evidence stack of this Region again: it makes the key and its policy' };

async function readParameters(ssm: SSMClient, place: Place): Promise<{ values?: Needed; problems: PreflightProblem[] }> {
  const names = Object.keys(NEEDED) as (keyof typeof NEEDED)[];
  const { Parameters = [] } = await ssm.send(new GetParametersCommand({ Names: names.map((name) => parameterName(place, name)) }));
  const values = Object.fromEntries(names.map((name) => [name, Parameters.find(({ Name }) => Name === parameterName(place, name))?.Value]));
  const problems = names
    .filter((name) => !values[name])
    .map((name) => ({ code: 'PARAMETER_MISSING', what: `the parameter ${parameterName(place, name)} is not there`, fix: `deploy the stack ${NEEDED[name]} of ${place.region}: it publishes it` }));
  return problems.length === 0 ? { values: values as Needed, problems } : { problems };
}

async function checkImage(ec2: EC2Client, imageId: string): Promise<{ architecture?: 'arm64' | 'x86_64'; problems: PreflightProblem[] }> {
  const fix = 'run the image pipeline, or set the parameter to an image that is available';
  try {
    const { Images: [image] = [] } = await ec2.send(new DescribeImagesCommand({ ImageIds: [imageId] }));
    const architecture = image?.Architecture === 'arm64' ? 'arm64' : 'x86_64';
    if (image?.State === 'available') return { architecture, problems: [] };
    return { problems: [{ code: 'IMAGE_NOT_AVAILABLE', what: `the collector image ${imageId} is ${image?.State ?? 'not there'}`, fix }] };
  } catch (error) {
    if (!nameOf(error).startsWith('InvalidAMIID')) throw error;
    return { problems: [{ code: 'IMAGE_NOT_AVAILABLE', what: `the collector image ${imageId} is not there`, fix }] };
  }
}

/** The isolated subnet with most free addresses. */
async function chooseSubnet(ec2: EC2Client, subnetIds: readonly string[]): Promise<{ chosen?: { subnetId: string; zone: string }; problems: PreflightProblem[] }> {
  const { Subnets = [] } = await ec2.send(new DescribeSubnetsCommand({ Filters: [{ Name: 'subnet-id', Values: [...subnetIds] }] }));
  const [most] = Subnets.toSorted((a, b) => (b.AvailableIpAddressCount ?? 0) - (a.AvailableIpAddressCount ?? 0));
  if (most?.SubnetId !== undefined && most.AvailabilityZone !== undefined && (most.AvailableIpAddressCount ?? 0) > 0) {
    return { chosen: { subnetId: most.SubnetId, zone: most.AvailabilityZone }, problems: [] };
  }
  return { problems: [{ code: 'SUBNET_FULL', what: `none of the isolated subnets ${subnetIds.join(', ')} is there and has a free address`, fix: 'end what runs in them, or deploy the forensics stack with a larger network' }] };
}

async function checkEndpoints(ec2: EC2Client, { region }: Place, vpcId: string): Promise<PreflightProblem[]> {
  const { VpcEndpoints = [] } = await ec2.send(new DescribeVpcEndpointsCommand({ Filters: [{ Name: 'vpc-id', Values: [vpcId] }] }));
  return ENDPOINTS.flatMap((service) => {
    const name = `com.amazonaws.${region}.${service}`;
    const state = VpcEndpoints.find(({ ServiceName }) => ServiceName === name)?.State ?? 'not there';
    if (state.toLowerCase() === 'available') return [];
    return [{ code: 'ENDPOINT_NOT_AVAILABLE', what: `the endpoint ${name} of ${vpcId} is ${state}`, fix: 'deploy the forensics stack again; a collector reaches nothing without it' }];
  });
}

async function checkBucket(s3: S3Client, bucket: string): Promise<PreflightProblem[]> {
  const fix = 'deploy the evidence stack again; evidence is not stored where it could be changed';
  try {
    const { Status } = await s3.send(new GetBucketVersioningCommand({ Bucket: bucket }));
    if (Status !== 'Enabled') return [{ code: 'BUCKET_NOT_FIT', what: `the evidence bucket ${bucket} keeps no versions`, fix }];
    const { ObjectLockConfiguration: lock } = await s3.send(new GetObjectLockConfigurationCommand({ Bucket: bucket }));
    if (lock?.ObjectLockEnabled === 'Enabled' && lock.Rule?.DefaultRetention !== undefined) return [];
    return [{ code: 'BUCKET_NOT_FIT', what: `the evidence bucket ${bucket} locks nothing by itself`, fix }];
  } catch (error) {
    if (nameOf(error) === 'ObjectLockConfigurationNotFoundError') return [{ code: 'BUCKET_NOT_FIT', what: `the evidence bucket ${bucket} has no Object Lock`, fix }];
    return [{ code: 'BUCKET_NOT_FIT', what: `the evidence bucket ${bucket} cannot be asked (${nameOf(error)}: ${messageOf(error)})`, fix }];
  }
}
