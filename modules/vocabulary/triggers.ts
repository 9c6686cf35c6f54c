import { z } from 'zod';
import type { EstateNaming } from './estate-names.ts';
import { strict } from './strict-object.ts';

/** Labels of Security Hub that may start a case, and where they lie on GuardDuty's scale. */
export const SEVERITY_OF = { CRITICAL: 9, HIGH: 7, MEDIUM: 4, LOW: 1 } as const;
const SeverityLabel = z.enum(['CRITICAL', 'HIGH', 'MEDIUM', 'LOW'], 'CRITICAL, HIGH, MEDIUM or LOW is allowed');

const ProductFilter = {
  enabled: z.boolean().default(false),
  severities: z.array(SeverityLabel).min(1, 'at least one severity is needed').default(['CRITICAL', 'HIGH']),
  /** Products by the name that Security Hub shows. */
  products: z.array(z.string().min(1, '1 to 128 characters are allowed').max(128, '1 to 128 characters are allowed')).min(1, 'at least one product is needed').default(['GuardDuty']),
};

/**
 * What of its own accord starts a case. Only GuardDuty does unless the estate says more: what Security Hub imports reaches
 * the same instances a second time, and anybody who may tag an instance could start a case by a tag.
 */
export const TriggerSettings = strict({
  guardduty: strict({ enabled: z.boolean().default(true), minimumSeverity: z.number().min(1, '1 to 10 is allowed').max(10, '1 to 10 is allowed').default(7).describe('1 to 10; 7 is GuardDuty\'s HIGH.') }).prefault({}),
  securityHubImports: strict(ProductFilter).prefault({}).describe('ASFF findings, as Security Hub CSPM imports them.'),
  securityHubFindings: strict(ProductFilter).prefault({}).describe('OCSF findings of the new Security Hub.'),
  securityHubAction: strict({ enabled: z.boolean().default(true) }).prefault({}).describe('A button in Security Hub CSPM.'),
  tag: strict({
    enabled: z.boolean().default(false),
    key: z.string().regex(/^[A-Za-z0-9 _.:/=+@-]{1,128}$/, '1 to 128 characters that a tag key may have are allowed').default('cleanroom:acquire'),
  })
    .prefault({})
    .describe('A tag that is put on an instance.'),
});
export type TriggerSettings = z.infer<typeof TriggerSettings>;

/** Identifier of the custom action in Security Hub, 20 letters and digits at most. */
export const actionTargetId = ({ prefix }: Pick<EstateNaming, 'prefix'>): string => `${prefix}Acquire`;

/** How a person's request reaches the function that opens cases. */
export const PERSON_EVENT = { source: 'cleanroom.person', 'detail-type': 'Case Requested' } as const;
