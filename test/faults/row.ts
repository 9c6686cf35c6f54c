import type { Lab } from './lab.ts';

/** One fault, and what must come of it. */
export type FaultRow = {
  readonly area: 'source' | 'bad sectors' | 'store' | 'host' | 'hostile disk' | 'resume';
  /** What goes wrong, in a few words. */
  readonly fault: string;
  /** The outcome that must come of it; several, where a race decides and all of them keep the promise. */
  readonly expected: string | readonly string[];
  /** Only in the long form: it waits long, or only adds numbers. */
  readonly long?: true;
  /** Takes far longer than others: begun before them. */
  readonly first?: true;
  /** Brings the fault about and says what came of it. */
  run(lab: Lab): Promise<string>;
};

export type RowResult = {
  readonly area: FaultRow['area'];
  readonly fault: string;
  /** Collectors that were started. */
  readonly tries: number;
  readonly outcome: string;
  readonly expected: string;
  readonly ok: boolean;
  /** What else must hold and does not: a changed source, a false word in a store, a message that does not help. */
  readonly broken: readonly string[];
  /** What its collectors said last, where it is not ok. */
  readonly told: readonly string[];
  readonly seconds: number;
};

export const isExpected = (outcome: string, expected: FaultRow['expected']): boolean =>
  typeof expected === 'string' ? outcome === expected : expected.includes(outcome);
