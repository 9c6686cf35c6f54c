import { chmod, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { expect } from 'chai';
import { execa } from 'execa';
import { checkCustody, MiB } from '../../modules/vocabulary/index.ts';
import { makeRaw } from '../../scripts/lab/disks.ts';
import { sha256Hex } from '../helpers/evidence.ts';
import { tempDir } from '../helpers/temp-dir.ts';

const FIXTURE = resolve(import.meta.dirname, '../fixtures/on-terminal.py');
const COLLECTOR = resolve(import.meta.dirname, '../../agent/cli.ts');

describe('the collector on a terminal', function () {
  let dir: Awaited<ReturnType<typeof tempDir>>;
  beforeEach(async () => {
    dir = await tempDir();
  });
  afterEach(() => dir.remove());

  /** Runs `collector collect` on a terminal of its own, with a dc3dd that never comes to an end. */
  async function endlessly(then: string, when: string, traps = ''): Promise<{ shown: string; exitCode: number | undefined }> {
    const image = await makeRaw(join(dir.path, 'disk.img'), 16 * MiB);
    await chmod(image, 0o444);
    await mkdir(join(dir.path, 'bin'));
    await writeFile(join(dir.path, 'bin/dc3dd'), `#!/bin/sh\n[ "$1" = --version ] && exit 0\n${traps}\nhead -c ${8 * MiB} /proc/self/fd/3\nwhile echo x; do sleep 0.1; done\n`, { mode: 0o755 });
    const args = ['collect', image, '--case', 'c-1', '--volume', 'vol-1', '--to', join(dir.path, 'evidence'), '--scratch-dir', join(dir.path, 'scratch'), '--part-size', '5MiB'];
    const { stdout, exitCode } = await execa('python3', [FIXTURE, then, when, process.execPath, COLLECTOR, ...args], {
      env: { TERM: 'xterm', PATH: `${join(dir.path, 'bin')}:${process.env['PATH']}` },
      reject: false,
      timeout: 240_000,
    });
    return { shown: stdout, exitCode };
  }

  it('ends in order, with 5, when the terminal closes: the attempt is on record, and its scratch folder is gone', async () => {
    const { exitCode, shown } = await endlessly('hang-up', 'imaging');
    expect(exitCode, shown).to.equal(5);
    const folder = join(dir.path, 'evidence/c-1/disk_evidence');
    const name = (await readdir(folder)).find((each) => each.endsWith('.custody.jsonl'));
    expect(name).to.match(/^vol-1\.[0-9A-Z]{26}\.custody\.jsonl$/);
    const { events } = checkCustody(await readFile(join(folder, name!), 'utf8'), sha256Hex);
    expect(events.at(-1)).to.deep.include({ action: 'fail' });
    expect(JSON.stringify(events.at(-1))).to.contain('interrupted by SIGHUP');
    expect(await readdir(join(dir.path, 'scratch'))).to.deep.equal([]);
  });

  it('gives cursor and line wrap back before the second Ctrl-C kills it', async () => {
    const { exitCode, shown } = await endlessly('2', 'imaging', 'trap "" TERM INT');
    expect(exitCode, shown).to.equal(128 + 9);
    for (const [taken, given] of [['\x1b[?25l', '\x1b[?25h'], ['\x1b[?7l', '\x1b[?7h']] as const) {
      expect(shown.lastIndexOf(taken), 'the bar was drawn').to.be.within(0, shown.lastIndexOf(given) - 1);
    }
  });
});
