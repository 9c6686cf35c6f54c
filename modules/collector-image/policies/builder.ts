import { policyDocument, type PolicyDocument } from '../../policy.ts';
import { bucketArn, imageBuilderRoleArn, imageReceiverRoleArn, keyAlias, parameterName, type Place } from '../../vocabulary/index.ts';

/** The account and Region that images are built in, and where they go. */
export interface BuilderContext extends Place {
  /** Regions that images are copied to, the builder's own included. */
  readonly regions: readonly string[];
  /** Other accounts that images are delivered to. @default none */
  readonly receivers?: readonly string[];
}

const keys = ({ partition, account }: Place): string => `arn:${partition}:kms:*:${account}:key/*`;

/** What the instance may that an image is built on: read the artifacts, write its log, and talk to Systems Manager. */
export const buildInstancePolicy = (context: BuilderContext): PolicyDocument => {
  const artifacts = bucketArn(context, 'artifacts');
  return policyDocument(
    { Sid: 'ReadArtifacts', Effect: 'Allow', Action: ['s3:GetObject', 's3:GetObjectVersion'], Resource: [`${artifacts}/collector/*`, `${artifacts}/dc3dd/*`] },
    { Sid: 'WriteBuildLogs', Effect: 'Allow', Action: 's3:PutObject', Resource: `${artifacts}/logs/*` },
    {
      Sid: 'UseImagesKey',
      Effect: 'Allow',
      Action: ['kms:Decrypt', 'kms:GenerateDataKey'],
      Resource: keys(context),
      Condition: { 'ForAnyValue:StringEquals': { 'kms:ResourceAliases': keyAlias(context, 'images') } },
    },
    { Sid: 'ReadComponents', Effect: 'Allow', Action: 'imagebuilder:GetComponent', Resource: `arn:${context.partition}:imagebuilder:${context.region}:${context.account}:component/${context.prefix}-*` },
    {
      Sid: 'BeManaged',
      Effect: 'Allow',
      Action: ['ssm:UpdateInstanceInformation', 'ssmmessages:CreateControlChannel', 'ssmmessages:CreateDataChannel', 'ssmmessages:OpenControlChannel', 'ssmmessages:OpenDataChannel',
        'ec2messages:AcknowledgeMessage', 'ec2messages:DeleteMessage', 'ec2messages:FailMessage', 'ec2messages:GetEndpoint', 'ec2messages:GetMessages', 'ec2messages:SendReply'],
      Resource: '*',
    },
  );
};

/** Image Builder tags everything that it makes. */
const own = { StringEquals: { 'ec2:ResourceTag/CreatedBy': 'EC2 Image Builder' } };

/** Parameters that the ids of images are published in, in some Regions of an account. */
export const imageParameterArns = ({ partition, prefix }: Pick<Place, 'partition' | 'prefix'>, account: string, regions: readonly string[]): string[] =>
  regions.flatMap((region) => [`/${prefix}/${region}/image/*`, parameterName({ prefix, region }, 'collectorImageId')].map((name) => `arn:${partition}:ssm:${region}:${account}:parameter${name}`));

/**
 * What a pipeline may: build on instances of its own, make and copy images, publish the id of the newest, and deliver images
 * to the accounts named. It deletes none, and what it did not make it cannot share.
 * A pipeline with an execution role works as that role alone, so this is what AWS's `EC2ImageBuilderExecutionPolicy` grants
 * for the steps that are used here; inventories of packages (enhanced metadata), launch templates and scans are not.
 */
export const pipelinePolicy = (context: BuilderContext): PolicyDocument => {
  const { partition, account, region, regions, receivers = [] } = context;
  return policyDocument(
    {
      Sid: 'Look',
      Effect: 'Allow',
      Action: ['ec2:Describe*', 'imagebuilder:Get*', 'imagebuilder:List*', 'ssm:DescribeInstanceInformation', 'ssm:GetCommandInvocation', 'ssm:ListCommandInvocations', 'ssm:ListCommands'],
      Resource: '*',
    },
    { Sid: 'Build', Effect: 'Allow', Action: ['ec2:CopyImage', 'ec2:CreateImage', 'ec2:CreateTags', 'ec2:RunInstances'], Resource: '*' },
    { Sid: 'HandleOwnInstances', Effect: 'Allow', Action: ['ec2:StartInstances', 'ec2:StopInstances', 'ec2:TerminateInstances'], Resource: '*', Condition: own },
    { Sid: 'RunSteps', Effect: 'Allow', Action: 'ssm:SendCommand', Resource: [`arn:${partition}:ec2:${region}:${account}:instance/*`, `arn:${partition}:ssm:${region}::document/AWS-RunShellScript`, `arn:${partition}:ssm:${region}::document/AWSEC2-CloneInstance*`] },
    {
      Sid: 'PassBuildRole',
      Effect: 'Allow',
      Action: 'iam:PassRole',
      Resource: imageBuilderRoleArn(context, 'build'),
      Condition: { StringEquals: { 'iam:PassedToService': 'ec2.amazonaws.com' } },
    },
    {
      Sid: 'EncryptImages',
      Effect: 'Allow',
      Action: ['kms:Decrypt', 'kms:DescribeKey', 'kms:Encrypt', 'kms:GenerateDataKey*', 'kms:ReEncrypt*'],
      Resource: keys(context),
      Condition: { 'ForAnyValue:StringEquals': { 'kms:ResourceAliases': keyAlias(context, 'images') } },
    },
    {
      Sid: 'GrantImagesKey',
      Effect: 'Allow',
      Action: 'kms:CreateGrant',
      Resource: keys(context),
      Condition: { 'ForAnyValue:StringEquals': { 'kms:ResourceAliases': keyAlias(context, 'images') }, Bool: { 'kms:GrantIsForAWSResource': 'true' } },
    },
    {
      // Without it Image Builder keeps no word on why a build failed before its instance could write any.
      Sid: 'LogBuilds',
      Effect: 'Allow',
      Action: ['logs:CreateLogGroup', 'logs:CreateLogStream', 'logs:PutLogEvents'],
      Resource: `arn:${partition}:logs:${region}:${account}:log-group:/aws/imagebuilder/*`,
    },
    { Sid: 'PublishImageId', Effect: 'Allow', Action: ['ssm:GetParameter', 'ssm:PutParameter'], Resource: imageParameterArns(context, account, regions) },
    receivers.length > 0 && { Sid: 'Deliver', Effect: 'Allow', Action: 'sts:AssumeRole', Resource: receivers.map((receiver) => imageReceiverRoleArn(context, receiver, 'delivery')) },
    // A delivered image is the receiver's own copy; it is made from ours, which is opened to the receiver for that.
    receivers.length > 0 && { Sid: 'OpenOwnImages', Effect: 'Allow', Action: 'ec2:ModifyImageAttribute', Resource: `arn:${partition}:ec2:${region}::image/*`, Condition: own },
    receivers.length > 0 && {
      Sid: 'OpenOwnSnapshots',
      Effect: 'Allow',
      Action: 'ec2:ModifySnapshotAttribute',
      Resource: `arn:${partition}:ec2:${region}::snapshot/*`,
      Condition: { StringEquals: { ...own.StringEquals, 'ec2:Add/userId': receivers } },
    },
  );
};

/** What the lifecycle may: look, and mark images as deprecated. It cannot delete, so that an old case's image can be read. */
export const deprecatePolicy = ({ partition, regions, receivers = [] }: Pick<BuilderContext, 'partition' | 'regions' | 'receivers'>): PolicyDocument => {
  const images = regions.map((region) => `arn:${partition}:ec2:${region}::image/*`);
  return policyDocument(
    {
      Sid: 'LookAtImages',
      Effect: 'Allow',
      Action: ['ec2:DescribeImageAttribute', 'ec2:DescribeImages', 'imagebuilder:GetImage', 'imagebuilder:ListImageBuildVersions', 'imagebuilder:ListImages', 'tag:GetResources'],
      Resource: '*',
    },
    { Sid: 'Deprecate', Effect: 'Allow', Action: 'ec2:EnableImageDeprecation', Resource: images },
    {
      // Image Builder marks what it deprecates; the tag is its own, and no other can be set.
      Sid: 'MarkAsDeprecated',
      Effect: 'Allow',
      Action: 'ec2:CreateTags',
      Resource: images,
      Condition: { StringEquals: { 'aws:RequestTag/DeprecatedBy': 'EC2 Image Builder' }, 'ForAllValues:StringEquals': { 'aws:TagKeys': 'DeprecatedBy' } },
    },
    receivers.length > 0 && { Sid: 'DeprecateWhatWasDelivered', Effect: 'Allow', Action: 'sts:AssumeRole', Resource: receivers.map((receiver) => imageReceiverRoleArn({ partition }, receiver, 'lifecycle')) },
  );
};

/** Policy of the bucket with the artifacts: TLS, its own account, and versions that nobody deletes. */
export const artifactsBucketPolicy = (arn: string, account: string): PolicyDocument =>
  policyDocument(
    { Sid: 'DenyWithoutTls', Effect: 'Deny', Principal: '*', Action: 's3:*', Resource: [arn, `${arn}/*`], Condition: { Bool: { 'aws:SecureTransport': 'false' } } },
    { Sid: 'DenyStrangers', Effect: 'Deny', Principal: '*', Action: 's3:*', Resource: [arn, `${arn}/*`], Condition: { StringNotEquals: { 'aws:PrincipalAccount': account } } },
    { Sid: 'DenyDeletion', Effect: 'Deny', Principal: '*', Action: 's3:DeleteObject*', Resource: [arn, `${arn}/*`] },
  );

