import { expect } from 'chai';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { unzipSync } from 'fflate';
import { bundleHandlers } from '../../../infra/bundle-handlers.ts';
import { definitionJson, DEFINITION_QUOTA } from '../../../modules/acquisition-workflow/definition-json.ts';
import { acquisitionDefinition } from '../../../modules/acquisition-workflow/definition.ts';
import { handlerEnvironment, handlerSettings, SETTING_NAMES } from '../../../modules/acquisition-workflow/handlers/settings.ts';
import { exportName } from '../../../modules/acquisition-workflow/workflow-functions.ts';
import { DEFAULT_OPTIONS, HANDLERS, TRAIL_HOURS, TriggerSettings } from '../../../modules/vocabulary/index.ts';
import { parseEstate } from '../../../infra/config.ts';
import { estateInput, loadEstate, resources, synthEstate, type Synthesized } from '../../infra/helpers/synth.ts';
import { resolveStack } from '../../infra/helpers/resolve.ts';

const stacks = synthEstate(loadEstate('example'));
const stack = resolveStack(stacks.get('forensics-eu-west-1') as Synthesized);
const place = { prefix: 'cleanroom', partition: 'aws', account: '100000000004', region: 'eu-west-1' };

describe('the acquisition workflow in the forensics stack', () => {
  it('is one standard state machine under the name that alarms and dashboard watch, with a full log and no tracing', () => {
    const machines = resources(stack, 'aws_sfn_state_machine');
    expect(machines).to.have.length(1);
    expect(machines[0]).to.deep.include({ name: 'cleanroom-acquisition', type: 'STANDARD', tracing_configuration: { enabled: false } });
    expect(machines[0]?.logging_configuration).to.deep.equal({
      level: 'ALL',
      include_execution_data: true,
      log_destination: 'arn:aws:logs:eu-west-1:100000000004:log-group:/aws/vendedlogs/states/cleanroom-acquisition:*',
    });
    const watched = resources(stack, 'aws_cloudwatch_metric_alarm').filter(({ namespace }) => namespace === 'AWS/States');
    expect(watched.map(({ metric_name }) => String(metric_name)).toSorted()).to.deep.equal(['ExecutionThrottled', 'ExecutionsAborted', 'ExecutionsFailed', 'ExecutionsTimedOut']);
    for (const { dimensions } of watched) expect(dimensions).to.deep.equal({ StateMachineArn: 'arn:aws:states:eu-west-1:100000000004:stateMachine:cleanroom-acquisition' });
  });

  it('locks evidence snapshots as long and as hard as evidence objects', () => {
    const machine = resources(stack, 'aws_sfn_state_machine')[0];
    expect(JSON.parse(String(machine?.definition))).to.deep.equal(JSON.parse(JSON.stringify(acquisitionDefinition({ ...place, logPrefix: '', snapshotLockDays: 365, snapshotLockMode: 'compliance' }))));
  });

  it('gives every function a role, a boundary and an encrypted log group of its own', () => {
    const functions = resources(stack, 'aws_lambda_function');
    expect(functions.map(({ function_name }) => String(function_name)).toSorted()).to.deep.equal(HANDLERS.map((handler) => `cleanroom-${handler}`).toSorted());
    expect(new Set(functions.map(({ role }) => String(role))).size).to.equal(HANDLERS.length);
    for (const handler of HANDLERS) {
      const role = resources(stack, 'aws_iam_role').find(({ name }) => name === `cleanroom-fn-${handler}-eu-west-1`);
      expect(role?.permissions_boundary, handler).to.equal('arn:aws:iam::100000000004:policy/cleanroom/cleanroom-function-boundary-eu-west-1');
      const log = resources(stack, 'aws_cloudwatch_log_group').find(({ name }) => name === `/aws/lambda/cleanroom-${handler}`);
      expect(log, handler).to.include({ retention_in_days: 731, skip_destroy: true });
      expect(log?.kms_key_id, handler).to.match(/:key\//);
    }
  });

  it('lets in events of the estate\'s own forwarding roles alone, and keeps those that open no case', () => {
    const policy = JSON.parse(String(resources(stack, 'aws_cloudwatch_event_bus_policy')[0]?.policy)) as { Statement: object[] };
    expect(policy.Statement).to.deep.equal([
      {
        Sid: 'FindingsFromTheEstate',
        Effect: 'Allow',
        Principal: '*',
        Action: 'events:PutEvents',
        Resource: 'arn:aws:events:eu-west-1:100000000004:event-bus/cleanroom-cases',
        Condition: { StringEquals: { 'aws:PrincipalOrgID': 'o-exampleorg1' }, ArnLike: { 'aws:PrincipalArn': 'arn:aws:iam::*:role/cleanroom/cleanroom-findings-*' } },
      },
    ]);
    const target = resources(stack, 'aws_cloudwatch_event_target').find(({ target_id }) => target_id === 'open-case');
    expect(target).to.deep.include({ event_bus_name: 'cleanroom-cases', retry_policy: { maximum_event_age_in_seconds: 86_400, maximum_retry_attempts: 185 } });
    expect(target?.dead_letter_config).to.have.property('arn');
    const queue = resources(stack, 'aws_sqs_queue').find(({ name }) => name === 'cleanroom-cases-failed');
    expect(queue).to.deep.include({ name: 'cleanroom-cases-failed', message_retention_seconds: 1_209_600, sqs_managed_sse_enabled: true });
  });

  it('has an alarm on what no state machine watches, and a second way of being loud', () => {
    const alarms = resources(stack, 'aws_cloudwatch_metric_alarm').map(({ alarm_name }) => String(alarm_name));
    expect(alarms).to.include.members(['cleanroom-FailedEvents', 'cleanroom-open-case-errors', 'cleanroom-release-errors', 'cleanroom-request-ids-errors', 'cleanroom-sweep-orphans-errors', 'cleanroom-Orphans']);
    const rule = resources(stack, 'aws_cloudwatch_event_rule').find(({ name }) => name === 'cleanroom-acquisition-ended-badly');
    expect(JSON.parse(String(rule?.event_pattern))).to.deep.equal({
      source: ['aws.states'],
      'detail-type': ['Step Functions Execution Status Change'],
      detail: { status: ['FAILED', 'TIMED_OUT', 'ABORTED'], stateMachineArn: ['arn:aws:states:eu-west-1:100000000004:stateMachine:cleanroom-acquisition'] },
    });
  });

  it('closes the record of what was stopped, timed out or failed', () => {
    const rule = resources(stack, 'aws_cloudwatch_event_rule').find(({ name }) => name === 'cleanroom-acquisition-ended-from-outside');
    expect((JSON.parse(String(rule?.event_pattern)) as { detail: object }).detail).to.deep.include({ status: ['ABORTED', 'TIMED_OUT', 'FAILED'] });
    const target = resources(stack, 'aws_cloudwatch_event_target').find(({ target_id }) => target_id === 'record');
    expect(target?.arn).to.contain('record');
    expect(target?.dead_letter_config).to.have.property('arn');
  });

  it('has the request ids of every acquisition looked up when it has ended, and holds nothing up for it', () => {
    const rule = resources(stack, 'aws_cloudwatch_event_rule').find(({ name }) => name === 'cleanroom-acquisition-ended');
    expect(JSON.parse(String(rule?.event_pattern))).to.deep.equal({
      source: ['aws.states'],
      'detail-type': ['Step Functions Execution Status Change'],
      detail: { stateMachineArn: ['arn:aws:states:eu-west-1:100000000004:stateMachine:cleanroom-acquisition'], status: ['SUCCEEDED', 'FAILED', 'ABORTED', 'TIMED_OUT'] },
    });
    const queue = resources(stack, 'aws_sqs_queue').find(({ name }) => name === 'cleanroom-request-ids');
    expect(queue).to.include({ delay_seconds: 900, sqs_managed_sse_enabled: true });
    const [mapping] = resources(stack, 'aws_lambda_event_source_mapping');
    expect(mapping).to.deep.include({ batch_size: 1, function_response_types: ['ReportBatchItemFailures'], scaling_config: { maximum_concurrency: 2 } });
    const lambda = resources(stack, 'aws_lambda_function').find(({ function_name }) => function_name === 'cleanroom-request-ids');
    expect(queue?.visibility_timeout_seconds, 'a message comes again only when the function before has surely ended').to.be.at.least(Number(lambda?.timeout));
    const { maxReceiveCount, deadLetterTargetArn } = JSON.parse(String(queue?.redrive_policy)) as { maxReceiveCount: number; deadLetterTargetArn: string };
    expect(900 + (maxReceiveCount - 1) * Number(queue?.visibility_timeout_seconds), 'no call is given up by the queue before the function gives it up').to.be.above(TRAIL_HOURS * 3600);
    expect(deadLetterTargetArn).to.match(/^aws_sqs_queue\.Workflow_Bus_Failed/);
    const targets = resources(stack, 'aws_cloudwatch_event_target').filter(({ target_id }) => target_id === 'request-ids');
    expect(targets).to.have.length(1);
    expect(targets[0]).to.have.property('dead_letter_config');
  });

  it('sweeps once a day unless told otherwise', () => {
    const schedule = (estate: Synthesized) => resources(estate, 'aws_cloudwatch_event_rule').find(({ name }) => name === 'cleanroom-sweep')?.schedule_expression;
    expect(schedule(stack)).to.equal('rate(24 hours)');
  });

  it('publishes the monitored accounts with their external ids, in parameters that are not too large', () => {
    const members = resources(stack, 'aws_ssm_parameter').filter(({ name }) => String(name).startsWith('/cleanroom/eu-west-1/members/'));
    expect(members).to.have.length(1);
    expect(JSON.parse(String(members[0]?.value))).to.include({ '200000000001': 'example-external-id-shop' });
  });
});

describe('what opens cases by itself', () => {
  const rulesOf = (of: ReadonlyMap<string, Synthesized>, id: string): readonly string[] => resources(of.get(id) as Synthesized, 'aws_cloudwatch_event_rule').map(({ name }) => String(name)).toSorted();
  const targetsOf = (of: ReadonlyMap<string, Synthesized>, id: string): readonly string[] => [...new Set(resources(of.get(id) as Synthesized, 'aws_cloudwatch_event_target').map(({ arn }) => String(arn)))].toSorted();

  it('is GuardDuty and the button of Security Hub, in the security account, each Region to its own forensic bus', () => {
    expect(rulesOf(stacks, 'security-us-east-1')).to.deep.equal(['cleanroom-case-action', 'cleanroom-case-guardduty']);
    expect(targetsOf(stacks, 'security-us-east-1')).to.deep.equal(['arn:aws:events:us-east-1:100000000005:event-bus/cleanroom-cases']);
    expect(resources(stacks.get('security-us-east-1') as Synthesized, 'aws_securityhub_action_target')).to.have.length(1);
    expect(rulesOf(stacks, 'member-200000000001')).to.deep.equal([]);
  });

  it('is more where the estate turns it on: imports, OCSF findings, and a tag in every Region of a monitored account', () => {
    const input = estateInput('example');
    const triggers = { guardduty: { enabled: false }, securityHubImports: { enabled: true }, securityHubFindings: { enabled: true }, securityHubAction: { enabled: false }, tag: { enabled: true } };
    const changed = synthEstate(parseEstate({ ...input, workflow: { triggers } }, 'changed'));
    expect(rulesOf(changed, 'security-us-east-1')).to.deep.equal(['cleanroom-case-securityhub', 'cleanroom-case-securityhub-v2']);
    expect(rulesOf(changed, 'member-200000000001')).to.deep.equal(['cleanroom-case-tag', 'cleanroom-case-tag', 'cleanroom-case-tag']);
    expect(targetsOf(changed, 'member-200000000001')).to.deep.equal(['eu-central-1:100000000004', 'eu-west-1:100000000004', 'us-east-1:100000000005'].map((at) => `arn:aws:events:${at}:event-bus/cleanroom-cases`));
    const providers = resources(changed.get('member-200000000001') as Synthesized, 'aws_cloudwatch_event_rule').map(({ provider }) => String(provider ?? 'aws'));
    expect(providers.toSorted()).to.deep.equal(['aws', 'aws.eu-central-1', 'aws.us-east-1']);
  });

  it('is nothing of the security account\'s where the estate has none', () => {
    expect([...synthEstate(loadEstate('minimal')).keys()].filter((id) => id.startsWith('security'))).to.deep.equal([]);
  });
});

describe('a definition as a Terraform argument', () => {
  it('doubles what Terraform would read as its own, and leaves references alone', () => {
    expect(definitionJson({ a: '{%{"x": 1}%}', b: '${not terraform\'s}', c: '${TfToken[TOKEN.1]}' })).to.equal('{"a":"{%%{\\"x\\": 1}%}","b":"$${not terraform\'s}","c":"${TfToken[TOKEN.1]}"}');
  });

  it('is refused over what Step Functions takes', () => {
    expect(() => definitionJson({ long: 'x'.repeat(DEFINITION_QUOTA) })).to.throw(RangeError, /Step Functions takes 1048576/);
    expect(JSON.stringify(acquisitionDefinition({ ...place, logPrefix: '', snapshotLockDays: 365, snapshotLockMode: 'compliance' })).length).to.be.below(DEFINITION_QUOTA / 2);
  });
});

describe('the settings of the functions', () => {
  const settings = { place, logPrefix: '/x/', bucket: 'b', topicArn: 'arn:aws:sns:eu-west-1:1:t', options: DEFAULT_OPTIONS, triggers: TriggerSettings.parse({}) };

  it('are read as they were written, and fit into what Lambda takes', () => {
    const environment = handlerEnvironment(settings);
    expect(handlerSettings({ ...environment, AWS_REGION: 'eu-west-1' })).to.deep.equal(settings);
    expect(JSON.stringify(environment).length).to.be.below(4096);
  });

  it('name the variable that is missing or wrong', () => {
    const environment = { ...handlerEnvironment(settings), AWS_REGION: 'eu-west-1' };
    expect(() => handlerSettings({})).to.throw(/CLEANROOM_PREFIX is not set/);
    expect(() => handlerSettings({ ...environment, [SETTING_NAMES.options]: 'x' })).to.throw(/CLEANROOM_OPTIONS is wrong: .*it is no JSON/s);
    expect(() => handlerSettings({ ...environment, [SETTING_NAMES.triggers]: '{"other":1}' })).to.throw(/CLEANROOM_TRIGGERS is wrong: .*other/s);
  });
});

describe('the functions\' archive', function () {
  this.timeout(300_000);

  it('is the same bytes every time, with the SDK inside', async () => {
    const [one, other] = await Promise.all([bundleHandlers(), bundleHandlers()]);
    expect(one.sha256).to.equal(other.sha256);
    expect(Object.keys(unzipSync(one.bytes))).to.deep.equal(['index.mjs']);
    expect(one.sources.some((source) => source.includes('@aws-sdk/client-s3'))).to.equal(true);
    expect(one.bytes.length).to.be.below(10 * 2 ** 20);
  });

  it('loads on its own, and has an entry point for every handler', async () => {
    const { bytes } = await bundleHandlers();
    const directory = mkdtempSync(join(tmpdir(), 'cleanroom-handlers-'));
    try {
      writeFileSync(join(directory, 'index.mjs'), unzipSync(bytes)['index.mjs'] ?? '');
      const names = execFileSync(process.execPath, ['--input-type=module', '-e', `process.stdout.write(Object.keys(await import(${JSON.stringify(join(directory, 'index.mjs'))})).join())`], { encoding: 'utf8' }).split(',');
      expect(names.toSorted()).to.deep.equal(HANDLERS.map(exportName).toSorted());
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  });
});
