import { EvidenceVault } from '../../evidence/evidence-vault.ts';
import type { ModuleSpec, Variables } from '../spec.ts';
import { accounts, KEY_ADMINISTRATORS, lockMode, ORGANIZATION, PLACE, placeOf, retentionDays } from '../variables.ts';

const retentionOf = (v: Variables, bucket: string) => ({ mode: v.text(`${bucket}_lock_mode`) as 'COMPLIANCE', days: v.number(`${bucket}_retention_days`) });

export const evidenceVault: ModuleSpec = {
  name: 'evidence-vault',
  description: 'Three append-only evidence buckets (incoming, active, legal hold), a bucket for their access logs and inventories, the evidence key and the transit key.',
  costs: 'Storage by the byte (compliance-locked objects cannot be deleted, so neither can their cost), two KMS keys, requests, inventories.',
  not: 'It grants nobody access by itself (roles come from forensic-roles), replicates nothing to another Region, and never expires an object.',
  variables: {
    ...PLACE,
    organization_id: ORGANIZATION,
    key_administrator_arns: KEY_ADMINISTRATORS,
    member_account_ids: accounts('the monitored accounts that hand snapshots over and may upload'),
    endpoint_ids: {
      type: 'list(string)',
      description: 'VPC endpoints that evidence is reached through.',
      validation: { condition: 'length(VALUE) > 0 && alltrue([for id in VALUE : startswith(id, "vpce-")])', message: 'At least one endpoint id, vpce-…, is needed.' },
    },
    incoming_retention_days: retentionDays('incoming', 30),
    incoming_lock_mode: lockMode('incoming', 'GOVERNANCE'),
    active_retention_days: retentionDays('active', 365),
    active_lock_mode: lockMode('active', 'COMPLIANCE'),
    legal_hold_retention_days: retentionDays('legal hold', 2555),
    legal_hold_lock_mode: lockMode('legal hold', 'COMPLIANCE'),
  },
  build: (scope, v) => {
    const vault = new EvidenceVault(scope, 'Vault', {
      place: placeOf(v),
      perimeter: { organizationId: v.text('organization_id'), accounts: [] },
      retention: { incoming: retentionOf(v, 'incoming'), active: retentionOf(v, 'active'), 'legal-hold': retentionOf(v, 'legal_hold') },
      endpointIds: v.list('endpoint_ids'),
      keyAdministratorArns: v.list('key_administrator_arns'),
      memberAccounts: v.list('member_account_ids'),
    });
    return {
      evidence_key_arn: { value: vault.evidenceKeyArn, description: 'Key that evidence is encrypted under.' },
      transit_key_arn: { value: vault.transitKeyArn, description: 'Key that monitored accounts copy their snapshots under.' },
      incoming_bucket: { value: vault.bucketNames.incoming, description: 'Bucket for what is sent in from elsewhere.' },
      active_bucket: { value: vault.bucketNames.active, description: 'Bucket that collectors store in.' },
      legal_hold_bucket: { value: vault.bucketNames['legal-hold'], description: 'Bucket for what is under legal hold.' },
    };
  },
};
