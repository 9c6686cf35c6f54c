/** Runs one work at a time, in the order of the calls, whatever becomes of each. */
export type InTurn = <T>(work: () => Promise<T>) => Promise<T>;

/**
 * A queue of its own. Node has four threads for everything that asks a file system: what may be left waiting there for ever must
 * never take them all.
 */
export function inTurn(): InTurn {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const turn = last.then(work);
    last = turn.catch(() => undefined);
    return turn;
  };
}
