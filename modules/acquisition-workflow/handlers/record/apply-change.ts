import { INSTANCE_RECORD_SCHEMA, isEnded, type AcquisitionInput, type AcquisitionRecord, type Approval, type CaseChange, type VolumeRecord } from '../../../vocabulary/index.ts';

type Opened = Extract<CaseChange, { kind: 'opened' }>;
type VolumeChange = Extract<CaseChange, { kind: 'volume' }>;

/** The record of an acquisition that has just begun. */
export const openedRecord = (input: AcquisitionInput, { at, executionArn }: Pick<Opened, 'at' | 'executionArn'>): AcquisitionRecord => ({
  schema: INSTANCE_RECORD_SCHEMA,
  caseId: input.caseId,
  instanceId: input.instanceId,
  account: input.account,
  region: input.region,
  requester: input.requester,
  reason: input.reason,
  trigger: input.trigger,
  options: input.options,
  status: 'OPEN',
  stage: 'open',
  executionArn,
  openedAt: at,
  updatedAt: at,
  approvals: [],
  done: [],
  volumes: {},
  leftBehind: [],
  problems: [],
  applied: [],
});

/** The record after one change. Pure: the same change twice is for the caller to leave out. */
export function applyChange(record: AcquisitionRecord, change: CaseChange): AcquisitionRecord {
  if (change.kind === 'opened') return reopened(record, change);
  const updatedAt = change.at > record.updatedAt ? change.at : record.updatedAt;
  return { ...record, updatedAt, ...factsOf(record, change) };
}

/** The record of an acquisition that ended without its evidence and was started again; what was done and made stays in it. */
function reopened({ endedAt: _, ...record }: AcquisitionRecord, { at, executionArn }: Opened): AcquisitionRecord {
  return { ...record, status: 'OPEN', stage: 'open', executionArn, updatedAt: at > record.updatedAt ? at : record.updatedAt };
}

function factsOf(record: AcquisitionRecord, change: Exclude<CaseChange, Opened>): Partial<AcquisitionRecord> {
  switch (change.kind) {
    case 'touched':
      return {};
    case 'stage':
      return { stage: change.stage, ...(change.status !== undefined && !isEnded(record.status) && { status: change.status }) };
    case 'estimate':
      return { estimate: change.estimate };
    case 'approval-asked': {
      const asked: Approval = { askedAt: change.at, expiresAt: change.expiresAt, token: change.token };
      return { status: 'AWAITING_APPROVAL', stage: 'approval', approvals: [...record.approvals.map(withoutToken), asked] };
    }
    case 'approval-decided':
      return { status: 'OPEN', approvals: decided(record.approvals, change) };
    case 'done':
      return { done: [...record.done, { at: change.at, what: change.what, ...(change.undo && { undo: change.undo }) }] };
    case 'undone':
      return { done: record.done.map((step, index) => (index === change.step ? undone(step, change) : step)) };
    case 'volume':
      return { volumes: { ...record.volumes, [change.volumeId]: volumeAfter(record.volumes[change.volumeId], change) } };
    case 'snapshot': {
      const volume = record.volumes[change.volumeId] ?? NEW_VOLUME;
      const others = volume.snapshots.filter(({ id }) => id !== change.snapshot.id);
      return { volumes: { ...record.volumes, [change.volumeId]: { ...volume, snapshots: [...others, change.snapshot] } } };
    }
    case 'left-behind': {
      const known = new Set(record.leftBehind.map(({ resource }) => resource));
      return { leftBehind: [...record.leftBehind, ...change.leftBehind.filter(({ resource }) => !known.has(resource))] };
    }
    case 'closed':
      return {
        status: change.status,
        stage: 'close',
        endedAt: change.at,
        approvals: record.approvals.map(withoutToken),
        problems: [...record.problems, ...(change.problems ?? [])],
        ...(change.actual && { actual: change.actual }),
      };
  }
}

/** A token is good for one decision; a record that is kept for years needs none. */
const withoutToken = ({ token: _, ...approval }: Approval): Approval => approval;

function decided(approvals: readonly Approval[], { at, decision, by, reason }: Extract<CaseChange, { kind: 'approval-decided' }>): Approval[] {
  const last = approvals.findLastIndex((approval) => approval.decision === undefined);
  return approvals.map((approval, index) =>
    index === last
      ? { ...withoutToken(approval), decision, decidedAt: at, ...(by !== undefined && { by }), ...(reason !== undefined && { reason }) }
      : withoutToken(approval),
  );
}

const undone = (
  { undoProblem: _, ...step }: AcquisitionRecord['done'][number],
  { at, problem }: Extract<CaseChange, { kind: 'undone' }>,
): AcquisitionRecord['done'][number] => (problem === undefined ? { ...step, undoneAt: at } : { ...step, undoProblem: problem });

const NEW_VOLUME: VolumeRecord = { status: 'WAITING', snapshots: [], problems: [] };

function volumeAfter(before: VolumeRecord = NEW_VOLUME, { kind: _, at: __, calls: ___, volumeId: ____, problems = [], ...facts }: VolumeChange): VolumeRecord {
  const known = Object.fromEntries(Object.entries(facts).filter(([, value]) => value !== undefined));
  return { ...before, ...known, problems: [...before.problems, ...problems] };
}
