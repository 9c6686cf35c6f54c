/** What crosses the edge of the organization: nothing, even where somebody was careless inside or outside. */
import { memberRoleArn, roleArn } from '../../../modules/vocabulary/index.ts';
import { CREATES, OWN, open, service, type Cast } from './cast.ts';
import type { Group } from './group.ts';

/** Questions of strangers, and about resources that anybody opened to everybody. */
export function perimeterGroups({
  place, account, region, firstMember, admin, stranger, incoming, active, image, evidenceKey, transitKey, trail, throughS3,
  throughEc2, forEc2, forUs, forThem,
}: Cast): readonly Group[] {
  const careless = `arn:aws:s3:::cleanroom-scratch-${account}-${region}`;
  const carelessKey = `arn:aws:kms:${region}:${account}:key/00000000-0000-4000-8000-00000000c0de`;
  return [
    {
      promise: 'strangers get nothing, whatever their own policies say',
      who: stranger,
      rows: [
        ['deny', 's3:GetObject', image(active, OWN)],
        ['deny', 's3:PutObject', image(incoming, OWN), CREATES],
        ['deny', 's3:ListBucket', active],
        ['deny', 's3:DeleteBucket', active],
        ['deny', 'kms:Decrypt', evidenceKey, throughS3],
        ['deny', 'kms:Decrypt', transitKey, throughEc2],
        ['deny', 'kms:CreateGrant', transitKey, forEc2],
        ['deny', 'sts:AssumeRole', roleArn(place, 'investigator'), { 'aws:MultiFactorAuthPresent': 'true', 'aws:RequestTag/CaseId': OWN }],
        ['deny', 'sts:AssumeRole', roleArn(place, 'break-glass'), { 'aws:MultiFactorAuthPresent': 'true' }],
        ['deny', 'sts:AssumeRole', memberRoleArn(place, firstMember), { 'sts:ExternalId': 'example-external-id-shop', 'aws:RequestTag/CaseId': OWN }],
      ],
    },
    {
      promise: 'a bucket that somebody opened to the world still answers the organization alone',
      who: stranger,
      owner: account,
      resourcePolicy: open(`${careless}/*`),
      rows: [
        ['deny', 's3:GetObject', `${careless}/loot`],
        ['deny', 's3:PutObject', `${careless}/loot`, CREATES],
      ],
    },
    {
      promise: 'another organization\'s bucket that takes anything gets nothing',
      who: admin,
      resourcePolicy: open('arn:aws:s3:::somebody-elses-bucket/*'),
      rows: [
        ['deny', 's3:PutObject', 'arn:aws:s3:::somebody-elses-bucket/loot', CREATES],
        ['allow', 's3:GetObject', 'arn:aws:s3:::somebody-elses-bucket/tool'],
      ],
    },
    {
      promise: 'a key that somebody opened hands out no grants',
      who: admin,
      resourcePolicy: open('*'),
      rows: [
        ['deny', 'kms:CreateGrant', carelessKey],
        ['deny', 'kms:CreateGrant', carelessKey, { 'kms:GrantIsForAWSResource': 'false' }],
        ['allow', 'kms:CreateGrant', carelessKey, { 'kms:GrantIsForAWSResource': 'true' }],
        ['deny', 'kms:ScheduleKeyDeletion', carelessKey],
      ],
    },
    {
      promise: 'a service that acts for another organization reaches no bucket, however open',
      who: service('cloudtrail'),
      owner: account,
      resourcePolicy: open(`${careless}/*`),
      rows: [
        ['deny', 's3:PutObject', `${careless}/x`, forThem],
        ['allow', 's3:PutObject', `${careless}/x`, forUs(trail)],
      ],
    },
  ];
}
