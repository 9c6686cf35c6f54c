import type { Fault, FaultRequest } from '../../helpers/s3-front.ts';
import type { Lab } from '../lab.ts';
import type { FaultRow } from '../row.ts';

const part = (request: FaultRequest, number?: number): boolean => request.operation === 'UploadPart' && (number === undefined || request.partNumber === number);

/** Images into a bucket whose front does this to requests. */
async function through(lab: Lab, faults: (request: FaultRequest) => Fault | undefined, more: readonly string[] = []): Promise<string> {
  const source = await lab.image();
  const bucket = await lab.bucket(faults);
  return (await lab.collect(source, bucket, more)).outcome;
}

export const STORE: readonly FaultRow[] = [
  {
    area: 'store', fault: 'every part is answered with 500 once', expected: 'COMPLETE',
    run: (lab) => through(lab, (request) => (part(request) && request.attempt === 1 ? { kind: 'status', status: 500 } : undefined)),
  },
  {
    area: 'store', fault: 'a part is silently corrupted, and read back', expected: 'FAILED STORED_DIFFERS',
    run: (lab) => through(lab, (request) => (part(request, 3) ? { kind: 'corrupt-silently', at: 4_000_000 } : undefined), ['--reread', 'always']),
  },
];
