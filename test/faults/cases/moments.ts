import { resolve } from 'node:path';
import type { Fault, FaultRequest } from '../../helpers/s3-front.ts';
import type { Running } from '../collector.ts';
import type { Lab, Source } from '../lab.ts';
import type { Bucket } from '../place.ts';

/** The image in three objects, so that there are instants between their completions. */
export const SPLIT = ['--max-object-size', '10MiB'];

/** A request in whose middle something happens to the collector. */
export type Moment = { readonly name: string; readonly is: (request: FaultRequest) => boolean; readonly args?: readonly string[] };

const at = (name: string, operation: string, suffix = '', partNumber?: number): Moment => ({
  name,
  is: (request) => request.operation === operation && request.key.endsWith(suffix) && (partNumber === undefined || request.partNumber === partNumber),
});

/** Moments at which something is stored, in their order. */
export const MOMENTS: readonly Moment[] = [
  at('the first upload is begun', 'CreateMultipartUpload', '.000'),
  at('the second upload is begun', 'CreateMultipartUpload', '.001'),
  at('a part is stored', 'UploadPart', '.001', 1),
  at('the first object is completed', 'CompleteMultipartUpload', '.000'),
  at('the second object is completed', 'CompleteMultipartUpload', '.001'),
  at('the last object is completed', 'CompleteMultipartUpload', '.002'),
  at('the capture log is stored', 'PutObject', 'capture.log'),
  at('the custody log is stored', 'PutObject', 'custody.jsonl'),
  at('the manifest is stored', 'PutObject', 'manifest.json'),
];

/** Further moments, at which nothing is stored. */
export const LOOKS: readonly Moment[] = [
  at('it looks whether the exhibit is there', 'HeadObject', 'manifest.json'),
  at('it looks for unfinished uploads', 'ListMultipartUploads'),
  { ...at('it reads back', 'GetObject', '.001'), args: ['--reread', 'always'] },
];

/** Starts a collector that gets a signal in the middle of one request, which then meets a fault. */
export async function signalledAt(lab: Lab, { is, args = [] }: Moment, by: NodeJS.Signals, fault: Fault): Promise<{ readonly source: Source; readonly bucket: Bucket; readonly running: Running }> {
  const source = await lab.source();
  const bucket = await lab.bucket();
  const running = lab.start(source, bucket, [...SPLIT, ...args]);
  bucket.faults = (request) => {
    if (!is(request)) return undefined;
    bucket.faults = undefined;
    running.kill(by);
    return fault;
  };
  return { source, bucket, running };
}

/** The environment of a collector that gets a signal in the moment it logs an event: its name, with `#2` for the second of that name. */
export const stoppedAt = (event: string, by: 'SIGTERM' | 'SIGSTOP'): NodeJS.ProcessEnv => ({
  NODE_OPTIONS: `--import=${resolve(import.meta.dirname, '../../fixtures/told-to-stop.ts')}`, CLEANROOM_TEST_STOP_AT: event, CLEANROOM_TEST_STOP_BY: by,
});
