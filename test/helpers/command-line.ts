/**
 * The command line of one of the project's own suites: `--help` prints the usage and ends; a wrong one says what is wrong and
 * ends with 2, as `refuse` does for values that do not fit. @param parse throws where the command line is wrong
 */
export function commandLine<Values extends { readonly help?: boolean }>(name: string, usage: string, parse: () => Values): { readonly values: Values; readonly refuse: (message: string) => never } {
  const refuse = (message: string): never => {
    process.stderr.write(`${name}: ${message}\n\n${usage}`);
    process.exit(2);
  };
  try {
    const values = parse();
    if (!values.help) return { values, refuse };
  } catch (error) {
    return refuse((error as Error).message);
  }
  process.stdout.write(usage);
  process.exit(0);
}

/** Whether a text contains one of those that `--only` names, with | between them. */
export const isNamed = (only: string, text: string): boolean => only.split('|').some((part) => text.includes(part));
