import { membersPath, parameterName, type ParameterName } from '../../../modules/vocabulary/index.ts';
import { MEMBER, PLACE } from './place.ts';

/** What of the world is used: calls in the forensic account. */
interface World {
  readonly bucket: string;
  readonly imageId: string;
  call(as: 'forensic', service: string, action: string, parameters?: object): Promise<unknown>;
}

/** Services whose endpoints the isolated network has. */
const ENDPOINTS = ['s3', 'kms', 'logs', 'sts'] as const;

/** Makes what the stacks of the forensic account and Region make for a case, and publishes it as they do. */
export async function makeSurroundings(world: World): Promise<void> {
  const ec2 = <Answer>(action: string, parameters: object): Promise<Answer> => world.call('forensic', 'ec2', action, parameters) as Promise<Answer>;
  const { Vpc: { VpcId } } = await ec2<{ Vpc: { VpcId: string } }>('createVpc', { CidrBlock: '10.20.0.0/20' });
  const { Subnet: { SubnetId } } = await ec2<{ Subnet: { SubnetId: string } }>('createSubnet', { VpcId, CidrBlock: '10.20.0.0/21', AvailabilityZone: `${PLACE.region}a` });
  const { GroupId } = await ec2<{ GroupId: string }>('createSecurityGroup', { VpcId, GroupName: 'collectors', Description: 'no way in, no way out' });
  for (const service of ENDPOINTS) {
    await ec2('createVpcEndpoint', { VpcId, ServiceName: `com.amazonaws.${PLACE.region}.${service}`, VpcEndpointType: service === 's3' ? 'Gateway' : 'Interface' });
  }
  const newKey = async (): Promise<string> => ((await world.call('forensic', 'kms', 'createKey')) as { KeyMetadata: { Arn: string } }).KeyMetadata.Arn;
  const values: Partial<Record<ParameterName, string>> = {
    collectorImageId: world.imageId,
    vpcId: VpcId,
    collectorSubnetIds: SubnetId,
    collectorSecurityGroupId: GroupId,
    evidenceKeyArn: await newKey(),
    transitKeyArn: await newKey(),
    activeBucket: world.bucket,
  };
  for (const [name, value] of Object.entries(values)) await publish(world, name as ParameterName, value);
  await publishMembers(world, { [MEMBER]: 'an-external-id-of-its-own' });
}

const put = (world: World, Name: string, Value: string): Promise<unknown> => world.call('forensic', 'ssm', 'putParameter', { Name, Value, Type: 'String', Overwrite: true });

/** What a stack publishes for later ones. */
export const publish = (world: World, name: ParameterName, value: string): Promise<unknown> => put(world, parameterName(PLACE, name), value);

/** What is published now. */
export async function published(world: World, name: ParameterName): Promise<string> {
  const { Parameter } = (await world.call('forensic', 'ssm', 'getParameter', { Name: parameterName(PLACE, name) })) as { Parameter: { Value: string } };
  return Parameter.Value;
}

/** The monitored accounts, with the external id of each. */
export const publishMembers = (world: World, members: Readonly<Record<string, string>>): Promise<unknown> => put(world, `${membersPath(PLACE)}/0`, JSON.stringify(members));
