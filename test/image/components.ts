/**
 * `npm run test:components`: runs the components of both recipes in a clean root, phase by phase as Image Builder does: all
 * `build` phases in the recipe's order, then all `validate`, then all `test`. Then breaks something before each step, once,
 * and sees that this step fails. Debian stands where Image Builder has Amazon Linux, and a folder where it has S3.
 */
import { copyFile, mkdir, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { execa } from 'execa';
import { componentDocument } from '../../modules/collector-image/component-data.ts';
import { collectorRecipe, workstationRecipe, type ImageRecipe, type RecipeOptions } from '../../modules/collector-image/recipe.ts';
import { sha256Of } from '../../scripts/bundle/archive.ts';
import { fillIn, type ComponentStep } from '../helpers/component-document.ts';
import { overlayRoot, type OverlayRoot, type Shell } from '../helpers/overlay-root.ts';
import { tempDir } from '../helpers/temp-dir.ts';
import { baseRoot } from './guest-root.ts';
import { PLATFORMS } from './platform.ts';

const checkout = resolve(import.meta.dirname, '../..');
const PHASES = ['build', 'validate', 'test'] as const;
const quote = (text: string): string => `'${text.replaceAll('\'', '\'\\\'\'')}'`;

/** One step as a shell script; objects of the bucket are files below /bundle. */
function scriptOf(step: ComponentStep): string {
  if (step.action === 'ExecuteBash') return step.inputs.commands.map((command) => `bash -c ${quote(command)} || exit 1\n`).join('');
  return step.inputs.map(({ source, destination }) => `cp ${quote(source.replace(/^s3:\/\/[^/]+\//, '/bundle/'))} ${quote(destination)} || exit 1\n`).join('');
}

type Planned = { readonly phase: string; readonly component: string; readonly step: ComponentStep };

const plan = (recipe: ImageRecipe): Planned[] =>
  PHASES.flatMap((phase) =>
    recipe.components.flatMap(({ name, parameters }) =>
      fillIn(componentDocument(name), parameters).phases.filter((found) => found.name === phase).flatMap(({ steps }) => steps.map((step) => ({ phase, component: name, step }))),
    ),
  );

/**
 * What makes each step fail, as a script that runs just before it in a root of its own. UnitsHold asks a running systemd, which
 * a root has not; where Image Builder boots the image, it has.
 */
const SABOTAGE: Readonly<Record<string, string>> = {
  InstallDc3dd: 'dpkg --force-depends --purge dc3dd; rm -rf /var/lib/apt/lists/*',
  FetchBundle: 'chmod 000 /var/tmp; rm -rf /var/tmp',
  CheckBundle: 'echo >>/var/tmp/cleanroom-bundle.tar.gz',
  InstallCollector: 'rm /usr/bin/dc3dd',
  RemoveWhatIsNotNeeded: 'rm /usr/bin/apt-get',
  CloseAccounts: 'rm /usr/bin/passwd',
  SetKernelArguments: 'rm -rf /etc/default/grub.d; touch /etc/default/grub.d',
  Dc3ddImages: 'cp /bin/true /usr/bin/dc3dd',
  CollectorIsInstalled: 'rm /etc/systemd/system/udisks2.service',
  NothingIsLeft: 'cp /bin/true /usr/bin/gcc',
  FilesAreWhatWasBuilt: 'echo >>/usr/lib/cleanroom/collector.mjs',
  SandboxIsTight: "sed -i '/^CapabilityBoundingSet=/d' /usr/lib/systemd/system/collector.service",
  Dc3ddIsThere: 'rm /usr/bin/dc3dd',
  CollectorImages: 'cp /bin/true /usr/bin/dc3dd',
  NothingListens: "perl -MSocket -e 'socket(S, AF_INET, SOCK_STREAM, 0); bind(S, pack_sockaddr_in(2222, INADDR_ANY)); listen(S, 1); sleep 30' & sleep 2",
  InstallTools: 'rm -rf /var/lib/apt/lists/*; dpkg --force-depends --purge jq file 2>/dev/null || :',
  ToolsAreThere: 'rm /usr/bin/jq',
  ToolsStart: 'rm /usr/bin/jq',
};
const CANNOT_FAIL_HERE = new Set(['UnitsHold']);

let passed = 0;
let failed = 0;
function check(title: string, holds: boolean, { output }: Shell): void {
  if (holds) passed += 1;
  else failed += 1;
  console.log(`${holds ? 'ok  ' : 'FAIL'} ${title}${holds ? '' : `\n${output.slice(-3000)}`}`);
}

/** The network is there while an image is built, and is not afterwards. */
const run = (host: OverlayRoot, { phase, step }: Planned, before = ''): Promise<Shell> =>
  host.run(`${before}\n${phase === 'build' ? '' : 'ip link set lo up 2>/dev/null || :\n'}${scriptOf(step)}`, { network: phase === 'build' });

async function runRecipe(recipe: ImageRecipe, base: string, bucket: string): Promise<void> {
  const host = await overlayRoot(bucket, base);
  try {
    const ready = await host.run('apt-get --quiet update', { network: true });
    if (ready.code !== 0) throw new Error(`apt-get update failed in the root:\n${ready.output}`);
    for (const planned of plan(recipe)) {
      const title = `${recipe.purpose} ${planned.phase} ${planned.component}/${planned.step.name}`;
      const sabotage = SABOTAGE[planned.step.name];
      if (sabotage !== undefined) {
        const broken = await host.copy();
        try {
          const result = await run(broken, planned, sabotage);
          check(`${title} fails where it has to`, result.code !== 0, result);
        } finally {
          await broken.remove();
        }
      } else if (!CANNOT_FAIL_HERE.has(planned.step.name)) check(`${title} has something that makes it fail`, false, { code: 1, output: '' });
      const result = await run(host, planned);
      check(title, result.code === 0, result);
    }
  } finally {
    await host.remove();
  }
}

const base = await baseRoot(join(checkout, '.tools/image'), PLATFORMS.x64);
const { stdout: archive } = await execa(process.execPath, ['scripts/build-collector.ts', '--arch', 'x64'], { cwd: checkout, stderr: 2 });
const bucket = await tempDir();
try {
  const options: RecipeOptions = { architecture: 'x86_64', artifactBucket: 'artifacts', collectorVersion: '0.1.0', bundleSha256: await sha256Of(archive.trim()) };
  await mkdir(join(bucket.path, 'collector'));
  await copyFile(archive.trim(), join(bucket.path, 'collector', archive.trim().split('/').at(-1)!));
  await writeFile(join(bucket.path, 'README'), 'stands for the artifact bucket\n');
  await runRecipe(collectorRecipe(options), base, bucket.path);
  await runRecipe(workstationRecipe(options, [{ package: 'jq', command: 'jq' }, { package: 'file', command: 'file' }]), base, bucket.path);
} finally {
  await rm(bucket.path, { recursive: true, force: true });
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
