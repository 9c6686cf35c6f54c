import { CreateTopicCommand, SNSClient } from '@aws-sdk/client-sns';
import { expect } from 'chai';
import { askApproval } from '../../../modules/acquisition-workflow/handlers/approval/ask-approval.ts';
import { anInput, AT, later, opened, PLACE, startVault, type Vault } from './support.ts';

const ESTIMATE = { seconds: 330, usd: 1.234, stages: [] };

describe('ask-approval', () => {
  let vault: Vault;
  let sns: SNSClient;
  let topicArn: string;
  before(async () => {
    vault = await startVault();
    sns = new SNSClient({ endpoint: vault.endpoint, region: PLACE.region });
    topicArn = (await sns.send(new CreateTopicCommand({ Name: 'alerts' }))).TopicArn!;
  });
  after(async () => {
    sns?.destroy();
    await vault?.stop();
  });

  it('keeps the token for the command to find, and tells people what is asked, by whom and until when, without it', async () => {
    const title = { escaped: 'C&C \\xe2\\x80\\xae', base64: '' };
    const input = anInput({ trigger: { kind: 'guardduty', key: 'guardduty:1', title }, reason: 'GuardDuty: Backdoor' });
    await vault.record({ input, change: opened(input) });
    const sent: string[] = [];
    sns.middlewareStack.add((next) => (args) => {
      const { Message = '', Subject = '' } = args.input as { Message?: string; Subject?: string };
      sent.push(`${Subject}\n${Message}`);
      return next(args);
    }, { step: 'initialize' });
    const output = await askApproval({ record: vault.record, sns, topicArn, now: () => new Date(AT) })({ input, token: 'TOKEN', expiresAt: '2026-01-02T04:04:05Z', estimate: ESTIMATE });
    expect(output).to.deep.equal({ asked: true });
    expect((await vault.acquisitionOf(input)).approvals).to.deep.equal([{ askedAt: AT, expiresAt: '2026-01-02T04:04:05.000Z', token: 'TOKEN' }]);
    expect(sent).to.have.length(1);
    expect(sent[0]).to.contain('Approve? Case case-1').and.contain('6 minutes, 1.23 USD').and.contain('C&C \\xe2').and.contain('cleanroom case approve case-1').and.contain('until 2026-01-02T04:04:05.000Z');
    expect(sent[0]).to.not.contain('TOKEN');
    expect(sent[0]).to.match(/^[\x20-\x7e\n]*$/);
  });

  it('fails where nobody can be told: a question that no one hears is no question', async () => {
    const input = anInput({ caseId: 'case-2' });
    await vault.record({ input, change: opened(input) });
    const ask = askApproval({ record: vault.record, sns, topicArn: `${topicArn}-gone`, now: () => new Date(AT) });
    const outcome = await ask({ input, token: 'T', expiresAt: later(60), estimate: ESTIMATE }).catch((error: Error) => error.name);
    expect(outcome).to.match(/NotFound/);
  });
});
