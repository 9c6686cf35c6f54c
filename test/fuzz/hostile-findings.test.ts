import type { SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { expect } from 'chai';
import * as fc from 'fast-check';
import { openCase } from '../../modules/acquisition-workflow/handlers/open-case/open-case.ts';
import type { Records } from '../../modules/acquisition-workflow/handlers/records.ts';
import { AcquisitionInput, DEFAULT_OPTIONS, personEvent, TriggerSettings } from '../../modules/vocabulary/index.ts';
import * as events from '../workflow/events.ts';
import { bounded, PRINTABLE } from './settings.ts';

const MEMBER = '444455556666';
const PLACE = { prefix: 'acme', partition: 'aws', account: '111122223333', region: 'eu-central-1' };
const triggers = TriggerSettings.parse({ securityHubImports: { enabled: true }, securityHubFindings: { enabled: true }, tag: { enabled: true } });

const GENUINE: readonly unknown[] = [
  events.guardDuty(), events.dnsFinding(), events.runtimeFinding(), events.stolenCredentials(), events.attackSequence(), events.asffImported(), events.asffAction(), events.ocsfImported(), events.tagged(),
  personEvent({ caseId: 'c-1', account: MEMBER, region: PLACE.region, instanceIds: ['i-0123456789abcdef0'], requester: 'arn:aws:iam::1:role/r', reason: 'r', options: {} }),
];

/** Every path of a JSON value, as keys. */
const pathsOf = (value: unknown, at: readonly string[] = []): string[][] =>
  value !== null && typeof value === 'object' ? [[...at], ...Object.entries(value).flatMap(([key, one]) => pathsOf(one, [...at, key]))] : [[...at]];

function replaced(value: unknown, [key, ...rest]: readonly string[], put: unknown): unknown {
  if (key === undefined) return put;
  const copy: Record<string, unknown> = Array.isArray(value) ? ([...value] as never) : { ...(value as object) };
  copy[key] = replaced(copy[key], rest, put);
  return copy;
}

const NASTY = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 60 }), fc.jsonValue({ maxDepth: 3 }), fc.double(), fc.constant(undefined),
  fc.constantFrom<unknown>(
    '../../etc', 'i-*', 'i-0123456789abcdef0\n', `arn:aws:ec2:eu-central-1:999999999999:instance/i-0123456789abcdef0`, `arn:aws:ec2:us-east-1:${MEMBER}:instance/i-0123456789abcdef0`,
    'i-0aaaaaaaaaaaaaaaa', '999999999999', 'us-east-1', '\u202e\u001b[2J', '$(reboot)', 'x'.repeat(100_000), Number.NaN, 1e308, -1, JSON.parse('{"__proto__":{"isAdmin":true},"constructor":1}'), [], {}, null, true,
  ),
);

/** A genuine event with some of its values replaced. */
const damaged = fc.constantFrom(...GENUINE).chain((event) => {
  const paths = pathsOf(event);
  return fc.array(fc.tuple(fc.constantFrom(...paths), NASTY), { maxLength: 4 }).map((edits) => edits.reduce((changed: unknown, [path, put]) => {
    try {
      return replaced(changed, path, put);
    } catch {
      return changed; // an earlier edit took the path away
    }
  }, event));
});

describe('hostile findings', () => {
  it('open a case for an instance of the estate, or none; the only errors are two, in words that are safe to log', async () => {
    const keys: string[] = [];
    const starts: { name: string | undefined; input: AcquisitionInput }[] = [];
    let cases = 0;
    const check = async (event: unknown): Promise<void> => {
      const stored = new Map<string, string>();
      const records: Records = {
        read: (key) => Promise.resolve(stored.has(key) ? { text: stored.get(key)!, etag: stored.get(key)! } : undefined),
        write(key, text, seen) {
          keys.push(key);
          if (stored.get(key) !== seen?.text) return Promise.resolve(undefined);
          stored.set(key, text);
          return Promise.resolve(text);
        },
      };
      const send = ({ input }: StartExecutionCommand) => Promise.resolve(void starts.push({ name: input.name, input: AcquisitionInput.parse(JSON.parse(input.input ?? '')) }));
      try {
        const output = await openCase({
          records, sfn: { send } as unknown as SFNClient, now: () => new Date(0), place: PLACE, memberAccounts: [MEMBER], options: DEFAULT_OPTIONS, triggers,
        })(event);
        cases += output.cases.length;
        expect(JSON.stringify(output)).to.match(PRINTABLE);
      } catch (error) {
        expect((error as Error).name, String(error)).to.be.oneOf(['Cleanroom.BadInput', 'Cleanroom.OutsideEstate']);
        expect((error as Error).message).to.match(PRINTABLE).and.have.length.below(3000);
      }
    };
    await fc.assert(fc.asyncProperty(fc.oneof({ weight: 8, arbitrary: damaged }, { weight: 1, arbitrary: fc.jsonValue() }), check), bounded(1500));
    expect(cases, 'some must get through, or nothing was tried').to.be.greaterThan(100);
    for (const { name, input } of starts) {
      expect(input).to.include({ account: MEMBER, region: PLACE.region });
      expect(input.instanceId).to.match(/^i-[0-9a-f]{8,17}$/);
      expect(name).to.match(/^[A-Za-z0-9._-]{1,80}$/);
      expect([input.requester, input.reason, input.trigger.title?.escaped ?? '', input.trigger.type ?? '', input.trigger.key].join('')).to.match(PRINTABLE);
    }
    for (const key of new Set(keys)) expect(key).to.match(/^[A-Za-z0-9._-]{1,64}\/(event|case)\.json$/);
  }).timeout(120_000);
});
