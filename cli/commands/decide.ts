import { SendTaskFailureCommand, SendTaskSuccessCommand, StopExecutionCommand } from '@aws-sdk/client-sfn';
import { z } from 'zod';
import { APPROVAL_REFUSED, EXIT, isEnded, type ApprovalOutput, type ExitStatus } from '../../modules/vocabulary/index.ts';
import type { Context } from '../context.ts';
import { CliError, inert } from '../errors.ts';
import { invoke } from '../invoke.ts';
import { instanceOf, readAcquisition, readCase, readCases } from '../read-records.ts';

type Decision = { readonly instance?: string; readonly reason: string };

async function acquisitionOf(context: Context, caseId: string, named: string | undefined) {
  const instanceId = instanceOf(await readCase(context, caseId), named);
  const acquisition = await readAcquisition(context, caseId, instanceId);
  if (!acquisition) throw new CliError(`the acquisition of ${instanceId} has not begun to write; try again in a moment`, EXIT.failed);
  return acquisition;
}

/** Answers the question whether a suspect may be touched. Who asked does not answer. */
export async function approveCase(context: Context, caseId: string, { instance, reason, refuse }: Decision & { readonly refuse?: true }): Promise<ExitStatus> {
  const { instanceId, approvals, requester, status } = await acquisitionOf(context, caseId, instance);
  const token = approvals.at(-1)?.token;
  if (token === undefined) throw new CliError(`nobody waits for an approval of ${instanceId} in case ${caseId}: it is ${status}`, EXIT.usage);
  const by = context.caller;
  const why = inert(reason).slice(0, 1024);
  if (refuse) {
    await context.sfn.send(new SendTaskFailureCommand({ taskToken: token, error: APPROVAL_REFUSED, cause: `${by}: ${why}` }));
  } else {
    if (by === requester) throw new CliError(`you (${by}) asked for this case; a second person has to approve it`, EXIT.usage);
    const output: ApprovalOutput = { approvedBy: by, reason: why };
    await context.sfn.send(new SendTaskSuccessCommand({ taskToken: token, output: JSON.stringify(output) }));
  }
  const decision = refuse ? 'refused' : 'approved';
  context.tell({ event: 'case.decided', caseId, instanceId, decision, by, reason: why });
  context.say(`${refuse ? 'Refused' : 'Approved'}: case ${caseId}, ${instanceId}`);
  return EXIT.complete;
}

/** Stops an acquisition. What it made and did stays, and is in the record; `case release` undoes what was done to the suspect. */
export async function cancelCase(context: Context, caseId: string, { instance, reason }: Decision): Promise<ExitStatus> {
  const { instanceId, executionArn, status } = await acquisitionOf(context, caseId, instance);
  if (isEnded(status)) throw new CliError(`the acquisition of ${instanceId} has ended already: it is ${status}`, EXIT.usage);
  await context.sfn.send(new StopExecutionCommand({ executionArn, error: 'Cleanroom.Cancelled', cause: `${context.caller}: ${inert(reason)}`.slice(0, 1024) }));
  context.tell({ event: 'case.cancelled', caseId, instanceId, executionArn });
  context.say(`Cancelled: case ${caseId}, ${instanceId}. Snapshots and collectors that it made stay: see cleanroom case show ${caseId}`);
  return EXIT.complete;
}

const ReleaseOutput = z.object({ undone: z.array(z.string()), problems: z.array(z.string()) });

/**
 * A release undoes what its own case did, also where another case of the same instance counts on it: its isolation, and its
 * protections while its volumes are imaged.
 */
async function refuseWhileOthersRun(context: Context, caseId: string, instanceId: string): Promise<void> {
  const { records, unreadable } = await readCases(context);
  const others = records.filter((other) => other.caseId !== caseId && other.instances[instanceId] !== undefined && !isEnded(other.instances[instanceId].status));
  const names = [
    ...others.map((other) => `${other.caseId} (${other.instances[instanceId]!.status})`),
    ...unreadable.filter((other) => other.caseId !== caseId).map((other) => `${other.caseId} (its record cannot be read)`),
  ];
  if (names.length === 0) return;
  throw new CliError(`${instanceId} may be needed as it is by other cases that have not ended: ${names.join(', ')}; release it when they have, or give --anyway`, EXIT.usage);
}

/** Undoes what was done to a suspect, where its acquisition has ended, and no other of it runs. */
export async function releaseCase(context: Context, caseId: string, { instance, anyway }: { readonly instance?: string; readonly anyway?: true }): Promise<ExitStatus> {
  const instanceId = instanceOf(await readCase(context, caseId), instance);
  if (!anyway) await refuseWhileOthersRun(context, caseId, instanceId);
  const { undone, problems } = ReleaseOutput.parse(await invoke(context, 'release', { caseId, instanceId, requester: context.caller }));
  context.tell({ event: 'case.released', caseId, instanceId, undone, problems });
  for (const what of undone) context.say(`Undone: ${inert(what)}`);
  for (const problem of problems) context.say(`Not undone: ${inert(problem)}`);
  if (undone.length === 0 && problems.length === 0) context.say('There was nothing to undo.');
  return problems.length > 0 ? EXIT.failed : EXIT.complete;
}
