import type { Place } from '../../../modules/vocabulary/index.ts';
import type { Group, Row } from './group.ts';
import type { Request, Verdict, World } from './world.ts';

/** One row of the matrix, as a request. */
export const requestOf = (place: Place, group: Group, [, action, resource, context]: Row): Request => ({
  principal: group.who,
  action,
  resource,
  ...(group.through === undefined ? {} : { through: group.through }),
  ...(group.owner === undefined ? {} : { owner: group.owner }),
  ...(group.resourcePolicy === undefined ? {} : { resourcePolicy: group.resourcePolicy }),
  region: group.region ?? place.region,
  ...(context === undefined ? {} : { context }),
});

/** Puts one row of the matrix to a world. */
export const ask = (on: World, place: Place, group: Group, row: Row): Promise<Verdict> => on.decide(requestOf(place, group, row));
