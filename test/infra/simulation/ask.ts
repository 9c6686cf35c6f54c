import type { Place } from '../../../modules/vocabulary/index.ts';
import type { Group, Row } from './matrix.ts';
import type { Verdict, World } from './world.ts';

/** Puts one row of the matrix to a world. */
export const ask = (on: World, place: Place, group: Group, [, action, resource, context]: Row): Promise<Verdict> =>
  on.decide({
    principal: group.who,
    action,
    resource,
    ...(group.through === undefined ? {} : { through: group.through }),
    ...(group.owner === undefined ? {} : { owner: group.owner }),
    ...(group.resourcePolicy === undefined ? {} : { resourcePolicy: group.resourcePolicy }),
    region: group.region ?? place.region,
    ...(context === undefined ? {} : { context }),
  });
