import type { z } from 'zod';
import { AcquisitionOptions, EXIT, OpenCaseOutput, personEvent, PersonRequest, type ExitStatus } from '../../modules/vocabulary/index.ts';
import type { Context } from '../context.ts';
import { CliError, inert } from '../errors.ts';
import { invoke } from '../invoke.ts';

export type OpenOptions = {
  readonly case?: string;
  readonly instance: readonly string[];
  readonly account: string;
  readonly reason: string;
  readonly approval?: string;
  readonly approvalMinutes?: string;
  readonly containment?: string;
  readonly volumeType?: string;
  readonly deadline?: string;
  readonly volume?: readonly string[];
  readonly again?: true;
};

/** The flag that a field of the request comes from. */
const FLAGS: Readonly<Record<string, string>> = {
  caseId: '--case', account: '--account', instanceIds: '--instance', reason: '--reason', region: '--region', approval: '--approval', approvalMinutes: '--approval-minutes',
  containment: '--containment', volumeType: '--volume-type', deadlineMinutes: '--deadline', volumes: '--volume',
};

const number = (text: string | undefined): number | undefined => (text === undefined ? undefined : Number(text));
/** A case id that nobody else has: the date, the minute and the instance's end. */
const ownCaseId = (instanceId: string, now: Date): string => `${now.toISOString().slice(0, 16).replaceAll(/[-:]/g, '')}Z-${instanceId.slice(-6)}`;

/** Asks the workflow to acquire instances; answers as soon as their executions have begun. */
export async function openCase(context: Context, options: OpenOptions): Promise<ExitStatus> {
  const given = {
    approval: options.approval, approvalMinutes: number(options.approvalMinutes), containment: options.containment, volumeType: options.volumeType,
    deadlineMinutes: number(options.deadline), volumes: options.volume,
  };
  const request = {
    caseId: options.case ?? ownCaseId(options.instance[0] ?? '', new Date()),
    account: options.account,
    region: context.place.region,
    instanceIds: options.instance,
    requester: context.caller,
    reason: inert(options.reason),
    options: Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)),
    ...(options.again && { again: true }),
  };
  const parsed = PersonRequest.safeParse(request);
  if (!parsed.success) throw new CliError(parsed.error.issues.map(problemOf).join('; '), EXIT.usage);
  const { cases, ignored } = OpenCaseOutput.parse(await invoke(context, 'open-case', personEvent(parsed.data)));
  for (const { caseId, executions } of cases) {
    for (const { instanceId, executionArn, started } of executions) {
      context.tell({ event: 'case.opened', caseId, instanceId, executionArn, started });
      context.say(`${started ? 'Opened' : 'Already open'}: case ${caseId}, ${instanceId}`);
    }
  }
  for (const why of ignored) context.tell({ event: 'case.ignored', why });
  for (const why of ignored) context.say(`Not opened: ${why}`);
  const caseId = cases[0]?.caseId;
  if (caseId !== undefined) context.say(`Follow it with: cleanroom case watch ${caseId}`);
  return cases.length > 0 ? EXIT.complete : EXIT.failed;
}

function problemOf({ path, message }: z.core.$ZodIssue): string {
  const field = String(path.find((part) => typeof part === 'string' && part in FLAGS) ?? path[0] ?? 'it');
  return `${FLAGS[field] ?? field}: ${inert(message)}`;
}

/** What the options' values may be, for `--help`. */
export const CHOICES = {
  approval: AcquisitionOptions.shape.approval.options,
  containment: AcquisitionOptions.shape.containment.options,
  volumeType: AcquisitionOptions.shape.volumeType.options,
} as const;
