/**
 * What goes into an image, as plain data: the base, the components in their order, and every version and digest. Two
 * recipes of one input are equal, so that a pipeline changes only when something that it would install does.
 */
import type { ImageArchitecture } from '../vocabulary/index.ts';

/** The files of `components/`, without their ending. */
export type ComponentName = 'dc3dd' | 'collector' | 'harden' | 'verify' | 'workstation';

export interface RecipeComponent {
  readonly name: ComponentName;
  /** Values of the component's parameters; each is text. */
  readonly parameters: Readonly<Record<string, string>>;
}

export interface ImageRecipe {
  readonly purpose: 'collector' | 'workstation';
  readonly architecture: ImageArchitecture;
  /** Version of the recipe, as Image Builder counts. */
  readonly version: string;
  /** Name of Amazon's managed image, and its version: `x.x.x` is the newest at each build. */
  readonly parent: { readonly name: string; readonly version: string };
  readonly components: readonly RecipeComponent[];
  readonly instanceTypes: readonly string[];
  /** GiB */
  readonly volumeSize: number;
}

/** dc3dd as Debian has it: the version that the collector is tested with, and the digests of its source from the .dsc. */
export const DC3DD = {
  debianVersion: '7.2.646-6',
  sourceSha256: 'abbb84ac2c88502967a46f1ec01ed2f2dbb13e9d7abe899b075bf10e2368104f',
  patchesSha256: '170ca7524bbd79a4b2eb63201cd7f1dd056fc3a361e47f8dc832ebb6ed3296b0',
} as const;

/** Why each is there: see the collector image's README. */
export const KERNEL_ARGUMENTS = 'nvme_core.io_timeout=4294967295 systemd.gpt_auto=0 systemd.swap=0 rd.auto=0 rd.lvm=0 rd.md=0';

/** Tenths of systemd-analyze's exposure, 0 to 100. */
export const EXPOSURE = 15;

const PARENTS = { x86_64: 'amazon-linux-2023-x86', arm64: 'amazon-linux-2023-arm64' } as const satisfies Record<ImageArchitecture, string>;
const INSTANCE_TYPES = { x86_64: ['c7i.large', 'm7i.large'], arm64: ['c7g.large', 'm7g.large'] } as const satisfies Record<ImageArchitecture, readonly string[]>;

/** Architecture in the bundle's name. */
export const bundleArchitecture = (architecture: ImageArchitecture): string => ({ x86_64: 'x64', arm64: 'arm64' })[architecture];

/** File name of the collector's bundle. */
export const bundleName = (version: string, architecture: ImageArchitecture): string => `cleanroom-collector-${version}-linux-${bundleArchitecture(architecture)}.tar.gz`;

export interface RecipeOptions {
  readonly architecture: ImageArchitecture;
  /** Bucket that holds the bundle and dc3dd's source. */
  readonly artifactBucket: string;
  /** Version of the collector. */
  readonly collectorVersion: string;
  /** SHA-256 of the bundle of this architecture, 64 hexadecimal digits. */
  readonly bundleSha256: string;
  /** Version of Amazon's image. @default `x.x.x`, the newest at each build */
  readonly parentVersion?: string;
}

const base = ({ architecture, parentVersion = 'x.x.x', collectorVersion }: RecipeOptions) => ({
  architecture,
  version: collectorVersion,
  parent: { name: PARENTS[architecture], version: parentVersion },
  instanceTypes: INSTANCE_TYPES[architecture],
});

const dc3dd = ({ artifactBucket }: RecipeOptions): RecipeComponent => ({
  name: 'dc3dd',
  parameters: {
    DebianVersion: DC3DD.debianVersion,
    SourceUri: `s3://${artifactBucket}/dc3dd`,
    SourceSha256: DC3DD.sourceSha256,
    PatchesSha256: DC3DD.patchesSha256,
  },
});

/** The collector's image. */
export const collectorRecipe = (options: RecipeOptions): ImageRecipe => ({
  ...base(options),
  purpose: 'collector',
  volumeSize: 8,
  components: [
    dc3dd(options),
    {
      name: 'collector',
      parameters: {
        BundleUri: `s3://${options.artifactBucket}/collector/${bundleName(options.collectorVersion, options.architecture)}`,
        BundleSha256: options.bundleSha256,
      },
    },
    { name: 'harden', parameters: { KernelArguments: KERNEL_ARGUMENTS } },
    { name: 'verify', parameters: { Exposure: String(EXPOSURE) } },
  ],
});

/** A tool of an analyst: the package, and a command of it. */
export interface Tool {
  readonly package: string;
  readonly command: string;
}

/** What an analyst gets unless told otherwise: all of it is in Amazon Linux. */
export const DEFAULT_TOOLS: readonly Tool[] = [
  { package: 'jq', command: 'jq' },
  { package: 'file', command: 'file' },
  { package: 'xz', command: 'xz' },
  { package: 'e2fsprogs', command: 'debugfs' },
  { package: 'xfsprogs', command: 'xfs_db' },
  { package: 'gdisk', command: 'sgdisk' },
];

const SAFE_WORD = /^[A-Za-z0-9][A-Za-z0-9+._-]*$/;

/**
 * The analyst's workstation: dc3dd and a list of tools. They stand in a shell command, so their names are checked.
 * @throws RangeError for a name that is no package's or command's
 */
export const workstationRecipe = (options: RecipeOptions, tools: readonly Tool[] = DEFAULT_TOOLS): ImageRecipe => {
  const wrong = tools.flatMap((tool) => [tool.package, tool.command]).find((word) => !SAFE_WORD.test(word));
  if (wrong !== undefined) throw new RangeError(`got the tool "${wrong}"; letters, digits and "+._-" are allowed`);
  return {
    ...base(options),
    purpose: 'workstation',
    volumeSize: 30,
    components: [
      dc3dd(options),
      { name: 'workstation', parameters: { Packages: tools.map((tool) => tool.package).join(' '), Commands: tools.map(({ command }) => command).join(' ') } },
    ],
  };
};
