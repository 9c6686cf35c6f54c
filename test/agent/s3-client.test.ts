import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { HeadBucketCommand } from '@aws-sdk/client-s3';
import { expect } from 'chai';
import { CollectorConfig } from '../../agent/config/schema.ts';
import { s3ClientFor } from '../../agent/main.ts';
import { useCredentials } from '../helpers/s3-store.ts';

describe('the client of S3', () => {
  let server: Server;
  const held: ServerResponse[] = [];
  afterEach(() => {
    server.closeAllConnections();
    server.close();
  });

  it('has a connection for every part of every disk that is stored at once: none waits for another, which would be given up', async () => {
    useCredentials();
    const [concurrency, parallel] = [3, 4];
    server = createServer((_, response) => {
      held.push(response);
      if (held.length === concurrency * parallel) for (const each of held) each.end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const client = await s3ClientFor({ ...CollectorConfig.parse({ to: 's3://evidence', endpoint, concurrency, parallel }), accountable: 'tester', scratchDir: '/nowhere' });
    const answers = await Promise.all(Array.from({ length: concurrency * parallel }, () => client.send(new HeadBucketCommand({ Bucket: 'evidence' }))));
    expect(answers.map(({ $metadata: { attempts } }) => attempts)).to.deep.equal(answers.map(() => 1));
    client.destroy();
  });
});
