import { closeSync, constants, openSync } from 'node:fs';
import { open, readdir, readlink } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { execa } from 'execa';
import { openSource } from '../../agent/adapters/source-disk.ts';
import type { ImageFile } from '../../agent/adapters/source-path.ts';
import { openAnswering } from '../../agent/commands/collect.ts';
import type { Session } from '../../agent/commands/session.ts';
import { makeRaw } from '../../scripts/lab/disks.ts';
import { rejectionOf } from '../helpers/rejection.ts';
import { tempDir } from '../helpers/temp-dir.ts';

const THREADS = Number(process.env['UV_THREADPOOL_SIZE'] ?? 4);

/** How many descriptors of this process lead to a file. */
async function held(path: string): Promise<number> {
  const targets = await Promise.all((await readdir('/proc/self/fd')).map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => undefined)));
  return targets.filter((target) => target === path).length;
}

describe('opening a source that does not answer in time', function () {
  this.timeout(60_000);
  let dir: Awaited<ReturnType<typeof tempDir>>;
  before(async () => {
    dir = await tempDir();
  });
  after(() => dir.remove());

  it('gives up, and closes what is opened after all', async () => {
    const source = await makeRaw(`${dir.path}/source.dd`, 1000).then((path): ImageFile => ({ kind: 'image-file', path, size: 1000 }));
    const pipe = `${dir.path}/pipe`;
    await execa('mkfifo', [pipe]);
    const never = new AbortController().signal;
    const session = { config: { stallSeconds: 0.01 } } as Session;

    // Every thread that opens files waits for a writer, as for a disk that hangs.
    const waiting = Array.from({ length: THREADS }, () => open(pipe, 'r'));
    const given = await rejectionOf(openAnswering(session, source, { allowWritableSource: true }, never));
    expect(given).to.include({ code: 'SOURCE_STALLED', retryable: true });
    const writer = openSync(pipe, constants.O_RDWR | constants.O_NONBLOCK);
    for (const reader of await Promise.all(waiting)) await reader.close();
    closeSync(writer);

    await (await openSource(source, { allowWritableSource: true }, never)).close(); // the one that was given up stood before it
    for (const deadline = performance.now() + 20_000; (await held(source.path)) > 0 && performance.now() < deadline; ) await sleep(10);
    expect(await held(source.path)).to.equal(0);
  });
});
