/** What a run saw: a line for each promise, and how many were kept. */
const counts = { passed: 0, failed: 0 };

export const tally: Readonly<typeof counts> = counts;

export const say = (text: string): void => console.log(text);

/** Counts a promise, and prints it. @param found what was there instead */
export function check(title: string, holds: boolean, found = ''): void {
  if (holds) counts.passed += 1;
  else counts.failed += 1;
  say(`${holds ? 'ok  ' : 'FAIL'} ${title}${holds || found === '' ? '' : `: ${found}`}`);
}

/** Counts a promise that is printed elsewhere, in a table. */
export const keep = (): void => void (counts.passed += 1);

/** A clock for the log. */
export function stopwatch(): (text: string) => void {
  const started = performance.now();
  return (text) => say(`${Math.round((performance.now() - started) / 1000)} s  ${text}`);
}
