import { stat } from 'node:fs/promises';
import { expect } from 'chai';
import { listDisks } from '../../agent/adapters/block-devices.ts';
import type { AssessedDisk } from '../../agent/adapters/disk.ts';
import { devnoOf } from '../../agent/adapters/open-descriptor.ts';
import { makeExt4, makeGptDisk, makeRaw, makeSparse, makeXfs } from '../../scripts/lab/disks.ts';
import { useDisks } from '../helpers/disks.ts';

const find = async (path: string): Promise<AssessedDisk | undefined> => (await listDisks()).find(({ disk }) => disk.path === path);

describe('listing real disks', () => {
  const disks = useDisks();

  it('leaves the disk alone that this machine runs from', async () => {
    const devno = devnoOf((await stat('/')).dev);
    const listed = await listDisks();
    const bearing = listed.filter(({ disk }) => disk.devno === devno).map(({ disk }) => disk.name);
    const judged = listed.filter(({ verdict }) => !verdict.eligible && verdict.reason === 'root-disk').map(({ disk }) => disk.name);
    expect(judged).to.include.members(bearing);
    expect(listed.filter(({ disk, verdict }) => verdict.eligible && disk.holders.length > 0)).to.deep.equal([]);
  });

  it('reads labels, sizes and sector sizes of ext4, XFS and 4Kn disks', async () => {
    const ext4 = await disks.attach(await makeExt4(disks.file('ext4'), { label: 'CLEAN room' }), { readOnly: true });
    const xfs = await disks.attach(await makeXfs(disks.file('xfs'), { label: 'xfs-disk' }));
    const fourK = await disks.attach(await makeRaw(disks.file('4kn'), 1024 * 1024), { sectorSize: 4096 });
    const facts = await Promise.all(
      [ext4, xfs, fourK].map(async ({ path }) => {
        const assessed = await find(path);
        const { labels, size, logicalSectorSize, readOnly } = assessed?.disk ?? { labels: [] };
        return [labels.map(({ escaped }) => escaped), size, logicalSectorSize, readOnly, assessed?.verdict.eligible];
      }),
    );
    expect(facts).to.deep.equal([
      [['CLEAN room'], 16 * 1024 ** 2, 512, true, true],
      [['xfs-disk'], 300 * 1024 ** 2, 512, false, true],
      [[], 1024 ** 2, 4096, false, true],
    ]);
  });

  it('counts a disk of one sector, an odd number of sectors, and none', async () => {
    const tiny = await disks.attach(await makeRaw(disks.file('tiny'), 512));
    const odd = await disks.attach(await makeRaw(disks.file('odd'), 1_000_960)); // 1955 sectors
    const empty = await disks.attach(await makeSparse(disks.file('empty'), 0));
    expect((await find(tiny.path))?.disk.size).to.equal(512);
    expect((await find(odd.path))?.disk.size).to.equal(1955 * 512);
    expect((await find(empty.path))?.verdict).to.deep.include({ eligible: false, reason: 'no-medium' });
    expect((await find(empty.path))?.disk.backingFile?.escaped).to.equal(disks.file('empty'));
  });

  it('gives a GPT disk its partitions and their labels', async () => {
    const loop = await disks.attach(await makeGptDisk(disks.file('gpt'), ['boot', '', 'data']), { partitions: true });
    const name = loop.path.slice('/dev/'.length);
    const disk = (await find(loop.path))?.disk;
    expect(disk?.partitions).to.deep.equal([`${name}p1`, `${name}p2`, `${name}p3`]);
    expect(disk?.labels.map(({ escaped }) => escaped)).to.deep.equal(['boot', 'data']);
  });

  it('leaves a disk alone of which one partition is mounted', async () => {
    const loop = await disks.attach(await makeGptDisk(disks.file('gpt mounted'), ['one', 'two']), { partitions: true, readOnly: true });
    await disks.mount(`${loop.path}p2`, 'noload');
    expect((await find(loop.path))?.verdict).to.deep.include({ eligible: false, reason: 'mounted' });
  });

  it('never fails while disks come and go', async () => {
    const file = await makeRaw(disks.file('restless'), 65536);
    const restless = new AbortController();
    const listing = (async () => {
      let lists = 0;
      for (; !restless.signal.aborted; lists++) await listDisks();
      return lists;
    })();
    for (let round = 0; round < 5; round++) await (await disks.attach(file)).detach();
    restless.abort();
    expect(await listing).to.be.above(5);
  });
});
