import { expect } from 'chai';
import type { PartChecksumAlgorithm } from '../../agent/adapters/stores/evidence-store.ts';
import { confirmRecord } from '../../agent/adapters/stores/s3-record.ts';
import { S3Store } from '../../agent/adapters/stores/s3-store.ts';
import { startMotoFront, type MotoFront } from '../helpers/moto-front.ts';
import { rejectionOf } from '../helpers/rejection.ts';
import type { Fault, FaultPlan } from '../helpers/s3-front.ts';
import { newBucket, s3ClientOf, useCredentials } from '../helpers/s3-store.ts';

const live = new AbortController().signal;
const BODY = Buffer.from('{"a":1}\n');
const KEY = 'case-1/manifest.json';

describe('a record that S3 says it has', () => {
  let front: MotoFront;
  let store: S3Store;
  let faults: FaultPlan | undefined;
  before(async () => {
    useCredentials();
    front = await startMotoFront({ faults: (request) => faults?.(request) });
  });
  beforeEach(() => use('SHA256'));
  afterEach(async () => {
    faults = undefined;
    await store.close();
  });
  after(() => front.stop());

  const use = async (algorithm: PartChecksumAlgorithm): Promise<void> => {
    const client = s3ClientOf(front);
    store = new S3Store({ client, bucket: await newBucket(client), prefix: '', algorithm });
  };
  const put = () => store.putRecord(KEY, BODY, 'application/json', live);
  const onPut = (fault: Fault): FaultPlan => ({ operation }) => (operation === 'PutObject' ? fault : undefined);
  const blind: FaultPlan = ({ operation }) => (operation === 'HeadObject' ? { kind: 'status', status: 403 } : undefined);
  const refusalOf = async (promise: Promise<unknown>): Promise<string> => {
    const error = await rejectionOf(promise);
    expect(error).to.include({ name: 'StageError', stage: 'store', code: 'RECORD_UNCONFIRMED', retryable: false });
    return error.message;
  };
  const SAID = `the store answered that ${KEY} is stored, but`;

  it('needs no look where the answer has its SHA-256', async () => {
    faults = blind;
    expect(await put()).to.include({ key: KEY, length: BODY.length });
  });

  it('needs no look where the answer has its MD5, and no more', async () => {
    await store.close();
    await use('MD5');
    faults = blind;
    expect(await put()).to.include({ key: KEY, length: BODY.length });
  });

  it('is not stored where something else answered, which has none', async () => {
    faults = onPut({ kind: 'foreign' });
    expect(await refusalOf(put())).to.equal(`${SAID} does not have it`);
  });

  it('is not stored where nothing was confirmed and nobody may look', async () => {
    faults = (request) => blind(request) ?? onPut({ kind: 'foreign' })(request);
    expect(await refusalOf(put())).to.equal(`${SAID} confirmed no digest of it, and refuses to let it be looked at`);
  });

  it('is not stored where the answer has another SHA-256', async () => {
    faults = onPut({ kind: 'wrong-checksum' });
    expect(await refusalOf(put())).to.match(/but says SHA-256 [\w+/]{43}= of it, which is another's$/);
  });

  it('is not stored where what is there has another MD5', async () => {
    await store.close();
    await use('MD5');
    faults = onPut({ kind: 'corrupt-silently' });
    expect(await refusalOf(put())).to.match(/but has 8 bytes with ETag "[0-9a-f]{32}" there, which are not the 8 that were sent$/);
  });

  it('is asked for where the answer has no digest, and compared by length and digest', async () => {
    await put();
    const head = () => store.head(KEY, live);
    await confirmRecord(KEY, BODY, {}, head);
    await confirmRecord(KEY, BODY, { ETag: '"not an MD5"' }, head);
    expect(await refusalOf(confirmRecord(KEY, Buffer.from('{"a":2}\n'), {}, head))).to.contain('which are not the 8 that were sent');
    expect(await refusalOf(confirmRecord(KEY, BODY, {}, async () => ({ ...(await head())!, length: 7 })))).to.contain('has 7 bytes');
  });

  it('is not stored where the store fails when it is asked: that error is told', async () => {
    faults = ({ operation, attempt }) => {
      if (operation === 'PutObject') return { kind: 'foreign' };
      return operation === 'HeadObject' && attempt > 1 ? { kind: 'status', status: 400 } : undefined;
    };
    expect(await rejectionOf(put())).to.include({ code: 'STORE_FAILED' });
  });
});
