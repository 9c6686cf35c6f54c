import { expect } from 'chai';
import {
  collectorStream, collectorStreamPrefix, LogEvent, logGroupOf, parseReadiness, READINESS, READINESS_CONTRACT, ReadinessRecord, readinessFilter,
} from '../../modules/vocabulary/index.ts';

const started = {
  time: '2026-03-01T10:00:00.000Z', level: 'info', event: 'collector.started', caseId: 'C-1', contract: READINESS_CONTRACT,
  collectorVersion: '0.1.0', instanceId: 'i-0123456789abcdef0', store: 's3://evidence', once: true,
};

describe('the readiness contract', () => {
  it('reads what a collector says when it is ready, with fields that it does not know', () => {
    expect(parseReadiness(JSON.stringify({ ...started, parallel: 4 }))).to.include({ event: 'collector.started', once: true, parallel: 4 });
  });

  it('takes nothing for a record that another contract, another case name or no JSON stands in', () => {
    for (const line of [{ ...started, contract: 'cleanroom/readiness/v2' }, { ...started, caseId: '../x' }, { ...started, event: 'part.stored' }]) {
      expect(parseReadiness(JSON.stringify(line)), JSON.stringify(line)).to.equal(undefined);
    }
    expect(parseReadiness('collector.started')).to.equal(undefined);
  });

  it('has outcomes in the audit group and everything else in the readiness group', () => {
    const groups = ReadinessRecord.options.map(({ shape }) => [shape.event.value, logGroupOf(shape.event.value)] as const);
    expect(groups.filter(([, group]) => group !== 'readiness')).to.deep.equal([[LogEvent.acquisitionEnded, 'audit']]);
    expect(groups).to.have.length(8);
  });

  it('names streams by case and host, so that nothing else has to be known to find them', () => {
    expect(collectorStream('C-1', 'i-0123', '01J')).to.equal('C-1/i-0123/01J');
    expect(collectorStreamPrefix('C-1', 'a/b:*')).to.equal('C-1/a_b__/');
    expect(() => collectorStreamPrefix('a/b', 'i-0123')).to.throw('a case id');
  });

  it('asks CloudWatch for one event of one case', () => {
    expect(readinessFilter('collector.stopped', 'C-1')).to.equal('{ $.event = "collector.stopped" && $.caseId = "C-1" }');
    expect(() => readinessFilter('collector.stopped', '" || 1')).to.throw('a case id');
  });

  it('gives up on a collector only after several heartbeats are missing', () => {
    expect(READINESS.lostSeconds / READINESS.heartbeatSeconds).to.be.at.least(3);
  });
});
