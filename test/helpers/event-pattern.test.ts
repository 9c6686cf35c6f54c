import { expect } from 'chai';
import { disagreementsWithMoto, matches } from './event-pattern.ts';

const EVENT = {
  source: 'aws.ec2', resources: ['arn:1', 'arn:2'],
  detail: { state: 'running', count: 7, name: 'a.b/c', findings: [{ label: 'HIGH', product: 'Inspector' }, { label: 'LOW', product: 'GuardDuty', resources: [{ type: 'A' }, { type: 'B' }] }] },
};

/** Examples after the ones in EventBridge's guide. */
const ROWS: readonly [what: string, pattern: object, expected: boolean][] = [
  ['an exact value', { source: ['aws.ec2'] }, true],
  ['one of several values', { detail: { state: ['stopped', 'running'] } }, true],
  ['no such value', { detail: { state: ['stopped'] } }, false],
  ['all fields at once', { source: ['aws.ec2'], detail: { state: ['stopped'] } }, false],
  ['a value in an array', { resources: ['arn:2'] }, true],
  ['a prefix', { source: [{ prefix: 'aws.' }] }, true],
  ['a number in a range', { detail: { count: [{ numeric: ['>', 5, '<=', 7] }] } }, true],
  ['a number outside a range', { detail: { count: [{ numeric: ['>=', 7.5] }] } }, false],
  ['a number that is a text', { detail: { state: [{ numeric: ['>', 0] }] } }, false],
  ['a field that is not there', { detail: { error: [{ exists: false }] } }, true],
  ['a field that is there', { detail: { state: [{ exists: false }] } }, false],
  ['anything but', { detail: { state: [{ 'anything-but': ['stopped'] }] } }, true],
  ['anything but that', { detail: { state: [{ 'anything-but': ['running'] }] } }, false],
  ['a wildcard, whose other signs are signs', { detail: { name: [{ wildcard: 'a.*c' }] } }, true],
  ['a wildcard that does not reach', { detail: { name: [{ wildcard: 'axb*' }] } }, false],
  ['two fields of one element of an array', { detail: { findings: { label: ['LOW'], product: ['GuardDuty'] } } }, true],
  ['two fields of different elements of an array', { detail: { findings: { label: ['HIGH'], product: ['GuardDuty'] } } }, false],
  ['an array in an array', { detail: { findings: { resources: { type: ['B'] } } } }, true],
];

describe('matching events by patterns', () => {
  for (const [what, pattern, expected] of ROWS) {
    it(`${expected ? 'takes' : 'does not take'} ${what}`, () => expect(matches(pattern, EVENT)).to.equal(expected));
  }

  it('refuses a filter that it does not know, rather than to guess', () => {
    expect(() => matches({ source: [{ cidr: '10.0.0.0/8' }] }, EVENT)).to.throw(/the filter "cidr"/);
  });

  it('says what moto says, wherever moto can', async function () {
    this.timeout(120_000); // Python takes its time to load moto
    const { asked, disagreements } = await disagreementsWithMoto();
    expect(asked).to.be.above(10);
    expect(disagreements).to.deep.equal([]);
  });
});
