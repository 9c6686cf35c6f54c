import { readFileSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Case } from './cases.ts';
import { TICKS_PER_SECOND } from './process-tree.ts';
import { runCommand, type Use } from './run-command.ts';
import type { Sink } from './start-sink.ts';

/** What all runs share. */
export type Bench = {
  readonly source: { readonly path: string; readonly size: number; readonly sha256: string };
  readonly sink: Sink;
  /** Folders of this bench, one on tmpfs where there is one, one on a disk. */
  readonly folders: { readonly tmpfs: string; readonly disk: string };
  readonly aws: string;
  readonly collector: string;
  readonly collectorArgs: string;
};

export type Run = Use & {
  /** Share of one core that the sink used meanwhile, 0 to 1; near 1 the sink is the limit. */
  readonly sinkBusy: number;
  /** Cores that neither the command nor the sink used, but somebody else (the bench itself for a little): disturbance. */
  readonly othersBusy: number;
};

const BUCKET = 'bench';
/** Text of a file that may hold a digest is looked at up to this size. */
const RECORD_BYTES = 1024 ** 2;

const credentials = {
  AWS_ACCESS_KEY_ID: 'bench',
  AWS_SECRET_ACCESS_KEY: 'bench-secret',
  AWS_REGION: 'us-east-1',
  AWS_DEFAULT_REGION: 'us-east-1',
};
/** Neither a person's configuration nor this host's instance role may leak into what is measured. */
const isolation = {
  AWS_CONFIG_FILE: '/dev/null',
  AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
  AWS_EC2_METADATA_DISABLED: 'true',
  RCLONE_CONFIG: '/dev/null',
};

const rclone = (endpoint: string, caFile: string): Record<string, string> => ({
  RCLONE_CONFIG_SINK_TYPE: 's3',
  RCLONE_CONFIG_SINK_PROVIDER: 'Other',
  RCLONE_CONFIG_SINK_ENV_AUTH: 'true',
  RCLONE_CONFIG_SINK_ENDPOINT: endpoint,
  RCLONE_CONFIG_SINK_FORCE_PATH_STYLE: 'true',
  RCLONE_CONFIG_SINK_NO_CHECK_BUCKET: 'true',
  RCLONE_CONFIG_SINK_CHUNK_SIZE: '16Mi', // with its default of 5 MiB a stream ends at 48.8 GiB
  RCLONE_CONFIG_SINK_UPLOAD_CONCURRENCY: '4',
  RCLONE_CA_CERT: caFile,
});

/** Seconds that all cores together have been busy since boot, or kept waiting by the hypervisor. */
function machineBusySeconds(): number {
  const [, ...ticks] = readFileSync('/proc/stat', 'latin1').split('\n', 1)[0]!.split(/\s+/);
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = ticks.map(Number);
  return (user + nice + system + irq + softirq + steal) / TICKS_PER_SECOND;
}

async function filesUnder(folder: string): Promise<{ path: string; size: number }[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return Promise.all(files.map(async (path) => ({ path, size: (await stat(path)).size })));
}

const textOf = async (files: readonly { path: string; size: number }[]): Promise<string> => {
  const records = files.filter(({ size }) => size <= RECORD_BYTES);
  return (await Promise.all(records.map(({ path }) => readFile(path, 'latin1')))).join('\n');
};

/** Runs a case once and checks that the whole source arrived and was hashed right. @throws Error otherwise */
export async function runCase(bench: Bench, { command, to, hashesNothing }: Case, number: number, signal: AbortSignal): Promise<Run> {
  const { source, sink, folders } = bench;
  const scratch = join(folders.tmpfs, `run-${number}`);
  const out = join(to === 'disk' ? folders.disk : folders.tmpfs, `out-${number}`);
  const prefix = `${BUCKET}/run-${number}`;
  const stored = to === 'http' || to === 'https' || to === 'slow';
  const written = to === 'tmpfs' || to === 'disk';
  const endpoint = stored ? sink.endpoint(to) : '';
  if (written) await mkdir(out);
  try {
    const sinkBefore = await sink.cpuSeconds();
    const machineBefore = machineBusySeconds();
    const env = {
      ...process.env,
      ...credentials,
      ...isolation,
      ...rclone(endpoint, sink.caFile),
      AWS_CA_BUNDLE: sink.caFile,
      NODE_EXTRA_CA_CERTS: sink.caFile,
      SOURCE: source.path,
      SIZE: String(source.size),
      ENDPOINT: endpoint,
      URI: `s3://${prefix}`,
      OUT: out,
      NODE: process.execPath,
      AWS: bench.aws,
      COLLECTOR: bench.collector,
      COLLECTOR_ARGS: bench.collectorArgs,
    };
    const { stdout, stderr: _, ...use } = await runCommand(command, scratch, env, signal);
    const machineSeconds = machineBusySeconds() - machineBefore;
    const sinkSeconds = (await sink.cpuSeconds()) - sinkBefore;
    const others = Math.max(0, machineSeconds - use.cpuSeconds - sinkSeconds);

    const files = await filesUnder(scratch);
    const results = written ? await filesUnder(out) : stored ? await sink.list(`${prefix}/`) : [];
    const largest = Math.max(0, ...results.map(({ size }) => size));
    if ((stored || written) && largest !== source.size) throw new Error(`stored ${largest} of ${source.size} bytes: ${command}`);
    const records = results.map((result) => ('text' in result ? result.text : '')).join('\n');
    const evidence = [stdout, records, await textOf(files), written ? await textOf(results as typeof files) : ''].join('\n');
    if (!hashesNothing && !evidence.includes(source.sha256)) throw new Error(`the source's SHA-256 is in none of its records: ${command}`);
    return { ...use, sinkBusy: sinkSeconds / use.wallSeconds, othersBusy: others / use.wallSeconds };
  } finally {
    await sink.forget(`${prefix}/`).catch(() => {}); // a sink that died has shown as a failure already
    await Promise.all([scratch, out].map((folder) => rm(folder, { recursive: true, force: true })));
  }
}
