import { setTimeout as sleep } from 'node:timers/promises';
import { type AcquisitionRecord, type CaseInstance, type CaseRecord, EXIT, isBegunAgain, isEnded, type ExitStatus } from '../../modules/vocabulary/index.ts';
import type { Context } from '../context.ts';
import { CliError } from '../errors.ts';
import { instanceLine } from '../print.ts';
import { instanceOf, readAcquisition, readCase } from '../read-records.ts';

/** What is seen of an acquisition at a moment: its own record where it has begun, the case's line of it otherwise. */
type Look = { readonly instance: CaseInstance; readonly volumes: Readonly<Record<string, string>> };

/** Follows a case until every acquisition of it has ended; the exit status says how. */
export async function watchCase(context: Context, caseId: string, options: { readonly instance?: string; readonly interval: string }): Promise<ExitStatus> {
  const seconds = Number(options.interval);
  if (!(seconds >= 0.1 && seconds <= 3600)) throw new CliError(`--interval: "${options.interval}" is no number of seconds; 0.1 to 3600 is allowed`, EXIT.usage);
  const view = process.stdout.isTTY && !context.json ? new Screen() : undefined;
  let before = new Map<string, Look>();
  for (;;) {
    const record = await readCase(context, caseId);
    const wanted = options.instance === undefined ? Object.keys(record.instances) : [instanceOf(record, options.instance)];
    const now = new Map<string, Look>();
    for (const instanceId of wanted) now.set(instanceId, look(record, instanceId, await readAcquisition(context, caseId, instanceId)));
    if (view) view.show(linesOf(caseId, now));
    else for (const line of changes(before, now)) {
      context.tell({ event: 'case.progress', caseId, ...line.facts });
      context.say(line.text);
    }
    before = now;
    const statuses = [...now.values()].map(({ instance }) => instance.status);
    if (statuses.length > 0 && statuses.every(isEnded)) {
      return statuses.some((status) => status === 'FAILED' || status === 'CANCELLED') ? EXIT.failed : statuses.includes('PARTIAL') ? EXIT.partial : EXIT.complete;
    }
    await sleep(seconds * 1000);
  }
}

function look({ instances }: CaseRecord, instanceId: string, acquisition: AcquisitionRecord | undefined): Look {
  const instance = instances[instanceId]!;
  if (!acquisition || isBegunAgain(instance, acquisition)) return { instance, volumes: {} };
  const { status, stage } = acquisition;
  return { instance: { ...instance, status, stage }, volumes: Object.fromEntries(Object.entries(acquisition.volumes).map(([volumeId, volume]) => [volumeId, volume.status])) };
}

const linesOf = (caseId: string, looks: ReadonlyMap<string, Look>): string[] => [
  `Case ${caseId}, ${new Date().toISOString().slice(11, 19)} UTC`,
  ...[...looks].flatMap(([instanceId, { instance, volumes }]) => [instanceLine(instanceId, instance), ...Object.entries(volumes).map(([volumeId, status]) => `    ${volumeId}  ${status}`)]),
];

type Change = { readonly text: string; readonly facts: object };

/** What is new since the last look, a line for each instance and volume. */
function changes(before: ReadonlyMap<string, Look>, now: ReadonlyMap<string, Look>): Change[] {
  return [...now].flatMap(([instanceId, { instance, volumes }]) => {
    const known = before.get(instanceId);
    const { status, stage } = instance;
    const isNew = known?.instance.status !== status || known.instance.stage !== stage;
    const ofVolumes = Object.entries(volumes).filter(([volumeId, state]) => known?.volumes[volumeId] !== state);
    return [
      ...(isNew ? [{ text: `${instanceId}  ${status}  ${stage}`, facts: { instanceId, status, stage } }] : []),
      ...ofVolumes.map(([volumeId, state]) => ({ text: `${instanceId}  ${volumeId}  ${state}`, facts: { instanceId, volumeId, status: state } })),
    ];
  });
}

/** Lines on a terminal that are written over by the next ones. */
class Screen {
  #lines = 0;

  show(lines: readonly string[]): void {
    const up = this.#lines === 0 ? '' : `\u001b[${this.#lines}A\u001b[J`;
    process.stdout.write(`${up}${lines.join('\n')}\n`);
    this.#lines = lines.length;
  }
}
