import { expect } from 'chai';
import { readFileSync } from 'node:fs';
import { acquisitionDefinition } from '../../modules/acquisition-workflow/definition.ts';
import { emitModule } from '../../modules/terraform/emit.ts';
import { MODULE_SPECS } from '../../modules/terraform/specs/index.ts';
import { DEFAULT_OPTIONS } from '../../modules/vocabulary/index.ts';
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

  it('let the acquisition role contain where that is asked for, with IAM\'s own variables as they are', async () => {
    const policies = Object.keys(json('acquisition-role', 'main.tf.json').resource.aws_iam_role_policy);
    const [containing, plain] = [policies.find((name) => name.includes('Containing')), policies.find((name) => !name.includes('Containing'))];
    const expect_ = (flag: boolean, name: string | undefined, other: string | undefined): string => `run "containment_${flag}" {
  command = plan
  variables { containment = ${flag} }
  assert {
    condition     = length(aws_iam_role_policy.${other}) == 0
    error_message = "both policies are there"
  }
  assert {
    condition     = contains([for s in jsondecode(aws_iam_role_policy.${name}[0].policy).Statement : s.Sid], "Isolate") == ${flag}
    error_message = aws_iam_role_policy.${name}[0].policy
  }
  assert {
    condition     = strcontains(aws_iam_role_policy.${name}[0].policy, "-*/$\${aws:PrincipalTag/CaseId}/*") && !strcontains(aws_iam_role_policy.${name}[0].policy, "$$\${")
    error_message = aws_iam_role_policy.${name}[0].policy
  }
}
`;
    const test = `mock_provider "aws" {}
variables {
  account_id          = "200000000001"
  organization_id     = "o-exampleorg1"
  forensic_account_id = "100000000004"
  external_id         = "example-external-id"
}
${expect_(true, containing, plain)}${expect_(false, plain, containing)}`;
    const directory = terraform.workspace('member', { ...modules.get('acquisition-role'), 'tests/role.tftest.hcl': test });
    await terraform.init(directory);
    expect(await terraform.run(directory, ['test', '-no-color'])).to.contain('Success! 2 passed, 0 failed.');
  });

  it('hand Step Functions the definition that the sources say, and the functions what they read, whatever Terraform makes of their signs', async () => {
    const place = { prefix: 'cleanroom', partition: 'aws', account: '100000000004', region: 'eu-west-1' };
    const definition = acquisitionDefinition({ ...place, logPrefix: '', snapshotLockDays: 30, snapshotLockMode: 'governance' });
    const { aws_lambda_function: functions, aws_sfn_state_machine: machines, aws_ssm_parameter: parameters } = json('acquisition-workflow', 'main.tf.json').resource;
    const machine = `aws_sfn_state_machine.${Object.keys(machines)[0]}`;
    const lambda = `aws_lambda_function.${Object.keys(functions).find((name) => name.includes('open-case'))}`;
    const options = { ...DEFAULT_OPTIONS, approval: 'required', approvalMinutes: 45, containment: 'isolate' };
    const mocks = ['aws_iam_role', 'aws_iam_policy', 'aws_sqs_queue', 'aws_lambda_function', 'aws_cloudwatch_event_rule', 'aws_cloudwatch_log_group', 'aws_sfn_state_machine']
      .map((type) => `  mock_resource "${type}" {\n    defaults = { arn = "arn:aws:iam::123456789012:role/mocked" }\n  }\n`).join('');
    const test = `mock_provider "aws" {
${mocks}}
variables {
  account_id                  = "100000000004"
  region                      = "eu-west-1"
  organization_id             = "o-exampleorg1"
  log_archive_account_id      = "100000000003"
  workflow_role_arn           = "arn:aws:iam::100000000004:role/w"
  handlers_archive            = "handlers.zip"
  logs_key_arn                = "arn:aws:kms:eu-west-1:100000000004:key/l"
  alert_topic_arn             = "arn:aws:sns:eu-west-1:100000000004:t"
  vpc_id                      = "vpc-1"
  collector_subnet_ids        = ["subnet-1", "subnet-2"]
  collector_security_group_id = "sg-1"
  evidence_key_arn            = "arn:aws:kms:eu-west-1:100000000004:key/e"
  transit_key_arn             = "arn:aws:kms:eu-west-1:100000000004:key/t"
  member_account_ids          = ["200000000001", "200000000002"]
  member_external_ids         = ["first-external-id-1", "second-external-id-2"]
  approval                    = "required"
  approval_minutes            = 45
  containment                 = "isolate"
  guardduty_minimum_severity  = 8
  snapshot_lock_days          = 30
  snapshot_lock_mode          = "governance"
}
run "plans" {
  command = plan
  assert {
    condition     = jsonencode(jsondecode(${machine}.definition)) == jsonencode(jsondecode(file("expected.json")))
    error_message = "the definition is another"
  }
  assert {
    condition     = jsonencode(jsondecode(${lambda}.environment[0].variables.CLEANROOM_OPTIONS)) == jsonencode(jsondecode(file("options.json")))
    error_message = ${lambda}.environment[0].variables.CLEANROOM_OPTIONS
  }
  assert {
    condition     = jsondecode(${lambda}.environment[0].variables.CLEANROOM_TRIGGERS).guardduty.minimumSeverity == 8
    error_message = ${lambda}.environment[0].variables.CLEANROOM_TRIGGERS
  }
  assert {
    condition     = jsondecode(aws_ssm_parameter.${Object.keys(parameters).find((name) => name.includes('members'))}.value)["200000000002"] == "second-external-id-2"
    error_message = "the monitored accounts are others"
  }
}
run "too_few_accounts" {
  command         = plan
  variables { member_external_ids = ["short"] }
  expect_failures = [var.member_external_ids]
}
`;
    const files = { ...modules.get('acquisition-workflow'), 'handlers.zip': 'the archive', 'expected.json': JSON.stringify(definition), 'options.json': JSON.stringify(options), 'tests/workflow.tftest.hcl': test };
    const directory = terraform.workspace('workflow', files);
    await terraform.init(directory);
    expect(await terraform.run(directory, ['test', '-no-color'])).to.contain('Success! 2 passed, 0 failed.');
  });
});
