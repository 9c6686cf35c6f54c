import { flagsOf, S3_LOCATION, settingFor, type CollectorCommand, type CollectorConfig, type ConfigKey } from './config.ts';

/** A word as a shell takes it back, in printable ASCII whatever it holds: as it is, in single quotes, or in `$'…'` as bash and POSIX 2024 have it. */
export function shellQuoted(word: string): string {
  if (/^[\w/:.,@%+=-]+$/.test(word)) return word;
  if (/^[\x20-\x7e]*$/.test(word)) return `'${word.replaceAll("'", "'\\''")}'`;
  const bytes = [...Buffer.from(word)].map((byte) => {
    const char = String.fromCharCode(byte);
    return /[\x20-\x7e]/.test(char) && !/['\\]/.test(char) ? char : `\\x${byte.toString(16).padStart(2, '0')}`;
  });
  return `$'${bytes.join('')}'`;
}

/** What names the same store again, beside its location. */
const OF_STORE: readonly ConfigKey[] = ['endpoint', 'region', 'forcePathStyle', 'partChecksum'];

/**
 * A command that a person can copy: it finds the store that this configuration means, also where the environment or a file
 * named its endpoint.
 * @param args arguments as a shell takes them
 */
export function shownCommand(command: CollectorCommand, args: string, config: CollectorConfig): string {
  const taken = flagsOf(command);
  const flags = (S3_LOCATION.test(config.to) ? OF_STORE : []).map(settingFor).flatMap((setting) => {
    const value = config[setting.key];
    if (value === undefined || value === setting.fallback || !taken.includes(setting)) return [];
    return typeof value === 'boolean' ? [`--${setting.name}`] : [`--${setting.name}`, shellQuoted(String(value))];
  });
  return ['collector', command, args, ...flags].join(' ');
}
