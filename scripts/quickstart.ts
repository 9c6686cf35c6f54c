/**
 * `npm run quickstart`: makes a disk, attaches it as a real loop device under real udev, and lets the collector find,
 * image and prove it. Where that is not possible it says so and images the file itself.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { chmod, mkdir, readdir, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { execa } from 'execa';
import { listDisks } from '../agent/adapters/block-devices.ts';
import { parseSize } from '../agent/config.ts';
import { EXIT, GiB, imageKey, MiB } from '../modules/vocabulary/index.ts';
import { makeExt4, makeRaw, makeWorkspace, type Workspace } from './lab/disks.ts';
import { attachLoop, loopProblem, type LoopDevice } from './lab/loop.ts';
import { ensureUdev, stopUdev } from './lab/udev.ts';

const LABEL = 'SUSPECT';
const CASE = 'quickstart';
const collectorFile = fileURLToPath(new URL('../agent/cli.ts', import.meta.url));

const HELP = `npm run quickstart [-- options]

Makes a labelled ext4 disk with a few files in it, attaches it read-only, and watches the collector find it in
/dev/disk/by-label, image it into a local evidence directory, and prove the image.

  --to <directory>   where the evidence goes (default: ./evidence)
  --size <size>      size of the disk in whole MiB, 8MiB to 64GiB (default: 256MiB)
  --help             this text
`;

const say = (text = ''): void => void process.stdout.write(`${text}\n`);
const step = (text: string): void => say(`\n==> ${text}`);

/** What is undone at the end, last first, however the end comes. */
const cleanUps: (() => Promise<void>)[] = [];

async function cleanUp(): Promise<void> {
  for (const undo of cleanUps.splice(0).reverse()) await undo().catch((error: unknown) => say(`clean-up: ${String(error)}`));
}

async function sha256OfFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}

async function makeDisk(workspace: Workspace, size: number): Promise<string> {
  const content = workspace.file('content');
  await mkdir(content);
  await writeFile(join(content, 'notes.txt'), 'Meet at the usual place. Bring the drive.\n');
  await writeFile(join(content, 'access.log'), '203.0.113.7 - - "GET /admin HTTP/1.1" 200\n'.repeat(1000));
  await makeRaw(join(content, 'archive.bin'), Math.floor(size / 2));
  return makeExt4(workspace.file('disk.img'), { label: LABEL, size, content });
}

function startCollector(args: readonly string[]): ChildProcess {
  const child = spawn(process.execPath, [collectorFile, ...args], { stdio: ['inherit', 'inherit', 'inherit', 'ipc'] });
  cleanUps.push(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGTERM');
    await once(child, 'exit');
  });
  return child;
}

async function ended(child: ChildProcess): Promise<void> {
  const code = child.exitCode ?? ((await once(child, 'exit')) as [number | null])[0];
  if (code !== 0) throw new Error(`the collector ended with exit status ${code}; its own words are above`);
}

/** Waits until the collector watches: a disk that is attached earlier would be one that it leaves alone. */
async function attachWhenWatched(collector: ChildProcess, image: string): Promise<LoopDevice> {
  await Promise.race([once(collector, 'message'), ended(collector)]);
  const loop = await attachLoop(image, { readOnly: true });
  cleanUps.push(() => loop.detach());
  return loop;
}

/** The real thing: a loop device, udev, and a collector that finds it by itself. Returns the exhibit's id. */
async function watchADisk(image: string, to: string): Promise<string> {
  await ensureUdev();
  cleanUps.push(stopUdev);
  step('The collector starts to watch. Disks that are already attached to this machine are left alone.');
  const collector = startCollector(['run', '--case', CASE, '--to', to, '--once', '--ignore-attached', '--logs', 'none', '--scratch-dir', dirname(image)]);
  const loop = await attachWhenWatched(collector, image);
  say(`\n==> ${image} is attached read-only as ${loop.path}; udev names it /dev/disk/by-label/${LABEL}\n`);
  const found = (await listDisks({})).find(({ disk }) => disk.path === loop.path);
  await ended(collector);
  return found!.disk.identity;
}

async function imageTheFile(image: string, to: string, why: string): Promise<string> {
  step(`${why}: the collector images the file itself instead of a disk.`);
  await chmod(image, 0o444);
  const volume = `vol-file-${Date.now()}`;
  await ended(startCollector(['collect', image, '--case', CASE, '--volume', volume, '--to', to, '--logs', 'none', '--scratch-dir', dirname(image), '--allow-writable-source']));
  return volume;
}

async function udevProblem(): Promise<string | undefined> {
  const problem = loopProblem();
  if (problem) return problem;
  const { failed } = await execa('udevadm', ['--version'], { reject: false });
  return failed ? 'udev is not installed' : undefined;
}

async function quickstart(to: string, size: number): Promise<void> {
  const workspace = await makeWorkspace();
  cleanUps.push(() => workspace.remove());
  step(`Making a disk of ${size / MiB} MiB: one ext4 file system, labelled ${LABEL}, with a few files in it.`);
  const image = await makeDisk(workspace, size);
  const before = await sha256OfFile(image);
  const problem = await udevProblem();
  const volume = problem ? await imageTheFile(image, to, problem) : await watchADisk(image, to);

  step('Verifying what is stored: every part, the records, and the chain of custody.');
  await ended(startCollector(['verify', to, '--case', CASE, '--volume', volume]));
  const stored = join(to, imageKey(CASE, volume));
  const [after, copy] = [await sha256OfFile(image), await sha256OfFile(stored)];
  if (before !== after) throw new Error(`the source changed: SHA-256 ${before} before, ${after} after`);
  if (copy !== before) throw new Error(`the image has SHA-256 ${copy}, the source ${before}`);
  step('Done. The source is unchanged, and the image is the source, bit for bit:');
  const folder = join(to, CASE, 'disk_evidence');
  for (const name of (await readdir(folder)).filter((entry) => entry.startsWith(`${volume}.`))) say(`    ${join(folder, name)}`);
  say(`
Try next:
    sha256sum ${stored}
    npm run -s collector -- verify ${to}
    npm run -s collector -- devices
    npm run -s collector -- doctor --to ${to}
    npm run -s collector -- collect --help
The evidence stays in ${relative(process.cwd(), to) || to}; everything else was cleaned up. Remove it with: rm -rf ${to}`);
}

type Arguments = { readonly to: string; readonly size: number };

/** What the command line asks for; what is wrong with it; or the help. */
function argumentsOf(args: readonly string[]): Arguments | { readonly wrong: string } | 'help' {
  try {
    const { values } = parseArgs({ args: [...args], options: { to: { type: 'string', default: './evidence' }, size: { type: 'string', default: '256MiB' }, help: { type: 'boolean' } } });
    if (values.help) return 'help';
    const size = parseSize(values.size);
    if (size !== undefined && size % MiB === 0 && size >= 8 * MiB && size <= 64 * GiB) return { to: values.to, size };
    return { wrong: `--size: got "${values.size}"; give whole MiB from 8MiB to 64GiB` };
  } catch (error) {
    return { wrong: error instanceof Error ? error.message : String(error) };
  }
}

const asked = argumentsOf(process.argv.slice(2));
if (asked === 'help') {
  say(HELP);
} else if ('wrong' in asked) {
  process.stderr.write(`quickstart: ${asked.wrong}\n\n${HELP}`);
  process.exitCode = EXIT.usage;
} else {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => void cleanUp().then(() => process.exit(1)));
  try {
    await quickstart(asked.to, asked.size);
  } catch (error) {
    say(`\nquickstart: ${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = 1;
  } finally {
    await cleanUp();
  }
}
