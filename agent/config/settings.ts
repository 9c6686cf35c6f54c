import { CollectorConfig, settingMeta, type ConfigKey, type SettingKind } from './schema.ts';

/** One setting, under all the names it goes by. */
export type Setting = {
  readonly key: ConfigKey;
  readonly kind: SettingKind;
  /** Kebab case: `part-size`. */
  readonly name: string;
  /** `--part-size <size>`, ready for commander; a switch that is on by default is `--no-progress`. */
  readonly flag: string;
  /** `CLEANROOM_PART_SIZE`. */
  readonly variable: string;
  /** `cleanroom:part-size`. */
  readonly tag: string;
  readonly description: string;
  /** What is allowed, in words. */
  readonly allowed: string;
  /** The default where it does not depend on the host. */
  readonly fallback: string | number | boolean | undefined;
};

const kebab = (key: string): string => key.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

function settingOf(key: ConfigKey): Setting {
  const schema = CollectorConfig.shape[key];
  const meta = settingMeta.get(schema);
  if (!meta) throw new Error(`the setting ${key} has no meta data: register it in the schema`);
  const name = meta.name ?? kebab(key);
  const fallback = schema.safeParse(undefined).data;
  const long = `--${fallback === true ? 'no-' : ''}${name}`;
  return {
    key,
    kind: meta.kind,
    name,
    flag: meta.kind === 'switch' ? long : `${long} <${meta.value ?? 'text'}>`,
    variable: `CLEANROOM_${name.replaceAll('-', '_').toUpperCase()}`,
    tag: `cleanroom:${name}`,
    description: meta.description,
    allowed: meta.allowed ?? meta.kind,
    fallback,
  };
}

/** Every setting, in the schema's order: the command line declares its options from this. */
export const SETTINGS: readonly Setting[] = (Object.keys(CollectorConfig.shape) as ConfigKey[]).map(settingOf);

const BY_KEY = new Map(SETTINGS.map((setting) => [setting.key, setting]));

/** The setting of a key. */
export function settingFor(key: ConfigKey): Setting {
  const setting = BY_KEY.get(key);
  if (!setting) throw new RangeError(`there is no setting ${key}`);
  return setting;
}

const SERVICE: readonly ConfigKey[] = ['endpoint', 'region', 'forcePathStyle'];
const DESTINATION: readonly ConfigKey[] = ['to', ...SERVICE];
const STORING: readonly ConfigKey[] = ['kmsKeyId', 'partChecksum', 'partSize', 'maxObjectSize', 'ringSize', 'concurrency', 'secondHash',
  'reread', 'resume', 'accountable', 'requestTimeoutSeconds', 'stallSeconds', 'partTries', 'progress'];
const LOGGING: readonly ConfigKey[] = ['logs', 'logGroupPrefix', 'awaitLogs', 'scratchDir', 'json'];

/** Which settings each subcommand takes as flags; all of them may stand in the file, the environment and the tags. */
const OF_COMMAND = {
  run: SETTINGS.map(({ key }) => key).filter((key) => key !== 'allowWritableSource'),
  collect: ['caseId', 'volumeId', 'snapshotChain', ...DESTINATION, ...STORING, 'allowWritableSource', 'includeInstanceStore', ...LOGGING, 'heartbeatSeconds'],
  verify: ['caseId', 'volumeId', ...SERVICE, 'concurrency', 'requestTimeoutSeconds', 'stallSeconds', 'json', 'progress'],
  uploads: ['caseId', ...SERVICE, 'requestTimeoutSeconds', 'stallSeconds', 'json'],
  devices: ['includeInstanceStore', 'json'],
  doctor: ['caseId', ...DESTINATION, 'kmsKeyId', ...LOGGING, 'requestTimeoutSeconds'],
} as const satisfies Record<string, readonly ConfigKey[]>;
export type CollectorCommand = keyof typeof OF_COMMAND;

/** The settings that a subcommand takes as flags, in the schema's order. */
export function flagsOf(command: CollectorCommand): readonly Setting[] {
  const keys: readonly ConfigKey[] = OF_COMMAND[command];
  return SETTINGS.filter(({ key }) => keys.includes(key));
}
