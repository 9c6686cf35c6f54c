import { actualOf } from '../../estimate.ts';
import { INSTANCE_RECORD_SCHEMA, isEnded, type AcquisitionInput, type AcquisitionRecord, type Approval, type CaseChange, type CaseStage, type CostAndTime, type VolumeRecord } from '../../../vocabulary/index.ts';

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
  stages: [{ stage: 'open', at }],
  approvals: [],
  done: [],
  volumes: {},
  leftBehind: [],
  problems: [],
  applied: [],
});

/** The record after one change. Pure: the same change twice is for the caller to leave out. */
export function applyChange(record: AcquisitionRecord, change: CaseChange): AcquisitionRecord {
  if (isEnded(record.status) && isLate(record, change)) return record;
  if (change.kind === 'opened') return reopened(record, change);
  const updatedAt = change.at > record.updatedAt ? change.at : record.updatedAt;
  return { ...record, updatedAt, ...factsOf(record, change) };
}

/**
 * What says where an execution stands, and comes when its end is recorded: a function that was slow while somebody stopped it.
 * It would leave a record open that nothing works on. What was made and done is told however late.
 */
const isLate = ({ executionArn }: AcquisitionRecord, change: CaseChange): boolean =>
  change.kind === 'opened' ? change.executionArn === executionArn : change.kind === 'stage' || change.kind === 'approval-asked' || change.kind === 'approval-decided';

/** The record of an acquisition that ended without its evidence and was started again; what was done and made stays in it. */
function reopened({ endedAt: _, actual: __, ...record }: AcquisitionRecord, { at, executionArn }: Opened): AcquisitionRecord {
  return { ...record, status: 'OPEN', stage: 'open', stages: entered(record, 'open', at), executionArn, updatedAt: at > record.updatedAt ? at : record.updatedAt };
}

function factsOf(record: AcquisitionRecord, change: Exclude<CaseChange, Opened>): Partial<AcquisitionRecord> {
  switch (change.kind) {
    case 'touched':
    case 'traced':
      return {};
    case 'stage':
      return { stage: change.stage, stages: entered(record, change.stage, change.at), ...(change.status !== undefined && { status: change.status }) };
    case 'estimate':
      return { estimate: change.estimate };
    case 'approval-asked': {
      const asked: Approval = { askedAt: change.at, expiresAt: change.expiresAt, token: change.token };
      return { status: 'AWAITING_APPROVAL', stage: 'approval', stages: entered(record, 'approval', change.at), approvals: [...record.approvals.map(withoutToken), asked] };
    }
    case 'approval-decided':
      return { status: 'OPEN', approvals: decided(record.approvals, change) };
    case 'done':
      return { done: [...record.done, { at: change.at, what: change.what, ...(change.undo && { undo: change.undo }) }] };
    case 'undone':
      return { done: record.done.map((step, index) => (index === change.step || (step.what === change.what && step.undoneAt === undefined) ? undone(step, change) : step)) };
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
        stages: entered(record, 'close', change.at),
        actual: change.actual ?? usedBy(record, change.at),
      };
  }
}

/** A stage that is said again began when it was first said; only an opening at another time is a new one. */
function entered({ stages }: AcquisitionRecord, stage: CaseStage, at: string): AcquisitionRecord['stages'] {
  const last = stages.at(-1);
  return last?.stage === stage && (stage !== 'open' || last.at === at) ? stages : [...stages, { stage, at }];
}

/** From the last opening to the end: what an earlier run took that failed is in that run's versions of the record. */
function usedBy({ openedAt, stages, estimate }: AcquisitionRecord, endedAt: string): CostAndTime {
  const ofThisRun = stages.slice(stages.findLastIndex(({ stage }) => stage === 'open'));
  const begin = ofThisRun[0]?.at ?? openedAt;
  // An end that EventBridge reports is by another clock; no record stays open because of it.
  const end = Date.parse(endedAt) < Date.parse(begin) ? begin : endedAt;
  return withoutReadOnly(actualOf({ openedAt: begin, endedAt: end, stages: ofThisRun }, estimate));
}

const withoutReadOnly = ({ stages, ...all }: ReturnType<typeof actualOf>): CostAndTime => ({ ...all, stages: [...stages] });

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
