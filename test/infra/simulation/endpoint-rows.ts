/** Whom the endpoints of the isolated network answer. */
import { STRANGER, anything, open, type Cast } from './cast.ts';
import type { Group } from './group.ts';

/** A call for each endpoint that no other group asks through. */
const ENDPOINT_CALLS = [
  ['ssm', 'ssm:DescribeInstanceInformation'],
  ['ssmmessages', 'ssmmessages:CreateControlChannel'],
  ['sts', 'sts:DecodeAuthorizationMessage'],
  ['ebs', 'ebs:ListSnapshotBlocks'],
  ['imagebuilder', 'imagebuilder:ListImages'],
] as const;

/** Questions through the endpoints that no other file asks through, and for packages of the operating system. */
export function endpointGroups({ world, region, admin, stranger }: Cast): readonly Group[] {
  return [
    ...ENDPOINT_CALLS.filter(([through]) => world.hasEndpoint(region, through)).flatMap(([through, action]): Group[] => [
      { promise: `the ${through} endpoint answers the organization`, who: admin, through, rows: [['allow', action, anything]] },
      { promise: `the ${through} endpoint answers nobody outside it`, who: stranger, through, rows: [['deny', action, anything]] },
    ]),
    {
      promise: 'packages of Amazon Linux can be read from inside, other people\'s buckets not',
      who: { arn: 'anonymous' },
      through: 's3',
      owner: STRANGER,
      resourcePolicy: open('*'),
      rows: [
        ['allow', 's3:GetObject', `arn:aws:s3:::al2023-repos-${region}-de612dc2/core/mirrors`],
        ['deny', 's3:GetObject', 'arn:aws:s3:::somebody-elses-bucket/tool'],
        ['deny', 's3:PutObject', 'arn:aws:s3:::somebody-elses-bucket/loot'],
      ],
    },
  ];
}
