import { IMAGE_RECEIVER_ROLES, imageBuilderRoleArn, imageParameterName, imageReceiverRoleArn, keyAlias, parameterName, type Place } from '../../../modules/vocabulary/index.ts';
import type { Group } from './group.ts';
import type { World } from './world.ts';

/** The account of the example that another one builds images for. */
export const RECEIVER = { account: '100000000005', region: 'us-east-1' } as const;

/** What the estate promises for images that one account builds for another. */
export function imageDeliveryRows(world: World, builder: Place): readonly Group[] {
  const receiver: Place = { ...builder, ...RECEIVER };
  const { account, region } = receiver;
  const arn = { delivery: imageReceiverRoleArn(receiver, account, 'delivery'), lifecycle: imageReceiverRoleArn(receiver, account, 'lifecycle') };
  const imageIn = (where: string): string => `arn:aws:ec2:${where}::image/ami-0123456789abcdef0`;
  const parameter = (name: string, where = region): string => `arn:aws:ssm:${where}:${account}:parameter${name}`;
  const keyOf = ({ account: owner, region: where }: Place, purpose: 'images' | 'evidence'): string => world.keyArn(keyAlias(builder, purpose), where, owner);
  const through = (where: string) => ({ 'kms:ViaService': `ec2.${where}.amazonaws.com` });
  const forEc2 = (where: string) => ({ ...through(where), 'kms:GrantIsForAWSResource': 'true' });
  const from = imageBuilderRoleArn(builder, 'pipeline');
  return [
    {
      promise: 'an account that images are built for is entered by the pipeline that builds them, and by its lifecycle',
      who: { arn: from },
      rows: [
        ['allow', 'sts:AssumeRole', arn.delivery],
        ['deny', 'sts:AssumeRole', arn.lifecycle],
      ],
    },
    {
      promise: 'a pipeline\'s lifecycle enters the account that images were delivered to, and does not deliver',
      who: { arn: imageBuilderRoleArn(builder, 'lifecycle') },
      rows: [
        ['allow', 'sts:AssumeRole', arn.lifecycle],
        ['deny', 'sts:AssumeRole', arn.delivery],
      ],
    },
    {
      promise: 'nobody else delivers images, whatever he may in the builder\'s account',
      who: { arn: `arn:aws:iam::${builder.account}:role/OrganizationAccountAccessRole` },
      rows: [
        ['deny', 'sts:AssumeRole', arn.delivery],
        ['deny', 'sts:AssumeRole', arn.lifecycle],
      ],
    },
    {
      promise: 'what takes delivery reads the builder\'s images, keeps them under its own key, and publishes their ids, and nothing else',
      who: { arn: arn.delivery },
      region,
      rows: [
        ['allow', 'ec2:CopyImage', imageIn(region)],
        ['allow', 'ec2:CreateTags', imageIn(region)],
        ['allow', 'ec2:DescribeImages', '*'],
        ['allow', 'ec2:ModifyImageAttribute', imageIn(region)],
        ['allow', 'kms:GenerateDataKeyWithoutPlaintext', keyOf(receiver, 'images'), through(region)],
        ['allow', 'kms:CreateGrant', keyOf(receiver, 'images'), forEc2(region)],
        ['allow', 'ssm:PutParameter', parameter(imageParameterName(receiver, 'collector', 'x86_64'))],
        ['allow', 'ssm:PutParameter', parameter(parameterName(receiver, 'collectorImageId'))],
        ['deny', 'ssm:PutParameter', parameter(parameterName(receiver, 'evidenceKeyArn'))],
        ['deny', 'ec2:ModifySnapshotAttribute', `arn:aws:ec2:${region}::snapshot/snap-0123456789abcdef0`],
        ['deny', 'ec2:DeregisterImage', imageIn(region)],
        ['deny', 'ec2:RunInstances', `arn:aws:ec2:${region}:${account}:instance/*`],
        ['deny', 'kms:Decrypt', keyOf(receiver, 'evidence'), through(region)],
        ['deny', 'kms:CreateGrant', keyOf(receiver, 'images'), { ...through(region), 'kms:GrantIsForAWSResource': 'false' }],
      ],
    },
    {
      promise: 'what takes delivery reads the builder\'s key where that is, through EC2 only',
      who: { arn: arn.delivery },
      region: builder.region,
      rows: [
        ['allow', 'kms:Decrypt', keyOf(builder, 'images'), through(builder.region)],
        ['allow', 'kms:CreateGrant', keyOf(builder, 'images'), forEc2(builder.region)],
        ['deny', 'kms:Decrypt', keyOf(builder, 'images')],
        ['deny', 'kms:GenerateDataKey', keyOf(builder, 'images'), through(builder.region)],
        ['deny', 'kms:Decrypt', keyOf(builder, 'evidence'), through(builder.region)],
        ['deny', 'kms:CreateGrant', keyOf(builder, 'images'), { ...through(builder.region), 'kms:GrantIsForAWSResource': 'false' }],
      ],
    },
    {
      promise: 'delivered images are deprecated by the builder\'s lifecycle, and deleted by nobody',
      who: { arn: arn.lifecycle },
      region,
      rows: [
        ['allow', 'ec2:DescribeImages', '*'],
        ['allow', 'ec2:EnableImageDeprecation', imageIn(region)],
        ['deny', 'ec2:DeregisterImage', imageIn(region)],
        ['deny', 'ec2:ModifyImageAttribute', imageIn(region)],
      ],
    },
    {
      promise: 'once sealed nobody changes who may deliver, and nobody else reads the builder\'s images',
      who: { arn: `arn:aws:iam::${account}:role/OrganizationAccountAccessRole` },
      region,
      rows: [
        ...Object.values(IMAGE_RECEIVER_ROLES).map((name) => ['deny', 'iam:UpdateAssumeRolePolicy', `arn:aws:iam::${account}:role/${name}`] as const),
        ['deny', 'ec2:ModifyImageAttribute', imageIn(region)],
        ['deny', 'kms:Decrypt', keyOf(builder, 'images'), through(region)],
      ],
    },
  ];
}
