import type { PolicyDocument } from '../../../modules/policy.ts';
import type { ContextKeys, Principal } from './world.ts';

/** One question and its answer. The keys are those that AWS adds for this action beside those every request has. */
export type Row = readonly [verdict: 'allow' | 'deny', action: string, resource: string, keys?: ContextKeys];

/** What one principal asks, and the promise that its answers keep. */
export interface Group {
  /** Title of the test. */
  readonly promise: string;
  readonly who: Principal;
  /** Endpoint of the isolated network that the requests go through; from outside otherwise. */
  readonly through?: string;
  /** Account that owns the resources. @default the one in their ARNs, or the bucket's, or the principal's */
  readonly owner?: string;
  /** Region that is asked. @default the place's */
  readonly region?: string;
  /** Policy of a resource of somebody's that is not the estate's. */
  readonly resourcePolicy?: PolicyDocument;
  readonly rows: readonly Row[];
}
