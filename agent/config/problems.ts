import { escapeHostile } from '../../modules/vocabulary/index.ts';
import { StageError } from '../errors.ts';

/** One thing that is wrong with the configuration. */
export type ConfigProblem = {
  /** Where it stands, as a person would name it: `flag --part-size`, `file /etc/… at partSize`. */
  readonly source: string;
  /** The setting it is about, where it is about one. */
  readonly key?: string;
  /** What was got, inert and without secrets; absent where showing it would not help. */
  readonly got?: string;
  /** What is wrong and what is allowed, in one sentence. */
  readonly message: string;
  /** Code of a failure of the host, which may be over at the next start: other problems may come of it. */
  readonly host?: string;
};

/** All that is wrong with the configuration, at once. */
export class ConfigError extends StageError {
  readonly problems: readonly ConfigProblem[];
  /** Whether what is right of the configuration asks for JSON lines. */
  readonly json: boolean;

  /** @param shows whether the values are shown beside the problems, so that nobody need be told how to see them */
  constructor(problems: readonly ConfigProblem[], { shows = false, json = false } = {}) {
    const lines = problems.map(({ source, got, message }) => `${source}: ${message}${got === undefined ? '' : `, got ${got}`}`);
    const head = problems.length === 1 ? 'the configuration has a problem' : `the configuration has ${problems.length} problems`;
    const host = problems.find((problem) => problem.host !== undefined)?.host;
    super('configure', host ?? 'CONFIG', `${head}:\n${lines.map((line) => `  ${line}`).join('\n')}`, {
      retryable: host !== undefined,
      advice: `Correct what is listed${shows ? '' : '; `--print-config` shows each value and where it comes from'}.`,
    });
    this.problems = problems;
    this.json = json;
  }
}

const SECRET_NAME = /secret|passw|token|credential|private|access.?key|authori[sz]ation|^key$/i;
const URL_USERINFO = /([a-z][a-z0-9+.-]*:\/\/)[^/@\s]*@/gi;
const ACCESS_KEY = /\b(?:AKIA|ASIA)[A-Z0-9]{16}\b/g;

const LOCATION_NAMES: readonly string[] = ['to', 'endpoint'];
/** Up to where a URL says nothing of its own; URL parsers also take one slash, a backslash or none. */
const LOCATION_START = /^\s*[a-z][a-z0-9+.-]*:[/\\]*|:\/\//i;
/** Characters of a value that are looked at and may be shown. */
const MAX_LOOKED_AT = 4 * 1024;

/** A secret may hold any character, so a user and password end at the last @; a query or a fragment may be a signature. */
function redactLocation(text: string): string {
  const start = LOCATION_START.exec(text);
  if (!start) return text;
  const head = text.slice(0, start.index + start[0].length);
  const rest = text.slice(head.length);
  const at = rest.lastIndexOf('@');
  const query = rest.search(/[?#]/);
  if (query < 0) return at < 0 ? text : `${head}[redacted]@${rest.slice(at + 1)}`;
  if (at > query) return `${head}[redacted]`; // a password with a ?, or a query with an @
  return `${head}${at < 0 ? '' : '[redacted]@'}${rest.slice(at + 1, query + 1)}[redacted]`;
}

/**
 * Text without what may be a secret, cut to 4 KiB: user and password in a URL, access keys, and all of it under a name that
 * says so; of where evidence goes, also what stands behind ? or #.
 */
export function redact(name: string, text: string): string {
  if (SECRET_NAME.test(name)) return '[redacted]';
  const located = LOCATION_NAMES.includes(name) ? redactLocation(text) : text;
  return located.slice(0, MAX_LOOKED_AT).replaceAll(URL_USERINFO, '$1[redacted]@').replaceAll(ACCESS_KEY, '[redacted]');
}

const MAX_SHOWN = 80;

/** A value that somebody else wrote, in quotes: redacted, escaped to printable ASCII, and cut to 80 characters. */
export function shown(name: string, value: unknown): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value));
  const inert = escapeHostile(redact(name, text));
  const cut = inert.length > MAX_SHOWN ? `${inert.slice(0, MAX_SHOWN)}… (${text.length} characters)` : inert;
  return typeof value === 'string' ? `"${cut}"` : cut;
}
