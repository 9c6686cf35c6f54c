/**
 * The bench's S3 sink, in a process of its own: takes uploads as fast as it can and keeps nothing of them.
 * Three doors to one store: HTTP, HTTPS, and HTTPS with latency and a capped rate for each connection.
 */
import { readFileSync } from 'node:fs';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { parseArgs } from 'node:util';
import { serveConnection, type Link } from './sink-http.ts';
import { SinkStore } from './sink-s3.ts';

export type SinkRequest =
  | { readonly ask: 'list' | 'forget'; readonly id: number; readonly prefix: string }
  | { readonly ask: 'cpu'; readonly id: number };

const FAST: Link = { latencyMs: 0, bytesPerSecond: 0 };

/** Delays a connection's start by the round trips that TCP and TLS 1.3 take, then hands it to the server. */
const behind = (server: Server, latencyMs: number): Server =>
  createServer({ pauseOnConnect: true }, (socket) => {
    socket.on('error', () => socket.destroy());
    setTimeout(() => {
      server.emit('connection', socket);
      socket.resume();
    }, 2 * latencyMs);
  });

const listen = (server: Server): Promise<number> =>
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
const serve = (link: Link) => (socket: Socket) => serveConnection(socket, link, (head) => store.begin(head));
const ports = {
  http: await listen(createServer(serve(FAST))),
  https: await listen(createTlsServer(tls, serve(FAST))),
  slow: await listen(behind(createTlsServer(tls, serve(slow)), slow.latencyMs)),
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
