import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import type { DigestPlan } from '../../agent/adapters/part-digester.ts';
import { openPipe, type Pipe } from '../../agent/adapters/pipe.ts';
import { SLAB_SIZE, SlabReader, type StreamedPart } from '../../agent/adapters/slab-reader.ts';
import { bootSlabThread, takeSlabThread } from '../../agent/adapters/slab-thread.ts';
import type { Slab } from '../../agent/adapters/stores/evidence-store.ts';
import { StageError } from '../../agent/errors.ts';
import { MiB, partsOf, planLayout, type ImageLayout } from '../../modules/vocabulary/index.ts';
import { endOfProgram } from '../helpers/program.ts';
import { rejectionOf } from '../helpers/rejection.ts';
import { digestsOf } from '../helpers/slabs.ts';

const PART = 5 * MiB;
const ALL: DigestPlan = { sha256: true, crc32: true, md5: true };

/** Bytes that repeat at no round number, so that a slab in the wrong place shows. */
const bytesOf = (length: number): Buffer => {
  const bytes = Buffer.alloc(length);
  for (let at = 0; at + 4 <= length; at += 4) bytes.writeUInt32LE((at * 2_654_435_761) >>> 0, at);
  return bytes;
};

describe('reading a pipe in a ring of slabs', () => {
  const pipes: Pipe[] = [];
  const readers: SlabReader[] = [];
  afterEach(async () => {
    for (const reader of readers.splice(0)) {
      reader.stop(new Error('the test is over'));
      await reader.closed;
    }
    for (const { readEnd, writeEnd } of pipes.splice(0)) {
      await readEnd.close();
      await writeEnd.close().catch(() => undefined);
    }
  });

  const begin = async (layout: ImageLayout, options: { ringSize?: number; digests?: DigestPlan } = {}): Promise<{ reader: SlabReader; sink: FileHandle }> => {
    const pipe = await openPipe();
    pipes.push(pipe);
    const reader = new SlabReader({ fd: pipe.readEnd.fd, layout, ringSize: options.ringSize ?? 4 * MiB, digests: () => options.digests ?? ALL });
    readers.push(reader);
    return { reader, sink: pipe.writeEnd };
  };

  /** Writes everything and closes; a reader that goes away is no error of the test. */
  const feed = async (sink: FileHandle, bytes: Uint8Array): Promise<void> => {
    try {
      for (let done = 0; done < bytes.length; ) done += (await sink.write(bytes, done, Math.min(bytes.length - done, 300_001))).bytesWritten;
    } finally {
      await sink.close();
    }
  };

  const take = async (part: StreamedPart): Promise<Buffer> => {
    const chunks: Buffer[] = [];
    for await (const slab of part.slabs()) {
      chunks.push(Buffer.from(slab.bytes));
      slab.release();
    }
    return Buffer.concat(chunks);
  };

  for (const size of [0, 1, 511, SLAB_SIZE, SLAB_SIZE + 1, PART - 1, PART, PART + 1, 2 * PART + 1_234_567]) {
    it(`gives the parts of ${size} bytes in order, with the right bytes and digests`, async () => {
      const image = bytesOf(size);
      const layout = planLayout(size, { partSize: PART });
      const { reader, sink } = await begin(layout);
      const fed = feed(sink, image);
      const seen: unknown[] = [];
      for await (const part of reader.parts()) {
        const bytes = await take(part);
        const { offset, length } = part.range;
        expect(bytes.equals(image.subarray(offset, offset + length))).to.equal(true);
        expect(await part.digests).to.deep.equal(digestsOf(bytes));
        seen.push(part.range);
      }
      await fed;
      expect(seen).to.deep.equal([...partsOf(layout)]);
      const { bytes, surplus, sha256 } = await reader.end;
      expect([bytes, surplus, sha256.toString('hex')]).to.deep.equal([size, 0, createHash('sha256').update(image).digest('hex')]);
      await reader.closed;
    });
  }

  it('computes only the digests that are asked for', async () => {
    const { reader, sink } = await begin(planLayout(10), { digests: { sha256: true, crc32: false, md5: false } });
    await feed(sink, bytesOf(10));
    for await (const part of reader.parts()) {
      part.discard();
      expect(Object.keys(await part.digests)).to.deep.equal(['sha256']);
    }
  });

  it('stops reading when no slab comes back, so that memory is the ring whatever the image', async () => {
    const image = bytesOf(6 * PART);
    const { reader, sink } = await begin(planLayout(image.length, { partSize: PART }), { ringSize: 4 * MiB });
    let written = 0;
    const fed = (async () => {
      while (written < image.length) written += (await sink.write(image, written, Math.min(image.length - written, 256 * 1024))).bytesWritten;
      await sink.close();
    })();
    const iterator = reader.parts();
    const first = (await iterator.next()).value as StreamedPart;
    const slabs = first.slabs();
    const slots = (4 * MiB) / SLAB_SIZE;
    const held: Slab[] = [];
    while (held.length < slots) held.push((await slabs.next()).value);
    await sleep(300);
    const pipe = MiB;
    expect(written).to.be.within(4 * MiB, 4 * MiB + pipe + 256 * 1024);
    expect(held.map(({ bytes }) => bytes.length)).to.deep.equal(Array.from({ length: slots }, () => SLAB_SIZE));

    held[0]!.release(); // one slab back: one slab more
    const more = (await slabs.next()).value!;
    expect(Buffer.from(more.bytes).equals(image.subarray(slots * SLAB_SIZE, (slots + 1) * SLAB_SIZE))).to.equal(true);
    expect(Buffer.from(held[1]!.bytes).equals(image.subarray(SLAB_SIZE, 2 * SLAB_SIZE)), 'a slab that is held keeps its bytes').to.equal(true);
    for (const slab of [...held.slice(1), more]) slab.release();
    await slabs.return(undefined);
    for await (const part of iterator) part.discard();
    await fed;
    expect((await reader.end).bytes).to.equal(image.length);
  });

  it('refuses to have a slab given back twice, since another part would lose its bytes', async () => {
    const { reader, sink } = await begin(planLayout(10));
    await feed(sink, bytesOf(10));
    const part = (await reader.parts().next()).value as StreamedPart;
    const slab = (await part.slabs().next()).value!;
    slab.release();
    expect(() => slab.release()).to.throw('released twice');
    await reader.end;
  });

  it('goes on past a part that nobody wants, and hashes it all the same', async () => {
    const image = bytesOf(3 * PART);
    const { reader, sink } = await begin(planLayout(image.length, { partSize: PART }), { ringSize: 2 * MiB });
    const fed = feed(sink, image);
    const digests: unknown[] = [];
    for await (const part of reader.parts()) {
      part.discard();
      digests.push((await part.digests).sha256?.toString('hex'));
    }
    await fed;
    expect(digests).to.deep.equal([0, 1, 2].map((index) => digestsOf(image.subarray(index * PART, (index + 1) * PART)).sha256.toString('hex')));
  });

  it('goes on when whoever takes a part gives up in its middle', async () => {
    const image = bytesOf(2 * PART);
    const { reader, sink } = await begin(planLayout(image.length, { partSize: PART }), { ringSize: 2 * MiB });
    const fed = feed(sink, image);
    for await (const part of reader.parts()) {
      for await (const slab of part.slabs()) {
        slab.release();
        break;
      }
      await part.digests;
    }
    await fed;
    expect((await reader.end).sha256.equals(digestsOf(image).sha256)).to.equal(true);
  });

  it('tells of a stream that is shorter than the disk, and fails the part it broke off in', async () => {
    const image = bytesOf(PART + 1000);
    const { reader, sink } = await begin(planLayout(3 * PART, { partSize: PART }));
    const fed = feed(sink, image);
    const outcomes: unknown[] = [];
    for await (const part of reader.parts()) {
      const taken = await take(part).then(({ length }) => length, (error: StageError) => error.code);
      const digests = await part.digests.then(() => 'digests', (error: StageError) => error.code);
      outcomes.push([part.range.partNumber, taken, digests]);
    }
    await fed;
    expect(outcomes).to.deep.equal([[1, PART, 'digests'], [2, 'SOURCE_SHRANK', 'SOURCE_SHRANK']]);
    const end = await reader.end;
    expect([end.bytes, end.surplus]).to.deep.equal([PART + 1000, 0]);
    expect(end.sha256.equals(digestsOf(image).sha256)).to.equal(true);
  });

  it('tells of a stream that is longer than the disk', async () => {
    const image = bytesOf(PART + 777);
    const { reader, sink } = await begin(planLayout(PART, { partSize: PART }));
    const fed = feed(sink, image);
    for await (const part of reader.parts()) part.discard();
    await fed;
    const end = await reader.end;
    expect([end.bytes, end.surplus]).to.deep.equal([PART + 777, 777]);
  });

  it('stops while it waits for bytes that never come', async () => {
    const { reader, sink } = await begin(planLayout(PART, { partSize: PART }));
    await sink.write(bytesOf(100));
    const reason = new StageError('acquire', 'INTERRUPTED', 'enough', { retryable: true });
    await sleep(200); // it hangs in its read by now
    reader.stop(reason);
    expect(await rejectionOf(reader.end)).to.equal(reason);
    await reader.closed;
  });

  it('stops while it waits for a slab to come back', async () => {
    const image = bytesOf(PART);
    const { reader, sink } = await begin(planLayout(PART, { partSize: PART }), { ringSize: 2 * MiB });
    const fed = feed(sink, image).catch(() => undefined);
    const part = (await reader.parts().next()).value as StreamedPart;
    await sleep(200); // the ring is full by now
    const reason = new StageError('acquire', 'INTERRUPTED', 'enough', { retryable: true });
    reader.stop(reason);
    await reader.closed;
    expect(await rejectionOf(reader.end)).to.equal(reason);
    expect(await rejectionOf(part.digests)).to.equal(reason);
    expect((await rejectionOf(take(part)))).to.equal(reason);
    await pipes.splice(0, 1)[0]!.readEnd.close(); // wakes the writer
    await fed;
  });

  it('does nothing with slabs that still come when it was stopped, and leaves its ring to the next reading', async () => {
    const ringSize = 3 * SLAB_SIZE; // of no other test
    const { reader, sink } = await begin(planLayout(ringSize, { partSize: PART }), { ringSize }); // one part
    const reason = new StageError('acquire', 'INTERRUPTED', 'enough', { retryable: true });
    const lengths: number[] = [];
    reader.onBytes = (length) => {
      lengths.push(length);
      const moment = new Int32Array(new SharedArrayBuffer(4));
      while (reader.hasRoom) Atomics.wait(moment, 0, 0, 1); // the second slab was sent once the third is being filled
      reader.stop(reason);
    };
    await sink.write(bytesOf(2 * SLAB_SIZE)); // at once: this thread may be waiting above meanwhile
    const memory = new Set<ArrayBufferLike>();
    const codes: unknown[] = [];
    for await (const part of reader.parts()) {
      try {
        for await (const slab of part.slabs()) {
          memory.add(slab.bytes.buffer);
          slab.release();
        }
      } catch (error) {
        codes.push((error as StageError).code);
      }
    }
    await reader.closed;
    expect({ lengths, codes }).to.deep.equal({ lengths: [SLAB_SIZE], codes: ['INTERRUPTED'] });
    expect(await rejectionOf(reader.end)).to.equal(reason);

    const next = await begin(planLayout(1), { ringSize });
    await feed(next.sink, bytesOf(1));
    const part = (await next.reader.parts().next()).value as StreamedPart;
    const slab = (await part.slabs().next()).value!;
    expect([memory.size, memory.has(slab.bytes.buffer)]).to.deep.equal([1, true]);
    slab.release();
    await next.reader.end;
  });

  it('tells of a descriptor that cannot be read', async () => {
    const nowhere = await open('/dev/null', constants.O_WRONLY);
    try {
      const reader = new SlabReader({ fd: nowhere.fd, layout: planLayout(10), ringSize: 2 * MiB, digests: () => ALL });
      const error = await rejectionOf(reader.end);
      expect(error).to.include({ name: 'StageError', code: 'READER_FAILED', retryable: true });
      expect(error.message).to.contain('EBADF');
      await reader.closed;
    } finally {
      await nowhere.close();
    }
  });

  it('reads in a thread that was booted ahead, or in one of its own', async () => {
    for (const ahead of [true, true, false]) {
      if (ahead) bootSlabThread();
      const image = bytesOf(PART);
      const { reader, sink } = await begin(planLayout(PART, { partSize: PART }));
      const fed = feed(sink, image);
      for await (const part of reader.parts()) part.discard();
      await fed;
      expect((await reader.end).sha256.equals(digestsOf(image).sha256)).to.equal(true);
      await reader.closed;
    }
  });

  it('lets a process end whose thread, booted ahead, was given nothing to read', async () => {
    const thread = JSON.stringify(import.meta.resolve('../../agent/adapters/slab-thread.ts'));
    const { exitCode, isTerminated } = await endOfProgram(`import { bootSlabThread } from ${thread}; bootSlabThread(); setTimeout(() => {}, 500);`);
    expect({ exitCode, isTerminated }).to.deep.equal({ exitCode: 0, isTerminated: false });
  });

  it('takes a thread that was booted ahead once', async () => {
    bootSlabThread();
    bootSlabThread();
    const first = takeSlabThread();
    const second = takeSlabThread();
    expect(second).not.to.equal(first);
    await Promise.all([first.terminate(), second.terminate()]);
  });

  it('uses the memory of one reading again for the next', async () => {
    const before = process.memoryUsage.rss();
    for (let round = 0; round < 12; round++) {
      const image = bytesOf(PART);
      const { reader, sink } = await begin(planLayout(PART, { partSize: PART }), { ringSize: 32 * MiB });
      const fed = feed(sink, image);
      for await (const part of reader.parts()) part.discard();
      await fed;
      await reader.closed;
    }
    expect(process.memoryUsage.rss() - before).to.be.below(200 * MiB);
  });
});
