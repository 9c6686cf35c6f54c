import { expect } from 'chai';
import { readFileSync } from 'node:fs';
import { emitModule } from '../../modules/terraform/emit.ts';
import { MODULE_SPECS } from '../../modules/terraform/specs/index.ts';
import { describeWhereThere } from './helpers/where-there.ts';
import type { Loose } from './helpers/loose.ts';
import { Terraform } from './helpers/terraform.ts';

const example = readFileSync(new URL('../../examples/terraform/main.tf', import.meta.url), 'utf8');
const modules = new Map(MODULE_SPECS.map((spec) => [spec.name, emitModule(spec)]));
const json = (name: string, file: string): Loose => JSON.parse(modules.get(name)?.[file] ?? '{}');

describeWhereThere(['terraform'], 'the plain Terraform modules', function () {
  this.timeout(1_800_000);
  let terraform: Terraform;

  before(() => {
    terraform = Terraform.prepare();
  });
  after(() => terraform?.dispose());

  it('describe and check every variable, and ask for both provider versions', () => {
    for (const spec of MODULE_SPECS) {
      expect(json(spec.name, 'versions.tf.json').terraform.required_providers.aws.version, spec.name).to.equal('>= 5.100.0, < 7.0.0');
      const variables = Object.entries<Loose>(json(spec.name, 'variables.tf.json').variable ?? {});
      for (const [name, { type, description, validation }] of variables) {
        expect(type, name).to.match(/^(string|number|bool|list\(string\))$/);
        expect(description, name).to.be.a('string').and.not.equal('');
        if (name !== 'log_prefix' && type !== 'bool') expect(validation?.length, `${spec.name}.${name}`).to.equal(1);
      }
      expect(modules.get(spec.name)?.['README.md']).to.contain('## What it does not do').and.to.contain('## What it costs');
      for (const [name] of variables) expect(modules.get(spec.name)?.['README.md']).to.contain(`\`${name}\``);
    }
  });

  it('hold no backend and no provider of their own', () => {
    for (const files of modules.values()) {
      const all = Object.values(files).join('\n');
      expect(all).to.not.contain('"backend"');
      expect(all).to.not.contain('"provider": {');
      expect(all).to.not.contain('TfToken');
    }
  });

  it('are each valid alone', async () => {
    const root = { terraform: json('guardrails', 'versions.tf.json').terraform, variable: {} as Record<string, object>, module: {} as Record<string, object> };
    for (const spec of MODULE_SPECS) {
      const args = Object.keys(spec.variables).map((name) => [name, `\${var.${spec.name}_${name}}`] as const);
      for (const [name, { type }] of Object.entries(spec.variables)) root.variable[`${spec.name}_${name}`] = { type };
      root.module[spec.name] = { source: `./${spec.name}`, ...Object.fromEntries(args) };
    }
    const files = Object.fromEntries([...modules].flatMap(([name, list]) => Object.entries(list).map(([file, content]) => [`${name}/${file}`, content])));
    const directory = terraform.workspace('alone', { 'main.tf.json': JSON.stringify(root), ...files });
    await terraform.init(directory);
    expect(await terraform.run(directory, ['validate', '-no-color'])).to.contain('The configuration is valid');
  });

  it('work together in the HCL example', async () => {
    const files = Object.fromEntries([...modules].flatMap(([name, list]) => Object.entries(list).map(([file, content]) => [`dist/terraform/${name}/${file}`, content])));
    const mocks = ['aws_kms_key', 'aws_s3_bucket', 'aws_iam_role', 'aws_iam_policy', 'aws_cloudwatch_log_group', 'aws_sns_topic']
      .map((type) => `  mock_resource "${type}" {\n    defaults = { arn = "arn:aws:iam::123456789012:role/mocked" }\n  }\n`)
      .join('');
    const test = `mock_provider "aws" {
${mocks}  mock_resource "aws_vpc_endpoint" {
    defaults = { id = "vpce-0123456789abcdef0" }
  }
}
mock_provider "aws" {
  alias = "global"
${mocks}}
run "plans" {
  command = plan
}
`;
    terraform.workspace('hcl', { ...files, 'examples/terraform/main.tf': example, 'examples/terraform/tests/example.tftest.hcl': test });
    const directory = `${terraform.home}/hcl/examples/terraform`;
    await terraform.init(directory);
    expect(await terraform.run(directory, ['validate', '-no-color'])).to.contain('The configuration is valid');
    expect(await terraform.run(directory, ['test', '-no-color'])).to.contain('Success! 1 passed, 0 failed.');
  });

  it('put lists and variables of IAM into policies as they are meant, and refuse what is not allowed', async () => {
    const nameOf = (type: string, part: string) => Object.keys(json('forensic-roles', 'main.tf.json').resource[type]).find((name) => name.includes(part));
    const test = `mock_provider "aws" {
  mock_resource "aws_iam_policy" {
    defaults = { arn = "arn:aws:iam::123456789012:policy/mocked" }
  }
}
variables {
  account_id                    = "100000000004"
  region                        = "eu-west-1"
  organization_id               = "o-exampleorg1"
  log_archive_account_id        = "100000000003"
  responder_principal_arns      = ["arn:aws:iam::1:role/a", "arn:aws:iam::1:role/b"]
  investigator_principal_arns   = ["arn:aws:iam::1:role/a"]
  data_custodian_principal_arns = ["arn:aws:iam::1:role/a"]
  analyst_principal_arns        = ["arn:aws:iam::1:role/a"]
  break_glass_principal_arns    = ["arn:aws:iam::1:role/a"]
}
run "policies" {
  command = plan
  assert {
    condition     = jsonencode(jsondecode(aws_iam_role.${nameOf('aws_iam_role', 'responder')}.assume_role_policy).Statement[0].Principal.AWS) == jsonencode(var.responder_principal_arns)
    error_message = aws_iam_role.${nameOf('aws_iam_role', 'responder')}.assume_role_policy
  }
  assert {
    condition     = jsondecode(aws_iam_policy.${nameOf('aws_iam_policy', 'collector-policy')}.policy).Statement[0].Resource == "arn:aws:s3:::cleanroom-active-100000000004-eu-west-1/$\${aws:PrincipalTag/CaseId}/disk_evidence/*"
    error_message = aws_iam_policy.${nameOf('aws_iam_policy', 'collector-policy')}.policy
  }
}
run "no_principal" {
  command         = plan
  variables { analyst_principal_arns = [] }
  expect_failures = [var.analyst_principal_arns]
}
`;
    const directory = terraform.workspace('roles', { ...modules.get('forensic-roles'), 'tests/roles.tftest.hcl': test });
    await terraform.init(directory);
    expect(await terraform.run(directory, ['test', '-no-color'])).to.contain('Success! 2 passed, 0 failed.');
  });
});
