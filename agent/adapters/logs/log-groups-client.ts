import {
  CreateLogGroupCommand,
  CreateLogStreamCommand,
  PutLogEventsCommand,
  ResourceAlreadyExistsException,
  ResourceNotFoundException,
  type CloudWatchLogsClient,
  type InputLogEvent,
} from '@aws-sdk/client-cloudwatch-logs';
import { logGroupName, type LogGroup } from '../../../modules/vocabulary/index.ts';
import { asciiJson } from './log-line.ts';

export type LogGroupsClientOptions = {
  readonly client: CloudWatchLogsClient;
  readonly prefix: string;
  readonly stream: string;
  readonly clock: () => number;
};

/** Errors that say that the batch itself is at fault: sending it again as it is cannot help. */
const REFUSED = new Set(['InvalidParameterException', 'ValidationException', 'SerializationException']);

/** A log stream's name may hold neither `:` nor `*`, and no more than 512 characters. */
export const logStreamName = (text: string): string => text.replaceAll(/[^\x21-\x7e]|[:*]/g, '_').slice(0, 512) || 'collector';

/** Sends batches to one stream in each of the three groups; makes the stream, and the group, where they are missing. */
export class LogGroupsClient {
  readonly #options: LogGroupsClientOptions;

  constructor(options: LogGroupsClientOptions) {
    this.#options = { ...options, stream: logStreamName(options.stream) };
  }

  /** Sends events in order. Returns how many the service refuses for good; rejects when trying again later may help. */
  async put(group: LogGroup, events: readonly InputLogEvent[], signal: AbortSignal): Promise<number> {
    try {
      return await this.#putOrSplit(group, events, signal);
    } catch (error) {
      if (!(error instanceof ResourceNotFoundException)) throw error;
      await this.#createStream(group, signal);
      return this.#putOrSplit(group, events, signal);
    }
  }

  /** One event that the service does not take must not hold up all that follow: halves the batch until it stands alone. */
  async #putOrSplit(group: LogGroup, events: readonly InputLogEvent[], signal: AbortSignal): Promise<number> {
    try {
      return await this.#putOnce(group, events, signal, true);
    } catch (error) {
      if (!(error instanceof Error) || !REFUSED.has(error.name)) throw error;
      const [event] = events;
      if (event && events.length === 1) return this.#putPlaceholder(group, event, error, signal);
      const middle = Math.ceil(events.length / 2);
      const refused = await this.#putOrSplit(group, events.slice(0, middle), signal);
      return refused + (await this.#putOrSplit(group, events.slice(middle), signal));
    }
  }

  /** Whether the event or the set-up is at fault shows when a harmless event is sent in its place; it also leaves a trace. */
  async #putPlaceholder(group: LogGroup, event: InputLogEvent, error: Error, signal: AbortSignal): Promise<number> {
    const { time, level, event: name } = JSON.parse(event.message ?? '{}') as Record<string, unknown>;
    const message = asciiJson({ time, level, event: name, refusedByLogService: error.message.slice(0, 500) });
    await this.#putOnce(group, [{ ...event, message }], signal, true);
    return 1;
  }

  async #putOnce(group: LogGroup, events: readonly InputLogEvent[], signal: AbortSignal, again: boolean): Promise<number> {
    const { client, prefix, stream, clock } = this.#options;
    const command = new PutLogEventsCommand({
      logGroupName: logGroupName(group, prefix),
      logStreamName: stream,
      logEvents: [...events],
    });
    const { rejectedLogEventsInfo: info } = await client.send(command, { abortSignal: signal });
    if (!info) return 0;
    const head = Math.max(info.tooOldLogEventEndIndex ?? 0, info.expiredLogEventEndIndex ?? 0);
    const tail = info.tooNewLogEventStartIndex ?? events.length;
    const rejected = [...events.slice(0, head), ...events.slice(Math.max(head, tail))];
    if (!again || rejected.length === 0) return rejected.length;
    // Older than the group's retention, or our clock is wrong: the record's own time is in its text.
    const timestamp = clock();
    return this.#putOnce(group, rejected.map((event) => ({ ...event, timestamp })), signal, false);
  }

  async #createStream(group: LogGroup, signal: AbortSignal): Promise<void> {
    const { client, prefix, stream } = this.#options;
    const name = logGroupName(group, prefix);
    const createStream = (): Promise<unknown> =>
      client.send(new CreateLogStreamCommand({ logGroupName: name, logStreamName: stream }), { abortSignal: signal });
    try {
      await createStream().catch(async (error: unknown) => {
        if (!(error instanceof ResourceNotFoundException)) throw error;
        await client.send(new CreateLogGroupCommand({ logGroupName: name }), { abortSignal: signal }).catch(ignoreExisting);
        await createStream();
      });
    } catch (error) {
      ignoreExisting(error);
    }
  }
}

function ignoreExisting(error: unknown): void {
  if (!(error instanceof ResourceAlreadyExistsException)) throw error;
}
