import { LogEvent, type LogRecord } from '../modules/vocabulary/index.ts';
import type { LogSink } from './adapters/logs/sink.ts';
import { asciiJson } from './adapters/logs/log-line.ts';
import { oneLine } from './errors.ts';
import { humanBytes } from './human.ts';
import { printLine } from './terminal.ts';

const text = (value: unknown): string => (typeof value === 'string' ? oneLine(value) : value === undefined ? '' : asciiJson(value));

/** Of a disk whose imaging failed: what is safe and what to do, where a watch goes on and tells it nowhere else. */
function told({ safe, advice, tryAgainSeconds }: LogRecord): string {
  const again = tryAgainSeconds === undefined ? [] : [`It is tried again in ${text(tryAgainSeconds)} s.`];
  const sentences = [safe, advice].filter((each) => each !== undefined).map(text).concat(again);
  return sentences.length === 0 ? '' : `. ${sentences.join(' ')}`;
}

/** What a person at a terminal wants to know of; everything else is in the logs. */
function sentence(record: LogRecord): string | undefined {
  const who = text(record['identity'] ?? record['exhibitId']);
  switch (record.event) {
    case LogEvent.collectorStarted:
      return `watching for disks; evidence goes to ${text(record['store'])}. Ctrl-C stops, and what was stored can be resumed.`;
    case LogEvent.diskFound:
      return `found ${who}: ${text(record['name'])}, ${humanBytes(Number(record['size']))}, labels ${text(record['labels'])}, seen by ${text(record['trigger'])}`;
    case LogEvent.diskLeftAlone:
      return record['reason'] === 'no-medium' || record['reason'] === 'virtual' ? undefined : `left alone ${who}: ${text(record['because'])}${told(record)}`;
    case LogEvent.diskGone:
      return `gone: ${who}`;
    case LogEvent.sourceSetReadOnly:
      return `set read-only: ${text(record['path'])}`;
    case LogEvent.acquisitionResumed:
      return `resuming ${who}: ${record['parts'] === undefined ? text(record['reason']) : `${text(record['parts'])} parts are stored already`}`;
    case LogEvent.partRetried:
      return `part ${text(record['part'])} of ${who} is sent again (try ${text(record['attempt'])} failed): ${text(record['reason'])}`;
    case LogEvent.sourceBadRange:
      return `bad sectors on ${who}: ${text(record['length'])} bytes at ${text(record['offset'])}`;
    case LogEvent.acquisitionEnded:
      return record['status'] === 'FAILED'
        ? `FAILED ${who}: ${text(record['message'])}`
        : `${text(record['status'])} ${who}: ${humanBytes(Number(record['bytes']))}, SHA-256 ${text(record['sha256'])}`;
    case LogEvent.logsSpooled:
      return record['dropped'] === undefined
        ? `the log service does not take the events of ${text(record['group'])}: ${text(record['message'])}; they are kept on disk and delivered later`
        : `warning: ${text(record['dropped'])} events were dropped: ${text(record['because'])}`;
    case LogEvent.warning:
      return `warning: ${text(record['message'])}`;
    default:
      return undefined;
  }
}

/** A sink for a person at a terminal: a sentence for what matters, clear of the progress bar's line. */
export function consoleSink(stream: NodeJS.WritableStream = process.stderr): LogSink {
  return {
    write(record) {
      const line = sentence(record);
      if (line !== undefined) printLine(line, { last: record.event === LogEvent.acquisitionEnded }, stream);
    },
    close: () => Promise.resolve(),
  };
}
