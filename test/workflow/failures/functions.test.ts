import { expect } from 'chai';
import { AslError } from '../../helpers/asl/errors.ts';
import type { AwsWorld } from '../world/aws-world.ts';
import { readCase } from '../world/case.ts';
import type { AwsCall } from '../world/dispatch.ts';
import { MemoryRecords } from '../world/memory-records.ts';
import { acquireIn, problemOf, statesOf, type CaseOptions, type Ended, withWorld } from './support.ts';

describe('a function of an acquisition', function () {
  this.timeout(300_000);
  let world: AwsWorld;
  const records = new MemoryRecords();
  withWorld((started) => (world = started));

  const acquire = (options?: CaseOptions): Promise<Ended> => acquireIn({ world, records }, options);

  for (const [how, error] of [['dies', 'Runtime.ExitError'], ['runs out of time', 'Sandbox.Timedout'], ['gives way to others that write', 'Cleanroom.RecordConflict'], ['is not heard', 'States.Timeout']] as const) {
    it(`that ${how} after its deed and before its answer is asked again, and its deed counts once`, async () => {
      const died = new Set<string>();
      const once = ({ service, state }: AwsCall): Error | undefined => {
        if (service !== 'lambda' || died.has(state)) return undefined;
        died.add(state);
        return new AslError(error, '{"errorMessage":"RequestId: 1 Error: Runtime exited"}');
      };
      const ended = await acquire({ volumes: 2, options: { containment: 'isolate' }, loses: once });
      expect(died).to.include.keys('Open the case record', 'Check that it can be done', 'Prove the evidence', 'Record the ending');
      expect([ended.run.status, ended.record.status, problemOf(ended)]).to.deep.equal(['SUCCEEDED', 'COMPLETE', 'null']);
      expect(ended.record.problems.filter((problem) => problem.includes(error))).to.deep.equal([]);
      const { custody } = await readCase(records, ended.input);
      const facts = custody.map(({ changeId, detail, action }) => JSON.stringify([changeId, action, detail]));
      expect(new Set(facts).size).to.equal(facts.length);
      expect(statesOf(ended.run).filter((state) => state === 'Record the ending')).to.have.length(1);
    });
  }

  it('tells in the record and in the message of what went wrong beside an image that is proven', async () => {
    const failing = new Set(['Record the image', 'Delete the restored volume']);
    const ended = await acquire({ hook: ({ state }) => (failing.has(state) ? Promise.reject(new AslError('Cleanroom.RecordConflict', 'others write')) : undefined) });
    expect([ended.run.status, ended.record.status]).to.deep.equal(['SUCCEEDED', 'COMPLETE']);
    const [volumeId] = ended.suspect.volumeIds;
    const volume = ended.record.volumes[volumeId!]!;
    expect(volume.problems.map((problem) => problem.split(':')[0])).to.have.members([...failing]);
    expect(volume.manifest?.imageSha256, 'the image is recorded all the same').to.match(/^[0-9a-f]{64}$/);
    expect(volume.imageLocation).to.match(/^s3:/);
    expect((JSON.parse(ended.run.told[0]!.Message) as { volumes: unknown }).volumes).to.deep.equal([{ volumeId, status: 'COMPLETE', problems: volume.problems }]);
    expect(ended.record.leftBehind.find(({ resource }) => resource.startsWith('vol-'))?.why).to.equal('restored volume, not deleted; its image is proven');
  });
});
