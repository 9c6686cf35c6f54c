import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { expect } from 'chai';
import { execa } from 'execa';
import { sha256Of } from '../../scripts/bundle/archive.ts';
import { bundleCollector } from '../../scripts/bundle/bundle-collector.ts';
import { ARCHITECTURES, checkIntegrity, NODE_INTEGRITY, NODE_VERSION } from '../../scripts/bundle/node-runtime.ts';
import { foldersOf } from '../../scripts/bundle/packages.ts';
import { overlayRoot, type OverlayRoot } from '../helpers/overlay-root.ts';
import { tempDir } from '../helpers/temp-dir.ts';

const root = resolve(import.meta.dirname, '../..');
const read = (path: string): Promise<string> => readFile(path, 'utf8');

type Sbom = { readonly components: readonly { readonly purl: string; readonly licenses: readonly unknown[]; readonly hashes: readonly { readonly content: string }[] }[] };

describe('the collector bundle', function () {
  this.timeout(600_000);
  let folder: string;
  /** Of the same commit, for the same architectures, built twice. */
  let builds: string[][];
  /** Unpacked: this machine's, and the other architecture's. */
  let bundle: string;
  let foreign: string;
  before(async () => {
    ({ path: folder } = await tempDir());
    const build = async (name: string, umask: string): Promise<string[]> => {
      const out = join(folder, name);
      const { stdout } = await execa('sh', ['-c', `umask ${umask}; exec "$0" "$@"`, process.execPath, 'scripts/build-collector.ts', '--arch', 'all', '--out', out], { cwd: root });
      return stdout.trim().split('\n');
    };
    builds = [await build('one', '022'), await build('two', '077')];
    for (const archive of builds[0]!) await execa('tar', ['--extract', '--file', archive, '--directory', folder]);
    const unpacked = (architecture: string): string => join(folder, `cleanroom-collector-0.1.0-linux-${architecture}`);
    bundle = unpacked(process.arch);
    foreign = unpacked(ARCHITECTURES.find((name) => name !== process.arch)!);
  });
  after(() => rm(folder, { recursive: true, force: true }));

  it('is the same bytes when it is built twice from one commit, whoever builds it, for either architecture', async () => {
    const [one, two] = await Promise.all(builds.map((archives) => Promise.all(archives.map(sha256Of))));
    expect(one).to.have.length(ARCHITECTURES.length);
    expect(one).to.deep.equal(two);
    for (const [index, archive] of builds[0]!.entries()) {
      expect(await read(`${archive}.sha256`)).to.equal(`${one![index]}  cleanroom-collector-0.1.0-linux-${ARCHITECTURES[index]}.tar.gz\n`);
    }
  });

  it('lists every file it holds with its SHA-256', async () => {
    for (const unpacked of [bundle, foreign]) {
      const listed = (await read(join(unpacked, 'SHA256SUMS'))).trim().split('\n').map((line) => line.slice(66));
      const entries = await readdir(unpacked, { recursive: true, withFileTypes: true });
      const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name).slice(unpacked.length + 1));
      expect(listed).to.have.members(files.filter((file) => file !== 'SHA256SUMS'));
      await execa('sha256sum', ['--check', '--strict', '--quiet', 'SHA256SUMS'], { cwd: unpacked });
    }
  });

  it('differs between architectures in the Node it carries, and in what names it', async () => {
    const sums = async (unpacked: string): Promise<string[]> => (await read(join(unpacked, 'SHA256SUMS'))).trim().split('\n');
    const others = await sums(foreign);
    expect((await sums(bundle)).filter((line) => !others.includes(line)).map((line) => line.slice(66))).to.have.members(['VERSION', 'lib/node', 'sbom.cdx.json']);
    for (const architecture of ARCHITECTURES) {
      const unpacked = join(folder, `cleanroom-collector-0.1.0-linux-${architecture}`);
      // e_machine of the ELF header, as /usr/include/elf.h numbers it.
      expect((await readFile(join(unpacked, 'lib/node'))).readUInt16LE(18)).to.equal({ x64: 62, arm64: 183 }[architecture]);
      expect(await read(join(unpacked, 'VERSION'))).to.equal(`0.1.0 linux-${architecture} node-${NODE_VERSION}\n`);
      const { components } = JSON.parse(await read(join(unpacked, 'sbom.cdx.json'))) as Sbom;
      const runtime = components.find(({ purl }) => purl === `pkg:npm/node-linux-${architecture}@${NODE_VERSION}`);
      expect(Buffer.from(runtime!.hashes[0]!.content, 'hex').toString('base64')).to.equal(NODE_INTEGRITY[architecture].slice('sha512-'.length));
    }
  });

  it('is not installed on a machine of the other architecture, which is told so', async () => {
    const host = await overlayRoot(foreign);
    try {
      const refused = await host.run('/bundle/install.sh --unattended || { code=$?; test ! -e /usr/lib/cleanroom; exit $code; }');
      expect(refused.output).to.match(/^install: this bundle is 0\.1\.0 linux-\w+ node-\S+, this machine is \w+; build the other one$/);
      expect(refused.code).to.equal(3);
    } finally {
      await host.remove();
    }
  });

  it('is one JavaScript file, which images and verifies with the Node beside it and nothing else', async () => {
    expect(await readdir(join(bundle, 'lib'))).to.have.members(['node', 'collector.mjs']);
    const source = join(folder, 'source.img');
    await writeFile(source, Buffer.alloc(5_000_000, 'cleanroom'));
    const collector = (...args: string[]) => execa(join(bundle, 'lib/node'), [join(bundle, 'lib/collector.mjs'), ...args], { cwd: folder });
    await collector('collect', source, '--allow-writable-source', '--case', 'B', '--volume', 'source', '--to', join(folder, 'evidence'), '--scratch-dir', join(folder, 'scratch'));
    await execa('cmp', [source, join(folder, 'evidence/B/disk_evidence/source.image.dd')]);
    expect((await collector('verify', join(folder, 'evidence'))).exitCode).to.equal(0);
  });

  it('has a bill of materials with every package that gave it a byte, and a licence for each', async () => {
    const { metafiles } = await bundleCollector(root);
    const expected = await Promise.all(
      [...new Set(metafiles.flatMap(foldersOf))].map(async (path) => {
        const { name, version } = JSON.parse(await read(join(root, path, 'package.json'))) as { name: string; version: string };
        return `pkg:npm/${name.replace('@', '%40')}@${version}`;
      }),
    );
    const { components } = JSON.parse(await read(join(bundle, 'sbom.cdx.json'))) as Sbom;
    expect(components.map(({ purl }) => purl)).to.have.members([...new Set(expected), `pkg:npm/node-linux-${process.arch}@${NODE_VERSION}`]);
    expect(expected.length).to.be.above(20);
    for (const { purl, licenses, hashes } of components) {
      expect(licenses, purl).to.have.length(1);
      expect(hashes[0]?.content, purl).to.match(/^[0-9a-f]{128}$/);
    }
    const licences = await read(join(bundle, 'LICENSES.txt'));
    const unlicensed = expected.filter((purl) => {
      const [, name, version] = /^pkg:npm\/(.*)@(.*)$/.exec(purl)!;
      return !licences.includes(`${name!.replace('%40', '@')} ${version} (`);
    });
    expect(unlicensed).to.deep.equal([]);
  });

  it('carries the Node that the set-up pins, and refuses any other bytes under its name', async () => {
    expect(await read(join(root, 'scripts/with-node.sh'))).to.contain(`\nnode_version=${NODE_VERSION}\n`);
    for (const architecture of ARCHITECTURES) {
      expect(() => checkIntegrity(Buffer.from('other'), NODE_INTEGRITY[architecture], 'node')).to.throw(/has integrity sha512-.*, expected sha512-.*do not build with it/);
    }
  });

  describe('installed by its script, offline', () => {
    let host: OverlayRoot;
    before(async () => {
      host = await overlayRoot(bundle);
    });
    after(() => host.remove());
    const run = async (script: string): Promise<string> => {
      const { code, output } = await host.run(`set -eu\n${script}\n`);
      expect(code, output).to.equal(0);
      return output;
    };
    // What an installation might touch; not the caches that any command may write.
    const tree = "cd / && find usr/lib/cleanroom usr/bin/collector usr/lib/systemd usr/lib/udev usr/lib/sysctl.d usr/lib/modprobe.d usr/lib/sysusers.d etc/systemd ! -type d -printf '%p %m %u %l ' -exec sh -c 'sha256sum < \"$1\"' _ {} \\; 2>/dev/null | sort";

    it('gives the command, and leaves the machine as it was when it is removed, except for evidence, logs and settings', async () => {
      const before = await run(tree);
      await run('unshare --net /bundle/install.sh --unattended');
      expect(await run('collector --version')).to.equal('0.1.0');
      expect(await run('getent passwd cleanroom-collector')).to.match(/^cleanroom-collector:x:\d+:\d+:.*:\/usr\/sbin\/nologin$/);
      await run('mkdir -p /var/lib/cleanroom/spool && echo kept >/var/lib/cleanroom/spool/log && echo "{}" >/etc/cleanroom/collector.json');
      await run('/usr/lib/cleanroom/install.sh --remove');
      expect(await run(tree)).to.equal(before);
      expect(await run('cat /var/lib/cleanroom/spool/log /etc/cleanroom/collector.json')).to.equal('kept\n{}');
    });

    it('can be repeated, and changes nothing then', async () => {
      await run('/bundle/install.sh --unattended');
      const once = await run(tree);
      await run('/bundle/install.sh --unattended');
      expect(await run(tree)).to.equal(once);
      expect(await run('test -L /etc/systemd/system/multi-user.target.wants/cleanroom-start.service && readlink /etc/systemd/system/udisks2.service')).to.equal('/dev/null');
    });

    it('has units that systemd-analyze verifies, and a sandbox that it scores as safe', async () => {
      await run('/bundle/install.sh --unattended');
      expect(await run('systemd-analyze verify --man=no collector.service cleanroom-start.service cleanroom-firewall.service 2>&1 | grep -E "cleanroom|collector" || :')).to.equal('');
      const { code, output } = await host.run('systemd-analyze security --offline=yes --threshold=15 --no-pager /usr/lib/systemd/system/collector.service');
      expect(code, output).to.equal(0);
    });

    it('has udev rules and firewall rules that their own programs accept', async () => {
      await run('/bundle/install.sh --unattended');
      const udev = await run('udevadm verify /usr/lib/udev/rules.d/00-cleanroom.rules 2>&1 || udevadm --debug test /devices/virtual/mem/null 2>&1');
      expect(udev).to.match(/00-cleanroom\.rules/);
      expect(udev.split('\n').filter((line) => line.includes('00-cleanroom.rules') && !/Reading rules file|Success|syntax/i.test(line))).to.deep.equal([]);
      await run('unshare --net nft --check --file /usr/lib/cleanroom/firewall.nft');
    });

    it('says what is missing or damaged, and changes nothing', async () => {
      await run('/bundle/install.sh --remove');
      const before = await run(tree);
      expect(await host.run('mv /usr/bin/dc3dd /usr/bin/dc3dd.away; /bundle/install.sh; code=$?; mv /usr/bin/dc3dd.away /usr/bin/dc3dd; exit $code')).to.deep.include({ code: 3 });
      const damaged = await host.run('cp -r /bundle /damaged && echo >>/damaged/lib/collector.mjs && /damaged/install.sh');
      expect(damaged.code).to.equal(1);
      expect(damaged.output).to.contain('lib/collector.mjs: FAILED');
      expect(await host.run('/bundle/install.sh --now')).to.deep.include({ code: 2, output: 'install: got "--now"; allowed: --unattended, --remove, --root <dir>' });
      expect(await run(tree)).to.equal(before);
    });
  });
});
