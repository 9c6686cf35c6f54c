import { App, Testing } from 'cdktf';
import { expect } from 'chai';
import { ForensicsOfAcme } from '../../examples/own-app/main.ts';
import { GuardrailsOfAcme } from '../../examples/own-organization/main.ts';
import { resources, synthStack } from '../infra/helpers/synth.ts';
import type { Loose } from '../infra/helpers/loose.ts';
import { describeWhereThere } from '../infra/helpers/where-there.ts';
import { Terraform } from '../infra/helpers/terraform.ts';
import { together } from '../infra/helpers/together.ts';

const app = Testing.stubVersion(new App({ stackTraces: false }));
const forensics = synthStack(new ForensicsOfAcme(app, 'forensics'));
const guardrails = synthStack(new GuardrailsOfAcme(app, 'guardrails'));

describe('the examples of modules in an app of somebody else\'s', () => {
  it('bind an evidence bucket to a network that exists already', () => {
    const policy = JSON.parse(String(resources(forensics, 'aws_s3_bucket_policy')[0]?.policy)) as { Statement: { Sid: string; Condition?: Loose }[] };
    expect(policy.Statement.find(({ Sid }) => Sid === 'DenyOutsideTheNetwork')?.Condition.StringNotEquals).to.deep.equal({ 'aws:SourceVpce': ['vpce-0123456789abcdef0'] });
    expect(forensics.resource.aws_vpc).to.equal(undefined);
  });

  it('deliver access logs into a bucket that exists already', () => {
    expect(resources(forensics, 'aws_s3_bucket').map(({ bucket }) => bucket)).to.deep.equal(['acme-active-111122223333-eu-west-1']);
    expect(resources(forensics, 'aws_s3_bucket_logging')[0]?.target_bucket).to.equal('acme-platform-logs');
  });

  it('attach guardrails to a unit of an organization that exists already', () => {
    expect(guardrails.resource.aws_organizations_organization).to.equal(undefined);
    expect([...new Set(resources(guardrails, 'aws_organizations_policy_attachment').map(({ target_id }) => String(target_id)))].toSorted()).to.deep.equal(['111122223333', 'ou-acme-12345678']);
  });
});

describeWhereThere(['terraform'], 'the examples, by the real Terraform and provider', function () {
  it('are valid', async () => {
    const terraform = Terraform.prepare();
    try {
      const directory = terraform.workspace('examples', together(new Map([['forensics', forensics], ['guardrails', guardrails]])));
      await terraform.init(directory);
      expect(await terraform.run(directory, ['validate', '-no-color'])).to.contain('The configuration is valid');
    } finally {
      terraform.dispose();
    }
  });
});
