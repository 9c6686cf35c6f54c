import { InvokeCommand } from '@aws-sdk/client-lambda';
import { EXIT, functionName, type HandlerName } from '../modules/vocabulary/index.ts';
import type { Context } from './context.ts';
import { CliError, inert } from './errors.ts';

/** Errors of a function that lie in what was asked for. */
const USAGE = new Set(['Cleanroom.BadInput', 'Cleanroom.OutsideEstate', 'Cleanroom.RecordMissing']);

type FunctionFailure = { readonly errorType?: string; readonly errorMessage?: string };

/** Calls one of the workflow's functions and waits for its answer. A refusal becomes an error in the function's own words. */
export async function invoke({ lambda, place }: Context, handler: HandlerName, event: object): Promise<unknown> {
  const { FunctionError, Payload } = await lambda.send(
    new InvokeCommand({ FunctionName: functionName(place, handler), InvocationType: 'RequestResponse', Payload: Buffer.from(JSON.stringify(event)) }),
  );
  const answer: unknown = JSON.parse(Buffer.from(Payload ?? []).toString('utf8') || 'null');
  if (FunctionError === undefined) return answer;
  const { errorType = 'Error', errorMessage = '' } = (answer ?? {}) as FunctionFailure;
  throw new CliError(inert(errorMessage || errorType), USAGE.has(errorType) ? EXIT.usage : EXIT.failed);
}
