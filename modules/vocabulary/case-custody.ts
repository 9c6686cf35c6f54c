import { z } from 'zod';
import { checkChain, nextEvent, type ChainCheck, type Sha256 } from './hash-chain.ts';
import { Arn, CaseId, InstanceId, Sha256Hex, UtcTime } from './identifiers.ts';

export const CASE_CUSTODY_SCHEMA = 'cleanroom/case-custody-event/v1';

/**
 * One event in the custody of an instance's evidence before and after imaging: a call to AWS, a decision, a change of
 * state. The exhibits' own logs have what happened while they were imaged.
 */
export const CaseCustodyEvent = z.strictObject({
  schema: z.literal(CASE_CUSTODY_SCHEMA),
  sequence: z.int().min(0),
  time: UtcTime,
  caseId: CaseId,
  instanceId: InstanceId,
  executionArn: Arn,
  /** SHA-256 of the change that it came with. */
  changeId: Sha256Hex,
  /** Who is accountable. */
  actor: z.string(),
  /** An API action, `ec2:CreateSnapshots`, or the change's kind, `approval-decided`. */
  action: z.string(),
  detail: z.record(z.string(), z.json()),
  previous: Sha256Hex,
  hash: Sha256Hex,
});
export type CaseCustodyEvent = z.infer<typeof CaseCustodyEvent>;

type Unchained = Omit<CaseCustodyEvent, 'schema' | 'sequence' | 'previous' | 'hash'>;

/** Appends an event to a chain and returns it; the chain's last element is its predecessor. */
export const chainCaseEvent = (chain: readonly CaseCustodyEvent[], event: Unchained, sha256: Sha256): CaseCustodyEvent =>
  nextEvent(chain, CASE_CUSTODY_SCHEMA, event, sha256);

/** Parses a stored custody log of an instance and recomputes its chain; each problem names its line (1-based). */
export const checkCaseCustody = (text: string, sha256: Sha256): ChainCheck<CaseCustodyEvent> => checkChain(text, CaseCustodyEvent, sha256);
