import { logGroupName } from '../../vocabulary/index.ts';
import { jsonata, quoted, type Assign, type Catcher, type Data, type States, type TaskState } from './asl.ts';
import { callTask, type WorkflowNames } from './tasks.ts';

/** Pages that are read in one go. A collector writes a line a minute or so; what is beyond is read at the next look. */
export const MOST_EVENT_PAGES = 20;

/** JSONata: whether everything was read. Silence is no silence before. */
export const ALL_READ = '$page = ""';

interface EventReading {
  /** Names of the state that asks, the one that looks whether there is more, and the one that asks for that. */
  readonly ask: string;
  readonly more: string;
  readonly again: string;
  /** Events of the collector that are looked for. */
  readonly events: readonly string[];
  /** JSONata: the earliest of them, in milliseconds since 1970. */
  readonly since: string;
  /** What is made of the first page, and of each one after it. */
  readonly first: Assign;
  readonly further: Assign;
  /** JSONata: whether no more has to be read. @default when there is no further page */
  readonly enough?: string;
  /** Catchers of the states that ask. */
  readonly failed: (state: string) => readonly Catcher[];
  readonly next: string;
}

/**
 * Reads lines of the collector's own log stream: a label or a file name in another line cannot pass for its event. CloudWatch
 * Logs may answer with a page that is empty and yet not the last one, so each further one is asked for, to a limit.
 */
export const readEvents = (names: WorkflowNames, { ask, more, again, events, since, first, further, enough = 'false', failed, next }: EventReading): States => {
  const page = (state: string, assign: Assign, args: { readonly [key: string]: Data }): TaskState =>
    callTask(names, {
      service: 'cloudwatchlogs',
      action: 'filterLogEvents',
      args: {
        LogGroupName: logGroupName('readiness', names.logPrefix),
        LogStreamNamePrefix: jsonata('$case.caseId & "/" & $collector & "/"'),
        FilterPattern: `{ ${events.map((event) => `($.event = ${quoted(event)})`).join(' || ')} }`,
        ...args,
      },
      asks: 'patiently',
      assign: { ...assign, page: jsonata('$type($states.result.NextToken) = "string" ? $states.result.NextToken : ""') },
      catch: failed(state),
      next: more,
    });
  return {
    [ask]: page(ask, { ...first, pages: 1, from: jsonata(since) }, { StartTime: jsonata(since) }),
    [more]: { Type: 'Choice', Choices: [{ Condition: jsonata(`$pages >= ${MOST_EVENT_PAGES} or ${ALL_READ} or ${enough}`), Next: next }], Default: again },
    // A token belongs to its question, so the start stays what it was.
    [again]: page(again, { ...further, pages: jsonata('$pages + 1') }, { StartTime: jsonata('$from'), NextToken: jsonata('$page') }),
  };
};
