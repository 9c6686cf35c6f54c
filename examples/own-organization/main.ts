/** Somebody else's organization and unit: only the guardrails are added, to a unit that exists already. */
import { AwsProvider } from '@cdktf/provider-aws/lib/provider/index.js';
import { App, TerraformStack, TerraformVariable } from 'cdktf';
import type { Construct } from 'constructs';
import { Seal } from '../../modules/index.ts';

export class GuardrailsOfAcme extends TerraformStack {
  constructor(scope: Construct, id: string) {
    super(scope, id);
    new AwsProvider(this, 'aws', { region: 'us-east-1' });
    const sealed = new TerraformVariable(this, 'sealed', { type: 'bool', default: true });
    new Seal(this, 'Seal', {
      context: { prefix: 'acme', partition: 'aws', organizationId: 'o-acmeacmeacme' },
      targets: { forensics: 'ou-acme-12345678' },
      regionsOfAccounts: { '111122223333': ['eu-west-1'] },
      sealed: sealed.value,
      scpLimit: 10_240,
      scpPerNode: 10,
    });
  }
}

if (import.meta.main) {
  const app = new App();
  new GuardrailsOfAcme(app, 'guardrails');
  app.synth();
}
