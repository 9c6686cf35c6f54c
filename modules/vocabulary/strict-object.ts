import { z } from 'zod';

/** What says which keys are allowed where another one stands. */
export const onlyKeys = (keys: readonly string[]) => ({
  error: (issue: { readonly code?: string | undefined }) => (issue.code === 'unrecognized_keys' ? `only these keys are allowed: ${keys.join(', ')}` : undefined),
});

/** An object that takes the keys of its shape and no others; a wrong key's message lists the right ones. */
export const strict = <Shape extends z.ZodRawShape>(shape: Shape) => z.strictObject(shape, onlyKeys(Object.keys(shape)));
