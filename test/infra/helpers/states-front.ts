import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { once } from 'node:events';

/**
 * Step Functions, as far as moto lacks it: the provider has every definition validated before it plans, which moto cannot
 * do. This takes definitions down as they would reach AWS, calls them valid, and hands everything else on.
 */
export class StatesFront {
  /** Definitions that were to be validated, parsed. */
  readonly definitions: readonly unknown[];
  readonly url: string;
  readonly #server: Server;

  private constructor(server: Server, url: string, definitions: unknown[]) {
    this.#server = server;
    this.url = url;
    this.definitions = definitions;
  }

  static async start(behind: string): Promise<StatesFront> {
    const definitions: unknown[] = [];
    const server = createServer((request, response) => {
      void answer(request, response, behind, definitions);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    return new StatesFront(server, `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`, definitions);
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }
}

async function answer(request: IncomingMessage, response: ServerResponse, behind: string, definitions: unknown[]): Promise<void> {
  const { status, body } = await handle(request, behind, definitions);
  response.writeHead(status, { 'content-type': 'application/x-amz-json-1.0' }).end(body);
}

async function handle(request: IncomingMessage, behind: string, definitions: unknown[]): Promise<{ readonly status: number; readonly body: string }> {
  try {
    const text = await bodyOf(request);
    if (String(request.headers['x-amz-target']).endsWith('.ValidateStateMachineDefinition')) {
      definitions.push(JSON.parse((JSON.parse(text) as { definition: string }).definition));
      return { status: 200, body: JSON.stringify({ result: 'OK', diagnostics: [], truncated: false }) };
    }
    const headers = Object.fromEntries(Object.entries(request.headers).filter(([name]) => !['host', 'connection', 'content-length', 'transfer-encoding', 'expect'].includes(name))) as Record<string, string>;
    const answered = await fetch(`${behind}${request.url ?? '/'}`, { method: request.method ?? 'POST', headers, body: text });
    return { status: answered.status, body: await answered.text() };
  } catch (error) {
    return { status: 400, body: JSON.stringify({ __type: 'ValidationException', message: String(error) }) };
  }
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}
