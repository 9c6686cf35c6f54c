import { Worker } from 'node:worker_threads';

/** The worker's own code, put in by the bundler; a checkout has it in a file beside this one. */
declare const SLAB_WORKER: string | undefined;

let spare: Worker | undefined;

const boot = (): Worker => (typeof SLAB_WORKER === 'string' ? new Worker(SLAB_WORKER, { eval: true }) : new Worker(new URL('./slab-worker.ts', import.meta.url)));

/**
 * Boots the thread of the next reading ahead of time: that takes longer than everything else before the first byte. Holds no
 * process; where it fails, the reading boots its own and tells why that fails.
 */
export function bootSlabThread(): void {
  if (spare) return;
  try {
    const worker = boot();
    const drop = (): void => {
      if (spare === worker) spare = undefined;
    };
    worker.unref();
    worker.on('error', drop);
    worker.on('exit', drop);
    spare = worker;
  } catch {
    // no thread to be had yet
  }
}

/** A thread that waits for its {@link SlabJob}, booted ahead or now; it holds the process until it ends. */
export function takeSlabThread(): Worker {
  const worker = spare ?? boot();
  spare = undefined;
  worker.ref();
  return worker;
}
