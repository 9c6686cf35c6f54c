import { DataAwsOrganizationsOrganizationalUnit } from '@cdktf/provider-aws/lib/data-aws-organizations-organizational-unit/index.js';
import { DataAwsOrganizationsOrganization } from '@cdktf/provider-aws/lib/data-aws-organizations-organization/index.js';
import { SsmParameter } from '@cdktf/provider-aws/lib/ssm-parameter/index.js';
import { Fn, TerraformStack, TerraformVariable } from 'cdktf';
import type { Construct } from 'constructs';
import { sealPatterns } from '../modules/audit/alert-patterns.ts';
import { Alerts } from '../modules/audit/alerts.ts';
import { logsKeyPolicy } from '../modules/audit/policies/logs-key.ts';
import { GuardedKey } from '../modules/evidence/guarded-key.ts';
import { Seal, type SealProps } from '../modules/governance/seal.ts';
import { keyAlias, sealParameterName, type Place } from '../modules/vocabulary/index.ts';

export interface SealStackProps extends Omit<SealProps, 'targets' | 'sealed'> {
  /** The management account, in the Region that Organizations reports its events in. */
  readonly place: Place;
  /** Name of the forensic unit, where the organization stack made one. */
  readonly forensicUnit: string | undefined;
  /** @default the organization's root */
  readonly parentId: string | undefined;
  /** Accounts outside the unit that are sealed by themselves. */
  readonly accountIds: readonly string[];
  readonly sealedByDefault: boolean;
  readonly keyAdministratorArns: readonly string[];
  readonly emails: readonly string[];
}

/** In the management account, last: the restrictive policies, a record of their state, and alerts on any change of them. */
export class SealStack extends TerraformStack {
  constructor(scope: Construct, id: string, props: SealStackProps) {
    super(scope, id);
    const sealed = new TerraformVariable(this, 'sealed', {
      type: 'bool',
      default: props.sealedByDefault,
      nullable: false,
      description: 'Whether the restrictive policies are attached. Set to false to unseal the estate for a change.',
    });
    const reason = new TerraformVariable(this, 'unseal_reason', {
      type: 'string',
      default: '',
      nullable: false,
      description: 'Why the estate is unsealed: at least ten characters, and kept.',
    });
    reason.addValidation({
      condition: `\${var.sealed || length(trimspace(var.unseal_reason)) >= 10}`,
      errorMessage: 'Unsealing needs unseal_reason, at least ten characters: it is recorded and sent to the security team.',
    });
    const targets: Record<string, string> = Object.fromEntries(props.accountIds.map((account) => [account, account]));
    if (props.forensicUnit !== undefined) {
      const parentId = props.parentId ?? new DataAwsOrganizationsOrganization(this, 'Organization', {}).roots.get(0).id;
      targets.unit = new DataAwsOrganizationsOrganizationalUnit(this, 'ForensicUnit', { name: props.forensicUnit, parentId }).id;
    }
    const key = new GuardedKey(this, 'Key', {
      alias: keyAlias(props.place, 'logs'),
      description: 'Alerts on the seal',
      policy: logsKeyPolicy(props.place, props.keyAdministratorArns),
    });
    const parameter = sealParameterName(props.place);
    const alerts = new Alerts(this, 'Alerts', {
      place: props.place,
      patterns: {
        ...sealPatterns(),
        'seal-state': { source: ['aws.ssm'], 'detail-type': ['Parameter Store Change'], detail: { name: [parameter] } },
      },
      kmsKeyId: key.keyArn,
      emails: props.emails,
    });
    const record = new SsmParameter(this, 'State', {
      name: parameter,
      type: 'String',
      description: 'Whether the estate is sealed; its history says since when, by whom and why',
      value: Fn.jsonencode({ sealed: sealed.value, reason: reason.value }),
    });
    record.node.addDependency(alerts); // people hear of it before anything comes off
    const seal = new Seal(this, 'Seal', { ...props, targets, sealed: sealed.value });
    seal.node.addDependency(record);
  }
}
