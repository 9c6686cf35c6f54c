import type { ModuleSpec } from '../spec.ts';
import { accountDefaults } from './account-defaults.ts';
import { acquisitionRole } from './acquisition-role.ts';
import { acquisitionWorkflow } from './acquisition-workflow.ts';
import { collectorDashboard } from './collector-dashboard.ts';
import { collectorImage } from './collector-image.ts';
import { containment } from './containment.ts';
import { detection } from './detection.ts';
import { evidenceVault } from './evidence-vault.ts';
import { forensicAudit } from './forensic-audit.ts';
import { forensicOrganization } from './forensic-organization.ts';
import { forensicRoles } from './forensic-roles.ts';
import { forwardedEvents } from './forwarded-events.ts';
import { guardrails } from './guardrails.ts';
import { isolatedNetwork } from './isolated-network.ts';
import { logArchive } from './log-archive.ts';

/** Every module that is also there for plain Terraform. */
export const MODULE_SPECS: readonly ModuleSpec[] = [
  accountDefaults,
  acquisitionRole,
  acquisitionWorkflow,
  collectorDashboard,
  collectorImage,
  containment,
  detection,
  evidenceVault,
  forensicAudit,
  forensicOrganization,
  forensicRoles,
  forwardedEvents,
  guardrails,
  isolatedNetwork,
  logArchive,
];
