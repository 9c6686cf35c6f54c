import { bucketArn, imageBuilderRoleArn, imageParameterName, keyAlias, logGroupName, parameterName, roleArn, type ImageBuilderRole, type Place } from '../../../modules/vocabulary/index.ts';
import { imageDeliveryRows, RECEIVER } from './image-delivery.ts';
import type { Group } from './group.ts';
import type { Principal, World } from './world.ts';

/** What the estate promises for machine images, in the Region that a forensic account builds them in. */
export function imageMatrixOf(world: World, place: Place): readonly Group[] {
  const { account, region } = place;
  const role = (name: ImageBuilderRole): Principal => ({ arn: imageBuilderRoleArn(place, name) });
  const admin: Principal = { arn: `arn:aws:iam::${account}:role/OrganizationAccountAccessRole` };
  if (!world.roles.has(role('build').arn)) return []; // no images are built in this Region
  const artifacts = bucketArn(place, 'artifacts');
  const key = world.keyArn(keyAlias(place, 'images'), region, account);
  const evidenceKey = world.keyArn(keyAlias(place, 'evidence'), region, account);
  const throughS3 = { 'kms:ViaService': `s3.${region}.amazonaws.com` };
  const throughEc2 = { 'kms:ViaService': `ec2.${region}.amazonaws.com` };
  const forEc2 = { ...throughEc2, 'kms:GrantIsForAWSResource': 'true' };
  const image = `arn:aws:ec2:${region}::image/ami-0123456789abcdef0`;
  const instance = `arn:aws:ec2:${region}:${account}:instance/i-0123456789abcdef0`;
  const snapshot = `arn:aws:ec2:${region}::snapshot/snap-0123456789abcdef0`;
  const own = { 'ec2:ResourceTag/CreatedBy': 'EC2 Image Builder' };
  const deprecated = { 'aws:RequestTag/DeprecatedBy': 'EC2 Image Builder', 'aws:TagKeys': ['DeprecatedBy'] };
  const buildLog = `arn:aws:logs:${region}:${account}:log-group:/aws/imagebuilder/cleanroom-collector-x86-64`;
  const parameter = (name: string): string => `arn:aws:ssm:${region}:${account}:parameter${name}`;
  return [
    {
      promise: 'an instance that an image is built on reads the artifacts and writes its log, and no more',
      who: role('build'),
      rows: [
        ['allow', 's3:GetObject', `${artifacts}/collector/bundle.tar.gz`],
        ['allow', 's3:PutObject', `${artifacts}/logs/build`],
        ['allow', 'kms:Decrypt', key, throughS3],
        ['allow', 'imagebuilder:GetComponent', `arn:aws:imagebuilder:${region}:${account}:component/cleanroom-collector-dc3dd/0.1.0/1`],
        ['allow', 'ssm:UpdateInstanceInformation', instance],
        ['deny', 's3:PutObject', `${artifacts}/collector/bundle.tar.gz`],
        ['deny', 's3:GetObject', `${bucketArn(place, 'active')}/case/disk_evidence/vol.image.dd`],
        ['deny', 's3:GetObject', `${artifacts}/collector/bundle.tar.gz`, { 'aws:SecureTransport': 'false' }],
        ['deny', 'kms:Decrypt', evidenceKey, throughS3],
        ['deny', 'ec2:ModifyImageAttribute', image, own],
        ['deny', 'ssm:PutParameter', parameter(imageParameterName(place, 'collector', 'x86_64'))],
      ],
    },
    {
      promise: 'a pipeline builds on its own instances, and publishes its image and nothing else',
      who: role('pipeline'),
      rows: [
        ['allow', 'ec2:CreateImage', instance],
        ['allow', 'ec2:TerminateInstances', instance, own],
        ['allow', 'ec2:DescribeImages', '*'],
        ['allow', 'ssm:SendCommand', instance],
        ['allow', 'iam:PassRole', role('build').arn, { 'iam:PassedToService': 'ec2.amazonaws.com' }],
        ['allow', 'kms:ReEncryptTo', key, throughEc2],
        ['allow', 'kms:Encrypt', key, throughEc2],
        ['allow', 'kms:CreateGrant', key, forEc2],
        ['allow', 'ssm:PutParameter', parameter(imageParameterName(place, 'collector', 'arm64'))],
        ['allow', 'ssm:PutParameter', parameter(parameterName(place, 'collectorImageId'))],
        ['allow', 'ssm:GetParameter', parameter(parameterName(place, 'collectorImageId'))],
        ['allow', 'logs:CreateLogGroup', buildLog],
        ['allow', 'logs:PutLogEvents', `${buildLog}:log-stream:0.1.0/1`],
        ['deny', 'ec2:TerminateInstances', instance, { 'ec2:ResourceTag/CreatedBy': 'somebody' }],
        ['allow', 'ec2:ModifyImageAttribute', image, own],
        ['allow', 'ec2:ModifySnapshotAttribute', snapshot, { ...own, 'ec2:Add/userId': RECEIVER.account }],
        ['deny', 'ec2:DeregisterImage', image, own],
        ['deny', 'ec2:ModifyImageAttribute', image, { 'ec2:ResourceTag/CreatedBy': 'somebody' }],
        ['deny', 'ec2:ModifySnapshotAttribute', snapshot, { 'ec2:ResourceTag/CreatedBy': 'somebody', 'ec2:Add/userId': RECEIVER.account }],
        ['deny', 'ec2:ModifySnapshotAttribute', snapshot, { ...own, 'ec2:Add/userId': '999999999999' }],
        ['deny', 'ec2:ModifySnapshotAttribute', snapshot, { ...own, 'ec2:Add/userId': RECEIVER.account, 'aws:ResourceTag/CaseId': 'case-1' }],
        ['deny', 'ec2:DeleteSnapshot', `arn:aws:ec2:${region}::snapshot/snap-0123456789abcdef0`],
        ['deny', 'iam:PassRole', roleArn(place, 'workflow'), { 'iam:PassedToService': 'ec2.amazonaws.com' }],
        ['deny', 'kms:CreateGrant', key, { ...throughEc2, 'kms:GrantIsForAWSResource': 'false' }],
        ['deny', 'kms:Decrypt', evidenceKey, throughEc2],
        ['deny', 'kms:Decrypt', key],
        ['deny', 'ssm:PutParameter', parameter(`/cleanroom/${region}/evidence/evidence-key-arn`)],
        ['deny', 'logs:PutLogEvents', `arn:aws:logs:${region}:${account}:log-group:${logGroupName('audit')}:log-stream:pipeline`],
      ],
    },
    {
      promise: 'old images are deprecated, and deleted by nobody',
      who: role('lifecycle'),
      rows: [
        ['allow', 'ec2:DescribeImages', '*'],
        ['allow', 'ec2:EnableImageDeprecation', image],
        ['allow', 'ec2:CreateTags', image, deprecated],
        ['deny', 'ec2:CreateTags', image, { ...deprecated, 'aws:TagKeys': ['DeprecatedBy', 'CleanroomPurpose'] }],
        ['deny', 'ec2:CreateTags', image, { 'aws:RequestTag/DeprecatedBy': 'somebody', 'aws:TagKeys': ['DeprecatedBy'] }],
        ['deny', 'ec2:CreateTags', `arn:aws:ec2:${region}::snapshot/snap-0123456789abcdef0`, deprecated],
        ['deny', 'ec2:DeregisterImage', image],
        ['deny', 'ec2:DeleteSnapshot', `arn:aws:ec2:${region}::snapshot/snap-0123456789abcdef0`],
        ['deny', 'imagebuilder:DeleteImage', `arn:aws:imagebuilder:${region}:${account}:image/cleanroom/0.1.0/1`],
      ],
    },
    {
      promise: 'artifacts stay as they were, for administrators too, and strangers see none',
      who: admin,
      rows: [
        ['deny', 's3:DeleteObjectVersion', `${artifacts}/collector/bundle.tar.gz`],
        ['deny', 's3:DeleteObject', `${artifacts}/collector/bundle.tar.gz`],
        ['deny', 'ec2:ModifyImageAttribute', image, own],
        ['deny', 'ec2:ModifySnapshotAttribute', snapshot, { ...own, 'ec2:Add/userId': RECEIVER.account }],
      ],
    },
    {
      promise: 'strangers see no artifacts and use no image key',
      who: { arn: 'arn:aws:iam::999999999999:role/attacker' },
      rows: [
        ['deny', 's3:GetObject', `${artifacts}/collector/bundle.tar.gz`],
        ['deny', 'kms:Decrypt', key, throughEc2],
      ],
    },
    {
      promise: 'the workflow starts what was built',
      who: { arn: roleArn(place, 'workflow'), tags: {} },
      rows: [
        ['allow', 'kms:Decrypt', key, throughEc2],
        ['allow', 'kms:CreateGrant', key, forEc2],
        ['deny', 'kms:Decrypt', key],
      ],
    },
    ...imageDeliveryRows(world, place),
  ];
}
