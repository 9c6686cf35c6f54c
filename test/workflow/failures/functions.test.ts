import { expect } from 'chai';
import { AslError } from '../../helpers/asl/errors.ts';
import { AwsWorld } from '../world/aws-world.ts';
import { readCase } from '../world/case.ts';
import type { AwsCall } from '../world/dispatch.ts';
import { MemoryRecords } from '../world/memory-records.ts';
import { acquireIn, problemOf, statesOf, type CaseOptions, type Ended } from './support.ts';

describe('a function of an acquisition', function () {
  this.timeout(300_000);
  let world: AwsWorld;
  const records = new MemoryRecords();
  before(async () => {
    world = await AwsWorld.start();
  });
  after(() => world?.stop());

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
});
