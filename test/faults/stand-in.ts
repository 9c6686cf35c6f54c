import { chmod, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { execa } from 'execa';
import type { Lab } from './lab.ts';

/** A program in the place of another on the PATH: a shell script that is given the real one as `$REAL`. */
export async function program(lab: Lab, name: string, script: string): Promise<NodeJS.ProcessEnv> {
  const { stdout: real } = await execa('sh', ['-c', `PATH=$PATH:/usr/sbin:/sbin command -v ${name}`]);
  const folder = await lab.folder('bin');
  const file = join(folder, name);
  await writeFile(file, `#!/bin/sh\nREAL=${real}\n${script}\n`);
  await chmod(file, 0o755);
  return { PATH: `${folder}${delimiter}${process.env['PATH'] ?? ''}` };
}

/**
 * A program in dc3dd's place. Only faults of dc3dd itself need it: what the disk does to dc3dd is done to the real one.
 * @param version what it does when it is asked for its version
 */
export const standIn = (lab: Lab, script: string, version = 'exec "$REAL" --version'): Promise<NodeJS.ProcessEnv> =>
  program(lab, 'dc3dd', `[ "$1" = --version ] && { ${version}; }\n${script}`);
