import { escapeHostile, type AcquisitionRecord, type CaseInstance, type CaseRecord, type RecordedCall, type VolumeRecord } from '../modules/vocabulary/index.ts';
import type { Custody } from './read-records.ts';

const size = (bytes: number | undefined): string => (bytes === undefined ? '?' : `${(bytes / 1024 ** 3).toFixed(bytes % 1024 ** 3 === 0 ? 0 : 2)} GiB`);
const minutes = (seconds: number): string => `${Math.ceil(seconds / 60)} min`;

/** Volumes by where they stand: `2 COMPLETE, 1 COPYING`. */
export const volumesLine = ({ volumes }: Pick<CaseInstance, 'volumes'>): string =>
  Object.entries(volumes).map(([status, count]) => `${count} ${status}`).join(', ') || 'no volumes yet';

/** One line of an instance of a case. */
export const instanceLine = (instanceId: string, instance: CaseInstance): string =>
  `${instanceId}  ${instance.status.padEnd(17)} ${instance.stage.padEnd(9)} ${volumesLine(instance)}`;

export const caseLine = ({ caseId, openedAt, instances, trigger }: CaseRecord): string => {
  const statuses = Object.values(instances).map(({ status }) => status);
  const counted = [...new Set(statuses)].map((status) => `${statuses.filter((one) => one === status).length} ${status}`).join(', ');
  return `${openedAt.slice(0, 16).replace('T', ' ')}  ${caseId}  ${trigger.kind}  ${counted || 'no instances'}`;
};

/** A case and its acquisitions as lines for a person. */
export function caseLines(record: CaseRecord, acquisitions: ReadonlyMap<string, AcquisitionRecord>, custody: ReadonlyMap<string, Custody>): string[] {
  const { caseId, requester, reason, trigger, openedAt, options } = record;
  return [
    `Case ${caseId}, opened ${openedAt} by ${requester}`,
    `  reason:   ${reason}`,
    `  trigger:  ${trigger.kind}${trigger.type === undefined ? '' : `, ${trigger.type}`}${trigger.title ? `: "${trigger.title.escaped}"` : ''}`,
    `  options:  approval ${options.approval}, containment ${options.containment}, ${options.volumeType}, deadline ${options.deadlineMinutes} min`,
    ...Object.entries(record.instances).flatMap(([instanceId, instance]) => ['', instanceLine(instanceId, instance), ...acquisitionLines(acquisitions.get(instanceId)), ...custodyLines(custody.get(instanceId))]),
  ];
}

function acquisitionLines(acquisition: AcquisitionRecord | undefined): string[] {
  if (!acquisition) return ['  has not begun'];
  const { estimate, actual, approvals, done, volumes, leftBehind, problems, executionArn } = acquisition;
  return [
    `  execution ${executionArn}`,
    ...(estimate ? [`  estimate  ${minutes(estimate.seconds)}, ${estimate.usd.toFixed(2)} USD`] : []),
    ...(actual ? [`  actual    ${minutes(actual.seconds)}, ${actual.usd.toFixed(2)} USD`] : []),
    ...approvals.map(({ decision, by, reason, expiresAt }) => `  approval  ${decision ?? `awaited until ${expiresAt}`}${by === undefined ? '' : ` by ${by}`}${reason === undefined ? '' : `: ${reason}`}`),
    ...Object.entries(volumes).flatMap(([volumeId, volume]) => volumeLines(volumeId, volume)),
    ...done.map(({ at, what, undo, undoneAt, undoProblem }) => `  done      ${at} ${what}${undoneAt === undefined ? (undo ? ' (can be released)' : '') : `, undone ${undoneAt}`}${undoProblem === undefined ? '' : `, could not be undone: ${undoProblem}`}`),
    ...leftBehind.map(({ resource, why }) => `  left      ${resource}: ${why}`),
    ...problems.map((problem) => `  problem   ${problem}`),
  ];
}

const volumeLines = (volumeId: string, { status, sizeBytes, snapshots, manifest, imageLocation, problems }: VolumeRecord): string[] => [
  `  volume    ${volumeId}  ${status}  ${size(sizeBytes)}`,
  ...(imageLocation === undefined ? [] : [`    image     ${imageLocation}`]),
  ...(manifest ? [`    sha256    ${manifest.imageSha256}`] : []),
  ...snapshots.map(({ id, purpose, account, lockedUntil, kept }) => `    snapshot  ${id} ${purpose} in ${account}${lockedUntil === undefined ? '' : `, locked until ${lockedUntil}`}${kept ? '' : ', deleted'}`),
  ...problems.map((problem) => `    problem   ${problem}`),
];

const custodyLines = ({ calls, problems }: Custody = { calls: [], problems: [] }): string[] => [
  ...calls.map((call) => `  call      ${call.time} ${call.action} in ${call.account}, ${requestOf(call)}`),
  ...problems.map((problem) => `  problem   custody log: ${escapeHostile(problem)}`),
];

/** The ids by which AWS itself knows a call, or where that stands. */
function requestOf({ requestId, trace }: RecordedCall): string {
  if (requestId !== undefined) return `request ${escapeHostile(requestId)}`;
  if (trace?.cloudTrail) return trace.cloudTrail.map(({ requestId: id = 'without an id', eventId }) => `request ${id}, CloudTrail event ${eventId}`).join(' and ');
  return trace ? `request id not found: ${escapeHostile(trace.why ?? '')}` : 'request id not looked up yet';
}
