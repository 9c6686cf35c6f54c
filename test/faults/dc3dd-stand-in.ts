import { chmod, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import type { Lab } from './lab.ts';

const REAL = '/usr/bin/dc3dd';

/**
 * A program in dc3dd's place on the PATH: a shell script that is given `$REAL`. Only faults of dc3dd itself need it: what
 * the disk does to dc3dd is done to the real one.
 */
export async function standIn(lab: Lab, script: string): Promise<NodeJS.ProcessEnv> {
  const folder = await lab.folder('bin');
  const file = join(folder, 'dc3dd');
  await writeFile(file, `#!/bin/sh\nREAL=${REAL}\n[ "$1" = --version ] && exec "$REAL" --version\n${script}\n`);
  await chmod(file, 0o755);
  return { PATH: `${folder}${delimiter}${process.env['PATH'] ?? ''}` };
}
