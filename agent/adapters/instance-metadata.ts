import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { join } from 'node:path';
import { z } from 'zod';
import { StageError } from '../errors.ts';

export type InstanceMetadataOptions = {
  /** @default http://169.254.169.254 */
  readonly endpoint?: string;
  /** For one request, in milliseconds. @default 1000 */
  readonly timeoutMs?: number;
  /** Tries after the first, when there is an answer but a bad one, or none. @default 2 */
  readonly retries?: number;
};

/** Who and where this instance is, by its identity document. */
export type InstanceIdentity = { readonly account: string; readonly region: string; readonly instanceId: string };

const IdentityDocument = z.object({
  accountId: z.string().regex(/^\d{12}$/),
  region: z.string().regex(/^[a-z0-9-]{2,32}$/),
  instanceId: z.string().regex(/^i-[0-9a-f]{8,17}$/),
});

const ProfileInfo = z.object({ InstanceProfileArn: z.string().regex(/^arn:[\x21-\x7e]{1,2048}$/) });

/**
 * Whether the machine itself says that it is an EC2 instance; undefined where it says nothing. Asked before the service is:
 * on any other network whoever owns 169.254.169.254 could answer in its place.
 * @param root where /sys is
 */
export async function isEc2(root = '/'): Promise<boolean | undefined> {
  const read = async (path: string): Promise<string | undefined> => readFile(join(root, path), 'latin1').catch(() => undefined);
  const vendor = await read('sys/class/dmi/id/sys_vendor'); // Nitro, bare metal
  const uuid = await read('sys/hypervisor/uuid'); // Xen
  if (vendor?.trim() === 'Amazon EC2' || uuid?.startsWith('ec2')) return true;
  return vendor === undefined && uuid === undefined ? undefined : false;
}

const TOKEN_SECONDS = 300;
const MAX_ANSWER_BYTES = 64 * 1024;
const MAX_TAGS = 256;

/**
 * The instance metadata service, version 2 only: a token first, then questions that carry it. Tags and whatever else it says
 * are somebody else's text: the caller validates them.
 */
export class InstanceMetadata {
  readonly #endpoint: string;
  readonly #timeoutMs: number;
  readonly #retries: number;
  #token: { readonly value: string; readonly until: number } | undefined;

  constructor({ endpoint = 'http://169.254.169.254', timeoutMs = 1000, retries = 2 }: InstanceMetadataOptions = {}) {
    this.#endpoint = endpoint.replace(/\/+$/, '');
    this.#timeoutMs = timeoutMs;
    this.#retries = retries;
  }

  /** Whether this is an EC2 instance whose metadata service answers; asks once and waits for one timeout at most. */
  async available(): Promise<boolean> {
    try {
      await this.#newToken();
      return true;
    } catch {
      return false;
    }
  }

  async identity(): Promise<InstanceIdentity> {
    const text = await this.#required('/latest/dynamic/instance-identity/document');
    const { accountId, region, instanceId } = parse(IdentityDocument, text, 'the instance identity document');
    return { account: accountId, region, instanceId };
  }

  /** ARN of the instance profile; undefined when the instance has none. */
  async instanceProfileArn(): Promise<string | undefined> {
    const text = await this.#get('/latest/meta-data/iam/info');
    return text === undefined ? undefined : parse(ProfileInfo, text, 'the instance profile').InstanceProfileArn;
  }

  /**
   * The instance's tags whose key starts with `prefix`; none when the instance does not publish its tags.
   * @throws StageError when it has over 256 of them
   */
  async tags(prefix: string): Promise<ReadonlyMap<string, string>> {
    const list = await this.#get('/latest/meta-data/tags/instance');
    const keys = (list ?? '').split('\n').filter((key) => key.startsWith(prefix));
    if (keys.length > MAX_TAGS) throw trouble(`the instance has ${keys.length} tags; at most ${MAX_TAGS} are read`);
    const tags = new Map<string, string>();
    for (const key of keys) {
      // the service knows a key by its plain text; only what would change the path's meaning is encoded
      const path = encodeURIComponent(key).replaceAll('%3A', ':');
      const value = await this.#get(`/latest/meta-data/tags/instance/${path}`);
      if (value !== undefined) tags.set(key, value);
    }
    return tags;
  }

  async #required(path: string): Promise<string> {
    const text = await this.#get(path);
    if (text === undefined) throw trouble(`the instance metadata service has no ${path}`);
    return text;
  }

  /** Undefined when there is nothing under that path (404). */
  async #get(path: string): Promise<string | undefined> {
    let last: unknown;
    for (let tries = 0; tries <= this.#retries; tries += 1) {
      if (tries > 0) await new Promise((resolve) => setTimeout(resolve, 100 * 2 ** tries * (0.5 + Math.random() / 2)));
      try {
        const token = await this.#currentToken();
        const answer = await this.#request(path, { headers: { 'x-aws-ec2-metadata-token': token } });
        if (answer.status === 404) return undefined;
        if (answer.status === 200) return answer.text;
        if (answer.status === 401) this.#token = undefined; // ran out, or the instance moved
        last = new Error(`it answered ${path} with status ${answer.status}`);
        if (answer.status === 403) break; // switched off
      } catch (error) {
        last = error;
      }
    }
    throw trouble(`the instance metadata service at ${this.#endpoint} does not answer`, last);
  }

  async #currentToken(): Promise<string> {
    return this.#token && performance.now() < this.#token.until ? this.#token.value : this.#newToken();
  }

  async #newToken(): Promise<string> {
    const { status, text } = await this.#request('/latest/api/token', {
      method: 'PUT',
      headers: { 'x-aws-ec2-metadata-token-ttl-seconds': String(TOKEN_SECONDS) },
    });
    if (status !== 200 || !/^[\x21-\x7e]{1,1024}$/.test(text)) throw new Error(`it gave no token: status ${status}`);
    this.#token = { value: text, until: performance.now() + (TOKEN_SECONDS - 30) * 1000 };
    return text;
  }

  /** By node:http, which every collector has loaded; what `fetch` needs would take longer to load than to ask. */
  async #request(path: string, options: RequestOptions): Promise<{ status: number; text: string }> {
    const signal = AbortSignal.timeout(this.#timeoutMs);
    const request = httpRequest(`${this.#endpoint}${path}`, { ...options, signal, agent: false });
    request.end();
    const [answer] = (await once(request, 'response')) as [IncomingMessage];
    request.on('error', () => {}); // a timeout in the middle of the answer is told by the answer
    const chunks: Uint8Array[] = [];
    let length = 0;
    for await (const chunk of answer as AsyncIterable<Uint8Array>) {
      length += chunk.length;
      if (length > MAX_ANSWER_BYTES) throw new Error(`it answered ${path} with over ${MAX_ANSWER_BYTES} bytes`);
      chunks.push(chunk);
    }
    return { status: answer.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') };
  }
}

function parse<T>(schema: z.ZodType<T>, text: string, what: string): T {
  try {
    return schema.parse(JSON.parse(text));
  } catch (cause) {
    throw trouble(`${what} is not what the metadata service documents`, cause);
  }
}

const trouble = (message: string, cause?: unknown): StageError =>
  new StageError('configure', 'INSTANCE_METADATA', message, {
    retryable: true,
    cause,
    advice: 'check that instance metadata (IMDSv2), and tags in it, are switched on for this instance',
  });
