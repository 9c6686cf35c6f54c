import type { ChoiceState, Flow, State, StateMachine, TaskState } from '../../../modules/acquisition-workflow/definition/asl.ts';

/** A workflow, a branch or an iteration, and where it stands. */
export interface Place {
  readonly path: string;
  readonly flow: Flow;
  /** Names that a scope around it assigns; none for a distributed Map's, which sees nothing of them. */
  readonly outer: ReadonlySet<string>;
}

const assigned = (flow: Flow): Set<string> => {
  const names = new Set<string>();
  const take = (assign: object | undefined): void => Object.keys(assign ?? {}).forEach((name) => names.add(name));
  for (const state of Object.values(flow.States)) {
    if ('Assign' in state) take(state.Assign);
    if ('Catch' in state) for (const { Assign } of state.Catch) take(Assign);
    if (state.Type === 'Choice') for (const { Assign } of state.Choices) take(Assign);
  }
  return names;
};

/** Every flow of a machine: its own, and those of its Parallels and Maps. */
export function placesOf(flow: Flow, path = '', outer: ReadonlySet<string> = new Set()): Place[] {
  const own = new Set([...outer, ...assigned(flow)]);
  const inner = Object.entries(flow.States).flatMap(([name, state]) => {
    if (state.Type === 'Parallel') return state.Branches.flatMap((branch, index) => placesOf(branch, `${path}${name}[${index}] / `, own));
    if (state.Type !== 'Map') return [];
    const alone = state.ItemProcessor.ProcessorConfig.Mode === 'DISTRIBUTED';
    return placesOf(state.ItemProcessor, `${path}${name} / `, alone ? new Set() : own);
  });
  return [{ path, flow, outer }, ...inner];
}
export const assignedIn = assigned;

/** Every state of a machine, with the flow it is in. */
export const statesOf = (machine: Flow): { readonly name: string; readonly state: State; readonly place: Place }[] =>
  placesOf(machine).flatMap((place) => Object.entries(place.flow.States).map(([name, state]) => ({ name: `${place.path}${name}`, state, place })));

export const tasksOf = (machine: Flow): { readonly name: string; readonly state: TaskState }[] =>
  statesOf(machine).flatMap(({ name, state }) => (state.Type === 'Task' ? [{ name, state }] : []));

/** Where a state may lead, whatever happens in it. */
export const nextOf = (state: State): readonly string[] => [
  ...('Next' in state ? [state.Next] : []),
  ...(state.Type === 'Choice' ? [...state.Choices.map(({ Next }) => Next), state.Default] : []),
  ...('Catch' in state ? state.Catch.map(({ Next }) => Next) : []),
];

/** Every string in a piece of data that is an expression, with the path to it. */
export function expressionsIn(data: unknown, path = ''): { readonly path: string; readonly text: string }[] {
  if (typeof data === 'string') return data.startsWith('{%') ? [{ path, text: data.slice(2, -2) }] : [];
  if (typeof data !== 'object' || data === null) return [];
  return Object.entries(data).flatMap(([key, value]) => expressionsIn(value, `${path}/${key}`));
}

/** A deep copy of the machine, in which one thing is changed: to see a proof fail. */
export function mutated(machine: StateMachine, change: (states: Record<string, Record<string, unknown>>, machine: StateMachine) => void): StateMachine {
  const copy = structuredClone(machine);
  change(copy.States as unknown as Record<string, Record<string, unknown>>, copy);
  return copy;
}

/** Rules of a Choice that compare a counter with a limit: its name, and where they lead. */
export const limitsOf = (state: ChoiceState): { readonly counter: string; readonly next: string }[] =>
  state.Choices.flatMap(({ Condition, Next }) => {
    const counter = /\$(\w+) >= /.exec(Condition)?.[1];
    return counter === undefined ? [] : [{ counter, next: Next }];
  });
