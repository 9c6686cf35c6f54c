import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { findPython } from '../moto.ts';

export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

export interface AwsRequest {
  /** As boto3 calls the service: `ec2`, `logs`, `elbv2`. */
  readonly service: string;
  /** In camel case. */
  readonly action: string;
  readonly parameters: unknown;
  readonly region: string;
  readonly endpoint: string;
  readonly credentials: Credentials;
}

/** What a service's model says of a piece of a request. */
export interface Shape {
  readonly type: string;
  readonly members?: Readonly<Record<string, Shape>>;
  readonly required?: readonly string[];
  readonly member?: Shape;
  readonly value?: Shape;
  readonly enum?: readonly string[];
  readonly min?: number;
  readonly max?: number;
  readonly pattern?: string;
}
export interface OperationModel {
  readonly name: string;
  readonly input: Shape;
}

/** An error that AWS, or what plays it, answered with. */
export class AwsError extends Error {
  readonly code: string;
  readonly status: number;

  constructor(code: string, message: string, status: number) {
    super(message);
    this.name = 'AwsError';
    this.code = code;
    this.status = status;
  }
}

type Answer = { readonly id: number; readonly result?: unknown; readonly error?: string; readonly message?: string; readonly status?: number; readonly requestId?: string };
type Waiter = { readonly resolve: (result: unknown) => void; readonly reject: (error: Error) => void; readonly told: Told };

/** Is told the id that a request was answered with, success or error. */
export type Told = (requestId: string) => void;
const NOBODY: Told = () => undefined;

/** Any call of any AWS service, through boto3, which comes with moto and knows the models of all of them. */
export class AwsBridge {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, Waiter>();
  #next = 0;
  #said = '';

  private constructor(child: ChildProcess) {
    this.#child = child;
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.#said = (this.#said + text).slice(-8192)));
    createInterface({ input: child.stdout! }).on('line', (line) => this.#take(JSON.parse(line) as Answer));
    child.once('exit', () => {
      for (const { reject } of this.#waiting.values()) reject(new Error(`the bridge to AWS ended:\n${this.#said}`));
      this.#waiting.clear();
    });
  }

  static async start(): Promise<AwsBridge> {
    const python = await findPython();
    return new AwsBridge(spawn(python, ['-B', resolve(import.meta.dirname, 'bridge.py')], { stdio: ['pipe', 'pipe', 'pipe'] }));
  }

  call(request: AwsRequest, told?: Told): Promise<unknown> {
    return this.#send(request, told);
  }

  /** The models of a service's operations; null where there is none of that name. */
  models(service: string, actions: readonly string[]): Promise<Readonly<Record<string, OperationModel | null>>> {
    return this.#send({ model: service, actions }) as Promise<Readonly<Record<string, OperationModel | null>>>;
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, 'exit');
    this.#child.stdin?.end();
    await ended;
  }

  #send(request: object, told = NOBODY): Promise<unknown> {
    const id = this.#next++;
    return new Promise((done, reject) => {
      this.#waiting.set(id, { resolve: done, reject, told });
      this.#child.stdin?.write(`${JSON.stringify({ ...request, id })}\n`);
    });
  }

  #take({ id, result, error, message = '', status = 0, requestId }: Answer): void {
    const waiter = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (requestId !== undefined && requestId !== null) waiter?.told(requestId);
    if (error === undefined) waiter?.resolve(result);
    else waiter?.reject(new AwsError(error, message, status));
  }
}
