import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import type { S3Client } from '@aws-sdk/client-s3';
import type { S3Store } from '../../agent/adapters/stores/s3-store.ts';
import { LogEvent } from '../../modules/vocabulary/index.ts';
import { collectFrom, errorOf, makeImage, type CollectPlan, type Outcome, PART, problemsIn } from '../helpers/collect.ts';
import { startMotoFront, type MotoFront } from '../helpers/moto-front.ts';
import { startS3Front, type Fault, type FaultPlan, type S3Front } from '../helpers/s3-front.ts';
import { newBucket, s3ClientOf, s3StoreIn, useCredentials } from '../helpers/s3-store.ts';
import { tempDir } from '../helpers/temp-dir.ts';

const KEEP_GOING = new AbortController().signal;

/** Waits for what another request brings about; one that never comes must not hold the front. */
async function until(condition: () => boolean): Promise<void> {
  for (const deadline = performance.now() + 60_000; !condition() && performance.now() < deadline; ) await sleep(5);
}

describe('of two collectors on one exhibit in S3', function () {
  /** Each has a front of its own before the same store, so that it can be told who asks. */
  let one: MotoFront;
  let two: S3Front;
  let faults: { one?: FaultPlan; two?: FaultPlan };
  let dir: Awaited<ReturnType<typeof tempDir>>;
  let client: S3Client;
  let stores: S3Store[];
  let path: string;
  let since: { one: number; two: number };

  before(async () => {
    useCredentials();
    one = await startMotoFront({ opaqueEtags: true, faults: (request) => faults.one?.(request) });
    two = await startS3Front({ upstream: one.moto.endpoint, opaqueEtags: true, faults: (request) => faults.two?.(request) });
    client = s3ClientOf(one);
    dir = await tempDir();
    path = `${dir.path}/disk.img`;
    await makeImage(path, 4 * PART);
  });
  beforeEach(async () => {
    faults = {};
    const bucket = await newBucket(client);
    stores = [one, two].map((front) => s3StoreIn(front, bucket));
    since = { one: one.requests.length, two: two.requests.length };
  });
  afterEach(() => Promise.all(stores.map((store) => store.close())));
  after(async () => {
    client.destroy();
    await two.stop();
    await one.stop();
    await dir.remove();
  });

  /** Whether a collector's request was answered with success. */
  const did = (who: 'one' | 'two', operation: string, partNumber?: number): boolean =>
    (who === 'one' ? one : two).requests.slice(since[who]).some((asked) => asked.operation === operation && asked.status === 200 && (partNumber === undefined || asked.partNumber === partNumber));
  const collect = (index: number, plan: Partial<CollectPlan> = {}): Promise<Outcome> => collectFrom({ store: stores[index]!, path, scratchDir: dir.path, ...plan });
  /** Leaves an upload that holds the first part or two. */
  const interrupted = async (): Promise<void> => {
    const interrupt = new AbortController();
    const onEvent: CollectPlan['onEvent'] = ({ event }) => event === LogEvent.partStored && interrupt.abort(new Error('interrupted'));
    errorOf(await collect(0, { signal: interrupt.signal, onEvent, options: { concurrency: 1 } }));
    since = { one: one.requests.length, two: two.requests.length };
  };
  const endOf = ({ done, error }: Outcome): string => done?.status ?? error!.code;
  const expectOneWinner = async (outcomes: readonly Outcome[], winner: number): Promise<void> => {
    expect(endOf(outcomes[winner]!), outcomes[winner]!.error?.message).to.equal('COMPLETE');
    expect(endOf(outcomes[1 - winner]!), outcomes[1 - winner]!.error?.message).to.be.oneOf(['EXISTS', 'COLLECTED', 'BUSY']);
    expect(await problemsIn(stores[0]!)).to.deep.equal([]);
    expect(await Array.fromAsync(stores[0]!.unfinished('', KEEP_GOING)), 'unfinished uploads').to.deep.equal([]);
  };

  it('that take over the same upload and store the same parts again, one wins, though the store gives each part an ETag of its own', async () => {
    await interrupted();
    // Of the last two parts, the one is stored last by the first, the other by the second; both complete then.
    const wait = async (request: { operation: string; partNumber?: number }, of: 'one' | 'two', part: number): Promise<undefined> => {
      if (request.operation === 'UploadPart' && request.partNumber === part) await until(() => did(of, 'UploadPart', part));
      if (request.operation === 'CompleteMultipartUpload') await until(() => [3, 4].every((each) => did(of, 'UploadPart', each)));
    };
    faults = { one: (request) => wait(request, 'two', 3), two: (request) => wait(request, 'one', 4) };
    const outcomes = await Promise.all([collect(0), collect(1)]);
    await expectOneWinner(outcomes, outcomes.findIndex(({ done }) => done));
  });

  /** Both store the whole image, the second in an upload of its own, and complete it in the same moment: the second is answered later. */
  const completedAtOnce = async (answer: Fault | undefined, faultsOfOne: FaultPlan = () => undefined): Promise<Outcome[]> => {
    let asks = false;
    faults.one = async (request) => {
      if (request.operation === 'CompleteMultipartUpload') await until(() => asks);
      return faultsOfOne(request);
    };
    faults.two = async ({ operation, attempt }) => {
      if (operation !== 'CompleteMultipartUpload' || attempt > 1) return undefined;
      asks = true;
      await until(() => did('one', 'CompleteMultipartUpload'));
      return answer;
    };
    const first = collect(0);
    await until(() => did('one', 'CreateMultipartUpload'));
    return await Promise.all([first, collect(1, { options: { resume: 'never' } })]);
  };

  it('that complete it in the same moment, one wins, and the other says so and leaves nothing', async () => {
    const outcomes = await completedAtOnce({ kind: 'status', status: 409, code: 'ConditionalRequestConflict' });
    await expectOneWinner(outcomes, outcomes.findIndex(({ done }) => done));
  });

  it('that complete it in the same moment, the one whose object it is not may win, and leaves nothing either', async () => {
    const outcomes = await completedAtOnce(undefined, async ({ operation, key }) => {
      if (operation === 'PutObject' && key.endsWith('.capture.log')) await until(() => two.requests.slice(since.two).some((asked) => asked.key.endsWith('.manifest.json') && asked.operation === 'PutObject' && asked.status === 200));
      return undefined;
    });
    await expectOneWinner(outcomes, 1);
  });
});
