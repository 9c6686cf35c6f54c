import { parseArgs } from 'node:util';

export type BenchOptions = {
  /** Bytes of the random source. */
  readonly size: number;
  /** Runs that count; one more before them warms up. */
  readonly runs: number;
  /** Only cases whose name matches. */
  readonly only: RegExp;
  /** A file to image instead of a fresh random one; its size wins over `size`. */
  readonly source: string | undefined;
  /** A folder on a disk, for the cases that write to one. */
  readonly diskFolder: string;
  readonly latencyMs: number;
  /** Bytes a second of one connection through the slow door. */
  readonly rate: number;
  /** The AWS CLI to compare with. */
  readonly aws: string;
  /** A collector to measure in place of one built now: a bundle, or `agent/cli.ts`. */
  readonly collector: string | undefined;
  /** Appended to every collector command. */
  readonly collectorArgs: string;
  readonly json: boolean;
  readonly list: boolean;
  readonly help: boolean;
};

export const HELP = `Usage: npm run bench -- [options]

Measures the collector against its peers and its limits, in interleaved rounds on this machine: time, CPU seconds and
peak memory of all processes of each command together. See test/bench/README.md.

  --size <size>          random source, for example 256MiB or 2GiB (default 2GiB)
  --runs <n>             counted runs of each case, after one that warms up (default 5)
  --only <pattern>       only cases whose name matches this regular expression
  --source <file>        image this file instead of a fresh random one
  --disk-folder <path>   where the cases that write to a disk write (default /var/tmp)
  --latency-ms <n>       round trip of the slow link (default 30)
  --rate <bytes/s>       rate of one connection over the slow link (default 90000000)
  --aws <path>           AWS CLI to compare with (default Debian's, /usr/bin/aws)
  --collector <file>     measure this collector (a bundle, or agent/cli.ts) instead of building one
  --collector-args <s>   appended to every collector command, split by a shell
  --json                 one JSON document on standard output instead of tables
  --list                 name the cases and end
  --help                 this text

"npm run bench -- synth" measures the synthesis of estates instead; "npm run bench -- workflow" simulates
acquisitions of up to 1,000 volumes on a virtual clock, against AWS's quotas (seconds).

Examples:
  npm run bench -- --size 256MiB --runs 1
  npm run bench -- --only 'https|limit'

Exit status: 0 measured (also when a target was missed: the bench measures, it does not judge), 1 a command failed or its
result was not whole, 2 usage, 130 interrupted.
`;

/** Wrong arguments: what was got, what is allowed. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

const UNITS: Record<string, number> = { '': 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30, TiB: 2 ** 40 };

/** Bytes of a size such as `256MiB`. @throws UsageError */
export function parseSize(text: string): number {
  const [, digits, unit = ''] = /^(\d+)\s*([KMGT]iB)?$/.exec(text) ?? [];
  const bytes = Number(digits) * (UNITS[unit] ?? Number.NaN);
  if (Number.isSafeInteger(bytes) && bytes > 0) return bytes;
  throw new UsageError(`got size ${JSON.stringify(text)}; allowed is a whole number of bytes, KiB, MiB, GiB or TiB, for example 256MiB`);
}

function wholeNumber(flag: string, text: string, least: number): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= least) return value;
  throw new UsageError(`got ${flag} ${JSON.stringify(text)}; allowed is a whole number from ${least}`);
}

function pattern(text: string): RegExp {
  try {
    return new RegExp(text);
  } catch (error) {
    throw new UsageError(`got --only ${JSON.stringify(text)}; allowed is a regular expression: ${(error as Error).message}`);
  }
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        size: { type: 'string', default: '2GiB' },
        runs: { type: 'string', default: '5' },
        only: { type: 'string', default: '' },
        source: { type: 'string' },
        'disk-folder': { type: 'string', default: '/var/tmp' },
        'latency-ms': { type: 'string', default: '30' },
        rate: { type: 'string', default: '90000000' },
        aws: { type: 'string', default: '/usr/bin/aws' },
        collector: { type: 'string' },
        'collector-args': { type: 'string', default: '' },
        json: { type: 'boolean', default: false },
        list: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    }).values;
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

/** Reads the command line. @throws UsageError */
export function parseOptions(args: readonly string[]): BenchOptions {
  const values = parse(args);
  return {
    size: parseSize(values.size),
    runs: wholeNumber('--runs', values.runs, 1),
    only: pattern(values.only),
    source: values.source,
    diskFolder: values['disk-folder'],
    latencyMs: wholeNumber('--latency-ms', values['latency-ms'], 0),
    rate: wholeNumber('--rate', values.rate, 0),
    aws: values.aws,
    collector: values.collector,
    collectorArgs: values['collector-args'],
    json: values.json,
    list: values.list,
    help: values.help,
  };
}
