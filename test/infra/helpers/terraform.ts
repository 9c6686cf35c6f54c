import { execa } from 'execa';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';

const PROVIDER = join('registry.terraform.io', 'hashicorp', 'aws');

const subdirectories = (directory: string): string[] => {
  try {
    return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() || entry.isSymbolicLink() ? [join(directory, entry.name)] : []));
  } catch {
    return [];
  }
};

/** Mirrors named by Terraform's own CLI configuration, where it exists (an environment may point at one that does not). */
const configuredMirrors = (): string[] =>
  [process.env.TF_CLI_CONFIG_FILE, join(homedir(), '.terraformrc')].flatMap((file) => {
    if (file === undefined || !existsSync(file)) return [];
    return [...readFileSync(file, 'utf8').matchAll(/\b(?:path|plugin_cache_dir)\s*=\s*"([^"]+)"/g)].flatMap((match) => match[1] ?? []);
  });

/**
 * A directory with the AWS provider in it: from Terraform's configuration, or where mirrors are usually put. Undefined
 * when there is none; `terraform init` then downloads the provider.
 */
export function findProviderMirror(): string | undefined {
  const shares = (process.env.XDG_DATA_DIRS ?? '/usr/local/share:/usr/share').split(':').map((share) => join(share, 'terraform', 'plugins'));
  const candidates = [
    ...configuredMirrors(),
    process.env.TF_PLUGIN_CACHE_DIR ?? '',
    join(homedir(), '.terraform.d', 'plugins'),
    join(homedir(), '.local', 'share', 'terraform', 'plugins'),
    ...shares,
    '/usr/share/terraform/providers',
    ...subdirectories('/opt'),
    ...subdirectories('/opt').flatMap(subdirectories),
  ];
  return candidates.find((directory) => directory !== '' && subdirectories(join(directory, PROVIDER)).length > 0);
}

/** Terraform, told where its provider is, without credentials that could reach anything. */
export class Terraform {
  readonly home: string;
  readonly #env: Record<string, string>;

  private constructor(home: string, env: Record<string, string>) {
    this.home = home;
    this.#env = env;
  }

  /** Makes a home for workspaces; `terraform` has to be on the PATH. */
  static prepare(): Terraform {
    const home = mkdtempSync(join(tmpdir(), 'cleanroom-terraform-'));
    const mirror = findProviderMirror();
    const cache = join(home, 'cache');
    mkdirSync(cache);
    const config = join(home, 'terraform.rc');
    writeFileSync(
      config,
      mirror === undefined
        ? `plugin_cache_dir = ${JSON.stringify(cache)}\n`
        : `provider_installation {\n  filesystem_mirror {\n    path = ${JSON.stringify(mirror)}\n  }\n}\n`,
    );
    return new Terraform(home, {
      TF_CLI_CONFIG_FILE: config,
      TF_IN_AUTOMATION: '1',
      TF_INPUT: '0',
      CHECKPOINT_DISABLE: '1',
      GOGC: '400', // Terraform and its provider spend a third of their time collecting garbage otherwise
      AWS_ACCESS_KEY_ID: 'test',
      AWS_SECRET_ACCESS_KEY: 'test',
      AWS_EC2_METADATA_DISABLED: 'true',
      AWS_CONFIG_FILE: '/dev/null',
      AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
    });
  }

  /** A new working directory with the given JSON configurations. */
  workspace(name: string, files: Readonly<Record<string, string>>): string {
    const directory = join(this.home, name);
    mkdirSync(directory, { recursive: true });
    for (const [file, content] of Object.entries(files)) {
      mkdirSync(join(directory, file, '..'), { recursive: true });
      writeFileSync(join(directory, file), content);
    }
    return directory;
  }

  /** Runs terraform and gives back its output; throws with the output's end when it fails. */
  async run(directory: string, args: readonly string[], env: Record<string, string> = {}): Promise<string> {
    const { stdout, all, exitCode } = await execa('terraform', [`-chdir=${directory}`, ...args], {
      env: { ...this.#env, ...env },
      reject: false,
      all: true,
    });
    if (exitCode !== 0) {
      const lines = all.split('\n').map((line) => line.slice(0, 300));
      const errors = lines.flatMap((line, index) => (/^[^a-z]*Error: /.test(line) ? lines.slice(index, index + 6) : []));
      const tail = (errors.length > 0 ? errors : lines).slice(-200);
      throw new Error(`terraform ${args.join(' ')} in ${directory} ended with ${exitCode}:\n${tail.join('\n')}`);
    }
    return stdout;
  }

  async init(directory: string): Promise<void> {
    await this.run(directory, ['init', '-backend=false', '-no-color']);
  }

  dispose(): void {
    rmSync(this.home, { recursive: true, force: true });
  }
}
