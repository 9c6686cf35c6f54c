import { createServer, request, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { CloudWatchLogsClient, GetLogEventsCommand } from '@aws-sdk/client-cloudwatch-logs';
import { logGroupName, type LogGroup } from '../../modules/vocabulary/index.ts';

export const credentials = { accessKeyId: 'AKIATESTTESTTESTTEST', secretAccessKey: 'not-a-secret' };

export const logsClient = (endpoint: string): CloudWatchLogsClient =>
  new CloudWatchLogsClient({ endpoint, region: 'eu-central-1', credentials, maxAttempts: 1 });

/** How the front answers a request: forwards it, cuts the line, answers an error, or lets it wait. */
export type Fault = 'forward' | 'hang' | 'drop-connection' | { status: number; type: string; message?: string };

export type Front = {
  readonly endpoint: string;
  /** Operations that arrived, in order, for example `PutLogEvents`. */
  readonly operations: string[];
  /** Decides for each request. */
  fault: (operation: string, body: string) => Fault;
  /** While down, connections are refused. */
  down(): Promise<void>;
  up(): Promise<void>;
  stop(): Promise<void>;
};

const bodyOf = async (message: IncomingMessage): Promise<Buffer> => {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
};

/** A real server in front of another: forwards everything, unless told to fail. */
export async function startFront(target: string): Promise<Front> {
  const operations: string[] = [];
  let port = 0;
  let server: Server | undefined;
  const listen = async (): Promise<void> => {
    const http = createServer((incoming, outgoing) => {
      void (async () => {
        const body = await bodyOf(incoming);
        const operation = String(incoming.headers['x-amz-target']).split('.').at(-1) ?? '';
        operations.push(operation);
        const fault = front.fault(operation, body.toString());
        if (fault === 'hang') return;
        if (fault === 'drop-connection') return void incoming.socket.destroy();
        if (fault !== 'forward') {
          outgoing.writeHead(fault.status, { 'content-type': 'application/x-amz-json-1.1' });
          outgoing.end(JSON.stringify({ __type: fault.type, message: fault.message ?? fault.type }));
          return;
        }
        const { host: _, ...headers } = incoming.headers;
        const onward = request(`${target}${incoming.url}`, { method: incoming.method ?? 'POST', headers }, (answer) => {
          outgoing.writeHead(answer.statusCode ?? 500, answer.headers);
          answer.pipe(outgoing);
        });
        onward.on('error', () => incoming.socket.destroy());
        onward.end(body);
      })();
    });
    await new Promise<void>((resolve, reject) => {
      http.once('error', reject).listen(port, '127.0.0.1', resolve);
    });
    server = http;
    port = (http.address() as AddressInfo).port;
  };
  const down = async (): Promise<void> => {
    server?.closeAllConnections();
    await new Promise((resolve) => (server ? server.close(resolve) : resolve(undefined)));
    server = undefined;
  };
  await listen();
  const front: Front = { endpoint: `http://127.0.0.1:${port}`, operations, fault: () => 'forward', down, up: listen, stop: down };
  return front;
}

/** Every message of a group's stream, in the order the service has them. */
export async function messagesOf(client: CloudWatchLogsClient, group: LogGroup, prefix: string, stream: string): Promise<Record<string, unknown>[]> {
  const messages: Record<string, unknown>[] = [];
  let nextToken: string | undefined;
  for (;;) {
    const page = await client
      .send(new GetLogEventsCommand({ logGroupName: logGroupName(group, prefix), logStreamName: stream, startFromHead: true, nextToken }))
      .catch((error: unknown) => {
        if ((error as Error).name === 'ResourceNotFoundException') return undefined;
        throw error;
      });
    if (!page?.events?.length) return messages;
    for (const { message = '', timestamp } of page.events) messages.push({ ...JSON.parse(message), timestamp });
    if (page.nextForwardToken === nextToken) return messages;
    nextToken = page.nextForwardToken;
  }
}

/** Waits until `holds`, looking every 50 ms; fails after `ms`. */
export async function eventually(what: string, holds: () => boolean | Promise<boolean>, ms = 120_000): Promise<void> {
  const deadline = Date.now() + ms;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`not within ${ms} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
