import jsonata from 'jsonata';
import type { Flow, StateMachine } from '../../../modules/acquisition-workflow/definition/asl.ts';
import { assignedIn, expressionsIn, limitsOf, nextOf, placesOf, statesOf } from './walk.ts';

/** Each proof lists what speaks against it; nothing means that it holds. */
export type Proof = (machine: StateMachine) => string[];

const reachable = (flow: Flow, from: string): Set<string> => {
  const seen = new Set([from]);
  for (const name of seen) for (const next of flow.States[name] ? nextOf(flow.States[name]) : []) seen.add(next);
  return seen;
};

/** Every state can be reached from its flow's start, every next state exists, and from every state an end can be reached. */
export const reachability: Proof = (machine) =>
  placesOf(machine).flatMap(({ path, flow }) => {
    const seen = reachable(flow, flow.StartAt);
    const missing = [...seen].filter((name) => !(name in flow.States)).map((name) => `${path}${name}: there is no such state`);
    const idle = Object.keys(flow.States).filter((name) => !seen.has(name)).map((name) => `${path}${name}: nothing leads there`);
    const ends = (name: string): boolean => {
      const state = flow.States[name];
      return state !== undefined && (state.Type === 'Succeed' || state.Type === 'Fail' || ('End' in state && state.End));
    };
    const stuck = Object.keys(flow.States).filter((name) => ![...reachable(flow, name)].some(ends)).map((name) => `${path}${name}: no end can be reached from here`);
    return [...missing, ...idle, ...stuck];
  });

/** Every task says how long it may take, what is tried again and where every error leads; so does every Map and Parallel. */
export const guardedTasks: Proof = (machine) =>
  statesOf(machine).flatMap(({ name, state }) => {
    if (state.Type !== 'Task' && state.Type !== 'Map' && state.Type !== 'Parallel') return [];
    const problems: string[] = [];
    const catches = (state.Catch as typeof state.Catch | undefined) ?? [];
    if (!catches.some(({ ErrorEquals }) => ErrorEquals.includes('States.ALL'))) problems.push(`${name}: an error is not caught`);
    if (catches.findIndex(({ ErrorEquals }) => ErrorEquals.includes('States.ALL')) !== catches.length - 1) problems.push(`${name}: States.ALL is not the last catcher`);
    if (state.Type !== 'Task') return problems;
    const seconds = state.TimeoutSeconds as number | string | undefined;
    if (seconds === undefined || (typeof seconds === 'number' && (seconds <= 0 || seconds > 3600))) problems.push(`${name}: the timeout is ${seconds}`);
    if ((state.Retry as unknown) === undefined) problems.push(`${name}: nothing says what is tried again`);
    for (const { MaxAttempts, BackoffRate, MaxDelaySeconds } of state.Retry ?? []) {
      if (MaxAttempts > 30 || BackoffRate < 1 || (MaxDelaySeconds ?? Infinity) > 600) problems.push(`${name}: a retry without a bound`);
    }
    return problems;
  });

interface Edge {
  readonly from: string;
  readonly to: string;
  readonly assign: object | undefined;
}

/** Every way from one state to another, with what is assigned on it. */
const edgesOf = (flow: Flow): Edge[] =>
  Object.entries(flow.States).flatMap(([from, state]) => [
    ...('Next' in state ? [{ from, to: state.Next, assign: 'Assign' in state ? state.Assign : undefined }] : []),
    ...(state.Type === 'Choice' ? [...state.Choices.map((rule) => ({ from, to: rule.Next, assign: rule.Assign })), { from, to: state.Default, assign: state.Assign }] : []),
    ...('Catch' in state ? state.Catch.map((catcher) => ({ from, to: catcher.Next, assign: catcher.Assign })) : []),
  ]);

/** Whether a state comes back to itself by these edges, and which states it meets on all those ways. */
const comesBack = (edges: readonly Edge[], start: string): Set<string> | undefined => {
  const from = (seed: string, forward: boolean): Set<string> => {
    const seen = new Set<string>();
    for (const queue = [seed]; queue.length > 0; ) {
      const at = queue.pop()!;
      for (const edge of edges) {
        const [here, there] = forward ? [edge.from, edge.to] : [edge.to, edge.from];
        if (here !== at || seen.has(there)) continue;
        seen.add(there);
        queue.push(there);
      }
    }
    return seen;
  };
  const [after, before] = [from(start, true), from(start, false)];
  return after.has(start) ? new Set([...after].filter((name) => before.has(name))) : undefined;
};

/**
 * In every loop something waits and counts the seconds, or asks for the next page and counts the pages, and a Choice on the
 * way leads out when they are too many. A state whose count has such a limit, and that nothing in its loop sets back, is taken
 * out; what still loops then loops for ever.
 */
export const boundedLoops: Proof = (machine) =>
  placesOf(machine).flatMap(({ path, flow }) => {
    let edges = edgesOf(flow);
    const bounded = (name: string): boolean => {
      const loop = comesBack(edges, name);
      const state = flow.States[name]!;
      if (!loop || (state.Type !== 'Wait' && state.Type !== 'Task')) return false;
      // A page that fails is not counted: its failure has to lead out.
      if (state.Type === 'Task' && state.Catch.some(({ Next }) => loop.has(Next))) return false;
      return Object.entries(state.Assign ?? {}).some(([counter, data]) => {
        if (typeof data !== 'string' || !(state.Type === 'Wait' ? data.startsWith(`{% $${counter} + $max([`) : data === `{% $${counter} + 1 %}`)) return false;
        const limits = [...loop].filter((other) => {
          const choice = flow.States[other]!;
          return choice.Type === 'Choice' && limitsOf(choice).some((limit) => limit.counter === counter && !loop.has(limit.next));
        });
        const setBack = edges.some(({ from, to, assign }) => from !== name && loop.has(from) && loop.has(to) && assign !== undefined && counter in assign && !String((assign as Record<string, unknown>)[counter]).startsWith(`{% $${counter} + $max([`));
        const unavoidable = limits.some((limit) => !comesBack(edges.filter(({ from }) => from !== limit), name));
        return unavoidable && !setBack;
      });
    };
    for (let found = true; found; ) {
      const counting = Object.keys(flow.States).find((name) => bounded(name));
      found = counting !== undefined;
      edges = edges.filter(({ from }) => from !== counting);
    }
    const looping = Object.keys(flow.States).filter((name) => comesBack(edges, name));
    return looping.length === 0 ? [] : [`${path}${looping.join(' → ')}: a loop without an end`];
  });

/** No state waits for ever or for nothing: a Wait outside a loop is bounded by a number. */
export const boundedWaits: Proof = (machine) =>
  statesOf(machine).flatMap(({ name, state }) =>
    state.Type === 'Wait' && !(typeof state.Seconds === 'number' ? state.Seconds <= 900 : /\$min\(\[\d+,/.test(state.Seconds)) ? [`${name}: waits for ${state.Seconds}`] : []);

/** Every expression parses. */
export const parsing: Proof = (machine) =>
  expressionsIn(machine).flatMap(({ path, text }) => {
    try {
      jsonata(text);
      return [];
    } catch (error) {
      return [`${path}: ${(error as Error).message}`];
    }
  });

/** Names that an expression reads and does not bind itself. */
const freeNames = (node: unknown, bound: ReadonlySet<string> = new Set()): Set<string> => {
  const found = new Set<string>();
  if (typeof node !== 'object' || node === null) return found;
  const { type, value, arguments: parameters, body, lhs } = node as { type?: string; value?: unknown; arguments?: { value: string }[]; body?: unknown; lhs?: { value?: string } };
  if (type === 'variable' && typeof value === 'string' && value !== '' && value !== '$' && !bound.has(value)) found.add(value);
  const inner = new Set(bound);
  if (type === 'lambda') for (const parameter of parameters ?? []) inner.add(parameter.value);
  if (type === 'block') {
    for (const expression of (node as { expressions?: { type?: string; lhs?: { value?: string } }[] }).expressions ?? []) if (expression.type === 'bind') inner.add(expression.lhs?.value ?? '');
  }
  for (const [key, child] of Object.entries(node)) {
    if (type === 'lambda' && key === 'arguments') continue;
    if (key === 'procedure' && (child as { type?: string }).type === 'variable') continue; // a function's name
    for (const name of freeNames(child, inner)) found.add(name);
  }
  void body;
  void lhs;
  return found;
};

const FUNCTIONS = new Set(['append', 'string', 'states']);

/** Every variable that is read has been assigned on every way that leads to where it is read; no branch assigns one of a scope around it. */
export const variables: Proof = (machine) =>
  placesOf(machine).flatMap(({ path, flow, outer }) => {
    const problems = [...assignedIn(flow)].filter((name) => outer.has(name)).map((name) => `${path}: $${name} is assigned here and in a scope around it`);
    const known = new Map<string, Set<string>>([[flow.StartAt, new Set(outer)]]);
    for (const queue = [flow.StartAt]; queue.length > 0; ) {
      const name = queue.shift()!;
      const state = flow.States[name];
      if (!state) continue;
      const edges: { to: string; assign: object | undefined }[] = [];
      if ('Next' in state) edges.push({ to: state.Next, assign: 'Assign' in state ? state.Assign : undefined });
      if (state.Type === 'Choice') {
        for (const rule of state.Choices) edges.push({ to: rule.Next, assign: rule.Assign });
        edges.push({ to: state.Default, assign: state.Assign });
      }
      if ('Catch' in state) for (const catcher of state.Catch) edges.push({ to: catcher.Next, assign: catcher.Assign });
      for (const { to, assign } of edges) {
        const after = new Set([...known.get(name)!, ...Object.keys(assign ?? {})]);
        const before = known.get(to);
        const merged = before === undefined ? after : new Set([...before].filter((variable) => after.has(variable)));
        if (before === undefined || merged.size < before.size) {
          known.set(to, merged);
          queue.push(to);
        }
      }
    }
    for (const [name, state] of Object.entries(flow.States)) {
      const here = known.get(name) ?? outer;
      const own = state.Type === 'Parallel' ? { ...state, Branches: [] } : state.Type === 'Map' ? { ...state, ItemProcessor: {} } : state;
      for (const { text } of expressionsIn(own)) {
        for (const variable of freeNames(jsonata(text).ast())) if (!here.has(variable) && !FUNCTIONS.has(variable)) problems.push(`${path}${name}: $${variable} may not be assigned yet`);
      }
    }
    return problems;
  });
