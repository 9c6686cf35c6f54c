import { execa } from 'execa';
import { fileURLToPath } from 'node:url';
import { findPython, type Moto } from '../../helpers/moto.ts';
import type { Loose } from '../helpers/loose.ts';

/** One call to AWS, by the names that boto3 has for them; boto3 is there wherever moto is. */
export interface AwsCall {
  /** Account that it is made in. @default that of whoever comes without a role */
  readonly account?: string;
  readonly region: string;
  readonly service: string;
  readonly method: string;
  readonly params?: Readonly<Record<string, unknown>>;
}

/**
 * What AWS answers to each of the calls, in their order.
 * @throws Error with the first call that was refused, and AWS's code for it
 */
export async function askAws(moto: Moto, calls: readonly AwsCall[]): Promise<readonly Loose[]> {
  const input = JSON.stringify(calls.map(({ account = null, params = {}, ...call }) => ({ account, params, ...call })));
  const script = fileURLToPath(new URL('aws-calls.py', import.meta.url));
  const { stdout } = await execa(await findPython(), ['-B', script, moto.endpoint], { input, env: { AWS_EC2_METADATA_DISABLED: 'true' } });
  const answers = JSON.parse(stdout) as readonly Loose[];
  answers.forEach(({ error }, index) => {
    if (error !== undefined) throw new Error(`${calls[index]?.service} ${calls[index]?.method} ${JSON.stringify(calls[index]?.params ?? {})}: ${error}`);
  });
  return answers;
}
