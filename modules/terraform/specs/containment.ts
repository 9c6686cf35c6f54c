import { Containment } from '../../member/containment.ts';
import { containedProfileArn, sessionDenialPolicyArn } from '../../vocabulary/index.ts';
import type { ModuleSpec } from '../spec.ts';
import { PLACE, PREFIX } from '../variables.ts';

export const containment: ModuleSpec = {
  name: 'containment',
  description: 'In a monitored account whose acquisition role may contain: the instance profile that a contained instance gets, and the denial of its sessions.',
  costs: 'None.',
  not: 'It gives nobody the right to contain: that is `containment = true` of acquisition-role.',
  variables: { prefix: PREFIX, partition: PLACE.partition, account_id: PLACE.account_id },
  build: (scope, v) => {
    const naming = { prefix: v.text('prefix'), partition: v.text('partition') };
    const account = v.text('account_id');
    new Containment(scope, 'Containment', { ...naming, account });
    return {
      profile_arn: { value: containedProfileArn(naming, account), description: 'Profile of contained instances.' },
      session_denial_policy_arn: { value: sessionDenialPolicyArn(naming, account), description: 'Policy that denies the sessions of contained instances.' },
    };
  },
};
