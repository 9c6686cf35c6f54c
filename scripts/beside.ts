/** Tests that attach no disk, start no collector and measure nothing: `npm test` runs them beside the others, on the second core. */
export const BESIDE = 'test/{infra,modules,vocabulary,workflow/*}/**/*.test.ts';
