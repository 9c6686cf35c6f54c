import { expect } from 'chai';
import { forensicPlaces } from '../../../infra/plan.ts';
import { HUMAN_ROLES, roleArn, type Place } from '../../../modules/vocabulary/index.ts';
import { loadEstate } from '../helpers/synth.ts';
import { ask } from './ask.ts';
import { OWN, STRANGER } from './cast.ts';
import { imageMatrixOf } from './image-matrix.ts';
import type { Group } from './group.ts';
import { matrixOf } from './matrix.ts';
import { trustMatrixOf } from './trust-matrix.ts';
import { resolvedEstate, World } from './world.ts';

const estate = loadEstate('example');
const stacks = resolvedEstate(estate);
const world = new World(estate, { sealed: true, stacks });
const places = forensicPlaces(estate);
const members = estate.monitoredAccounts.map(({ id }) => id);

describe('guardrails, by simulation over the synthesised policies of a sealed estate', () => {
  const tally = { allow: 0, deny: 0 };

  for (const place of places) {
    describe(`in ${place.region}`, () => {
      for (const group of [...matrixOf(world, place, members), ...imageMatrixOf(world, place), ...trustMatrixOf(place, members)]) {
        it(group.promise, async () => {
          const wrong: string[] = [];
          for (const row of group.rows) {
            const [expected, action, resource, keys] = row;
            const verdict = await ask(world, place, group, row).catch((error: Error) => ({ allowed: undefined, blockedBy: error.message, ignored: [] as string[] }));
            tally[expected] += 1;
            const line = `${action} on ${resource}${keys ? ` with ${JSON.stringify(keys)}` : ''}`;
            if (verdict.allowed === undefined) wrong.push(verdict.blockedBy);
            else if (verdict.allowed !== (expected === 'allow')) wrong.push(`${line}: expected ${expected}, got ${verdict.allowed ? 'allow' : `deny by ${verdict.blockedBy}`}`);
            const ignored = Object.keys(keys ?? {}).filter((key) => verdict.ignored.includes(key));
            if (ignored.length > 0) wrong.push(`${line}: AWS sends no ${ignored.join(', ')} with this action`);
          }
          expect(wrong).to.deep.equal([]);
        });
      }
    });
  }

  after(() => {
    if (process.env.CLEANROOM_VERBOSE !== undefined) process.stdout.write(`    ${tally.allow} grants and ${tally.deny} denials\n`);
  });
});

describe('the seal', () => {
  const place = places[0] as Place;
  const unsealed = new World(estate, { sealed: false, stacks });
  const groups = matrixOf(world, place, members);

  it('takes nothing from the pipeline and the people that they had before', async () => {
    const lost: string[] = [];
    for (const group of groups.filter(({ who }) => world.roles.has(who.like ?? who.arn))) {
      for (const row of group.rows) {
        const before = await ask(unsealed, place, group, row);
        const after = await ask(world, place, group, row);
        const meant = row[0] === 'deny';
        if (before.allowed && !after.allowed && !meant) lost.push(`${group.promise}: ${row[1]}`);
      }
    }
    expect(lost).to.deep.equal([]);
  });

  it('is what stops an administrator: unsealed, the same calls go through', async () => {
    const group = groups.find(({ promise }) => promise.startsWith('a sealed account\'s administrator')) as Group;
    const refused = group.rows.filter(([verdict]) => verdict === 'deny');
    const stillRefused: string[] = [];
    for (const row of refused) if (!(await ask(unsealed, place, group, row)).allowed) stillRefused.push(row[1]);
    // These are refused by the bucket's and the key's own policies too, or by the other organization.
    expect(stillRefused).to.deep.equal(['s3:DeleteBucket', 'kms:ScheduleKeyDeletion', 's3:PutObject']);
  });
});

describe('an account that is named by mistake', () => {
  const input = loadEstate('example');
  const mistaken = { ...input, access: { ...input.access, principals: [`arn:aws:iam::${STRANGER}:root`], roles: {} } };
  const unsealed = new World(mistaken, { sealed: false });
  const place = places[0] as Place;
  const shown = { 'aws:MultiFactorAuthPresent': 'true', 'aws:RequestTag/CaseId': OWN, 'aws:TagKeys': ['CaseId'] };

  for (const role of [...HUMAN_ROLES, 'break-glass'] as const) {
    it(`does not become ${role} from outside the organization, sealed or not`, async () => {
      const group = { promise: '', who: { arn: `arn:aws:iam::${STRANGER}:role/attacker` }, rows: [] };
      const { allowed } = await ask(unsealed, place, group, ['deny', 'sts:AssumeRole', roleArn(place, role), shown]);
      expect(allowed).to.equal(false);
    });
  }
});

describe('the matrix', () => {
  it('asks at least 300 different questions of one Region, at least as many of them to be refused as to be granted', () => {
    const rows = [...matrixOf(world, places[0] as Place, members), ...imageMatrixOf(world, places[0] as Place), ...trustMatrixOf(places[0] as Place, members)].flatMap((group) =>
      group.rows.map((row) => JSON.stringify([group.who, group.through, group.region, group.resourcePolicy, row])),
    );
    const granted = rows.filter((row) => row.includes('["allow"'));
    expect(rows.filter((row, index) => rows.indexOf(row) < index)).to.deep.equal([]);
    expect(rows.length).to.be.at.least(300);
    expect(granted.length).to.be.at.least(150);
    expect(rows.length - granted.length).to.be.at.least(granted.length);
  });
});
