import type { Place } from '../../../modules/vocabulary/index.ts';

/** The forensic account and Region of the tests' world. */
export const PLACE: Place = { prefix: 'cleanroom', partition: 'aws', account: '100000000003', region: 'eu-west-1' };
/** The account that it monitors. */
export const MEMBER = '200000000002';
