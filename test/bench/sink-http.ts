/**
 * HTTP/1.1 over a socket, as little of it as uploads need. node:http would cost the sink nearly twice the CPU time, and on
 * a small machine the sink takes that from whom it is to measure. No pipelining.
 */
import type { Socket } from 'node:net';
import { Dechunker } from './sink-wire.ts';

const HEAD_BYTES = 64 * 1024;
/** A pause shorter than this is not worth a timer: it is carried over to the next chunk. */
const SHORTEST_PAUSE_MS = 2;
const CRLF = '\r\n';

/** How a connection behaves; zero means no limit. */
export type Link = { readonly latencyMs: number; readonly bytesPerSecond: number };
export type Head = { readonly method: string; readonly target: string; readonly headers: Readonly<Record<string, string>> };
export type Reply = { readonly status: number; readonly headers?: Readonly<Record<string, string>>; readonly body?: string | Buffer };
/** One request: takes its body piece by piece, then answers. */
export type Exchange = { push(chunk: Buffer): void; end(): Reply };

function parseHead(text: string): Head {
  const [start = '', ...lines] = text.split(CRLF);
  const [method = '', target = ''] = start.split(' ');
  const headers = lines.map((line) => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const;
  });
  return { method, target, headers: Object.fromEntries(headers) };
}

function printReply({ status, headers = {}, body = '' }: Reply, method: string): Buffer {
  const { 'content-length': length = Buffer.byteLength(body), ...rest } = headers;
  const lines = Object.entries({ ...rest, ...(status === 204 ? {} : { 'content-length': length }), 'x-amz-request-id': 'sink' });
  const head = `HTTP/1.1 ${status} -${CRLF}${lines.map(([name, value]) => `${name}: ${value}${CRLF}`).join('')}${CRLF}`;
  return Buffer.concat([Buffer.from(head, 'latin1'), Buffer.from(method === 'HEAD' ? '' : body)]);
}

type Current = {
  readonly method: string;
  readonly exchange: Exchange;
  readonly dechunker: Dechunker | undefined;
  /** Bytes of the body still to come; unknown and unused where it is chunked. */
  left: number;
};

/** Serves the requests of one connection, one after the other. */
export function serveConnection(socket: Socket, link: Link, begin: (head: Head) => Exchange): void {
  let unparsed = Buffer.alloc(0);
  let current: Current | undefined;
  let freeAt = 0;

  const later = (bytes: Buffer | string): void => {
    if (link.latencyMs === 0) socket.write(bytes);
    else setTimeout(() => socket.writable && socket.write(bytes), link.latencyMs);
  };

  const answer = ({ exchange, method }: Current): void => {
    current = undefined;
    later(printReply(exchange.end(), method));
  };

  /** Takes a request's head out of what was read; what follows it is body. */
  const readHead = (chunk: Buffer): Buffer => {
    unparsed = Buffer.concat([unparsed, chunk]);
    const end = unparsed.indexOf(CRLF + CRLF);
    if (end < 0) {
      if (unparsed.length > HEAD_BYTES) socket.destroy();
      return Buffer.alloc(0);
    }
    const head = parseHead(unparsed.toString('latin1', 0, end));
    const rest = unparsed.subarray(end + 4);
    unparsed = Buffer.alloc(0);
    const dechunker = head.headers['transfer-encoding'] === 'chunked' ? new Dechunker() : undefined;
    current = { method: head.method, exchange: begin(head), dechunker, left: Number(head.headers['content-length'] ?? 0) };
    if (head.headers.expect?.toLowerCase() === '100-continue') later(`HTTP/1.1 100 Continue${CRLF}${CRLF}`);
    if (!dechunker && current.left === 0) answer(current);
    return rest;
  };

  /** Takes the body's part of what was read; what follows it is the next head. */
  const readBody = (request: Current, chunk: Buffer): Buffer => {
    const { dechunker, exchange } = request;
    if (dechunker) {
      const rest = dechunker.feed(chunk, (payload) => exchange.push(payload));
      if (rest) answer(request);
      return rest ?? Buffer.alloc(0);
    }
    const body = chunk.subarray(0, request.left);
    request.left -= body.length;
    exchange.push(body);
    if (request.left === 0) answer(request);
    return chunk.subarray(body.length);
  };

  const pace = (bytes: number): void => {
    const now = performance.now();
    freeAt = Math.max(freeAt, now) + (bytes / link.bytesPerSecond) * 1000;
    if (freeAt - now < SHORTEST_PAUSE_MS) return;
    socket.pause();
    setTimeout(() => socket.resume(), freeAt - now);
  };

  socket.setNoDelay(true);
  socket.on('error', () => socket.destroy());
  socket.on('data', (chunk: Buffer) => {
    if (link.bytesPerSecond > 0) pace(chunk.length);
    try {
      for (let rest = chunk; rest.length > 0; ) rest = current ? readBody(current, rest) : readHead(rest);
    } catch (error) {
      process.stderr.write(`sink: ${(error as Error).message}\n`);
      socket.destroy();
    }
  });
}
