import { roleArn, roleName } from '../../../modules/vocabulary/index.ts';
import { type Ended, serveDecisions, startCleanroom } from '../../cli/support.ts';
import type { Tokens } from '../../helpers/asl/interpreter.ts';
import { PLACE, type AwsWorld } from './aws-world.ts';

/** How AWS names somebody's session of the responder role. */
export const sessionOf = (name: string): string => `arn:${PLACE.partition}:sts::${PLACE.account}:assumed-role/${roleName(PLACE, 'responder')}/${name}`;

/** Runs the real command as one of the responders; what they decide goes to the tasks that wait for it. */
export async function cleanroom(world: AwsWorld, tokens: Tokens, name: string, args: readonly string[]): Promise<Ended> {
  const parameters = { RoleArn: roleArn(PLACE, 'responder'), RoleSessionName: name };
  const { Credentials: given } = (await world.call('forensic', 'sts', 'assumeRole', parameters)) as unknown as { Credentials: { AccessKeyId: string; SecretAccessKey: string; SessionToken: string } };
  const decided: { action: string; input: Record<string, unknown> }[] = [];
  const steps = await serveDecisions(decided, () => {
    const { action, input } = decided.at(-1)!;
    try {
      decide(tokens, action, input as Record<string, string>);
      return undefined;
    } catch {
      return 'TaskTimedOut';
    }
  });
  try {
    return await startCleanroom(args, {
      AWS_REGION: PLACE.region, AWS_ENDPOINT_URL: world.endpoint, AWS_ENDPOINT_URL_S3: world.front.endpoint, AWS_ENDPOINT_URL_SFN: steps.url,
      AWS_ACCESS_KEY_ID: given.AccessKeyId, AWS_SECRET_ACCESS_KEY: given.SecretAccessKey, AWS_SESSION_TOKEN: given.SessionToken,
    }).ended;
  } finally {
    await steps.stop();
  }
}

function decide(tokens: Tokens, action: string, { taskToken = '', output = '{}', error = '', cause = '' }: Readonly<Record<string, string>>): void {
  if (action === 'SendTaskSuccess') tokens.success(taskToken, JSON.parse(output));
  else if (action === 'SendTaskFailure') tokens.failure(taskToken, error, cause);
  else throw new Error(`${action} decides nothing`);
}
