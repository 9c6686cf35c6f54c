import type { S3Client } from '@aws-sdk/client-s3';
import type { ApiCall, Place } from '../../vocabulary/index.ts';

/** Calls that one answer to the state machine may carry: more would not fit into a change of the record. */
const MOST = 100;

type Request = { readonly constructor: { readonly name: string }; readonly input: { readonly Key?: string; readonly VersionId?: string } };
type Answer = { readonly $metadata: { readonly requestId?: string | undefined } };

/** What a function tells the custody log of its own calls: AWS gives it the request ids with the answers. */
export interface ToldCalls {
  /** The same client, whose successful calls are taken down. */
  readonly s3: S3Client;
  readonly calls: readonly ApiCall[];
}

/** @param handler whose calls they are */
export function toldCalls(client: S3Client, { account, region }: Pick<Place, 'account' | 'region'>, handler: string, now: () => Date): ToldCalls {
  const calls: ApiCall[] = [];
  const send = async (command: Request): Promise<Answer> => {
    const enteredAt = now().toISOString();
    const answer = await (client.send as unknown as (request: Request) => Promise<Answer>).call(client, command);
    const { requestId } = answer.$metadata;
    if (calls.length < MOST) {
      calls.push({
        action: `s3:${command.constructor.name.replace(/Command$/, '')}`,
        account,
        region,
        resources: [command.input.Key, command.input.VersionId].filter((one) => one !== undefined),
        state: handler,
        enteredAt,
        endedAt: now().toISOString(),
        ...(requestId !== undefined && { requestId }),
      });
    }
    return answer;
  };
  const s3 = new Proxy(client, { get: (target, name) => (name === 'send' ? send : (Reflect.get(target, name, target) as unknown)) });
  return { s3, calls };
}
