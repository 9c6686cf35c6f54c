/** What a containment takes from a suspect's credentials, who gives it back, and whom the denial of sessions denies. */
import { policyDocument } from '../../../modules/policy.ts';
import { CONTAINED_TAG_KEYS, containedProfileArn, containedRoleArn, memberRoleArn, sessionDenialPolicyArn, type Place } from '../../../modules/vocabulary/index.ts';
import { INSTANCE as SUSPECT, OWN, anything, type Cast } from './cast.ts';
import type { Group } from './group.ts';
import type { Principal } from './world.ts';

/** Questions in a monitored account that allows containment, and in one that does not. */
export function containmentGroups({ world, place, region, members, firstMember: account, member: release }: Cast): readonly Group[] {
  const withoutContainment = members.find((id) => !world.roles.has(containedRoleArn(place, id)));
  const machine: Principal = { arn: release.arn };
  const instance = `arn:aws:ec2:${region}:${account}:instance/${SUSPECT}`;
  const web = `arn:aws:iam::${account}:role/web`;
  const user = `arn:aws:iam::${account}:user/admin`;
  const contained = containedProfileArn(place, account);
  const containedRole = containedRoleArn(place, account);
  const webProfile = `arn:aws:iam::${account}:instance-profile/web`;
  const denial = { 'iam:PolicyARN': sessionDenialPolicyArn(place, account) };
  const administrator = { 'iam:PolicyARN': 'arn:aws:iam::aws:policy/AdministratorAccess' };
  const toEc2 = { 'iam:PassedToService': 'ec2.amazonaws.com' };
  const toLambda = { 'iam:PassedToService': 'lambda.amazonaws.com' };
  const marks = { 'aws:TagKeys': ['CleanroomContained0'] };
  const otherTags = { 'aws:TagKeys': ['CleanroomContained0', 'Department'] };
  const marked = Object.fromEntries(CONTAINED_TAG_KEYS.map((key) => [`aws:ResourceTag/${key}`, SUSPECT]));
  const oneMarked = { 'aws:ResourceTag/CleanroomContained7': SUSPECT };
  const attached = [sessionDenialPolicyArn(place, account)];
  const roleTags = Object.fromEntries(CONTAINED_TAG_KEYS.map((key, index) => [key, index === 0 ? SUSPECT : `i-0aaaaaaaaaaaaaaa${index.toString(16)}`]));
  const bucket = 'arn:aws:s3:::somebodys/data';
  const of = (id: string) => ({ 'aws:userid': `AROAEXAMPLEEXAMPLE123:${id}` });
  const everything = policyDocument({ Effect: 'Allow', Action: '*', Resource: '*' });

  return [
    {
      promise: 'the state machine replaces a profile by the one that may do nothing, denies sessions, and gives nothing back',
      who: machine,
      owner: account,
      rows: [
        ['allow', 'iam:GetInstanceProfile', webProfile],
        ['allow', 'iam:ListRoleTags', web],
        ['allow', 'ec2:ReplaceIamInstanceProfileAssociation', instance, { 'ec2:NewInstanceProfile': contained, 'ec2:InstanceProfile': webProfile }],
        ['allow', 'iam:PassRole', containedRole, toEc2],
        ['allow', 'iam:AttachRolePolicy', web, denial],
        ['allow', 'iam:TagRole', web, marks],
        ['deny', 'ec2:ReplaceIamInstanceProfileAssociation', instance, { 'ec2:NewInstanceProfile': webProfile, 'ec2:InstanceProfile': contained }],
        ['deny', 'iam:PassRole', web, toEc2],
        ['deny', 'iam:PassRole', containedRole, toLambda],
        ['deny', 'iam:AttachRolePolicy', web, administrator],
        ['deny', 'iam:DetachRolePolicy', web, denial],
        ['deny', 'iam:TagRole', web, otherTags],
        ['deny', 'iam:UntagRole', web, marks],
        ['deny', 'iam:GetRole', web],
      ],
    },
    {
      promise: 'a release gives a contained instance its profile and its sessions back, and nobody else anything',
      who: release,
      owner: account,
      rows: [
        ['allow', 'ec2:ReplaceIamInstanceProfileAssociation', instance, { 'ec2:NewInstanceProfile': webProfile, 'ec2:InstanceProfile': contained }],
        ['allow', 'iam:PassRole', web, toEc2],
        ['allow', 'iam:UntagRole', web, { ...marks, ...oneMarked }],
        ['allow', 'iam:DetachRolePolicy', web, denial],
        ['deny', 'iam:DetachRolePolicy', web, { ...denial, ...oneMarked }],
        ['deny', 'iam:DetachRolePolicy', web, { ...denial, ...marked }],
        ['deny', 'iam:DetachRolePolicy', web, administrator],
        ['deny', 'ec2:ReplaceIamInstanceProfileAssociation', instance, { 'ec2:NewInstanceProfile': `${webProfile}-admin`, 'ec2:InstanceProfile': webProfile }],
        ['deny', 'ec2:DisassociateIamInstanceProfile', instance],
        ['deny', 'iam:PassRole', web, toLambda],
        ['deny', 'iam:UntagRole', web, otherTags],
        ['deny', 'iam:PutRolePolicy', web],
        ['deny', 'iam:DeleteRolePolicy', web],
        ['deny', 'iam:UpdateAssumeRolePolicy', web],
        ['deny', 'iam:CreatePolicyVersion', denial['iam:PolicyARN']],
        ['deny', 'iam:AttachUserPolicy', user, administrator],
        ['deny', 'iam:CreateAccessKey', user],
        ['deny', 'iam:AddRoleToInstanceProfile', contained],
        ['deny', 'iam:DeleteRolePermissionsBoundary', web],
      ],
    },
    {
      promise: 'a role that holds the denial of sessions is denied to the sessions of the contained instances alone',
      who: { arn: web, tags: roleTags, policies: [everything], attached },
      owner: account,
      rows: [
        ['deny', 's3:GetObject', bucket, of(SUSPECT)],
        ['deny', 'ec2:DescribeInstances', anything, of('i-0aaaaaaaaaaaaaaa7')],
        ['allow', 's3:GetObject', bucket, of('i-0bbbbbbbbbbbbbbbb')],
        ['allow', 's3:GetObject', bucket, of('alice')],
      ],
    },
    {
      promise: 'a role that holds the denial of sessions and names no instance is as it was',
      who: { arn: web, policies: [everything], attached },
      owner: account,
      rows: [
        ['allow', 's3:GetObject', bucket, of(SUSPECT)],
        ['allow', 's3:GetObject', bucket, of('alice')],
      ],
    },
    {
      promise: 'a contained instance may do nothing, not even what everybody may',
      who: { arn: containedRole },
      owner: account,
      resourcePolicy: policyDocument({ Effect: 'Allow', Principal: '*', Action: 's3:GetObject', Resource: bucket }),
      rows: [
        ['deny', 's3:GetObject', bucket],
        ['deny', 's3:PutObject', bucket],
      ],
    },
    ...(withoutContainment === undefined ? [] : [withoutGroup(place, withoutContainment)]),
  ];
}

function withoutGroup(place: Place, account: string): Group {
  const web = `arn:aws:iam::${account}:role/web`;
  const instance = `arn:aws:ec2:${place.region}:${account}:instance/${SUSPECT}`;
  return {
    promise: 'where containment is off the acquisition role touches no credentials at all',
    who: { arn: memberRoleArn(place, account), tags: { CaseId: OWN } },
    owner: account,
    rows: [
      ['deny', 'iam:GetInstanceProfile', `arn:aws:iam::${account}:instance-profile/web`],
      ['deny', 'iam:AttachRolePolicy', web, { 'iam:PolicyARN': sessionDenialPolicyArn(place, account) }],
      ['deny', 'iam:TagRole', web, { 'aws:TagKeys': ['CleanroomContained0'] }],
      ['deny', 'iam:PassRole', web, { 'iam:PassedToService': 'ec2.amazonaws.com' }],
      ['deny', 'ec2:ReplaceIamInstanceProfileAssociation', instance, { 'ec2:NewInstanceProfile': containedProfileArn(place, account) }],
      ['deny', 'ec2:ModifyInstanceMetadataOptions', instance],
    ],
  };
}
