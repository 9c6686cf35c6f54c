import { spawn } from 'node:child_process';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { resolve } from 'node:path';

const CLEANROOM = resolve(import.meta.dirname, '../../cli/main.ts');

export type Ended = { readonly code: number | null; readonly stdout: string; readonly stderr: string; readonly lines: () => Record<string, unknown>[] };
export type Running = { readonly ended: Promise<Ended>; signal(name: NodeJS.Signals): void; stdout(): string };

/** Starts the real command; it is killed after two minutes at the latest. */
export function startCleanroom(args: readonly string[], env: Readonly<Record<string, string>>): Running {
  const kept = Object.entries(process.env).filter(([name]) => !/^(?:CLEANROOM_|AWS_)/.test(name));
  const child = spawn(process.execPath, [CLEANROOM, ...args], { stdio: ['ignore', 'pipe', 'pipe'], env: { ...Object.fromEntries(kept), ...env }, timeout: 120_000 });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const lines = () => stdout.split('\n').slice(0, -1).map((line) => JSON.parse(line) as Record<string, unknown>);
  const ended = new Promise<Ended>((done) => child.once('close', (code) => done({ code, stdout, stderr, lines })));
  return { ended, signal: (name) => void child.kill(name), stdout: () => stdout };
}

export type Endpoint = { readonly url: string; stop(): Promise<void> };

const bodyOf = async (request: IncomingMessage): Promise<string> => Buffer.concat(await Array.fromAsync(request as AsyncIterable<Buffer>)).toString();

/** Lambda's Invoke, for functions that run here: moto needs Docker for it. Errors are answered as Lambda answers them. */
export async function serveFunctions(functions: Readonly<Record<string, (event: never) => Promise<unknown>>>): Promise<Endpoint> {
  return await serve(async (request) => {
    const name = /^\/2015-03-31\/functions\/([^/]+)\/invocations$/.exec(decodeURIComponent(request.url ?? ''))?.[1] ?? '';
    const handler = functions[name];
    if (!handler) return { status: 404, headers: { 'x-amzn-errortype': 'ResourceNotFoundException' }, body: { Message: `Function not found: ${name}` } };
    try {
      return { status: 200, headers: {}, body: await handler(JSON.parse(await bodyOf(request)) as never) };
    } catch (error) {
      const { name: errorType, message: errorMessage } = error as Error;
      return { status: 200, headers: { 'x-amz-function-error': 'Unhandled' }, body: { errorType, errorMessage } };
    }
  });
}

/** Step Functions' answers to decisions, for moto runs no task that waits for one. `answer` may give an error's name. */
export async function serveDecisions(decisions: { action: string; input: Record<string, unknown> }[], answer: () => string | undefined): Promise<Endpoint> {
  return await serve(async (request) => {
    decisions.push({ action: String(request.headers['x-amz-target']).split('.')[1] ?? '', input: JSON.parse(await bodyOf(request)) as Record<string, unknown> });
    const error = answer();
    return error === undefined ? { status: 200, headers: {}, body: {} } : { status: 400, headers: {}, body: { __type: error, message: 'Task Timed Out' } };
  });
}

type Answer = { readonly status: number; readonly headers: Record<string, string>; readonly body: unknown };

async function serve(answer: (request: IncomingMessage) => Promise<Answer>): Promise<Endpoint> {
  const server = createServer((request, response) => {
    answer(request).then(
      ({ status, headers, body }) => response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body)),
      () => response.writeHead(500).end(),
    );
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: () => new Promise((done) => {
      server.close(() => done());
      server.closeAllConnections();
    }),
  };
}
