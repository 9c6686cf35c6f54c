import { writeFileSync } from 'node:fs';
import Mocha from 'mocha';

/** What scripts/test.ts learns from mocha: counts, and the whole titles of what failed. */
export type TestCounts = { readonly passed: number; readonly failed: number; readonly pending: number; readonly failures: readonly string[] };

/** Names the file that it is written to, as JSON. */
export const COUNTS_FILE = 'CLEANROOM_TEST_COUNTS';

/** Mocha's spec reporter, which also writes what passed, failed and was pending once all have ended. */
export default class SummaryReporter extends Mocha.reporters.Spec {
  constructor(runner: Mocha.Runner, options: Mocha.MochaOptions) {
    super(runner, options);
    const file = process.env[COUNTS_FILE];
    const failures: string[] = [];
    runner.on(Mocha.Runner.constants.EVENT_TEST_FAIL, (test) => failures.push(test.fullTitle()));
    runner.once(Mocha.Runner.constants.EVENT_RUN_END, () => {
      const counts: TestCounts = { passed: this.stats.passes, failed: this.stats.failures, pending: this.stats.pending, failures };
      if (file !== undefined) writeFileSync(file, JSON.stringify(counts));
    });
  }
}
