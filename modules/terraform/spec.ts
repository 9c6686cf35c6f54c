import type { IResolvable } from 'cdktf';
import type { Construct } from 'constructs';

/** A variable of a plain Terraform module. */
export interface VariableSpec {
  readonly type: 'string' | 'number' | 'bool' | 'list(string)';
  readonly description: string;
  /** @default none: the caller has to give it */
  readonly default?: string | number | boolean | readonly string[];
  /** What may be given: a condition in Terraform's language, and the sentence that is printed when it does not hold. */
  readonly validation?: { readonly condition: string; readonly message: string };
}

/** Reads a variable, as what its type is in TypeScript: a token that becomes a reference. */
export interface Variables {
  text(name: string): string;
  number(name: string): number;
  /** Whether something is wanted; only Terraform knows. */
  flag(name: string): IResolvable;
  list(name: string): string[];
  /** An element of a list, by position. */
  element(name: string, index: number): string;
}

export interface OutputSpec {
  readonly value: string | readonly string[];
  readonly description: string;
}

/** A construct, as a module that HCL can use without Node. */
export interface ModuleSpec {
  readonly name: string;
  /** What it is for, in a sentence or two. */
  readonly description: string;
  /** What costs money, so that nobody is surprised. */
  readonly costs: string;
  /** What it does not do. */
  readonly not: string;
  readonly variables: Readonly<Record<string, VariableSpec>>;
  build(scope: Construct, variables: Variables): Readonly<Record<string, OutputSpec>>;
}
