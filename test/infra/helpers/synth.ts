import { App, Testing, type TerraformStack } from 'cdktf';
import { readFileSync } from 'node:fs';
import { parseEstate, type Estate, type EstateInput } from '../../../infra/config.ts';
import { declareStacks } from '../../../infra/stacks.ts';
import type { Loose } from './loose.ts';

const estateUrl = (name: string) => new URL(`../../../infra/estates/${name}.json`, import.meta.url);

/** An estate file as it stands, to change in a test. */
export const estateInput = (name: 'example' | 'minimal'): EstateInput => JSON.parse(readFileSync(estateUrl(name), 'utf8')) as EstateInput;

export const loadEstate = (name: 'example' | 'minimal'): Estate => parseEstate(estateInput(name), name);

/** A synthesised stack: Terraform's JSON. */
export interface Synthesized {
  readonly terraform: Record<string, unknown>;
  readonly provider: Record<string, readonly Record<string, unknown>[]>;
  readonly resource: Record<string, Record<string, Record<string, unknown>>>;
  readonly data?: Record<string, Record<string, Record<string, unknown>>>;
  readonly output?: Record<string, unknown>;
  readonly variable?: Record<string, Record<string, unknown>>;
}

export const synthStack = (stack: TerraformStack): Synthesized => JSON.parse(Testing.synth(stack)) as Synthesized;

/** Every stack of an estate, by id. */
export function synthEstate(estate: Estate): ReadonlyMap<string, Synthesized> {
  const app = Testing.stubVersion(new App({ stackTraces: false, outdir: '/nonexistent-not-written' }));
  return new Map([...declareStacks(app, estate)].map(([id, stack]) => [id, synthStack(stack)]));
}

/** Resources of one type in a synthesised stack, with their names. */
export const resources = (stack: Synthesized, type: string): readonly Record<string, Loose>[] => Object.values(stack.resource[type] ?? {});
