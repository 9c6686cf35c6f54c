import { App, TerraformStack } from 'cdktf';
import { expect } from 'chai';
import { Detection, type DetectionProps } from '../../modules/detection/index.ts';
import { TriggerSettings } from '../../modules/vocabulary/index.ts';
import { resources, synthStack, type Synthesized } from '../infra/helpers/synth.ts';

const BUS = 'arn:aws:events:eu-central-1:999988887777:event-bus/acme-cases';

function synth(props: Partial<DetectionProps> = {}): Synthesized {
  const stack = new TerraformStack(new App({ stackTraces: false }), 'detection');
  new Detection(stack, 'Detection', {
    naming: { prefix: 'acme', partition: 'aws' }, account: '111122223333', region: 'eu-central-1', busArn: BUS, triggers: TriggerSettings.parse({}), kind: 'security', ...props,
  });
  return synthStack(stack);
}
const only = <T>(list: readonly T[]): T => {
  expect(list).to.have.length(1);
  return list[0]!;
};

describe('the detection construct', () => {
  it('forwards each rule to the bus of cases by the findings role, and keeps what cannot be delivered', () => {
    const stack = synth();
    expect(resources(stack, 'aws_cloudwatch_event_rule').map(({ name }) => name)).to.have.members(['acme-case-guardduty', 'acme-case-action']);
    for (const target of resources(stack, 'aws_cloudwatch_event_target')) {
      expect(target).to.deep.include({ arn: BUS, target_id: 'cases' });
      expect(target['role_arn']).to.match(/aws_iam_role\./);
      expect(JSON.stringify(target['dead_letter_config'])).to.match(/aws_sqs_queue\./);
    }
    expect(only(resources(stack, 'aws_iam_role'))['name']).to.equal('acme-findings-eu-central-1');
    expect(only(resources(stack, 'aws_sqs_queue'))).to.include({ message_retention_seconds: 1_209_600, sqs_managed_sse_enabled: true });
    expect(only(resources(stack, 'aws_cloudwatch_metric_alarm'))).to.include({ threshold: 0, comparison_operator: 'GreaterThanThreshold', treat_missing_data: 'notBreaching' });
    expect(only(resources(stack, 'aws_securityhub_action_target'))['identifier']).to.equal('acmeAcquire');
  });

  it('gives the role the one right to put events on that bus, for rules of its own account', () => {
    const stack = synth();
    expect(JSON.parse(String(only(resources(stack, 'aws_iam_role_policy'))['policy']))).to.have.property('Statement').that.deep.equals([{ Sid: 'Forward', Effect: 'Allow', Action: 'events:PutEvents', Resource: BUS }]);
    expect(String(only(resources(stack, 'aws_iam_role'))['assume_role_policy'])).to.contain('"aws:SourceAccount":"111122223333"');
    expect(String(only(resources(stack, 'aws_sqs_queue_policy'))['policy'])).to.contain('arn:aws:events:eu-central-1:111122223333:rule/acme-case-guardduty');
  });

  it('makes nothing in a member account unless the estate takes tags', () => {
    expect(synth({ kind: 'member' }).resource ?? {}).to.deep.equal({});
    const stack = synth({ kind: 'member', triggers: TriggerSettings.parse({ tag: { enabled: true } }) });
    expect(resources(stack, 'aws_cloudwatch_event_rule').map(({ name }) => name)).to.deep.equal(['acme-case-tag']);
    expect(resources(stack, 'aws_securityhub_action_target')).to.deep.equal([]);
  });

  it('tells the topic that it is given about what could not be delivered', () => {
    expect(only(resources(synth({ alertTopicArn: 'arn:aws:sns:eu-central-1:111122223333:alerts' }), 'aws_cloudwatch_metric_alarm'))['alarm_actions']).to.deep.equal(['arn:aws:sns:eu-central-1:111122223333:alerts']);
  });
});
