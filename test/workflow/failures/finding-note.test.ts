import { expect } from 'chai';
import type { AcquisitionInput } from '../../../modules/vocabulary/index.ts';
import { AslError } from '../../helpers/asl/errors.ts';
import { type AwsWorld, PLACE } from '../world/aws-world.ts';
import { inputFor } from '../world/case.ts';
import type { AwsCall } from '../world/dispatch.ts';
import { MemoryRecords } from '../world/memory-records.ts';
import { type CaseRun, runCase } from '../world/run-case.ts';
import { startSuspect } from '../world/suspect.ts';
import { withWorld } from './support.ts';

const PRODUCT = `arn:aws:securityhub:${PLACE.region}::product/aws/guardduty`;
const FINDING = `arn:aws:guardduty:${PLACE.region}:200000000002:detector/d/finding/f`;

describe('the finding of an acquisition that ended', function () {
  this.timeout(120_000);
  let world: AwsWorld;
  withWorld((started) => (world = started));

  type Finding = AcquisitionInput['trigger']['finding'];
  /** moto has neither of the two operations: they are answered here, as Security Hub answers them. */
  const acquire = async (finding: Finding, answer: () => Promise<unknown>, keyArn?: string): Promise<{ readonly run: CaseRun; readonly noted: readonly AwsCall[]; readonly input: AcquisitionInput }> => {
    const { instanceId } = await startSuspect(world, { dataVolumes: 0, ...(keyArn === undefined ? {} : { keyArn }) });
    const base = inputFor(instanceId);
    const input: AcquisitionInput = { ...base, trigger: { ...base.trigger, kind: 'guardduty', ...(finding === undefined ? {} : { finding }) } };
    const run = await runCase({
      world, records: new MemoryRecords(), input,
      hook: ({ service }) => (service === 'securityhub' ? answer() : undefined),
    });
    return { run, input, noted: run.calls.filter(({ service }) => service === 'securityhub') };
  };
  const processed = (): Promise<unknown> => Promise.resolve({ ProcessedFindings: [{}], UnprocessedFindings: [] });

  it('gets a note and the workflow status NOTIFIED, in the suspect\'s account', async () => {
    const { run, noted, input } = await acquire({ api: 'BatchUpdateFindings', id: FINDING, productArn: PRODUCT }, processed);
    expect(run.status).to.equal('SUCCEEDED');
    expect(noted.map(({ action, inMember }) => [action, inMember])).to.deep.equal([['batchUpdateFindings', true]]);
    const { FindingIdentifiers, Note, Workflow } = noted[0]!.args as { FindingIdentifiers: unknown; Note: { Text: string; UpdatedBy: string }; Workflow: unknown };
    expect([FindingIdentifiers, Workflow, Note.UpdatedBy]).to.deep.equal([[{ Id: FINDING, ProductArn: PRODUCT }], { Status: 'NOTIFIED' }, 'cleanroom']);
    expect(Note.Text).to.contain(input.caseId).and.contain('COMPLETE');
    expect(Note.Text.length).to.be.at.most(512);
  });

  it('gets a comment and a status where it is an OCSF finding', async () => {
    const { noted, input } = await acquire({ api: 'BatchUpdateFindingsV2', metadataUid: 'uid-1' }, processed);
    expect(noted.map(({ action, inMember }) => [action, inMember])).to.deep.equal([['batchUpdateFindingsV2', true]]);
    expect(noted[0]!.args).to.include({ StatusId: 2 }).and.deep.include({ MetadataUids: ['uid-1'] });
    expect(noted[0]!.args['Comment']).to.contain(input.caseId).and.contain('COMPLETE');
  });

  it('is told of an acquisition that failed as well', async () => {
    const { run, noted } = await acquire({ api: 'BatchUpdateFindings', id: FINDING, productArn: PRODUCT }, processed, `arn:aws:kms:${PLACE.region}:200000000002:key/of-nobody`);
    expect(run.status).to.equal('FAILED');
    expect((noted[0]!.args['Note'] as { Text: string }).Text).to.contain('FAILED');
  });

  it('changes nothing about the ending where it cannot be noted: people are told all the same', async () => {
    for (const finding of [{ api: 'BatchUpdateFindings', id: FINDING, productArn: PRODUCT }, { api: 'BatchUpdateFindingsV2', metadataUid: 'uid-1' }] as const) {
      const { run } = await acquire(finding, () => Promise.reject(new AslError('SecurityHub.AccessDeniedException', 'no')));
      expect(run.status).to.equal('SUCCEEDED');
      expect(run.told).to.have.length(1);
    }
  });

  it('that Security Hub says it left as it was is told of', async () => {
    const left = (): Promise<unknown> => Promise.resolve({ ProcessedFindings: [], UnprocessedFindings: [{ ErrorCode: 'FindingNotFound', ErrorMessage: 'Finding Not Found' }] });
    for (const finding of [{ api: 'BatchUpdateFindings', id: FINDING, productArn: PRODUCT }, { api: 'BatchUpdateFindingsV2', metadataUid: 'uid-1' }] as const) {
      const { run } = await acquire(finding, left);
      expect(run.told[0]!.Message).to.contain('Cleanroom.FindingNotNoted').and.contain('Finding Not Found');
    }
  });

  it('is not looked for where the trigger names none that can be noted', async () => {
    const { run, noted } = await acquire(undefined, processed);
    expect([run.status, noted.length]).to.deep.equal(['SUCCEEDED', 0]);
  });
});
