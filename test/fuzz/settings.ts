/** How long each property is tried, and where from: the same inputs for the same CLEANROOM_TEST_SEED. */
export const bounded = (numRuns: number) => {
  const seed = process.env['CLEANROOM_TEST_SEED'];
  return { numRuns, interruptAfterTimeLimit: 20_000, ...(seed === undefined ? {} : { seed: Number.parseInt(seed, 16) | 0 }) };
};

/** Nothing that a terminal or a log line would take for more than text. */
export const PRINTABLE = /^[\x20-\x7e]*$/;
