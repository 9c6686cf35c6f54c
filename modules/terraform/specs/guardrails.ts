import { Seal } from '../../governance/seal.ts';
import type { ModuleSpec } from '../spec.ts';
import { ORGANIZATION, PLACE, PREFIX } from '../variables.ts';

export const guardrails: ModuleSpec = {
  name: 'guardrails',
  description: 'In the management account: the service control, resource control and EC2 declarative policies, attached to one unit or account.',
  costs: 'None.',
  not: 'It pins no Regions (one policy an account does, in the construct), enables no policy types, and does not bind the management account.',
  variables: {
    prefix: PREFIX,
    partition: PLACE.partition,
    organization_id: ORGANIZATION,
    target_id: { type: 'string', description: 'Unit (ou-…) or account that the policies are attached to.', validation: { condition: 'can(regex("^(ou-[a-z0-9]+-[a-z0-9]+|[0-9]{12})$", VALUE))', message: 'The id of a unit or of an account is allowed.' } },
  },
  build: (scope, v) => {
    new Seal(scope, 'Seal', {
      context: { prefix: v.text('prefix'), partition: v.text('partition'), organizationId: v.text('organization_id') },
      targets: { target: v.text('target_id') },
      regionsOfAccounts: {},
      sealed: true,
    });
    return {};
  },
};
