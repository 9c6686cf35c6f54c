import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { execa } from 'execa';
import { tempDir } from '../helpers/temp-dir.ts';

const fixture = (name: string): string => join(import.meta.dirname, '../fixtures', name);

describe('a host that lacks something', () => {
  it('is told as that where no further program can begin, and nobody is told to install dc3dd', async () => {
    if (process.getuid?.() !== 0) return; // needs another user
    const dir = await tempDir();
    try {
      await chmod(dir.path, 0o777);
      // root has no such limit, and other users may have processes of other tests
      const { stdout } = await execa('setpriv', ['--reuid=64917', '--regid=64917', '--clear-groups', process.execPath, fixture('no-processes.ts'), dir.path], { env: { TMPDIR: dir.path } });
      const told = stdout.trim().split('\n').map((line) => JSON.parse(line) as Record<string, unknown>);
      expect(told.map(({ code, retryable }) => [code, retryable])).to.deep.equal([['NO_PROCESSES', true], ['NO_PROCESSES', true]]);
      expect(told[0]!['message']).to.contain('mkfifo').and.to.contain('EAGAIN');
      expect(told[1]!['message']).to.match(/^dc3dd could not be started: .*EAGAIN/);
      for (const { advice } of told) expect(advice).to.contain('TasksMax=');
    } finally {
      await dir.remove();
    }
  });
});
