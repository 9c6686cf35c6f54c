import { z } from 'zod';

/** SHA-256 of a text's UTF-8 bytes, as lower-case hexadecimal. Injected: the vocabulary has no hash of its own. */
export type Sha256 = (text: string) => string;

/** What the first event of a chain names as its predecessor. */
export const CHAIN_GENESIS = '0'.repeat(64);

/** What every event of a hash chain has. `hash` is over the line's JSON without `hash`; `previous` is the line before's. */
export type ChainedEvent = { readonly sequence: number; readonly previous: string; readonly hash: string };

export type ChainCheck<Event> = { readonly events: readonly Event[]; readonly problems: readonly string[] };

const hashOf = ({ hash: _, ...rest }: ChainedEvent, sha256: Sha256): string => sha256(JSON.stringify(rest));

/** Seals an event: its fields in this order, with the hash of all others in the place of `hash`. */
export const sealEvent = <Event extends ChainedEvent>(draft: Event, sha256: Sha256): Event => ({ ...draft, hash: hashOf(draft, sha256) });

/** The event that follows a chain's last one, sealed; its fields are written in this order. */
export const nextEvent = <Schema extends string, Fields extends object>(
  chain: readonly ChainedEvent[], schema: Schema, fields: Fields, sha256: Sha256,
): { schema: Schema; sequence: number } & Fields & { previous: string; hash: string } =>
  sealEvent({ schema, sequence: chain.length, ...fields, previous: chain.at(-1)?.hash ?? CHAIN_GENESIS, hash: CHAIN_GENESIS }, sha256);

/** A chain as it is stored: one JSON line an event. */
export const serializeChain = (chain: readonly ChainedEvent[]): string => chain.map((event) => `${JSON.stringify(event)}\n`).join('');

/** Problems after which a chain is not read on: a hostile one of 64 MiB could have 67 million. */
const MAX_PROBLEMS = 1000;

/** The lines of a text that end with a newline, one at a time: a text of nothing else has too many to hold. */
function* linesOf(text: string): Generator<string> {
  for (let start = 0, end = text.indexOf('\n'); end >= 0; start = end + 1, end = text.indexOf('\n', start)) yield text.slice(start, end);
}

/** Parses a stored chain and recomputes it; each problem names the line (1-based) it is on. After a thousand it gives up, and says where. */
export function checkChain<Event extends ChainedEvent>(text: string, schema: z.ZodType<Event>, sha256: Sha256): ChainCheck<Event> {
  const problems: string[] = [];
  const events: Event[] = [];
  let previous = CHAIN_GENESIS;
  let index = -1;
  for (const line of linesOf(text)) {
    const at = `line ${++index + 1}`;
    if (problems.length >= MAX_PROBLEMS) return { events, problems: [...problems, `${at}: after ${problems.length} problems the rest is not read`] };
    let json: unknown;
    try {
      json = JSON.parse(line);
    } catch {
      problems.push(`${at}: not JSON`);
      continue;
    }
    const parsed = schema.safeParse(json);
    if (!parsed.success) {
      problems.push(`${at}: ${z.prettifyError(parsed.error).replaceAll('\n', ' ')}`);
      continue;
    }
    const event = parsed.data;
    events.push(event);
    if (JSON.stringify(json) !== line) problems.push(`${at}: not in the form it was written in`);
    if (event.sequence !== index) problems.push(`${at}: sequence is ${event.sequence}, expected ${index}`);
    if (event.previous !== previous) problems.push(`${at}: does not follow the line before it`);
    const expected = hashOf(json as Event, sha256);
    if (event.hash !== expected) problems.push(`${at}: hash is ${event.hash}, recomputed ${expected}`);
    previous = event.hash;
  }
  if (text !== '' && !text.endsWith('\n')) problems.push(`line ${index + 2}: the log does not end with a newline`);
  if (index < 0) problems.push('line 1: the custody log is empty');
  return { events, problems };
}
