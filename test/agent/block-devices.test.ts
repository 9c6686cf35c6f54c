import { rm } from 'node:fs/promises';
import { expect } from 'chai';
import { listDisks, type ListOptions, surveyDisks } from '../../agent/adapters/block-devices.ts';
import type { AssessedDisk } from '../../agent/adapters/disk.ts';
import type { StageError } from '../../agent/errors.ts';
import { layTree, type Tree, type TreeDevice } from '../helpers/disks-tree.ts';

const EBS = 'Amazon Elastic Block Store';
const INSTANCE_STORE = 'Amazon EC2 NVMe Instance Storage';

/** An EBS disk with the given minor number. */
const ebs = (minor: number, rest: Partial<TreeDevice> = {}): TreeDevice => ({
  dev: `259:${minor}`,
  diskseq: String(100 + minor),
  model: EBS,
  serial: `vol0123456789abcde${String(minor).padStart(2, '0')}`,
  ...rest,
});

/** A disk of 1 MiB unless told otherwise, of which nothing is known. */
const plain = (minor: number, sectors = 2048): TreeDevice => ({ dev: `1:${minor}`, diskseq: String(minor), sectors });

describe('judging disks', () => {
  const roots: string[] = [];
  afterEach(async () => {
    for (const root of roots.splice(0)) await rm(root, { recursive: true });
  });

  const lay = async (tree: Tree): Promise<ListOptions> => {
    const root = await layTree(tree);
    roots.push(root);
    return { sysRoot: root, procRoot: root, devRoot: root, runRoot: root };
  };
  const list = async (tree: Tree, options: ListOptions = {}): Promise<Map<string, AssessedDisk>> => {
    const listed = await listDisks({ ...(await lay(tree)), ...options });
    return new Map(listed.map((assessed) => [assessed.disk.name, assessed]));
  };
  const verdicts = async (tree: Tree, options: ListOptions = {}): Promise<Record<string, string>> =>
    Object.fromEntries(
      [...(await list(tree, options))].map(([name, { verdict }]) => [name, verdict.eligible ? 'eligible' : verdict.reason]),
    );

  it('knows an EBS volume by the volume ID in its NVMe serial', async () => {
    const disk = (await list({ devices: { nvme1n1: ebs(7, { sectors: 34359738368 }) } })).get('nvme1n1')?.disk;
    expect(disk).to.deep.include({
      identity: 'vol-0123456789abcde07',
      volumeId: 'vol-0123456789abcde07',
      diskseq: '107',
      path: '/dev/nvme1n1',
      devno: '259:7',
      size: 16 * 1024 ** 4,
      logicalSectorSize: 512,
      physicalSectorSize: 4096,
      readOnly: false,
    });
    expect(disk?.model?.escaped).to.equal(EBS); // without NVMe's padding
  });

  it('believes no other model whose serial looks like a volume ID: boot and diskseq name that disk', async () => {
    const disk = (await list({ devices: { sda: ebs(7, { model: 'QEMU HARDDISK' }) } })).get('sda')?.disk;
    expect(disk?.identity).to.equal('disk-c0ffee00-107');
    expect(disk?.volumeId).to.equal(undefined);
    expect(disk?.serial?.escaped).to.equal('vol0123456789abcde07');
  });

  it('leaves the root disk alone, whether the root is on the disk or on a partition', async () => {
    const devices = { nvme0n1: ebs(0, { partitions: { nvme0n1p1: { dev: '259:1' } } }), nvme1n1: ebs(2) };
    const onPartition = await list({ devices, mounts: [['259:1', '/', 'xfs', '/dev/nvme0n1p1']] });
    expect(onPartition.get('nvme0n1')?.verdict).to.deep.equal({
      eligible: false,
      reason: 'root-disk',
      because: 'the running system is on it (mounted at /)',
    });
    expect(onPartition.get('nvme1n1')?.verdict).to.deep.equal({ eligible: true });
    expect(await verdicts({ devices, mounts: [['259:2', '/', 'ext4', '/dev/root']] })).to.deep.equal({ nvme0n1: 'eligible', nvme1n1: 'root-disk' });
  });

  it('follows an encrypted, mirrored, logical root volume down to all its disks', async () => {
    const devices = {
      'dm-0': { dev: '253:0', diskseq: '20', slaves: ['md127'] },
      'dm-1': { dev: '253:1', diskseq: '21', slaves: ['dm-0'] },
      md127: { dev: '9:127', diskseq: '22', slaves: ['nvme0n1p2', 'nvme1n1'], holders: ['dm-0'] },
      nvme0n1: ebs(0, { partitions: { nvme0n1p1: { dev: '259:1' }, nvme0n1p2: { dev: '259:2', holders: ['md127'] } } }),
      nvme1n1: ebs(3, { holders: ['md127'] }),
      nvme2n1: ebs(4),
    };
    const disks = await list({ devices, mounts: [['253:1', '/', 'ext4', '/dev/mapper/vg-root']] });
    expect([...disks].map(([name, { verdict }]) => [name, verdict.eligible ? 'eligible' : verdict.reason])).to.deep.equal([
      ['dm-0', 'virtual'],
      ['dm-1', 'virtual'],
      ['md127', 'virtual'],
      ['nvme0n1', 'root-disk'],
      ['nvme1n1', 'root-disk'],
      ['nvme2n1', 'eligible'],
    ]);
    expect(disks.get('nvme0n1')?.disk.holders).to.deep.equal(['nvme0n1p2 held by md127', 'mounted at /']);
  });

  it('leaves every disk of a mounted btrfs alone, whose mounts carry no number of a disk', async () => {
    const devices = { nvme0n1: ebs(0, { partitions: { nvme0n1p1: { dev: '259:1' } } }), nvme1n1: ebs(2), nvme2n1: ebs(3), nvme3n1: ebs(4), nvme4n1: ebs(5) };
    expect(
      await verdicts({
        devices,
        mounts: [['0:33', '/', 'btrfs', '/dev/nvme0n1p1'], ['0:40', '/data', 'btrfs', '/dev/mapper/data'], ['0:41', '/old', 'btrfs', '/dev/root']],
        links: { 'mapper/data': '../nvme2n1' },
        btrfs: { a: ['nvme0n1p1', 'nvme1n1'], b: ['nvme3n1'], features: [] },
      }),
    ).to.deep.equal({ nvme0n1: 'root-disk', nvme1n1: 'root-disk', nvme2n1: 'mounted', nvme3n1: 'mounted', nvme4n1: 'eligible' });
  });

  it('leaves mounted, swapped-to and held disks alone, through their partitions too', async () => {
    const disks = await list({
      devices: {
        nvme1n1: ebs(1),
        nvme2n1: ebs(2, { partitions: { nvme2n1p1: { dev: '259:3' } } }),
        nvme3n1: ebs(4, { partitions: { nvme3n1p1: { dev: '259:5', holders: ['dm-0'] } } }),
        'dm-0': { dev: '253:0', diskseq: '9', slaves: ['nvme3n1p1'] },
      },
      mounts: [['259:1', '/mnt/with\\040blank\\012line', 'ext4', '/dev/nvme1n1']],
      swaps: ['/dev/nvme2n1p1'],
    });
    expect(disks.get('nvme1n1')?.verdict).to.deep.equal({
      eligible: false,
      reason: 'mounted',
      because: 'a file system on it is in use (mounted at /mnt/with blank\\x0aline)',
    });
    expect(disks.get('nvme2n1')?.verdict).to.deep.equal({ eligible: false, reason: 'swap', because: 'the running system swaps to it (swap)' });
    expect(disks.get('nvme3n1')?.verdict).to.deep.equal({
      eligible: false,
      reason: 'held',
      because: 'another device is built on it (nvme3n1p1 held by dm-0)',
    });
  });

  it('names at most 32 holders of a disk', async () => {
    const mounts = Array.from({ length: 500 }, (_, index) => ['259:1', `/mnt/${index}`, 'ext4', '/dev/nvme1n1'] as const);
    const holders = (await list({ devices: { nvme1n1: ebs(1) }, mounts })).get('nvme1n1')?.disk.holders;
    expect(holders).to.have.length(33);
    expect(holders?.at(-1)).to.equal('and 468 more');
  });

  it('leaves instance-store disks alone unless they are asked for', async () => {
    const tree = { devices: { nvme1n1: ebs(1, { model: INSTANCE_STORE, serial: 'AWS1234567890ABCDEF' }), nvme2n1: ebs(2) } };
    expect(await verdicts(tree)).to.deep.equal({ nvme1n1: 'instance-store', nvme2n1: 'eligible' });
    expect(await verdicts(tree, { includeInstanceStore: true })).to.deep.equal({ nvme1n1: 'eligible', nvme2n1: 'eligible' });
  });

  it('leaves alone what is no disk of its own or has no medium', async () => {
    const devices = { ram0: plain(0), zram0: plain(1), sr0: plain(2), fd0: plain(3), md_d0: plain(4), bcache0: plain(5) };
    const others = { nbd0: plain(6, 0), nbd1: plain(7), loop0: plain(8, 0), xvdf: plain(9), fdisk: plain(10), mdev: plain(11) };
    expect(await verdicts({ devices: { ...devices, ...others } })).to.deep.equal({
      ...Object.fromEntries(Object.keys(devices).map((name) => [name, 'virtual'])),
      nbd0: 'no-medium',
      nbd1: 'eligible',
      loop0: 'no-medium',
      xvdf: 'eligible',
      fdisk: 'eligible',
      mdev: 'eligible',
    });
  });

  it('does not list the hidden paths of a multipath disk', async () => {
    expect(await verdicts({ devices: { nvme0c0n1: ebs(1, { hidden: true }), nvme0n1: ebs(2) } })).to.deep.equal({ nvme0n1: 'eligible' });
  });

  it("decodes labels from udev's links byte by byte, and gives those of partitions to their disk", async () => {
    const labels = { '..\\x2f..\\x2fetc\\x2fpw': 'nvme1n1', 'a\\x5cx41\\x0a': 'nvme1n1p1', 'grün\u202e': 'nvme1n1p1', other: 'nvme2n1' };
    const devices = { nvme1n1: ebs(1, { partitions: { nvme1n1p1: { dev: '259:2' } } }), nvme2n1: ebs(3) };
    const disk = (await list({ devices, labels })).get('nvme1n1')?.disk;
    expect(disk?.labels.map(({ escaped }) => escaped)).to.deep.equal(['../../etc/pw', 'a\\x5cx41\\x0a', 'gr\\xc3\\xbcn\\xe2\\x80\\xae']);
    expect(disk?.labels.map(({ base64 }) => Buffer.from(base64, 'base64').toString())).to.deep.equal(['../../etc/pw', 'a\\x41\n', 'grün\u202e']);
  });

  it('still knows the label of a disk whose link another disk took, but no label of an earlier disk', async () => {
    const devices = { nvme1n1: ebs(1), nvme2n1: ebs(2), loop0: { dev: '7:0', diskseq: '50' } };
    const udev = {
      '259:1': 'S:disk/by-diskseq/101\nE:ID_FS_LABEL_ENC=twin\\x20one\n',
      '259:2': 'S:disk/by-diskseq/102\nE:ID_FS_LABEL_ENC=twin\\x20one\n',
      '7:0': 'S:disk/by-diskseq/49\nE:ID_FS_LABEL_ENC=earlier\n',
    };
    const disks = await list({ devices, labels: { 'twin\\x20one': 'nvme2n1' }, udev });
    const labels = [...disks.values()].map(({ disk }) => [disk.name, disk.labels.map(({ escaped }) => escaped)]);
    expect(labels).to.deep.equal([['loop0', []], ['nvme1n1', ['twin one']], ['nvme2n1', ['twin one']]]);
  });

  it('knows whether udev is done with a disk and with its partitions', async () => {
    const partitions = { p: { dev: '259:20' } };
    const survey = await surveyDisks(
      await lay({
        devices: { a: ebs(1), b: ebs(2), c: ebs(3), d: ebs(4), e: ebs(5, { partitions }), f: ebs(6) },
        udev: { '259:1': 'S:disk/by-diskseq/101\n', '259:2': 'S:disk/by-diskseq/99\n', '259:4': 'G:systemd\n', '259:5': 'S:disk/by-diskseq/105\n' },
      }),
    );
    // b: about an earlier disk; c: not seen; d: about the free slot before; e: partition not seen
    expect(survey.map(({ disk, settled }) => [disk.name, settled])).to.deep.equal([
      ['a', true], ['b', false], ['c', false], ['d', false], ['e', false], ['f', false],
    ]);
    const withoutUdev = await surveyDisks(await lay({ devices: { a: ebs(1) } }));
    expect(withoutUdev.map(({ settled }) => settled)).to.deep.equal([true]);
  });

  it('drops a disk that goes away while it is read', async () => {
    const options = await lay({ devices: { nvme1n1: ebs(1), nvme2n1: ebs(2) } });
    await rm(`${options.sysRoot}/sys/block/nvme1n1/dev`);
    await rm(`${options.sysRoot}/sys/block/nvme2n1/size`);
    expect(await listDisks(options)).to.deep.equal([]);
  });

  it('calls no disk eligible when it cannot read what is mounted', async () => {
    const options = await lay({ devices: { nvme1n1: ebs(1) } });
    await rm(`${options.procRoot}/proc/self/mountinfo`);
    const error = await listDisks(options).then(() => undefined, (reason: NodeJS.ErrnoException) => reason);
    expect(error?.code).to.equal('ENOENT');
  });

  it('refuses a kernel that does not number its disks', async () => {
    for (const diskseq of [undefined, '../../x', '7 8', '']) {
      const options = await lay({ devices: { sda: { dev: '8:0', ...(diskseq !== undefined && { diskseq }) } } });
      const error = await listDisks(options).then(() => undefined, (reason: StageError) => reason);
      expect(error).to.include({ stage: 'identify', code: 'NO_DISKSEQ', retryable: false });
      expect(error?.advice).to.contain('Linux 5.15');
    }
  });
});
