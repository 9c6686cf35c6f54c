import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { globSync, readFileSync } from 'node:fs';
import { chmod, mkdir, readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect } from 'chai';
import { directoryStore } from '../agent/adapters/stores/directory-store.ts';
import { problemsIn } from './helpers/collect.ts';
import { ensureUdev } from './helpers/udev.ts';
import { tempDir } from './helpers/temp-dir.ts';

const QUICKSTART = resolve(import.meta.dirname, '../scripts/quickstart.ts');
/** An ordinary user, who may not attach loop devices. */
const NOBODY = ['--reuid', '65534', '--regid', '65534', '--clear-groups', '--'];

/** What the quickstart could leave behind: loop devices over its disks, its folders, an ordinary user's scratch folder. */
const leftovers = async (): Promise<string[]> => {
  const loops = globSync('/sys/block/loop*/loop/backing_file').map((path) => readFileSync(path, 'utf8').trim()).filter((file) => file.includes('/cleanroom-disks-'));
  return [...loops, ...(await readdir(tmpdir())).filter((name) => /^cleanroom-(?:disks-|\d+$)/.test(name))].toSorted();
};

describe('npm run quickstart', function () {
  let dir: Awaited<ReturnType<typeof tempDir>>;
  let to: string;
  beforeEach(async () => {
    await ensureUdev();
    dir = await tempDir();
    await chmod(dir.path, 0o777);
    to = join(dir.path, 'evidence');
    await mkdir(to);
    await chmod(to, 0o777);
  });
  afterEach(() => dir.remove());

  const run = async (command: string, args: readonly string[]): Promise<{ code: number | null; output: string }> => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], cwd: dir.path, env: { ...process.env, HOME: dir.path } });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (output += text));
    const [code] = (await once(child, 'close')) as [number | null];
    return { code, output };
  };
  const expectEvidence = async (): Promise<void> => {
    const names = await readdir(join(to, 'quickstart', 'disk_evidence'));
    expect(names.filter((name) => name.endsWith('.manifest.json'))).to.have.length(1);
    expect(await problemsIn(await directoryStore(to))).to.deep.equal([]);
  };

  it('finds, images and proves a real disk, and leaves nothing behind but the evidence', async () => {
    const before = await leftovers();
    const { code, output } = await run(process.execPath, [QUICKSTART, '--to', to, '--size', '24MiB']);
    expect(code, output).to.equal(0);
    expect(output).to.contain('/dev/disk/by-label/SUSPECT').and.to.contain('COMPLETE').and.to.contain('Try next:').and.to.contain('The source is unchanged');
    await expectEvidence();
    expect(await leftovers()).to.deep.equal(before);
  });

  it('says so where it may not attach disks, and images the file itself', async () => {
    const before = await leftovers();
    const { code, output } = await run('setpriv', [...NOBODY, process.execPath, QUICKSTART, '--to', to, '--size', '24MiB']);
    expect(code, output).to.equal(0);
    expect(output).to.contain('loop devices need root: the collector images the file itself');
    await expectEvidence();
    expect(await leftovers()).to.deep.equal(before);
  });

  const wrong: readonly [args: readonly string[], says: string][] = [
    [['--size', 'bogus'], '--size: got "bogus"; give whole MiB from 8MiB to 64GiB'],
    [['--size', '1KiB'], '--size: got "1KiB"'],
    [['--size', '65GiB'], '--size: got "65GiB"'],
    [['--bogus'], "Unknown option '--bogus'"],
  ];
  for (const [args, says] of wrong) {
    it(`refuses ${args.join(' ')} before it makes anything, with what is allowed`, async () => {
      const { code, output } = await run(process.execPath, [QUICKSTART, '--to', to, ...args]);
      expect(code).to.equal(2);
      expect(output).to.match(/^quickstart: /).and.contain(says).and.contain('--size <size>').and.not.contain('    at ');
      expect(await readdir(to)).to.deep.equal([]);
    });
  }

  it('explains itself', async () => {
    const { code, output } = await run(process.execPath, [QUICKSTART, '--help']);
    expect(code).to.equal(0);
    expect(output).to.contain('--to <directory>').and.to.contain('--size <size>');
  });
});
