import { ForensicOrganization } from '../../governance/forensic-organization.ts';
import type { ModuleSpec } from '../spec.ts';
import { PREFIX } from '../variables.ts';

export const forensicOrganization: ModuleSpec = {
  name: 'forensic-organization',
  description: 'In the management account of an organization that exists: a unit for forensic accounts, and the tag policy for cases on it.',
  costs: 'None.',
  not: 'It makes no organization, no accounts and no delegated administrators (the construct does), and enables no policy types.',
  variables: {
    prefix: PREFIX,
    parent_id: { type: 'string', description: 'Root (r-…) or unit (ou-…) under which the unit is made.', validation: { condition: 'can(regex("^(r-[a-z0-9]{4,32}|ou-[a-z0-9]{4,32}-[a-z0-9]{8,32})$", VALUE))', message: 'The id of a root or a unit is allowed.' } },
    unit_name: { type: 'string', description: 'Name of the unit.', default: 'Forensics', validation: { condition: 'can(regex("^[A-Za-z0-9][A-Za-z0-9-]{0,39}$", VALUE))', message: '1 to 40 letters, digits and "-" are allowed.' } },
  },
  build: (scope, v) => {
    const organization = new ForensicOrganization(scope, 'Organization', {
      prefix: v.text('prefix'),
      mode: 'existing',
      parentId: v.text('parent_id'),
      forensicUnitName: v.text('unit_name'),
      accounts: [],
      delegatedServices: [],
    });
    return { forensic_unit_id: { value: organization.forensicUnitId, description: 'The unit; guardrails takes it as target_id.' } };
  },
};
