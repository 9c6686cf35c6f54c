/**
 * The bench's S3 sink, in a process of its own: takes uploads as fast as it can and keeps nothing of them.
 * Three doors to one store: HTTP, HTTPS, and HTTPS with latency and a capped rate for each connection.
 */
import { readFileSync } from 'node:fs';
import { createServer as createHttpServer, type IncomingMessage, type Server } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { createServer as createNetServer, type AddressInfo, type Server as NetServer, type Socket } from 'node:net';
import { parseArgs } from 'node:util';
import { SinkStore } from './sink-s3.ts';

/** How the slow door behaves; zero means no limit. */
export type Link = { readonly latencyMs: number; readonly bytesPerSecond: number };
export type SinkRequest =
  | { readonly ask: 'list' | 'forget'; readonly id: number; readonly prefix: string }
  | { readonly ask: 'cpu'; readonly id: number };

const FAST: Link = { latencyMs: 0, bytesPerSecond: 0 };
/** A pause shorter than this is not worth a timer: it is carried over to the next chunk. */
const SHORTEST_PAUSE_MS = 2;

/** Reads a request no faster than its connection's rate, by pausing it in small steps. */
function pace(request: IncomingMessage, freeAt: WeakMap<Socket, number>, bytesPerSecond: number): void {
  request.on('data', (chunk: Buffer) => {
    const now = performance.now();
    const free = Math.max(freeAt.get(request.socket) ?? 0, now) + (chunk.length / bytesPerSecond) * 1000;
    freeAt.set(request.socket, free);
    if (free - now < SHORTEST_PAUSE_MS) return;
    request.pause();
    setTimeout(() => request.resume(), free - now);
  });
}

function serve<S extends Server>(server: S, store: SinkStore, link: Link): S {
  const freeAt = new WeakMap<Socket, number>();
  server.requestTimeout = 0;
  server.keepAliveTimeout = 60_000;
  server.on('request', (request, response) => {
    if (link.bytesPerSecond > 0) pace(request, freeAt, link.bytesPerSecond);
    void store.handle(request, response, link.latencyMs);
  });
  server.on('checkContinue', (request, response) => {
    setTimeout(() => {
      response.writeContinue();
      server.emit('request', request, response);
    }, link.latencyMs);
  });
  return server;
}

/** Delays a connection's start by the round trips that TCP and TLS 1.3 take, then hands it to the server. */
const behind = (server: Server, latencyMs: number): NetServer =>
  createNetServer({ pauseOnConnect: latencyMs > 0 }, (socket) => {
    socket.on('error', () => socket.destroy());
    setTimeout(() => {
      server.emit('connection', socket);
      socket.resume();
    }, 2 * latencyMs);
  });

const listen = (server: NetServer): Promise<number> =>
  new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port)));

const { values } = parseArgs({
  options: {
    cert: { type: 'string' },
    key: { type: 'string' },
    'latency-ms': { type: 'string', default: '30' },
    rate: { type: 'string', default: '90000000' },
  },
});
const slow: Link = { latencyMs: Number(values['latency-ms']), bytesPerSecond: Number(values.rate) };
const tls = { cert: readFileSync(values.cert ?? ''), key: readFileSync(values.key ?? '') };
const store = new SinkStore();
const ports = {
  http: await listen(serve(createHttpServer(), store, FAST)),
  https: await listen(serve(createHttpsServer(tls), store, FAST)),
  slow: await listen(behind(serve(createHttpsServer(tls), store, slow), slow.latencyMs)),
};

process.on('message', (message: SinkRequest) => {
  const { id } = message;
  if (message.ask === 'cpu') return process.send?.({ id, value: process.cpuUsage() });
  if (message.ask === 'list') return process.send?.({ id, value: store.list(message.prefix) });
  store.forget(message.prefix);
  return process.send?.({ id, value: null });
});
process.on('disconnect', () => process.exit(0));
process.on('SIGINT', () => {}); // the bench ends the sink itself, once its clients are gone
process.send?.({ ports });
