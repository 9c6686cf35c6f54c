import { AcquisitionRole } from '../../member/acquisition-role.ts';
import type { ModuleSpec } from '../spec.ts';
import { FORENSIC_ACCOUNT, ORGANIZATION, PLACE, PREFIX } from '../variables.ts';

export const acquisitionRole: ModuleSpec = {
  name: 'acquisition-role',
  description: 'In a monitored account: the role by which the forensic workflow looks, protects, snapshots and shares.',
  costs: 'None; the snapshots that the workflow takes cost by the byte.',
  not: 'It terminates, stops and deletes nothing; it isolates only with `containment = true`, and the module containment beside it. It names no source keys (the construct does).',
  variables: {
    prefix: PREFIX,
    partition: PLACE.partition,
    account_id: PLACE.account_id,
    organization_id: ORGANIZATION,
    forensic_account_id: FORENSIC_ACCOUNT,
    external_id: { type: 'string', description: 'What the workflow has to give, 16 to 128 characters.', validation: { condition: 'length(VALUE) >= 16 && length(VALUE) <= 128', message: '16 to 128 characters are allowed.' } },
    containment: { type: 'bool', description: 'Whether the workflow may also isolate a suspect instance.', default: false },
  },
  build: (scope, v) => {
    const naming = { prefix: v.text('prefix'), partition: v.text('partition') };
    const role = new AcquisitionRole(scope, 'Acquisition', {
      ...naming,
      account: v.text('account_id'),
      forensicPlaces: [{ ...naming, account: v.text('forensic_account_id'), region: '*' }],
      externalId: v.text('external_id'),
      organizationId: v.text('organization_id'),
      containment: v.flag('containment'),
      sourceKeyArns: [],
    });
    return { role_arn: { value: role.roleArn, description: 'The acquisition role.' } };
  },
};
