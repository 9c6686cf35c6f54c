import { load } from 'js-yaml';
import { z } from 'zod';

const Name = z.string().regex(/^[A-Za-z0-9_-]{1,128}$/);

const Base = {
  name: Name,
  onFailure: z.enum(['Abort', 'Continue', 'Ignore']).optional(),
  maxAttempts: z.int().min(1).optional(),
  timeoutSeconds: z.int().min(-1).optional(),
};

/** The two action modules that our documents use, as AWS documents them. */
const Step = z.discriminatedUnion('action', [
  z.strictObject({ ...Base, action: z.literal('ExecuteBash'), inputs: z.strictObject({ commands: z.array(z.string()).min(1) }) }),
  z.strictObject({ ...Base, action: z.literal('S3Download'), inputs: z.array(z.strictObject({ source: z.string(), destination: z.string() })).min(1) }),
]);
export type ComponentStep = z.infer<typeof Step>;

/** An Image Builder component document, schema 1.0, as its application (AWSTOE) reads it. */
const ComponentDocument = z.strictObject({
  name: Name,
  description: z.string().max(1024).optional(),
  schemaVersion: z.literal(1),
  parameters: z.array(z.record(Name, z.strictObject({ type: z.literal('string'), description: z.string().optional(), default: z.string().optional() }))).optional(),
  phases: z.array(z.strictObject({ name: z.enum(['build', 'validate', 'test']), steps: z.array(Step).min(1) })).min(1),
});
export type ComponentDocument = z.infer<typeof ComponentDocument>;

/** @throws ZodError where the text is no component document */
export const parseComponent = (text: string): ComponentDocument => ComponentDocument.parse(load(text));

/** Names of the parameters that a document declares, and of those that it uses. */
export const parametersOf = (text: string): { readonly declared: readonly string[]; readonly used: readonly string[] } => ({
  declared: (parseComponent(text).parameters ?? []).flatMap(Object.keys),
  used: [...new Set([...text.matchAll(/\{\{ ?([A-Za-z0-9]+) ?\}\}/g)].map((match) => match[1]!))],
});

/** A document with its parameters filled in. */
export const fillIn = (text: string, parameters: Readonly<Record<string, string>>): ComponentDocument =>
  parseComponent(text.replaceAll(/\{\{ ?([A-Za-z0-9]+) ?\}\}/g, (_, name: string) => {
    const value = parameters[name];
    if (value === undefined) throw new Error(`the document asks for ${name}; given: ${Object.keys(parameters).join(', ')}`);
    return value;
  }));
