import { createHash } from 'node:crypto';
import { accessSync, constants, createReadStream, realpathSync, statSync } from 'node:fs';
import { delimiter, isAbsolute, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { execa } from 'execa';
import { escapeHostile } from '../../modules/vocabulary/index.ts';
import { messageOf, StageError } from '../errors.ts';

/** Which dc3dd this is. */
export type Dc3ddTool = {
  /** Absolute, with no symbolic link in it. */
  readonly path: string;
  /** As the package manager records it; absent where no package owns the file. dc3dd's own banner is wrong in packages. */
  readonly packageVersion?: string;
  /** First line of `dc3dd --version`, printable ASCII. */
  readonly banner?: string;
  readonly binarySha256: string;
};

const TIMEOUT_MS = 10_000;
const ADVICE = 'install dc3dd (Debian, Ubuntu: apt-get install dc3dd; Fedora, EPEL: dnf install dc3dd) and see that it is on PATH';

/** The executable on PATH; directories that are not absolute don't count, so that nobody's working directory decides. */
function findOnPath(name: string, path: string): string | undefined {
  for (const folder of path.split(delimiter).filter(isAbsolute)) {
    const candidate = join(folder, name);
    try {
      accessSync(candidate, constants.X_OK);
      if (statSync(candidate).isFile()) return realpathSync(candidate);
    } catch {
      // not in this one
    }
  }
  return undefined;
}

/** Standard output of a command; undefined when it fails, is missing or takes longer than 10 s. */
async function outputOf(command: string, args: readonly string[]): Promise<string | undefined> {
  const options = { timeout: TIMEOUT_MS, reject: false, env: { LC_ALL: 'C' }, stdin: 'ignore', maxBuffer: 1_000_000 } as const;
  const { failed, stdout } = await execa(command, args, options);
  return failed ? undefined : stdout.trim();
}

/** Whether a package's list has a file, and not as one that stands elsewhere because the name was given to another. */
function owns(files: string, path: string): boolean {
  const lines = files.split('\n');
  const index = lines.indexOf(path);
  return index >= 0 && !/^(?:locally )?diverted /.test(lines[index + 1] ?? '');
}

/** Version of the Debian or RPM package that owns a file. */
async function packageVersionOf(path: string): Promise<string | undefined> {
  const versionOf = (name: string): Promise<string | undefined> => outputOf('dpkg-query', ['--show', '--showformat=${Version}', name]);
  const versionOfOwner = async (): Promise<string | undefined> => {
    const name = /^([a-z0-9][a-z0-9+.-]*(?::[a-z0-9-]+)?): /.exec((await outputOf('dpkg-query', ['--search', path])) ?? '')?.[1];
    return name === undefined ? undefined : versionOf(name);
  };
  // The package of that name first, and both questions at once: a search looks through the files of all packages.
  const [files, likely] = await Promise.all([outputOf('dpkg-query', ['--listfiles', 'dc3dd']), versionOf('dc3dd')]);
  const debian = owns(files ?? '', path) ? likely : await versionOfOwner();
  const version = debian ?? (await outputOf('rpm', ['--query', '--file', '--queryformat', '%{VERSION}-%{RELEASE}', path]));
  return version !== undefined && /^[\x21-\x7e]{1,128}$/.test(version) ? version : undefined;
}

async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}

/**
 * Finds dc3dd on PATH and identifies it. The programs that know its package are started before this returns.
 * @throws StageError code DC3DD_MISSING when it is not there or cannot be read
 */
export async function inspectDc3dd(path: string = process.env['PATH'] ?? ''): Promise<Dc3ddTool> {
  const binary = findOnPath('dc3dd', path);
  if (binary === undefined) {
    const shown = escapeHostile(path.slice(0, 500));
    throw new StageError('acquire', 'DC3DD_MISSING', `no dc3dd on PATH (${shown})`, { retryable: false, advice: ADVICE });
  }
  try {
    const [packageVersion, version, binarySha256] = await Promise.all([
      packageVersionOf(binary),
      outputOf(binary, ['--version']),
      sha256Of(binary),
    ]);
    const banner = version === undefined ? '' : escapeHostile(version.split('\n')[0] ?? '').slice(0, 200);
    return { path: binary, ...(packageVersion && { packageVersion }), ...(banner && { banner }), binarySha256 };
  } catch (cause) {
    throw new StageError('acquire', 'DC3DD_MISSING', `${binary} cannot be read: ${messageOf(cause)}`, { retryable: false, cause, advice: ADVICE });
  }
}
