import { ForensicRoles, type RoleAccess } from '../../access/forensic-roles.ts';
import { HUMAN_ROLES, type HumanRole } from '../../vocabulary/index.ts';
import type { ModuleSpec } from '../spec.ts';
import { LOG_ARCHIVE, ORGANIZATION, PLACE, placeOf, principalsOf } from '../variables.ts';

export const forensicRoles: ModuleSpec = {
  name: 'forensic-roles',
  description: 'Responder, investigator, data custodian, analyst and break-glass, the pipeline\'s roles, and the boundaries around them.',
  costs: 'None.',
  not: 'It makes no users and no identity provider, and has no two-person rule (the construct has).',
  variables: {
    ...PLACE,
    organization_id: ORGANIZATION,
    log_archive_account_id: LOG_ARCHIVE,
    ...Object.fromEntries([...HUMAN_ROLES, 'break-glass'].map((role) => [`${role.replaceAll('-', '_')}_principal_arns`, principalsOf(role)])),
  },
  build: (scope, v) => {
    const access: Record<string, RoleAccess> = Object.fromEntries([...HUMAN_ROLES, 'break-glass'].map((role) => [role, { principals: v.list(`${role.replaceAll('-', '_')}_principal_arns`) }]));
    const roles = new ForensicRoles(scope, 'Roles', {
      context: { ...placeOf(v), logPrefix: '', memberAccounts: [], organizationId: v.text('organization_id'), logArchiveAccount: v.text('log_archive_account_id') },
      access: access as Record<HumanRole | 'break-glass', RoleAccess>,
    });
    return {
      ...Object.fromEntries(Object.entries(roles.roleArns).map(([role, value]) => [`${role.replaceAll('-', '_')}_role_arn`, { value, description: `The role ${role}.` }])),
      collector_policy_arn: { value: roles.collectorPolicyArn, description: 'Policy that a case\'s collector role carries.' },
      pipeline_boundary_arn: { value: roles.pipelineBoundaryArn, description: 'Boundary that roles made for cases have to carry.' },
    };
  },
};
