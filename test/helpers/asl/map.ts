import type { Flow, MapState } from '../../../modules/acquisition-workflow/definition/asl.ts';
import type { Clock } from './clock.ts';
import { AslError } from './errors.ts';
import { Scope, type Frame, type Visit } from './visit.ts';

/** What a Map has its iterations run by. */
interface Runner {
  readonly clock: Clock;
  /** Runs the states of one iteration to their output. */
  readonly flow: (flow: Flow, input: unknown, frame: Frame) => Promise<unknown>;
  /** Begins work beside what runs already. */
  readonly forked: <T>(work: () => Promise<T>) => Promise<T>;
}

/** Runs a Map's iterations, as many beside each other as it allows, to their results in the order of its items. */
export async function runMap(state: MapState, visit: Visit, { clock, flow, forked }: Runner): Promise<unknown[]> {
  const items = await visit.evaluate(state.Items);
  if (!Array.isArray(items)) throw new AslError('States.QueryEvaluationError', `Items of a Map gave ${JSON.stringify(items)?.slice(0, 100)}, no list`);
  const distributed = state.ItemProcessor.ProcessorConfig.Mode === 'DISTRIBUTED';
  const results: { readonly index: number; readonly output: unknown }[] = [];
  let failures = 0;
  const iterate = async (value: unknown, index: number): Promise<void> => {
    const each = visit.with({ context: { ...visit.context, Map: { Item: { Index: index, Value: value } } } });
    const input = await each.evaluate(state.ItemSelector);
    // A distributed Map's iteration is an execution of its own, which sees no variable from outside.
    const frame = distributed ? { scope: new Scope(), context: childContext(visit.context, input, state.Label, index) } : each.inner();
    try {
      results.push({ index, output: await flow(state.ItemProcessor, input, frame) });
    } catch (error) {
      if (!(error instanceof AslError)) throw error;
      if (!distributed) throw error;
      failures++;
      if ((failures / items.length) * 100 > (state.ToleratedFailurePercentage ?? 0)) throw new AslError('States.ExceedToleratedFailureThreshold', error.message);
    }
  };
  const queue = items.map((value: unknown, index) => ({ value, index }));
  const workers = Array.from({ length: Math.min(state.MaxConcurrency || items.length, items.length) }, () =>
    forked(async () => {
      for (let next = queue.shift(); next; next = queue.shift()) await iterate(next.value, next.index);
    }));
  await clock.await(Promise.all(workers));
  return results.toSorted((a, b) => a.index - b.index).map(({ output }) => output);
}

/** Each child has a name that no other has, of whichever execution it is. */
const childContext = (context: Readonly<Record<string, unknown>>, input: unknown, label: string | undefined, index: number): Readonly<Record<string, unknown>> => {
  const parent = context['Execution'] as { Id: string; Name: string };
  const Name = `${parent.Name}-${index}`;
  return { ...context, Execution: { ...parent, Id: `${parent.Id.split(':').slice(0, -1).join(':')}/${label ?? 'Map'}:${Name}`, Name, Input: input } };
};
