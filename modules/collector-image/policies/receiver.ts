import { policyDocument, type PolicyDocument } from '../../policy.ts';
import { imageBuilderRoleArn, keyAlias, type ImageBuilderRole, type Place } from '../../vocabulary/index.ts';
import { imageParameterArns } from './builder.ts';

/** An account that receives images, and who builds them. */
export interface ReceiverContext extends Place {
  /** Regions of the account that images are delivered to. */
  readonly regions: readonly string[];
  /** Where they are built. */
  readonly builder: Place;
}

/** Trust in a role of the builder's account: Image Builder delivers as the pipeline's role, and deprecates as the lifecycle's. */
export const receiverTrust = ({ builder }: ReceiverContext, role: ImageBuilderRole): PolicyDocument =>
  policyDocument({
    Sid: 'AssumeFromBuilder',
    Effect: 'Allow',
    Principal: { AWS: `arn:${builder.partition}:iam::${builder.account}:root` },
    Action: 'sts:AssumeRole',
    // Not as the principal: IAM refuses a trust in a role that is not there yet, and receivers come before the builder.
    Condition: { ArnLike: { 'aws:PrincipalArn': imageBuilderRoleArn(builder, role) } },
  });

/** What takes delivery may, after AWS's managed policy for it: copy the builder's images under our key, and publish their ids. */
export const deliveryPolicy = (context: ReceiverContext): PolicyDocument => {
  const { partition, account, regions, builder } = context;
  const keys = [`arn:${partition}:kms:*:${account}:key/*`, `arn:${partition}:kms:${builder.region}:${builder.account}:key/*`];
  const images = { 'ForAnyValue:StringEquals': { 'kms:ResourceAliases': keyAlias(context, 'images') } };
  return policyDocument(
    { Sid: 'CopyImages', Effect: 'Allow', Action: ['ec2:CopyImage', 'ec2:DescribeImages', 'ec2:ModifyImageAttribute'], Resource: '*' },
    { Sid: 'TagImages', Effect: 'Allow', Action: 'ec2:CreateTags', Resource: `arn:${partition}:ec2:*::image/*` },
    { Sid: 'ReEncryptImages', Effect: 'Allow', Action: ['kms:Decrypt', 'kms:DescribeKey', 'kms:Encrypt', 'kms:GenerateDataKey*', 'kms:ReEncrypt*'], Resource: keys, Condition: images },
    { Sid: 'GrantImagesKeys', Effect: 'Allow', Action: 'kms:CreateGrant', Resource: keys, Condition: { ...images, Bool: { 'kms:GrantIsForAWSResource': 'true' } } },
    { Sid: 'PublishImageId', Effect: 'Allow', Action: 'ssm:PutParameter', Resource: imageParameterArns(context, account, regions) },
  );
};
