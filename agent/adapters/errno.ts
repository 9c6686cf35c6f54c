/** Errors of Linux that Node has no name for ("Unknown system error -122"), with what they mean; by errno(3). */
const UNNAMED: Readonly<Record<string, readonly [name: string, meaning: string]>> = {
  116: ['ESTALE', 'stale file handle'],
  117: ['EUCLEAN', 'the file system is damaged'],
  122: ['EDQUOT', 'disk quota exceeded'],
  123: ['ENOMEDIUM', 'no medium found'],
};

const unnamed = (code: string | undefined): readonly [name: string, meaning: string] | undefined => UNNAMED[/^Unknown system error -(\d+)$/.exec(code ?? '')?.[1] ?? ''];

/** The name of a system call's error, such as ENOSPC; undefined for whatever is none. */
export function errnoOf(error: unknown): string | undefined {
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  return unnamed(code)?.[0] ?? code;
}

/** An error's message, with its name where Node has none. */
export function errnoMessage(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  const known = unnamed(code);
  return known ? message.replace(`${code}: ${code}`, known.join(': ')) : message;
}
