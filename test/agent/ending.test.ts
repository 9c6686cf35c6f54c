import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import { expect } from 'chai';
import { execa } from 'execa';
import { tempDir } from '../helpers/temp-dir.ts';

const ENDING = resolve(import.meta.dirname, '../../agent/ending.ts');

/** How a process ends that something still holds when its outcome is told. */
function ended(code: string): { status: number | null; signal: string | null; stderr: string } {
  const source = `import { endNow, endThough } from '${ENDING}'; import { open } from 'node:fs'; import { createServer } from 'node:net';\n${code}`;
  const { status, signal, stderr } = spawnSync(process.execPath, ['--input-type=module', '--eval', source], { encoding: 'utf8', timeout: 120_000 });
  return { status, signal, stderr };
}

describe('the end of the process', () => {
  it('has the exit status that it was told, though a connection is still waited for', () => {
    const listen = `createServer().listen(0, '127.0.0.1');`;
    expect(ended(`${listen} process.exitCode = 4; endThough();`)).to.deep.equal({ status: 4, signal: null, stderr: '' });
    expect(ended(`${listen} process.exitCode = 5; endNow();`)).to.deep.equal({ status: 5, signal: null, stderr: '' });
  });

  it('is by force, and says so, where the kernel does not answer: there is no other', async () => {
    const dir = await tempDir();
    try {
      const pipe = `${dir.path}/pipe`;
      await execa('mkfifo', [pipe]); // it opens when somebody writes: nobody does
      for (const end of ['process.exitCode = 5; endThough();', 'process.exitCode = 5; endNow();']) {
        const { status, signal, stderr } = ended(`open('${pipe}', 'r', () => {}); ${end}`);
        expect([status, signal]).to.deep.equal([null, 'SIGKILL']);
        expect(stderr).to.contain('by force instead of with exit status 5');
      }
    } finally {
      await dir.remove();
    }
  });
});
