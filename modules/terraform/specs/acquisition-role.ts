import { AcquisitionRole } from '../../member/acquisition-role.ts';
import type { ModuleSpec } from '../spec.ts';
import { ORGANIZATION, PLACE, PREFIX } from '../variables.ts';

export const acquisitionRole: ModuleSpec = {
  name: 'acquisition-role',
  description: 'In a monitored account: the role by which the forensic workflow looks, protects, snapshots and shares.',
  costs: 'None; the snapshots that the workflow takes cost by the byte.',
  not: 'It terminates, stops and deletes nothing, and isolates nothing (the construct can, by an option).',
  variables: {
    prefix: PREFIX,
    partition: PLACE.partition,
    account_id: PLACE.account_id,
    organization_id: ORGANIZATION,
    forensic_account_id: { type: 'string', description: 'Id of the forensic account whose workflow may enter.', validation: { condition: 'can(regex("^[0-9]{12}$", VALUE))', message: 'An account id of 12 digits is allowed.' } },
    external_id: { type: 'string', description: 'What the workflow has to give, 16 to 128 characters.', validation: { condition: 'length(VALUE) >= 16 && length(VALUE) <= 128', message: '16 to 128 characters are allowed.' } },
  },
  build: (scope, v) => {
    const naming = { prefix: v.text('prefix'), partition: v.text('partition') };
    const role = new AcquisitionRole(scope, 'Acquisition', {
      ...naming,
      account: v.text('account_id'),
      forensicPlaces: [{ ...naming, account: v.text('forensic_account_id'), region: '*' }],
      externalId: v.text('external_id'),
      organizationId: v.text('organization_id'),
      containment: false,
      sourceKeyArns: [],
    });
    return { role_arn: { value: role.roleArn, description: 'The acquisition role.' } };
  },
};
