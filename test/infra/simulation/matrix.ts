/** The matrix: who asks for what, with which keys, and what the answer has to be. Each file of rows has a subject. */
import type { Place } from '../../../modules/vocabulary/index.ts';
import { administratorGroups } from './administrator-rows.ts';
import { auditGroups } from './audit-rows.ts';
import { castOf } from './cast.ts';
import { collectorGroups } from './collector-rows.ts';
import { containmentGroups } from './containment-rows.ts';
import { endpointGroups } from './endpoint-rows.ts';
import { functionGroups } from './function-rows.ts';
import type { Group } from './group.ts';
import { memberGroups } from './member-rows.ts';
import { peopleGroups } from './people-rows.ts';
import { perimeterGroups } from './perimeter-rows.ts';
import { serviceGroups } from './service-rows.ts';
import { sourceKeyGroups } from './source-key-rows.ts';
import { workflowGroups } from './workflow-rows.ts';
import { workstationGroups } from './workstation-rows.ts';
import type { World } from './world.ts';

const SUBJECTS = [
  collectorGroups,
  peopleGroups,
  workflowGroups,
  functionGroups,
  workstationGroups,
  administratorGroups,
  memberGroups,
  containmentGroups,
  sourceKeyGroups,
  serviceGroups,
  auditGroups,
  endpointGroups,
  perimeterGroups,
];

/** Everything the estate promises for one forensic account and Region. */
export function matrixOf(world: World, place: Place, members: readonly string[]): readonly Group[] {
  const cast = castOf(world, place, members);
  return SUBJECTS.flatMap((groupsOf) => groupsOf(cast));
}
