import { writeFileSync } from 'node:fs';
import Mocha from 'mocha';

/** What scripts/test.ts learns from mocha: counts, not text. */
export type TestCounts = { readonly passed: number; readonly failed: number; readonly pending: number };

/** Where the counts are written, as JSON. */
export const COUNTS_FILE = 'CLEANROOM_TEST_COUNTS';

/** Mocha's spec reporter, which also writes how many tests passed, failed and were pending once all have ended. */
export default class SummaryReporter extends Mocha.reporters.Spec {
  constructor(runner: Mocha.Runner, options: Mocha.MochaOptions) {
    super(runner, options);
    const file = process.env[COUNTS_FILE];
    runner.once(Mocha.Runner.constants.EVENT_RUN_END, () => {
      const counts: TestCounts = { passed: this.stats.passes, failed: this.stats.failures, pending: this.stats.pending };
      if (file !== undefined) writeFileSync(file, JSON.stringify(counts));
    });
  }
}
