import { ExecutionAlreadyExists, type SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
import {
  ACQUISITION_SCHEMA, AcquisitionInput, AcquisitionOptions, caseKey, CaseRecord, executionArn, executionName, InstanceId, isEnded, stateMachineArn,
  type CaseInstance, type OpenCaseOutput, type PersonRequest, type Place, type TriggerSettings,
} from '../../../vocabulary/index.ts';
import { HandlerError } from '../errors.ts';
import { newCase } from '../record/case-summary.ts';
import { parseRecord } from '../record/record.ts';
import { updateRecord, type Records } from '../records.ts';
import { safe, sha256 } from '../texts.ts';
import type { CaseRequest, Target } from './case-request.ts';
import { normalize } from './normalize.ts';

export type OpenCaseDependencies = {
  readonly records: Records;
  readonly sfn: SFNClient;
  readonly now: () => Date;
  /** Where the workflow runs: it acquires in this Region only. */
  readonly place: Place;
  /** Accounts whose instances may be acquired; the forensic account itself is none of them. */
  readonly memberAccounts: readonly string[];
  readonly options: AcquisitionOptions;
  readonly triggers: TriggerSettings;
};

type Opening = { readonly request: CaseRequest; readonly person: PersonRequest | undefined; readonly event: unknown };

/**
 * Opens the cases of an event: stores the event once, lists the instances in the case record, starts an execution for
 * each. Idempotent by finding and instance, by the case record and by the execution's name.
 * @throws HandlerError `Cleanroom.BadInput` for what is no event of ours, `Cleanroom.OutsideEstate` where none of its
 * instances is in the estate; nothing was opened then
 */
export const openCase = (dependencies: OpenCaseDependencies) => async (event: unknown): Promise<OpenCaseOutput> => {
  const { found, person } = normalize(event, dependencies.triggers);
  const notes: string[] = [];
  const requests: CaseRequest[] = [];
  let outside = 0;
  for (const one of found) {
    if ('ignored' in one) {
      notes.push(one.ignored);
      continue;
    }
    const refusals = one.request.targets.map((target) => whyOutside(target, dependencies));
    const targets = one.request.targets.filter((_, index) => refusals[index] === undefined);
    notes.push(...refusals.filter((why) => why !== undefined));
    outside += one.request.targets.length - targets.length;
    if (targets.length > 0) requests.push({ ...one.request, targets });
  }
  if (requests.length === 0 && outside > 0) throw new HandlerError('Cleanroom.OutsideEstate', `nothing was opened: ${notes.slice(0, 5).join('; ')}`);
  const cases: OpenCaseOutput['cases'] = [];
  for (const request of requests) cases.push(await open(dependencies, { request, person, event }));
  return { cases, ignored: notes };
};

/** Why an instance is not the workflow's to acquire; undefined where it is. */
function whyOutside({ account, region, instanceId }: Target, { place, memberAccounts }: OpenCaseDependencies): string | undefined {
  if (!InstanceId.safeParse(instanceId).success) return `"${safe(instanceId, 40)}" is no instance`;
  if (!memberAccounts.includes(account)) return `${instanceId}: account "${safe(account, 40)}" is not monitored by this estate; add it to monitoredAccounts`;
  if (region !== place.region) return `${instanceId}: Region "${safe(region, 40)}" is not handled here but by the forensic stack of that Region; this one is ${place.region}`;
  return undefined;
}

async function open(dependencies: OpenCaseDependencies, { request, person, event }: Opening): Promise<OpenCaseOutput['cases'][number]> {
  const { records, now, place } = dependencies;
  const { caseId } = request;
  const options = optionsOf(dependencies.options, person);
  const inputs = request.targets.map(({ account, region, instanceId }) =>
    AcquisitionInput.parse({
      schema: ACQUISITION_SCHEMA, caseId, account, region, instanceId, requester: request.requester, reason: request.reason, trigger: request.trigger, options,
    }),
  );
  // As received, once: a later event of the same finding is another version of a story that has begun.
  await records.write(caseKey(caseId, 'event.json'), `${JSON.stringify(event, null, 2)}\n`, undefined);

  const known = new Map<string, CaseInstance>();
  const key = caseKey(caseId, 'case.json');
  const at = now().toISOString();
  await updateRecord(records, key, (text) => {
    const before = text === undefined ? newCase(inputs[0]!, at) : parseRecord(CaseRecord, key, text);
    known.clear();
    for (const { instanceId } of inputs) {
      const instance = before.instances[instanceId];
      if (instance) known.set(instanceId, instance);
    }
    const added = inputs.filter(({ instanceId }) => !known.has(instanceId));
    if (added.length === 0) return undefined;
    const opened = (account: string, region: string): CaseInstance => ({
      revision: 0, account, region, status: 'OPEN', stage: 'open', openedAt: at, volumes: {}, leftBehind: [], problems: [],
    });
    const instances = { ...before.instances, ...Object.fromEntries(added.map(({ instanceId, account, region }) => [instanceId, opened(account, region)])) };
    return `${JSON.stringify({ ...before, updatedAt: at, instances }, null, 2)}\n`;
  });

  const executions = [];
  for (const input of inputs) executions.push(await start(dependencies, input, known.get(input.instanceId), person?.again ?? false));
  return { caseId, executions: executions.map((execution) => ({ ...execution, executionArn: executionArn(place, execution.name) })).map(({ name: _, ...rest }) => rest) };
}

/** Starts an acquisition unless it has begun. One that is listed but was never recorded may have been lost, and is started. */
async function start({ records, sfn, place }: OpenCaseDependencies, input: AcquisitionInput, known: CaseInstance | undefined, again: boolean): Promise<{ instanceId: string; name: string; started: boolean }> {
  const { instanceId } = input;
  const begun = known !== undefined && known.revision > 0;
  const ended = begun && isEnded(known.status);
  if (begun && !(again && ended && known.status !== 'COMPLETE')) {
    return { instanceId, name: known.executionArn?.split(':').at(-1) ?? executionName(input, sha256), started: false };
  }
  const one = begun ? { ...input, trigger: { ...input.trigger, key: `${input.trigger.key}:again-${known.revision}` } } : input;
  const name = executionName(one, sha256);
  try {
    await sfn.send(new StartExecutionCommand({ stateMachineArn: stateMachineArn(place), name, input: JSON.stringify(one) }));
    if (begun) await markBegunAgain(records, one, known.revision, executionArn(place, name));
    return { instanceId, name, started: known === undefined || begun };
  } catch (error) {
    // Whoever listed the instance opened it, though another report's start may have come first.
    if (error instanceof ExecutionAlreadyExists) return { instanceId, name, started: known === undefined };
    throw error;
  }
}

/** Until the execution writes a word, the case alone knows that what had ended goes on: whoever looks, or releases, has to. */
async function markBegunAgain(records: Records, { caseId, instanceId }: AcquisitionInput, revision: number, arn: string): Promise<void> {
  const key = caseKey(caseId, 'case.json');
  await updateRecord(records, key, (text) => {
    const record = text === undefined ? undefined : parseRecord(CaseRecord, key, text);
    const instance = record?.instances[instanceId];
    if (!record || instance?.revision !== revision) return undefined; // it has written already
    const { endedAt: _, actual: __, ...rest } = instance;
    const begun: CaseInstance = { ...rest, status: 'OPEN', stage: 'open', executionArn: arn };
    return `${JSON.stringify({ ...record, instances: { ...record.instances, [instanceId]: begun } }, null, 2)}\n`;
  });
}

/** The estate's options with a person's; an approval that the estate asks for is nobody's to leave out. */
function optionsOf(estate: AcquisitionOptions, person: PersonRequest | undefined): AcquisitionOptions {
  const given = Object.fromEntries(Object.entries(person?.options ?? {}).filter(([, value]) => value !== undefined));
  return AcquisitionOptions.parse({ ...estate, ...given, ...(estate.approval === 'required' && { approval: 'required' }) });
}
