import { expect } from 'chai';
import type { Records } from '../../../modules/acquisition-workflow/handlers/records.ts';
import type { AcquisitionInput, AcquisitionRecord } from '../../../modules/vocabulary/index.ts';
import { AwsWorld } from '../world/aws-world.ts';
import { inputFor, readCase } from '../world/case.ts';
import type { AwsCall, Hook } from '../world/dispatch.ts';
import { type CaseRun, runCase, type RunOptions } from '../world/run-case.ts';
import { startSuspect, type Suspect, type SuspectOptions } from '../world/suspect.ts';

/** An acquisition that is over. */
export interface Ended {
  readonly run: CaseRun;
  readonly record: AcquisitionRecord;
  readonly suspect: Suspect;
  readonly input: AcquisitionInput;
}

export interface CaseOptions extends Omit<RunOptions, 'world' | 'records' | 'input' | 'hook'>, Pick<SuspectOptions, 'keyArn' | 'dataKeyArn'> {
  readonly options?: Parameters<typeof inputFor>[1];
  /** What of the request is otherwise. */
  readonly edit?: Partial<AcquisitionInput>;
  /** Volumes of the suspect, the root's among them. @default 1 */
  readonly volumes?: number;
  readonly hook?: (call: AwsCall, suspect: Suspect, input: AcquisitionInput) => ReturnType<Hook>;
}

/** Starts an emulated AWS before the tests of a suite, and stops it after them. */
export function withWorld(use: (world: AwsWorld) => void): void {
  let world: AwsWorld | undefined;
  before(async () => use((world = await AwsWorld.start())));
  after(() => world?.stop());
}

/** Starts a suspect and acquires it, to whatever end. */
export async function acquireIn({ world, records }: { readonly world: AwsWorld; readonly records: Records }, { options, edit, volumes = 1, keyArn, dataKeyArn, hook, ...more }: CaseOptions = {}): Promise<Ended> {
  const suspect = await startSuspect(world, { dataVolumes: volumes - 1, ...(keyArn === undefined ? {} : { keyArn }), ...(dataKeyArn === undefined ? {} : { dataKeyArn }) });
  const input = { ...inputFor(suspect.instanceId, options), ...edit };
  const run = await runCase({ world, records, input, ...more, ...(hook === undefined ? {} : { hook: (call: AwsCall) => hook(call, suspect, input) }) });
  return { run, input, suspect, record: (await readCase(records, input)).record };
}

export const statesOf = (run: CaseRun): string[] => run.history.filter(({ type }) => type === 'entered').map(({ state }) => state);

/** The problem that people were told of. */
export const problemOf = ({ run }: Ended): string => JSON.stringify((JSON.parse(run.told[0]!.Message) as { problem: unknown }).problem);

/** Every bad ending is loud: the execution fails, somebody is told once, the record is closed, and nothing of the source was ended. */
export function expectLoud({ run, record, suspect }: Ended, error: string): void {
  expect(run.status).to.equal('FAILED');
  expect(run.error).to.equal(error);
  expect(run.told).to.have.length(1);
  expect(JSON.parse(run.told[0]!.Message)).to.include({ status: record.status, instance: suspect.instanceId });
  expect(record.endedAt).to.be.a('string');
  const onSource = run.calls.filter(({ action, args }) => /terminate|delete|stop|detach/i.test(action) && [suspect.instanceId, ...suspect.volumeIds].some((id) => JSON.stringify(args).includes(id)));
  expect(onSource.map(({ action }) => action)).to.deep.equal([]);
}
