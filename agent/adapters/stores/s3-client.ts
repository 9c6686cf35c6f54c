import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { S3Client } from '@aws-sdk/client-s3';
import { NodeHttpHandler } from '@smithy/node-http-handler';

export type S3ClientOptions = {
  readonly region?: string;
  /** For S3-compatible stores, for example `https://127.0.0.1:9000`. */
  readonly endpoint?: string;
  /** Bucket in the path instead of in the host name. @default true when there is an endpoint */
  readonly forcePathStyle?: boolean;
  /** Connections at once. */
  readonly concurrency: number;
  /** Seconds without a byte in either direction after which a request has failed. */
  readonly requestTimeoutSeconds: number;
};

/** AES-128-GCM first: the same safety for data in transit, less of the CPU that hashing needs. */
const CIPHERS = 'TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:ECDHE+AESGCM';

/** A client whose settings keep the SDK from hashing, buffering or waiting once more for what the collector has done. */
export function createS3Client(options: S3ClientOptions): S3Client {
  const sockets = { keepAlive: true, maxSockets: options.concurrency + 4, noDelay: true };
  return new S3Client({
    ...(options.region === undefined ? {} : { region: options.region }),
    ...(options.endpoint === undefined ? {} : { endpoint: options.endpoint }),
    forcePathStyle: options.forcePathStyle ?? options.endpoint !== undefined,
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED', // what is read back is compared with the manifest
    expectContinueHeader: false, // it would cost a round trip and a new connection for every part
    logger: { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }, // what fails is thrown, and told by whoever asked
    retryMode: 'standard',
    maxAttempts: 5,
    requestHandler: new NodeHttpHandler({
      httpAgent: new HttpAgent(sockets),
      httpsAgent: new HttpsAgent({ ...sockets, ciphers: CIPHERS, minVersion: 'TLSv1.2' }),
      connectionTimeout: 10_000,
      socketTimeout: options.requestTimeoutSeconds * 1000,
    }),
  });
}
