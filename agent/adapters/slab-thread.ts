import { Worker } from 'node:worker_threads';

/** The worker's own code, put in by the bundler; a checkout has it in a file beside this one. */
declare const SLAB_WORKER: string | undefined;

let spare: Worker | undefined;

const boot = (): Worker => (typeof SLAB_WORKER === 'string' ? new Worker(SLAB_WORKER, { eval: true }) : new Worker(new URL('./slab-worker.ts', import.meta.url)));

/** Boots the thread of the next reading ahead of time: that takes longer than everything else before the first byte. Holds no process. */
export function bootSlabThread(): void {
  if (spare) return;
  const worker = boot();
  const drop = (): void => {
    if (spare === worker) spare = undefined;
  };
  worker.unref();
  worker.on('online', () => spare === worker && worker.unref()); // its ports count again once it runs
  worker.on('error', drop);
  worker.on('exit', drop);
  spare = worker;
}

/** A thread that waits for its {@link SlabJob}, booted ahead or now; it holds the process until it ends. */
export function takeSlabThread(): Worker {
  const worker = spare ?? boot();
  spare = undefined;
  worker.ref();
  return worker;
}
