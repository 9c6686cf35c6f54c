/** How the process ends once its outcome is told, whatever still holds it. */

import { hasAbandonedWork } from './adapters/patience.ts';

/** Time that the process gets to end by itself. Milliseconds. */
const LINGER_MS = 3000;

/** Whether the kernel has yet to answer a read or a write: Node waits for the thread that asked, also in `exit`. */
const isHeld = (): boolean => hasAbandonedWork() || process.getActiveResourcesInfo().some((what) => what.startsWith('FSReq'));

/** Gives a terminal its cursor and its line wrap back, which a progress bar keeps until it is stopped: it outlives the process. */
function restoreTerminal(): void {
  if (process.stderr.isTTY) process.stderr.write('\x1b[?25h\x1b[?7h');
}

/** Ends the process now, whatever it does. */
export function endByForce(): void {
  restoreTerminal();
  process.kill(process.pid, 'SIGKILL');
}

/** Sees to it that the process ends, with the status that it has: by force only where the kernel lets it end in no other way. */
export function endThough(): void {
  const end = (): void => {
    if (!isHeld()) process.exit();
    process.stderr.write(`collector: a disk, or the evidence directory, still does not answer; ending by force instead of with exit status ${process.exitCode ?? 0}.\n`);
    endByForce();
  };
  setTimeout(end, LINGER_MS).unref();
}

/** Ends the process with the status that it has, at once where that is possible. */
export function endNow(): void {
  restoreTerminal();
  if (!isHeld()) process.exit();
  endThough();
}
