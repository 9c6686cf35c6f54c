import { chmod, chown, lchown, mkdir, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { ensureScratchDir } from '../../agent/adapters/scratch.ts';
import { scratchCheck } from '../../agent/doctor/directory-checks.ts';
import { rejectionOf } from '../helpers/rejection.ts';
import { runCli } from '../helpers/cli.ts';
import { tempDir } from '../helpers/temp-dir.ts';

const NOBODY = 65534;

describe('the scratch directory', () => {
  let dir: Awaited<ReturnType<typeof tempDir>>;
  let path: string;
  beforeEach(async () => {
    dir = await tempDir();
    path = join(dir.path, 'scratch');
  });
  afterEach(() => dir.remove());

  const refused = async (reason: string | RegExp): Promise<void> => {
    const error = await rejectionOf(ensureScratchDir(path));
    expect(error).to.include({ stage: 'acquire', code: 'SCRATCH_UNFIT', retryable: false });
    expect(error.message).to.match(new RegExp(reason));
    expect(error.advice).to.contain('--scratch-dir');
    expect(await scratchCheck(path).look()).to.include({ level: 'fail' });
  };

  it('is made for its owner only, with what is missing above it', async () => {
    await ensureScratchDir(join(path, 'a/b'));
    expect((await stat(join(path, 'a/b'))).mode & 0o777).to.equal(0o700);
    await ensureScratchDir(join(path, 'a/b'));
  });

  for (const mode of [0o700, 0o755]) {
    it(`may be there with mode ${mode.toString(8)}, also behind a link of this user`, async () => {
      await mkdir(`${path}-there`);
      await chmod(`${path}-there`, mode);
      await symlink(`${path}-there`, path);
      await ensureScratchDir(`${path}-there`);
      await ensureScratchDir(path);
      expect((await scratchCheck(path).look()).level).not.to.equal('fail');
    });
  }

  for (const mode of [0o720, 0o770, 0o702, 0o777, 0o1777]) {
    it(`is refused with mode ${mode.toString(8)}, in which others may write`, async () => {
      await mkdir(path);
      await chmod(path, mode);
      await refused(`mode 0?${mode.toString(8)}: others may write`);
      expect((await rejectionOf(ensureScratchDir(`${path}/`))).advice).to.contain('chmod go-w');
    });
  }

  it('is refused where it belongs to another user, whatever its mode, and to root too', async () => {
    if (process.getuid?.() !== 0) return; // needs two users
    await mkdir(path, { mode: 0o700 });
    await chown(path, NOBODY, NOBODY);
    await refused(`belongs to the user with ID ${NOBODY}, and this collector runs as the one with ID 0`);
  });

  it('is refused behind a link that another user made', async () => {
    if (process.getuid?.() !== 0) return;
    await mkdir(`${path}-there`, { mode: 0o700 });
    await symlink(`${path}-there`, path);
    await lchown(path, NOBODY, NOBODY);
    await refused(`a symbolic link of the user with ID ${NOBODY}`);
    expect((await rejectionOf(ensureScratchDir(`${path}/`))).message).to.contain('symbolic link');
  });

  it('is refused where a file or nothing usable is', async () => {
    await writeFile(path, '');
    expect(await rejectionOf(ensureScratchDir(path))).to.include({ code: 'SCRATCH_UNFIT' });
    expect(await rejectionOf(ensureScratchDir(join(path, 'below')))).to.include({ code: 'SCRATCH_UNFIT' });
  });

  it('is refused in a file system in which nothing can be made, instead of being tried for ever', async () => {
    expect((await rejectionOf(ensureScratchDir('/proc/cleanroom/scratch')))).to.include({ code: 'SCRATCH_UNFIT', message: 'the scratch directory cannot be used: nothing can be made in /proc' });
  });

  it('that is not fit ends the collector with 4, before anything is stored', async () => {
    await mkdir(path);
    await chmod(path, 0o777);
    const [image, to] = [join(dir.path, 'disk.img'), join(dir.path, 'evidence')];
    await writeFile(image, 'x', { mode: 0o444 });
    const { code, stderr } = await runCli(['collect', image, '--case', 'c-1', '--volume', 'vol-1', '--to', to, '--logs', 'none', '--scratch-dir', path]);
    expect(code, stderr).to.equal(4);
    expect(stderr).to.contain('others may write to it').and.to.contain('chmod go-w');
    expect(await stat(to).catch(() => 'none')).to.equal('none');
  });
});
