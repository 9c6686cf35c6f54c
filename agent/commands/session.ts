import { setTimeout as delay } from 'node:timers/promises';
import type { CollectorConfig } from '../config.ts';
import { inspectDc3dd, type Dc3ddTool } from '../adapters/dc3dd-tool.ts';
import type { FanOutLog } from '../adapters/logs/create-event-log.ts';
import type { EvidenceStore } from '../adapters/stores/evidence-store.ts';
import type { InstanceMetadata } from '../adapters/instance-metadata.ts';
import { hashSelfTest } from '../hash-self-test.ts';
import { collectOptions, hostFacts, openEventLog, openStore } from '../main.ts';
import type { CollectOptions } from '../pipeline.ts';
import type { HostFacts } from '../stages/manifest.ts';

/** What a command gets from the command line. */
export type CommandInput = {
  readonly config: CollectorConfig;
  /** Only on EC2. */
  readonly metadata: InstanceMetadata | undefined;
  /** dc3dd, where it is already being identified. */
  readonly tool?: Promise<Dc3ddTool>;
  /** Aborted by SIGTERM, SIGINT and SIGHUP. */
  readonly signal: AbortSignal;
};

/** Everything an acquisition needs, checked before any disk is touched. */
export type Session = {
  readonly config: CollectorConfig;
  readonly caseId: string;
  readonly store: EvidenceStore;
  readonly events: FanOutLog;
  readonly tool: Dc3ddTool;
  readonly host: HostFacts;
  readonly options: CollectOptions;
  readonly signal: AbortSignal;
};

/** Time that the logs get for their last delivery; what is left stays spooled. */
const LOG_FLUSH_MS = 3000;

/** Between two looks whether everything was delivered. Milliseconds. */
const AWAIT_LOGS_MS = 500;

/**
 * Runs work with an opened session and closes it however the work ends. Both hash engines pass their known answers and
 * dc3dd is identified before anything else happens.
 */
export async function withSession<T>({ config, metadata, signal, ...input }: CommandInput, work: (session: Session) => Promise<T>): Promise<T> {
  const { caseId } = config;
  if (caseId === undefined) throw new TypeError('the configuration was loaded without asking for a case');
  const [tool, host, store] = await Promise.all([input.tool ?? inspectDc3dd(), hostFacts(metadata), openStore(config), hashSelfTest()]);
  const options = await collectOptions(config, store);
  const events = await openEventLog(config, host);
  try {
    return await work({ config, caseId, store, events, tool, host, options, signal });
  } finally {
    if (config.awaitLogs) while (events.isWaiting && !signal.aborted) await delay(AWAIT_LOGS_MS);
    await events.close(LOG_FLUSH_MS);
    await store.close();
  }
}
