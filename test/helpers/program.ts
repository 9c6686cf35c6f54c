import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { tempDir } from './temp-dir.ts';

/** How a program of one module ends; one that does not end is terminated after a minute. @param code with absolute imports */
export async function endOfProgram(code: string): Promise<{ readonly exitCode: number | undefined; readonly isTerminated: boolean }> {
  const dir = await tempDir();
  try {
    const program = join(dir.path, 'program.mjs');
    await writeFile(program, code);
    const { exitCode, isTerminated } = await execa(process.execPath, [program], { timeout: 60_000, reject: false });
    return { exitCode, isTerminated };
  } finally {
    await dir.remove();
  }
}
