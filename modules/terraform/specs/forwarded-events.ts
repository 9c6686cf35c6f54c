import { ForwardedEvents } from '../../audit/forwarded-events.ts';
import type { ModuleSpec } from '../spec.ts';
import { PLACE, placeOf } from '../variables.ts';

export const forwardedEvents: ModuleSpec = {
  name: 'forwarded-events',
  description:
    'Forwards log-ins, role assumptions and changes in IAM, which AWS reports in a Region of its own choice (us-east-1 above all), to the Region of forensic-audit and its alerts. Use it once for each such Region, with that Region\'s provider.',
  costs: 'EventBridge events across Regions, next to nothing.',
  not: 'It makes no alerts and no trail: EventBridge hears what a trail records, so forensic-audit needs multi_region_trail in one Region of the account.',
  variables: {
    prefix: PLACE.prefix,
    partition: PLACE.partition,
    account_id: PLACE.account_id,
    region: { ...PLACE.region, description: 'Region of forensic-audit, where people are told.' },
    source_region: { ...PLACE.region, description: 'Region that this is deployed to and AWS reports in; the provider has to be configured for the same.' },
  },
  build: (scope, v) => {
    new ForwardedEvents(scope, 'Forwarded', { home: placeOf(v), region: v.text('source_region') });
    return {};
  },
};
