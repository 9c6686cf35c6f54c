import { z } from 'zod';
import { AcquisitionId, CaseId, ExhibitId, Sha256Hex, UtcTime } from './identifiers.ts';

/** SHA-256 of a text's UTF-8 bytes, as lower-case hexadecimal. Injected: the vocabulary has no hash of its own. */
export type Sha256 = (text: string) => string;

export const CUSTODY_SCHEMA = 'cleanroom/custody-event/v1';

/** What the first event of a chain names as its predecessor. */
export const CUSTODY_GENESIS = '0'.repeat(64);

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

type Unchained = Omit<CustodyEvent, 'schema' | 'sequence' | 'previous' | 'hash'>;

const hashOf = ({ hash: _, ...rest }: CustodyEvent, sha256: Sha256): string => sha256(JSON.stringify(rest));

/** Appends an event to a chain and returns it; the chain's last element is its predecessor. */
export function chainEvent(chain: readonly CustodyEvent[], event: Unchained, sha256: Sha256): CustodyEvent {
  const draft: CustodyEvent = {
    schema: CUSTODY_SCHEMA,
    sequence: chain.length,
    ...event,
    previous: chain.at(-1)?.hash ?? CUSTODY_GENESIS,
    hash: CUSTODY_GENESIS,
  };
  return { ...draft, hash: hashOf(draft, sha256) };
}

/** The custody log as it is stored: one JSON line an event. */
export const serializeCustody = (chain: readonly CustodyEvent[]): string =>
  chain.map((event) => `${JSON.stringify(event)}\n`).join('');

export type CustodyCheck = { readonly events: readonly CustodyEvent[]; readonly problems: readonly string[] };

/** Parses a stored custody log and recomputes its chain; each problem names the line (1-based) it is on. */
export function checkCustody(text: string, sha256: Sha256): CustodyCheck {
  const problems: string[] = [];
  const events: CustodyEvent[] = [];
  const lines = text.split('\n');
  if (lines.pop() !== '') problems.push(`line ${lines.length + 1}: the log does not end with a newline`);
  if (lines.length === 0) problems.push('line 1: the custody log is empty');
  let previous = CUSTODY_GENESIS;
  for (const [index, line] of lines.entries()) {
    const at = `line ${index + 1}`;
    let json: unknown;
    try {
      json = JSON.parse(line);
    } catch {
      problems.push(`${at}: not JSON`);
      continue;
    }
    const parsed = CustodyEvent.safeParse(json);
    if (!parsed.success) {
      problems.push(`${at}: ${z.prettifyError(parsed.error).replaceAll('\n', ' ')}`);
      continue;
    }
    const event = parsed.data;
    events.push(event);
    if (JSON.stringify(json) !== line) problems.push(`${at}: not in the form it was written in`);
    if (event.sequence !== index) problems.push(`${at}: sequence is ${event.sequence}, expected ${index}`);
    if (event.previous !== previous) problems.push(`${at}: does not follow the line before it`);
    const expected = hashOf(json as CustodyEvent, sha256);
    if (event.hash !== expected) problems.push(`${at}: hash is ${event.hash}, recomputed ${expected}`);
    previous = event.hash;
  }
  return { events, problems };
}
