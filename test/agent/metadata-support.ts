import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export type MetadataServer = {
  readonly endpoint: string;
  /** Answers by path under `/latest/`, for a request with a token. */
  readonly answers: Map<string, string>;
  /** Requests, as `METHOD path`. */
  readonly requests: string[];
  /** Forgets every token it gave. */
  forgetTokens(): void;
  /** Decides before anything else; a status ends the request with it, `hang` leaves it. */
  fault: (request: string) => number | 'hang' | undefined;
  stop(): Promise<void>;
};

/** A server that behaves as IMDSv2: a token by PUT with a TTL, refusal (401) without one, 404 for what is not there. */
export async function startMetadataServer(): Promise<MetadataServer> {
  const tokens = new Set<string>();
  const http = createServer((incoming, outgoing) => {
    const request = `${incoming.method} ${incoming.url}`;
    self.requests.push(request);
    const end = (status: number, body = ''): void => void outgoing.writeHead(status).end(body);
    const fault = self.fault(request);
    if (fault === 'hang') return;
    if (fault !== undefined) return end(fault);
    if (request === 'PUT /latest/api/token') {
      const ttl = Number(incoming.headers['x-aws-ec2-metadata-token-ttl-seconds']);
      if (!(ttl >= 1 && ttl <= 21_600) || incoming.headers['x-forwarded-for']) return end(400);
      const token = `token-${tokens.size}==`;
      tokens.add(token);
      return end(200, token);
    }
    if (!tokens.has(String(incoming.headers['x-aws-ec2-metadata-token']))) return end(401);
    const answer = self.answers.get(decodeURIComponent(incoming.url?.replace(/^\/latest\//, '') ?? ''));
    return answer === undefined ? end(404) : end(200, answer);
  }).listen(0, '127.0.0.1');
  await once(http, 'listening');
  const self: MetadataServer = {
    endpoint: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    answers: new Map(),
    requests: [],
    forgetTokens: () => tokens.clear(),
    fault: () => undefined,
    async stop() {
      http.closeAllConnections();
      await new Promise((resolve) => http.close(resolve));
    },
  };
  return self;
}

/** Publishes instance tags. */
export function publishTags(server: MetadataServer, tags: Readonly<Record<string, string>>): void {
  server.answers.set('meta-data/tags/instance', Object.keys(tags).join('\n'));
  for (const [key, value] of Object.entries(tags)) server.answers.set(`meta-data/tags/instance/${key}`, value);
}
