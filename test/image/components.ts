/**
 * `npm run test:components`: runs the components of both recipes in a clean root, phase by phase as Image Builder does: all
 * `build` phases in the recipe's order, then all `validate`, then, booted, all `test`. Before each step it brings about, one by
 * one, what this step is there to notice, and sees that the step fails and says so. In a Debian, and in a root that is Amazon
 * Linux 2023 as far as the components can tell; a folder stands where Image Builder has S3.
 */
import { copyFile, mkdir } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { execa } from 'execa';
import { componentDocument } from '../../modules/collector-image/component-data.ts';
import { collectorRecipe, DC3DD, workstationRecipe, type ImageRecipe, type RecipeOptions } from '../../modules/collector-image/recipe.ts';
import { sha256Of } from '../../scripts/bundle/archive.ts';
import { fillIn, type ComponentStep } from '../helpers/component-document.ts';
import { overlayRoot, type OverlayRoot, type Shell } from '../helpers/overlay-root.ts';
import { tempDir } from '../helpers/temp-dir.ts';
import { amazonRoot, DEBIAN_DC3DD } from './amazon-root.ts';
import { BUILT_FROM, makeDc3ddSource } from './dc3dd-source.ts';
import { FAULTS } from './faults.ts';
import { baseRoot } from './guest-root.ts';
import { checkInstallation } from './installation.ts';
import { PLATFORMS } from './platform.ts';
import { check, say, tally } from './tally.ts';

const checkout = resolve(import.meta.dirname, '../..');
const PHASES = ['build', 'validate', 'test'] as const;
const quote = (text: string): string => `'${text.replaceAll('\'', '\'\\\'\'')}'`;

/** One step as a shell script; objects of the bucket are files below /bundle. */
function scriptOf(step: ComponentStep): string {
  if (step.action === 'ExecuteBash') return step.inputs.commands.map((command) => `bash -c ${quote(command)} || exit 1\n`).join('');
  return step.inputs.map(({ source, destination }) => `cp ${quote(source.replace(/^s3:\/\/[^/]+\//, '/bundle/'))} ${quote(destination)} || exit 1\n`).join('');
}

type Planned = { readonly phase: (typeof PHASES)[number]; readonly component: string; readonly step: ComponentStep };

const plan = (recipe: ImageRecipe): Planned[] =>
  PHASES.flatMap((phase) =>
    recipe.components.flatMap(({ name, parameters }) =>
      fillIn(componentDocument(name), parameters).phases.filter((found) => found.name === phase).flatMap(({ steps }) => steps.map((step) => ({ phase, component: name, step }))),
    ),
  );

type Distribution = {
  readonly name: 'debian' | 'amazon';
  readonly lower: string;
  /** Whether packages come over the network. */
  readonly network: boolean;
  /** Runs first. */
  readonly prepare: string;
};

/** Rows of the table: a phase, a step, where it failed, and what it said. */
const rows = new Set<string>();

/** Packages can be had while an image is built, and no network afterwards; tests run on a machine of their own, booted. */
const run = (host: OverlayRoot, { phase, step }: Planned, network: boolean, before = ''): Promise<Shell> =>
  host.run(`${before}\nip link set lo up 2>/dev/null || :\n${scriptOf(step)}`, { network: network && phase === 'build', booted: phase === 'test' });

async function runRecipe(recipe: ImageRecipe, { name, lower, network, prepare }: Distribution, bucket: string): Promise<OverlayRoot> {
  const host = await overlayRoot(bucket, lower);
  try {
    const ready = await host.run(prepare, { network });
    if (ready.code !== 0) throw new Error(`the root could not be prepared:\n${ready.output}`);
    for (const planned of plan(recipe)) {
      const title = `${name}, ${recipe.purpose}, ${planned.phase}: ${planned.component}/${planned.step.name}`;
      const faults = FAULTS.filter(({ step, only }) => step === planned.step.name && (only ?? name) === name);
      check(`${title} has something that makes it fail`, faults.length > 0);
      for (const { what, script, says } of faults) {
        const broken = await host.copy();
        try {
          const { code, output } = await run(broken, planned, network, script);
          check(`${title} fails where ${what}`, code !== 0 && says.test(output), `status ${code}, expected ${says} in:\n${output}`);
          rows.add(`| ${planned.phase} | ${planned.component}/${planned.step.name} | ${what} | ${says.exec(output)?.[0] ?? ''} |`);
        } finally {
          await broken.remove();
        }
      }
      const { code, output } = await run(host, planned, network);
      check(title, code === 0, output);
    }
    return host;
  } catch (error) {
    await host.remove();
    throw error;
  }
}

/** What becomes of Session Manager's agent, which Amazon's image has, on a machine with these settings. */
async function agentOn(host: OverlayRoot, settings: object): Promise<string> {
  const machine = await host.copy();
  try {
    // The collector itself has nobody to talk to here; the machine must not end with it.
    const prepared = await machine.run(`mkdir -p /etc/systemd/system/collector.service.d
printf '[Unit]\\nSuccessAction=none\\nFailureAction=none\\n[Service]\\nRestart=no\\n' >/etc/systemd/system/collector.service.d/zz-test.conf
printf '%s' ${quote(JSON.stringify(settings))} >/etc/cleanroom/collector.json`);
    const { output } = await machine.run('systemctl show --property=LoadState,ActiveState --value amazon-ssm-agent.service', { booted: true });
    return prepared.code === 0 ? output.trim().replaceAll(/\s+/g, ' ') : prepared.output;
  } finally {
    await machine.remove();
  }
}

async function checkAgent(host: OverlayRoot): Promise<void> {
  const [without, withCase] = [await agentOn(host, {}), await agentOn(host, { caseId: 'case-1' })];
  check('amazon: a machine without a case has Session Manager\'s agent, through which Image Builder tests', without === 'loaded active', without);
  check('amazon: a machine with a case has none', withCase === 'masked inactive', withCase);
}

const base = await baseRoot(join(checkout, '.tools/image'), PLATFORMS.x64);
const amazon = await amazonRoot(base, join(checkout, '.tools/image'));
const { stdout } = await execa(process.execPath, ['scripts/build-collector.ts', '--arch', 'x64'], { cwd: checkout, stderr: 2 });
const archive = stdout.trim();
const bucket = await tempDir();
try {
  const collector = join(bucket.path, 'collector');
  await mkdir(collector);
  await copyFile(archive, join(collector, basename(archive)));
  await execa('tar', ['--extract', '--file', archive, '--strip-components=1', '--one-top-level=unpacked'], { cwd: bucket.path });
  const pins = await makeDc3ddSource(join(bucket.path, 'dc3dd'), DC3DD.debianVersion, DEBIAN_DC3DD);
  const options: RecipeOptions = { architecture: 'x86_64', artifactBucket: 'artifacts', collectorVersion: '0.1.0', bundleSha256: await sha256Of(archive) };
  /** The recipe as it is, but for the digests of dc3dd's source. */
  const pinned = (recipe: ImageRecipe): ImageRecipe => ({
    ...recipe,
    components: recipe.components.map((component) =>
      component.name === 'dc3dd' ? { ...component, parameters: { ...component.parameters, SourceSha256: pins.sourceSha256, PatchesSha256: pins.patchesSha256 } } : component),
  });
  const recipes = [collectorRecipe(options), workstationRecipe(options, [{ package: 'jq', command: 'jq' }, { package: 'file', command: 'file' }])].map(pinned);
  const distributions: readonly Distribution[] = [
    { name: 'amazon', lower: amazon, network: false, prepare: 'grep -q ^ID=.amzn /etc/os-release && ! command -v apt-get dpkg' },
    { name: 'debian', lower: base, network: true, prepare: 'apt-get --quiet update' },
  ];
  for (const distribution of distributions) {
    for (const recipe of recipes) {
      const host = await runRecipe(recipe, distribution, bucket.path);
      try {
        if (distribution.name !== 'amazon') continue;
        const built = await host.run('dc3dd --built-from');
        check(`amazon, ${recipe.purpose}: dc3dd is the one that was built`, built.output === BUILT_FROM, built.output);
        if (recipe.purpose === 'collector') await checkAgent(host);
      } finally {
        await host.remove();
      }
    }
    await checkInstallation(distribution.name, distribution.lower, bucket.path);
  }
} finally {
  await bucket.remove();
}
say(`\n| phase | step | fails where | and says |\n|---|---|---|---|\n${[...rows].join('\n')}\n\n${tally.passed} passed, ${tally.failed} failed`);
process.exitCode = tally.failed === 0 ? 0 : 1;
