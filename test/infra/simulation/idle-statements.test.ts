import { expect } from 'chai';
import { forensicPlaces } from '../../../infra/plan.ts';
import type { PolicyStatement } from '../../../modules/policy.ts';
import { loadEstate } from '../helpers/synth.ts';
import { ask, requestOf } from './ask.ts';
import { concerns, keyName, keysNamed } from './statements.ts';
import { imageMatrixOf } from './image-matrix.ts';
import { matrixOf } from './matrix.ts';
import { trustMatrixOf } from './trust-matrix.ts';
import { resolvedEstate, World } from './world.ts';

/**
 * Statements that are a second lock on purpose: the first one already refuses everything that the matrix can ask, and
 * they hold where somebody removes it. Each with the lock that stands before it.
 */
const SECOND_LOCKS: Readonly<Record<string, string>> = {
  'bucket/DenyStrangers': 'no bucket policy grants anything to strangers',
  'inlineRole/NeverDeleteEvidence': 'the acquisition role may delete working copies only',
  'inlineRole/NeverGiveRights': 'the acquisition role may attach and detach the denial of sessions only',
  'inlineRole/NeverPassElsewhere': 'the acquisition role may pass roles to EC2 only',
  'inlineRole/NeverDestroy': 'the acquisition role is granted no such action',
  'key/DenyGrantsToPeople': 'every grant of kms:CreateGrant asks for an AWS resource',
  'key/DenyLoss': 'administration includes no deletion',
  'key/DenyUseByAdministrators': 'administration includes no use',
  'managed/NeverBypass': 'the ceiling of people includes no deletion',
  'managed/NeverWeaken': 'no pipeline role is granted these, though its ceiling has other actions on snapshots',
};

const estate = loadEstate('example');
const stacks = resolvedEstate(estate);
const [place] = forensicPlaces(estate);
const members = estate.monitoredAccounts.map(({ id }) => id);

/** Organization policies are seen at work in a sealed estate; the others where no organization policy hides them. */
const sealedFor = (kind: string): boolean => kind === 'rcp' || kind.startsWith('scp');

describe('no statement is idle: without it some verdict changes', () => {
  if (!place) throw new Error('the example has no forensic account');
  const worlds = { sealed: new World(estate, { sealed: true, stacks }), unsealed: new World(estate, { sealed: false, stacks }) };
  const rows = [...matrixOf(worlds.sealed, place, members), ...imageMatrixOf(worlds.sealed, place), ...trustMatrixOf(place, members)].flatMap((group) => group.rows.map((row) => ({ group, row })));
  const statements = new Map<string, PolicyStatement[]>();
  for (const { kind, document } of worlds.sealed.documents) {
    for (const statement of document.Statement) {
      const id = `${kind}/${statement.Sid}`;
      statements.set(id, [...(statements.get(id) ?? []), statement]);
    }
  }

  const changesAnything = async (omit: string): Promise<boolean> => {
    const sealed = sealedFor(omit.split('/')[0] ?? '');
    const whole = sealed ? worlds.sealed : worlds.unsealed;
    const without = new World(estate, { sealed, omit, stacks });
    for (const { group, row } of rows) {
      if (!statements.get(omit)?.some((statement) => concerns(statement, row[1]))) continue;
      const [was, now] = [await ask(whole, place, group, row), await ask(without, place, group, row)];
      if (now.allowed !== was.allowed || now.blockedBy !== was.blockedBy) return true;
    }
    return false;
  };

  it('every condition key that a statement names is sent with a request that the statement is about, as AWS would', () => {
    const requests = rows.map(({ group, row }) => ({ action: row[1], keys: Object.keys(worlds.sealed.contextOf(requestOf(place, group, row))) }));
    const unfilled = [...statements].flatMap(([id, list]) =>
      list.flatMap((statement) => {
        const sent = new Set(requests.flatMap(({ action, keys }) => (concerns(statement, action) ? keys.map(keyName) : [])));
        return keysNamed(statement).flatMap((key) => (sent.has(keyName(key)) ? [] : [`${id}: ${key}`]));
      }),
    );
    expect([...new Set(unfilled)]).to.deep.equal([]);
  });

  for (const id of [...statements.keys()].toSorted()) {
    const first = SECOND_LOCKS[id];
    it(first === undefined ? id : `${id} is a second lock: ${first}`, async () => {
      expect(await changesAnything(id)).to.equal(first === undefined);
    });
  }
});
