import { expect } from 'chai';
import * as fc from 'fast-check';
import { InstanceMetadata } from '../../agent/adapters/instance-metadata.ts';
import { tagLayer } from '../../agent/config/layers.ts';
import { startMetadataServer, type MetadataServer } from '../agent/metadata-support.ts';
import { bounded, PRINTABLE } from './settings.ts';

const IDENTITY = { accountId: '123456789012', region: 'eu-central-1', instanceId: 'i-0123456789abcdef0' };

describe('hostile answers of the instance metadata service', () => {
  let server: MetadataServer;
  before(async () => {
    server = await startMetadataServer();
  });
  after(() => server.stop());
  beforeEach(() => server.answers.clear());
  const metadata = (): InstanceMetadata => new InstanceMetadata({ endpoint: server.endpoint, retries: 0 });

  it('in the place of the identity document are refused, or are an account, a Region and an instance', async () => {
    const field = fc.oneof(fc.constantFrom(...Object.values(IDENTITY)), fc.string({ unit: 'binary', maxLength: 40 }), fc.jsonValue({ maxDepth: 1 }));
    const near = fc.record({ accountId: field, region: field, instanceId: field, more: fc.jsonValue({ maxDepth: 2 }) }, { requiredKeys: [] }).map((value) => JSON.stringify(value));
    await fc.assert(fc.asyncProperty(fc.oneof(near, fc.json({ maxDepth: 2 }), fc.string({ unit: 'binary', maxLength: 300 })), async (text) => {
      server.answers.set('dynamic/instance-identity/document', text);
      const found = await metadata().identity().catch((error: unknown) => {
        expect(error).to.include({ name: 'StageError', code: 'INSTANCE_METADATA' });
        return undefined;
      });
      for (const value of Object.values(found ?? {})) expect(value).to.match(/^[a-z0-9-]{1,64}$/);
    }), bounded(150));
  });

  it('in the place of the list of tags, and of a tag, become values, problems or nothing, each one line', async () => {
    const name = fc.oneof(fc.constantFrom('cleanroom:to', 'cleanroom:part-size', 'cleanroom:once', 'cleanroom:'), fc.string({ unit: 'binary', maxLength: 60 }).map((text) => `cleanroom:${text}`), fc.string({ unit: 'binary', maxLength: 60 }));
    const value = fc.oneof(fc.json({ maxDepth: 2 }), fc.string({ unit: 'binary', maxLength: 300 }));
    await fc.assert(fc.asyncProperty(fc.array(fc.tuple(name, value), { maxLength: 5 }), async (tags) => {
      server.answers.clear();
      server.answers.set('meta-data/tags/instance', tags.map(([key]) => key).join('\n'));
      for (const [key, text] of tags) server.answers.set(`meta-data/tags/instance/${key}`, text);
      const { values, problems } = await tagLayer(metadata());
      for (const { source, message, got = '' } of problems) expect(`${source}${message}${got}`.replaceAll('…', '')).to.match(PRINTABLE);
      for (const { source } of values) expect(source).to.match(/^instance tag cleanroom:[a-z-]+$/);
    }), bounded(100));
  });
});
