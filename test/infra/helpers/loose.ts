/** JSON of whatever shape a test asks it for. */
// oxlint-disable-next-line typescript/no-explicit-any
export type Loose = any;

/** A value of Terraform's JSON that should be a text: a reference or a constant. */
export const text = (value: unknown): string => (typeof value === 'string' || typeof value === 'number' ? String(value) : JSON.stringify(value ?? ''));
