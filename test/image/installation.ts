/** install.sh by itself, without a network: both modes, twice, and removed again. */
import { overlayRoot } from '../helpers/overlay-root.ts';
import { check } from './tally.ts';

const INSTALL = '/bundle/unpacked/install.sh';
/** Everything that an installation might touch, but for caches and accounts. */
const TREE = "cd / && { find $(ls -d usr etc/systemd etc/cleanroom var/lib/cleanroom 2>/dev/null) ! -type d -printf '%p %m %u %l\\n'; find usr etc/systemd -type f -print0 | xargs -0 sha256sum; } | sort >";

/** @param lower as of {@link overlayRoot} @param bundle folder with the unpacked bundle in `unpacked` */
export async function checkInstallation(distribution: string, lower: string, bundle: string): Promise<void> {
  for (const mode of ['', '--unattended']) {
    const title = (promise: string): string => `${distribution}: install.sh ${mode}${mode === '' ? '' : ' '}${promise}`;
    const host = await overlayRoot(bundle, lower);
    try {
      const needs = await host.run(`mkdir /trees; [ -e /usr/bin/dc3dd ] || cp /opt/debian-dc3dd /usr/bin/dc3dd; ! command -v dnf || dnf --assumeyes install nftables; ${TREE}/trees/before`);
      const steps = [
        ['installs, without a network', `${INSTALL} ${mode} && collector --version && ${TREE}/trees/once`],
        ['changes nothing when it is repeated', `${INSTALL} ${mode} && ${TREE}/trees/twice && diff /trees/once /trees/twice`],
        ['leaves nothing behind when it is removed', `/usr/lib/cleanroom/install.sh --remove && ${TREE}/trees/after && diff /trees/before /trees/after`],
      ] as const;
      check(title('has what it needs'), needs.code === 0, needs.output);
      for (const [promise, script] of steps) {
        const { code, output } = await host.run(`set -eu\n${script}`);
        check(title(promise), code === 0, output);
      }
    } finally {
      await host.remove();
    }
  }
}
