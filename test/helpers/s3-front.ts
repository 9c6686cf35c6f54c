/**
 * A verifying front: an HTTP(S) reverse proxy before an S3-compatible server that does not check what S3 checks (moto), and
 * that breaks things on request. It takes the aws-chunked framing off, verifies every additional checksum, keeps the
 * checksums of parts and objects and returns them as S3 does, refuses to overwrite when asked to, and records all requests.
 *
 * What it does not do: check signatures (a request whose body or headers it rewrote no longer has a valid one upstream),
 * or anything of AWS but path-style S3; other services' requests pass as they are, and can still meet faults.
 */
import { once } from 'node:events';
import { createServer as createHttpServer, type IncomingHttpHeaders, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { errorXml, S3Refusal } from './s3-front-errors.ts';
import { codeOf, type Fault, type FaultPlan, flipped, throttled } from './s3-front-faults.ts';
import { answerOf, type FrontAnswer } from './s3-front-handle.ts';
import { operationOf, type S3Operation } from './s3-front-operation.ts';
import { stateOf } from './s3-front-state.ts';
import { type TlsIdentity, tlsIdentity } from './tls.ts';

export type { Fault, FaultPlan, FaultRequest } from './s3-front-faults.ts';

export type S3FrontOptions = {
  /** What is behind it: `http://127.0.0.1:<port>`. */
  readonly upstream: string;
  /** HTTPS with a certificate of its own, or with this one. @default plain HTTP */
  readonly tls?: boolean | TlsIdentity;
  readonly faults?: FaultPlan;
  /** Refuse objects and parts without any checksum, as S3 does in a bucket with Object Lock. @default false */
  readonly requireChecksum?: boolean;
  /** Every part that is stored gets an ETag of its own, also where the bytes are the same, as under SSE-KMS. @default false */
  readonly opaqueEtags?: boolean;
};

/** A request that reached the front. */
export type RecordedRequest = S3Operation & {
  readonly headers: IncomingHttpHeaders;
  readonly attempt: number;
  readonly fault: Fault['kind'] | undefined;
  /** Milliseconds on the clock of `performance.now()`. */
  readonly startedAt: number;
  /** Bytes of the request's body as they came over the wire, framing included. */
  readonly bytes: number;
  /** Undefined until it was answered, and when it never was. */
  readonly status: number | undefined;
};

export type S3Front = {
  readonly endpoint: string;
  /** With TLS: the certificate to trust, in PEM, and as a file. */
  readonly ca?: string;
  readonly caFile?: string;
  /** Every request so far, in order of arrival. */
  readonly requests: readonly RecordedRequest[];
  stop(): Promise<void>;
};

/** Starts a front on a free port of loopback. */
export const startS3Front = async (options: S3FrontOptions): Promise<S3Front> => {
  const own = options.tls === true ? await tlsIdentity() : undefined;
  const identity = own ?? (typeof options.tls === 'object' ? options.tls : undefined);
  const requests: RecordedRequest[] = [];
  const attempts = new Map<string, number>();
  const sockets = new Set<Socket>();

  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { socket } = request; // a request whose reading was broken off no longer has it
    const operation = operationOf(request);
    const id = JSON.stringify([operation.operation, operation.bucket, operation.key, operation.partNumber]);
    const attempt = (attempts.get(id) ?? 0) + 1;
    attempts.set(id, attempt);
    const fault = await options.faults?.({ ...operation, headers: request.headers, attempt });
    const record = { ...operation, headers: request.headers, attempt, fault: fault?.kind, startedAt: performance.now(), bytes: 0, status: undefined as number | undefined };
    requests.push(record);
    try {
      const rate = fault?.kind === 'throttle' ? fault.bytesPerSecond : undefined;
      const body = await bodyOf(request, rate, fault?.kind === 'reset' ? fault.afterBytes : undefined, (bytes) => (record.bytes += bytes));
      if (fault?.kind === 'black-hole') return;
      if (fault?.kind === 'reset' || body === undefined) return void socket.destroy();
      if (fault?.kind === 'delay') await sleep(fault.ms, undefined, { ref: false });
      const answer =
        fault?.kind === 'status' ? refusal(fault.status, fault.code ?? codeOf(fault.status), fault.message ?? 'The front was told to.', fault.headers)
          : fault?.kind === 'foreign' ? FOREIGN
          : await answerOf({ request, operation, body, fault, upstream: options.upstream, state: stateOf(options.upstream), requireChecksum: options.requireChecksum ?? false, opaqueEtags: options.opaqueEtags ?? false });
      if (fault?.kind === 'lose-response') return void socket.destroy();
      if (fault?.kind === 'hold-response') return;
      record.status = answer.status;
      await send(answer, request.method, response, fault);
    } catch (error) {
      if (socket.destroyed || response.headersSent) return void socket.destroy();
      const { status, code } = error instanceof S3Refusal ? error : { status: 502, code: 'UpstreamFailed' };
      record.status = status;
      await send(refusal(status, code, error instanceof Error ? error.message : String(error)), request.method, response, undefined);
    }
  };

  const listener = (request: IncomingMessage, response: ServerResponse): void => {
    const { socket } = request;
    serve(request, response).catch(() => socket.destroy()); // the client has gone away
  };
  const server: Server = identity ? createHttpsServer({ key: identity.key, cert: identity.cert }, listener) : createHttpServer(listener);
  server.requestTimeout = 0;
  server.on(identity ? 'secureConnection' : 'connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined); // a broken connection is what half of the faults are about
    socket.once('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    endpoint: `${identity ? 'https' : 'http'}://127.0.0.1:${(server.address() as AddressInfo).port}`,
    ...(identity ? { ca: identity.cert, caFile: identity.caFile } : {}),
    requests,
    async stop() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await closed;
      await own?.remove();
    },
  };
};

/** Reads a request's body; undefined when it was to break off after so many bytes. */
const bodyOf = async (request: IncomingMessage, rate: number | undefined, breakAfter: number | undefined, count: (bytes: number) => void): Promise<Buffer | undefined> => {
  const chunks: Buffer[] = [];
  let length = 0;
  if (breakAfter === 0) return undefined;
  for await (const chunk of rate === undefined ? (request as AsyncIterable<Buffer>) : throttled(request, rate)) {
    chunks.push(chunk);
    length += chunk.length;
    count(chunk.length);
    if (breakAfter !== undefined && length >= breakAfter) return undefined;
  }
  if (!request.complete) throw new Error('the client broke off');
  return Buffer.concat(chunks, length);
};

const PAGE = Buffer.from('<html><body>Please log in.</body></html>');
const FOREIGN: FrontAnswer = { status: 200, headers: { 'content-type': 'text/html', 'content-length': String(PAGE.length) }, body: PAGE };

const refusal = (status: number, code: string, message: string, headers: Readonly<Record<string, string>> = {}): FrontAnswer => {
  const body = Buffer.from(errorXml(code, message));
  return { status, headers: { 'content-type': 'application/xml', 'content-length': String(body.length), ...headers }, body };
};

/** Waits until an answer takes more, or has been given up by the other side. */
const drained = async (response: ServerResponse): Promise<void> => {
  const settled = new AbortController();
  const { signal } = settled;
  await Promise.race([once(response, 'drain', { signal }), once(response, 'close', { signal })]);
  settled.abort(); // takes the other listener away
};

/** Headers whose checksums are of something else. */
const withOtherChecksums = (headers: FrontAnswer['headers']): FrontAnswer['headers'] =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, /^x-amz-checksum-(?!type)/.test(name) ? flipped(Buffer.from(String(value), 'base64')).toString('base64') : value]));

/** Sends an answer, with what the fault does to it. */
const send = async (answer: FrontAnswer, method: string | undefined, response: ServerResponse, fault: Fault | undefined): Promise<void> => {
  const more = fault?.kind === 'more-headers' ? fault.headers : {};
  response.writeHead(answer.status, fault?.kind === 'wrong-checksum' ? withOtherChecksums(answer.headers) : { ...answer.headers, ...more });
  if (method === 'HEAD') return void response.end();
  const whole: AsyncIterable<Buffer> | Buffer[] = Buffer.isBuffer(answer.body) ? [answer.body] : answer.body;
  const chunks = fault?.kind === 'throttle' ? throttled((async function* () { yield* whole; })(), fault.bytesPerSecond) : whole;
  let sent = 0;
  for await (const chunk of chunks) {
    let bytes = chunk;
    if (fault?.kind === 'corrupt-response') {
      const at = (fault.at ?? 0) - sent;
      if (at >= 0 && at < chunk.length) bytes = flipped(chunk, at);
    }
    if (fault?.kind === 'truncate-response' && sent + chunk.length >= fault.afterBytes) {
      response.write(chunk.subarray(0, fault.afterBytes - sent), () => response.destroy());
      return;
    }
    sent += chunk.length;
    if (!response.write(bytes)) await drained(response);
    if (response.destroyed) return;
  }
  response.end();
};
