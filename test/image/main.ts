/**
 * `npm run test:image`: the bundle, installed by its script into a Debian, booted under systemd in QEMU. Prints what it saw, and
 * ends with the line `N passed, N failed`.
 *
 *   npm run test:image                          x86_64
 *   npm run test:image -- --arch arm64          the other architecture: x64 or arm64
 *   npm run test:image -- --power-cut           power failures in place of the attacks; with --store directory or s3 for one store only
 */
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { execa } from 'execa';
import { attachedDisks } from './attached-disks.ts';
import { baseRoot } from './guest-root.ts';
import { PLATFORMS, type Platform } from './platform.ts';
import { powerCut } from './power-cut.ts';
import { startSite } from './site.ts';
import { say, tally } from './tally.ts';

const checkout = resolve(import.meta.dirname, '../..');
/** Set in the process that has a network name space of its own; holds what the outer one prepared. */
const INSIDE = 'CLEANROOM_TEST_INSIDE';

const { values: { arch, 'power-cut': powerFails, store } } = parseArgs({
  options: { arch: { type: 'string', default: 'x64' }, 'power-cut': { type: 'boolean', default: false }, store: { type: 'string' } },
});

function chosen(): Platform {
  const platform = Object.values(PLATFORMS).find(({ architecture }) => architecture === arch);
  if (platform === undefined) throw new Error(`got --arch ${arch}; allowed: ${Object.keys(PLATFORMS).join(', ')}`);
  return platform;
}

async function prepared(platform: Platform): Promise<{ base: string; archive: string }> {
  const base = await baseRoot(join(checkout, '.tools/image'), platform);
  const { stdout } = await execa(process.execPath, ['scripts/build-collector.ts', '--arch', platform.architecture], { cwd: checkout, stderr: 2 });
  return { base, archive: stdout.trim() };
}

async function inside(platform: Platform, { base, archive }: { base: string; archive: string }): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'cleanroom-image-'));
  try {
    const site = await startSite();
    try {
      const parts = { platform, base, archive, folder };
      await (powerFails ? powerCut(site, parts, store) : attachedDisks(site, parts));
    } finally {
      await site.stop();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  say(`\n${tally.passed} passed, ${tally.failed} failed`);
  process.exitCode = tally.failed === 0 ? 0 : 1;
}

const platform = chosen();
const given = process.env[INSIDE];
if (given === undefined) {
  const env = { ...process.env, [INSIDE]: JSON.stringify(await prepared(platform)) };
  // The name space, and everything in it, ends with the last process in it.
  const { status } = spawnSync('unshare', ['--net', process.execPath, import.meta.filename, ...process.argv.slice(2)], { stdio: 'inherit', env });
  process.exitCode = status ?? 1;
} else {
  await inside(platform, JSON.parse(given) as { base: string; archive: string });
}
