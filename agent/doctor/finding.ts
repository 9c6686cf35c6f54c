import { messageOf, StageError } from '../errors.ts';

/** `fail`: an acquisition here would fail or be worth less; `warn`: it may, or it cannot be told. */
export type FindingLevel = 'ok' | 'warn' | 'fail';

/** What a check found, and what to do about it. */
export type Finding = {
  /** Short and stable: a machine may match it. */
  readonly check: string;
  readonly level: FindingLevel;
  /** What is so, in one sentence. */
  readonly found: string;
  /** What to do, in one sentence; on every finding that is not ok. */
  readonly advice?: string;
};

/** Looks at one thing; never changes it. */
export type Check = { readonly check: string; readonly look: () => Promise<Outcome> };

/** A finding without its check's name. */
export type Outcome = Omit<Finding, 'check'>;

export const ok = (found: string): Outcome => ({ level: 'ok', found });
export const warn = (found: string, advice: string): Outcome => ({ level: 'warn', found, advice });
export const fail = (found: string, advice: string): Outcome => ({ level: 'fail', found, advice });

/** What to do about a service that gives no answer; the SDK asks for nothing without a Region. */
export const noAnswer = (error: unknown): string =>
  messageOf(error).startsWith('Region is missing') ? 'give --region, or set AWS_REGION' : 'see that the endpoint, the Region and the network are right';

/** Time that a check has, in milliseconds: more than its own requests take, so that only what cannot be aborted meets it. */
const LIMIT_MS = 30_000;

async function within<T>(work: Promise<T>, ms: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${ms / 1000} s`)), ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

const adviceOf = (error: unknown): string =>
  error instanceof StageError && error.advice !== undefined ? error.advice : 'find out why, and ask again';

/**
 * Runs checks side by side; one that throws or does not end is a finding like any other. Findings come in the order of the
 * checks.
 */
export const runChecks = (checks: readonly Check[], limitMs: number = LIMIT_MS): Promise<Finding[]> =>
  Promise.all(
    checks.map(async ({ check, look }) => {
      try {
        return { check, ...(await within(look(), limitMs)) };
      } catch (error) {
        return { check, ...fail(messageOf(error), adviceOf(error)) };
      }
    }),
  );
