import { z } from 'zod';
import { checkChain, nextEvent, serializeChain, type ChainCheck, type Sha256 } from './hash-chain.ts';
import { AcquisitionId, CaseId, ExhibitId, Sha256Hex, UtcTime } from './identifiers.ts';
import { StoredLog } from './manifest.ts';

export const CUSTODY_SCHEMA = 'cleanroom/custody-event/v1';

/** One event in the life of an exhibit. `hash` is over the line's JSON without `hash`; `previous` is the line before's. */
export const CustodyEvent = z.strictObject({
  schema: z.literal(CUSTODY_SCHEMA),
  sequence: z.int().min(0),
  time: UtcTime,
  caseId: CaseId,
  exhibitId: ExhibitId,
  acquisitionId: AcquisitionId,
  /** Who is accountable: a role's or a person's name, as configured. */
  actor: z.string(),
  /** What was done: a verb of the field, such as `acquire`, `store`, `verify`. */
  action: z.string(),
  detail: z.record(z.string(), z.json()),
  previous: Sha256Hex,
  hash: Sha256Hex,
});
export type CustodyEvent = z.infer<typeof CustodyEvent>;

/** The capture log that an event names: `conclude` one that is stored, `fail` one that is about to be. Undefined where there is none. */
export const captureLogOf = ({ detail }: CustodyEvent): StoredLog | undefined => StoredLog.safeParse(detail['captureLog']).data;

type Unchained = Omit<CustodyEvent, 'schema' | 'sequence' | 'previous' | 'hash'>;

/** Appends an event to a chain and returns it; the chain's last element is its predecessor. */
export const chainEvent = (chain: readonly CustodyEvent[], event: Unchained, sha256: Sha256): CustodyEvent =>
  nextEvent(chain, CUSTODY_SCHEMA, event, sha256);

/** The custody log as it is stored: one JSON line an event. */
export const serializeCustody = (chain: readonly CustodyEvent[]): string => serializeChain(chain);

export type CustodyCheck = ChainCheck<CustodyEvent>;

/** Parses a stored custody log and recomputes its chain; each problem names the line (1-based) it is on. */
export const checkCustody = (text: string, sha256: Sha256): CustodyCheck => checkChain(text, CustodyEvent, sha256);
