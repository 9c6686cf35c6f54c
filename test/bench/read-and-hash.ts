/**
 * Reading and hashing with nothing behind them: the collector's own dc3dd, pipe and reading worker, whose slabs go
 * straight back to it. This is what the collector would reach if storing cost nothing.
 * Usage: read-and-hash.ts <source> <part bytes> <sha256|crc32>
 */
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startDc3dd } from '../../agent/adapters/dc3dd.ts';
import { openPipe } from '../../agent/adapters/pipe.ts';
import { SlabReader } from '../../agent/adapters/slab-reader.ts';
import { MiB, planLayout } from '../../modules/vocabulary/index.ts';

const RING_BYTES = 32 * MiB;

const [path = '', partSize = '', checksum = ''] = process.argv.slice(2);
await using source = await open(path);
const { size } = await source.stat();
const { readEnd, writeEnd } = await openPipe();
const scratch = await mkdtemp(join(tmpdir(), 'cleanroom-bench-read-'));
try {
  const layout = planLayout(size, { partSize: Number(partSize) });
  const digests = { sha256: checksum === 'sha256', crc32: checksum === 'crc32', md5: false };
  const reader = new SlabReader({ fd: readEnd.fd, layout, ringSize: RING_BYTES, digests: () => digests });
  const options = { binary: 'dc3dd', sourceFd: source.fd, sinkFd: writeEnd.fd, scratch, secondHash: false };
  const dc3dd = startDc3dd(options, new AbortController().signal);
  await writeEnd.close();
  for await (const part of reader.parts()) part.discard();
  const { bytes, sha256 } = await reader.end;
  const { exitCode } = await dc3dd;
  if (exitCode !== 0 || bytes !== size) throw new Error(`dc3dd ended with ${exitCode}, ${bytes} of ${size} bytes were read`);
  process.stdout.write(`${sha256.toString('hex')}\n`);
} finally {
  await readEnd.close();
  await rm(scratch, { recursive: true });
}
