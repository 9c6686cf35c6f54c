import { isEnded, type AcquisitionRecord, type CaseRecord } from '../../../vocabulary/index.ts';
import type { Found } from './found.ts';

/** What is known of the case that a resource says it belongs to. */
export type KnownCase =
  | { readonly is: 'unknown' }
  | { readonly is: 'unreadable'; readonly problem: string }
  | { readonly is: 'known'; readonly record: CaseRecord; readonly acquisitions: readonly AcquisitionRecord[] };

/** Something that costs money and that nobody may be thinking of. */
export interface Orphan {
  readonly resource: string;
  readonly kind: Found['kind'] | 'recorded';
  readonly caseId: string;
  readonly ageHours?: number;
  readonly why: string;
}

/** Younger things are left out: their case may be about to record them. */
export const GRACE_HOURS = 1;

const hoursSince = (from: Date | undefined, now: Date): number | undefined => (from === undefined ? undefined : (now.getTime() - from.getTime()) / 3_600_000);

/** Why a resource is an orphan; undefined where an open case uses it, or a case means to keep it. */
export function whyOrphan(found: Found, known: KnownCase): string | undefined {
  if (known.is === 'unknown') return 'no case of this id is recorded';
  if (known.is === 'unreadable') return `its case's record cannot be read: ${known.problem}`;
  const open = Object.values(known.record.instances).some(({ status }) => !isEnded(status));
  if (open) return undefined;
  const recorded = known.acquisitions.flatMap(({ volumes }) => Object.values(volumes).flatMap(({ snapshots }) => snapshots)).find(({ id }) => id === found.resource);
  if (recorded?.purpose === 'evidence' && recorded.kept) return undefined;
  const left = known.acquisitions.flatMap(({ leftBehind }) => leftBehind).find(({ resource }) => resource === found.resource);
  if (left !== undefined) return `left behind by its case: ${left.why}`;
  return recorded === undefined ? 'its case has ended, and does not record it' : 'its case has ended';
}

/** Judges one resource. */
export function judge(found: Found, known: KnownCase, now: Date): Orphan | undefined {
  const ageHours = hoursSince(found.createdAt, now);
  if (ageHours !== undefined && ageHours < GRACE_HOURS) return undefined;
  const why = whyOrphan(found, known);
  return why === undefined ? undefined : { resource: found.resource, kind: found.kind, caseId: found.caseId, ...(ageHours === undefined ? {} : { ageHours: Math.round(ageHours * 10) / 10 }), why };
}

/** What ended acquisitions say they left behind and the sweep cannot see: snapshots in the monitored accounts, for example. */
export const recordedLeftovers = (known: KnownCase, seen: ReadonlySet<string>): readonly Orphan[] =>
  known.is !== 'known'
    ? []
    : known.acquisitions
        .filter(({ status }) => isEnded(status))
        .flatMap(({ caseId, leftBehind }) => leftBehind.filter(({ resource }) => !seen.has(resource)).map(({ resource, why }): Orphan => ({ resource, kind: 'recorded', caseId, why: `left behind by its case: ${why}` })));
