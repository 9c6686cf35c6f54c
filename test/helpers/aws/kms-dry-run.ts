import { KMSClient, type KMSClientConfig } from '@aws-sdk/client-kms';

/**
 * A client of KMS that answers a dry run of CreateGrant as KMS does, by an error whichever way it goes; moto knows no dry runs
 * and would make the grant.
 * @param answer name of the error; `DryRunOperationException` says that the grant would have been made
 */
export function dryRunKms(config: KMSClientConfig, answer: string, asked: unknown[] = []): KMSClient {
  const client = new KMSClient(config);
  client.middlewareStack.add(
    (next, { commandName }) => (args) => {
      if (commandName !== 'CreateGrantCommand' || !('DryRun' in args.input) || args.input.DryRun !== true) return next(args);
      asked.push(args.input);
      throw Object.assign(new Error('the answer to a dry run'), { name: answer });
    },
    { step: 'initialize' },
  );
  return client;
}
