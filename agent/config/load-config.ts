import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { hostname, tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { InstanceMetadata, isEc2 } from '../adapters/instance-metadata.ts';
import { whyNotOwn } from '../adapters/scratch.ts';
import { environmentLayer, DEFAULT_FILE, fileLayer, flagLayer, locationLayer, OTHER_VARIABLES, tagLayer, type LayerValue, type Origin } from './layers.ts';
import { ConfigError, shown, type ConfigProblem } from './problems.ts';
import { CollectorConfig, S3_LOCATION, type ConfigKey } from './schema.ts';
import { settingFor, type CollectorCommand } from './settings.ts';

export type LoadConfigInput = {
  /** As commander hands them over. */
  readonly flags: Readonly<Record<string, unknown>>;
  /** Whose flags they are. */
  readonly command?: CollectorCommand;
  /** The place that the command's own argument names, where it takes one: nothing else may name it then. */
  readonly location?: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Path of the settings file when a flag names one; then it must exist. @default CLEANROOM_CONFIG, or /etc/cleanroom/collector.json if there */
  readonly filePath?: string;
  /** The instance's metadata; `null`: don't look. @default asks for up to a second, where the machine may be an EC2 instance */
  readonly metadata?: InstanceMetadata | null;
  /** Settings that the command cannot do without. */
  readonly required?: readonly ConfigKey[];
};

export type Origins = Readonly<Partial<Record<ConfigKey, Origin>>>;
export type LoadedConfig = {
  readonly config: CollectorConfig;
  readonly origins: Origins;
  /** Where this runs on EC2, what the instance says about itself. */
  readonly metadata: InstanceMetadata | undefined;
};

async function findMetadata({ metadata, env }: LoadConfigInput, problems: ConfigProblem[]): Promise<InstanceMetadata | undefined> {
  if (metadata !== undefined) return metadata ?? undefined;
  const endpoint = env[OTHER_VARIABLES.imds];
  if (endpoint === undefined) {
    const service = new InstanceMetadata();
    return (await isEc2()) !== false && (await service.available()) ? service : undefined;
  }
  if (/^http:\/\/[\w.:[\]-]+\/?$/.test(endpoint) && URL.canParse(endpoint)) return new InstanceMetadata({ endpoint });
  problems.push({
    source: `environment ${OTHER_VARIABLES.imds}`,
    message: 'must be an http URL of the instance metadata service without user or path',
    got: shown('endpoint', endpoint),
  });
  return undefined;
}

/** What is wrong with single values, each against its own part of the schema. */
function checkValues(values: readonly LayerValue[]): ConfigProblem[] {
  return values.flatMap(({ key, value, source }) => {
    const setting = settingFor(key);
    const parsed = value === undefined || value === null ? { success: false } : CollectorConfig.shape[key].safeParse(value);
    return parsed.success ? [] : [{ source, key, message: `must be ${setting.allowed}`, got: shown(setting.name, value) }];
  });
}

/** What is wrong with values together. */
function checkTogether(config: Partial<CollectorConfig>, origins: Origins, command: CollectorCommand | undefined): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  const source = (key: ConfigKey): string => origins[key]?.source ?? settingFor(key).name;
  const toS3 = S3_LOCATION.test(config.to ?? '');
  if (!toS3) {
    for (const key of ['endpoint', 'kmsKeyId', 'forcePathStyle', 'partChecksum'] as const) {
      if (![undefined, false, 'sha256'].includes(config[key]) && origins[key]?.kind === 'flag') {
        problems.push({ source: source(key), message: `means nothing for a directory (${source('to')}), only for s3://bucket[/prefix]` });
      }
    }
  }
  if (command === 'run' && origins.volumeId?.kind === 'flag' && config.once !== true) {
    problems.push({ source: source('volumeId'), message: 'names one disk, and a watch goes on to others; give --once, or leave each disk its own identity' });
  }
  const { partSize, maxObjectSize } = config;
  if (partSize !== undefined && maxObjectSize !== undefined && partSize > maxObjectSize) {
    problems.push({ source: source('partSize'), message: `a part (${partSize} bytes) is larger than the largest object (${maxObjectSize} bytes, ${source('maxObjectSize')})` });
  }
  return problems;
}

async function defaultAccountable(metadata: InstanceMetadata | undefined): Promise<string> {
  const arn = await metadata?.instanceProfileArn().catch(() => undefined);
  if (arn !== undefined && arn.length <= 256) return arn;
  let user = String(process.getuid?.() ?? 'unknown');
  try {
    user = userInfo().username;
  } catch {
    // a uid without an entry in the user database
  }
  return `${user}@${hostname()}`.replaceAll(/[^\x21-\x7e]/g, '_').slice(0, 256);
}

/**
 * The Region that the environment names, in the order of AWS's own command line; the SDK heeds only the first of the two.
 * What is none is left to the SDK, which says so where a Region is needed.
 */
function environmentRegion(env: LoadConfigInput['env']): { readonly region: string; readonly origin: Origin } | undefined {
  const name = ['AWS_REGION', 'AWS_DEFAULT_REGION'].find((candidate) => env[candidate]);
  const region = name === undefined ? undefined : CollectorConfig.shape.region.safeParse(env[name]).data;
  return region === undefined ? undefined : { region, origin: { kind: 'environment', source: `environment ${name}` } };
}

/** The instance's own Region, unless a profile names one, or an endpoint makes it a mere name. */
async function instanceRegion(metadata: InstanceMetadata | undefined, env: LoadConfigInput['env'], endpoint: string | undefined): Promise<string | undefined> {
  if ((env['AWS_REGION'] || env['AWS_PROFILE'] || endpoint) !== undefined) return undefined;
  return metadata?.identity().then(({ region }) => region, () => undefined);
}

const SCRATCH = '/var/lib/cleanroom';

/** The usual directory where it is this user's (root may write to a service's too) or can be made, otherwise one of the user's own under the temporary directory. */
async function defaultScratchDir(): Promise<string> {
  for (const path of [SCRATCH, '/var/lib']) {
    try {
      await access(path, constants.W_OK | constants.X_OK);
      if (path === SCRATCH && (await whyNotOwn(path)) !== undefined) break;
      return SCRATCH;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') break;
    }
  }
  return join(tmpdir(), `cleanroom-${process.getuid?.() ?? 'user'}`);
}

/**
 * The configuration: flags over environment over file over instance tags over defaults.
 * @throws ConfigError that lists everything that is wrong, in every source, also in values that another source overrides
 */
export async function loadConfig(input: LoadConfigInput): Promise<LoadedConfig> {
  const { problems, ...loaded } = await readConfig(input);
  if (problems.length > 0) throw new ConfigError(problems, { json: loaded.config.json });
  return loaded;
}

/** The same for whoever wants to look: what is right, with defaults for the rest, and everything that is wrong. Never for work. */
export async function readConfig(input: LoadConfigInput): Promise<LoadedConfig & { readonly problems: readonly ConfigProblem[] }> {
  const { flags, env, required = [] } = input;
  const problems: ConfigProblem[] = [];
  const metadata = await findMetadata(input, problems);
  const path = input.filePath ?? env[OTHER_VARIABLES.file];
  const layers = [
    ...(input.location === undefined ? [] : [locationLayer(input.location)]),
    flagLayer(flags),
    environmentLayer(env),
    await fileLayer(path ?? DEFAULT_FILE, path !== undefined),
    ...(metadata ? [await tagLayer(metadata)] : []),
  ];
  const raw: Partial<Record<ConfigKey, unknown>> = {};
  const origins: Partial<Record<ConfigKey, Origin>> = {};
  for (const layer of layers) {
    const wrong = checkValues(layer.values);
    problems.push(...layer.problems, ...wrong);
    for (const { key, value, kind, source } of layer.values) {
      if (origins[key] || wrong.some((problem) => problem.key === key)) continue;
      origins[key] = { kind, source };
      raw[key] = value;
    }
  }
  for (const key of required) {
    const { name, variable, tag, allowed } = settingFor(key);
    if (raw[key] !== undefined || problems.some((problem) => problem.key === key)) continue;
    const elsewhere = `or ${variable}, or ${key} in the file, or the tag ${tag}`;
    problems.push({ source: `flag --${name}`, key, message: `is needed here (${elsewhere}): ${allowed}` });
  }
  problems.push(...checkTogether(raw as Partial<CollectorConfig>, origins, input.command));
  const parsed = CollectorConfig.parse(raw);
  const told = parsed.region === undefined ? environmentRegion(env) : undefined;
  if (told) origins.region = told.origin;
  const region = parsed.region ?? told?.region ?? (await instanceRegion(metadata, env, parsed.endpoint));
  const config: CollectorConfig = {
    ...parsed,
    ...(region === undefined ? {} : { region }),
    accountable: parsed.accountable ?? (await defaultAccountable(metadata)),
    scratchDir: parsed.scratchDir ?? (await defaultScratchDir()),
  };
  for (const key of Object.keys(config) as ConfigKey[]) origins[key] ??= { kind: 'default', source: 'default' };
  return { config, origins, metadata, problems };
}

/** Whether events go to CloudWatch Logs: when asked for; with `auto`, when evidence goes to S3 in AWS itself. */
export const logsToCloudWatch = ({ logs, to, endpoint }: Pick<CollectorConfig, 'logs' | 'to' | 'endpoint'>): boolean =>
  logs === 'cloudwatch' || (logs === 'auto' && S3_LOCATION.test(to) && endpoint === undefined);
