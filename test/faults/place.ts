import type { FaultPlan, S3Front } from '../helpers/s3-front.ts';

export const CASE = 'fault';
export const EXHIBIT = 'vol-0123456789abcdef0';

/** Where a row stores evidence. */
export type Place = {
  readonly to: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  /** Whether the store itself lies, in a way that only `verify` can find: then what it says is not taken for the collector's word. */
  lies?: boolean;
};

/** A bucket behind a front whose faults a case may set at any time. */
export type Bucket = Place & { readonly bucket: string; readonly front: S3Front; faults: FaultPlan | undefined };
