import { CASE_TAGS } from '../../vocabulary/index.ts';

/** Values of the purpose tag. */
export const PURPOSES = ['evidence', 'working-copy', 'collector', 'analysis', 'endpoints'] as const;

/** Tag policy: case tags have one spelling, and the purpose one of a fixed set of values. */
export const caseTagPolicy = (): object => ({
  tags: Object.fromEntries(
    Object.values(CASE_TAGS).map((key) => [
      key,
      {
        tag_key: { '@@assign': key },
        ...(key === CASE_TAGS.purpose
          ? { tag_value: { '@@assign': PURPOSES }, enforced_for: { '@@assign': ['ec2:snapshot', 'ec2:subnet', 'ec2:volume'] } }
          : {}),
      },
    ]),
  ),
});
