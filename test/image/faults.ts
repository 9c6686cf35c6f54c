/** What each step of the components is there to notice: how it is brought about, and what the step says of it. */

export type Fault = {
  readonly step: string;
  /** Distribution that it is brought about in. @default both */
  readonly only?: 'debian' | 'amazon';
  /** In words, for the table. */
  readonly what: string;
  /** Script that runs just before the step, in a root of its own. */
  readonly script: string;
  /** What the step's output has to contain: it fails for this reason and for no other. */
  readonly says: RegExp;
};

/** An `aws` that spoils what it fetches, where its name matches. */
const spoiled = (name: string): string => `
mv /usr/bin/aws /usr/bin/aws.true
cat >/usr/bin/aws <<'END'
#!/bin/sh
/usr/bin/aws.true "$@" || exit
for file; do :; done
case $file in ${name}) echo >>"$file" ;; esac
END
chmod +x /usr/bin/aws`;

const NO_PACKAGES = 'rm -rf /opt/repository /var/cache/dnf';
const NO_LISTS = 'rm -rf /var/lib/apt/lists/*';
const NO_DC3DD = 'rm /usr/bin/dc3dd';
const BROKEN_DC3DD = 'cp /bin/true /usr/bin/dc3dd';

export const FAULTS: readonly Fault[] = [
  { step: 'InstallDc3dd', only: 'debian', what: 'the distribution does not have it', script: `dpkg --force-depends --purge dc3dd; ${NO_LISTS}`, says: /Unable to locate package dc3dd|no installation candidate|was not found/ },
  { step: 'InstallDc3dd', only: 'amazon', what: 'the source is not the pinned one', script: spoiled('*source*'), says: /^source\.tar\.gz: FAILED$/m },
  { step: 'InstallDc3dd', only: 'amazon', what: 'the patches are not the pinned ones', script: spoiled('*patches*'), says: /^patches\.tar\.xz: FAILED$/m },
  { step: 'InstallDc3dd', only: 'amazon', what: 'the bucket does not have the source', script: 'mkdir /empty && mount --bind /empty /bundle', says: /404/ },
  { step: 'InstallDc3dd', only: 'amazon', what: 'no compiler can be had', script: NO_PACKAGES, says: /Unable to find a match: .*gcc/ },
  { step: 'FetchBundle', what: 'nothing can be stored', script: 'rm -rf /var/tmp; touch /var/tmp', says: /Not a directory/ },
  { step: 'CheckBundle', what: 'the bundle has another byte', script: 'echo >>/var/tmp/cleanroom-bundle.tar.gz', says: /cleanroom-bundle\.tar\.gz: FAILED/ },
  { step: 'InstallCollector', what: 'dc3dd is missing', script: NO_DC3DD, says: /missing: dc3dd/ },
  { step: 'InstallCollector', only: 'amazon', what: 'no firewall can be had', script: NO_PACKAGES, says: /Unable to find a match: nftables/ },
  { step: 'RemoveWhatIsNotNeeded', only: 'debian', what: 'nothing can be removed', script: 'rm /usr/bin/apt-get', says: /apt-get: (command )?not found/ },
  { step: 'RemoveWhatIsNotNeeded', only: 'amazon', what: 'a package must not be removed', script: 'mkdir -p /etc/dnf/protected.d && echo make >/etc/dnf/protected.d/make.conf', says: /protected packages: make/ },
  { step: 'CloseAccounts', what: 'accounts cannot be locked', script: 'rm /usr/bin/passwd', says: /passwd: (command )?not found/ },
  { step: 'SetKernelArguments', only: 'debian', what: 'the boot loader\'s settings cannot be written', script: 'rm -rf /etc/default/grub.d; touch /etc/default/grub.d', says: /grub\.d/ },
  { step: 'SetKernelArguments', only: 'amazon', what: 'there is no boot entry', script: 'rm /boot/loader/entries/*', says: /grubby: there is no entry/ },
  { step: 'Dc3ddImages', what: 'dc3dd copies nothing', script: BROKEN_DC3DD, says: /image: No such file/ },
  { step: 'CollectorIsInstalled', what: 'the command is missing', script: 'rm /usr/bin/collector', says: /collector: (command )?not found/ },
  { step: 'CollectorIsInstalled', what: 'it does not start at boot', script: 'systemctl disable cleanroom-start.service', says: /^disabled$/m },
  { step: 'CollectorIsInstalled', what: 'disks would be mounted', script: 'rm /etc/systemd/system/udisks2.service', says: /udisks2\.service is not masked/ },
  { step: 'CollectorIsInstalled', what: 'its user is missing', script: 'sed -i /^cleanroom-collector:/d /etc/passwd', says: /no user cleanroom-collector/ },
  { step: 'CollectorIsInstalled', what: 'the bundle is left behind', script: 'touch /var/tmp/cleanroom-bundle.tar.gz', says: /the bundle is left behind/ },
  { step: 'NothingIsLeft', what: 'a compiler is left', script: 'cp /bin/true /usr/bin/gcc', says: /gcc is still there/ },
  { step: 'NothingIsLeft', what: 'an SSH server is left', script: 'cp /bin/true /usr/sbin/sshd', says: /sshd is still there/ },
  { step: 'NothingIsLeft', what: 'a package cache is left', script: 'mkdir -p /var/cache/dnf && echo x >/var/cache/dnf/x', says: /caches are left: \/var\/cache\/dnf\/x/ },
  { step: 'NothingIsLeft', what: 'somebody\'s key is left', script: 'mkdir -p ~root/.ssh && echo key >~root/.ssh/authorized_keys', says: /(?<=key is left: \/root[/])\.ssh\/authorized_keys/ },
  { step: 'NothingIsLeft', what: 'root has a password', script: 'sed -i "s/^root:[^:]*:/root:\\$6\\$salt\\$hash:/" /etc/shadow', says: /root's account is not locked/ },
  { step: 'NothingIsLeft', what: 'a console asks for a name', script: 'rm /etc/systemd/system/serial-getty@.service', says: /serial-getty@\.service is not masked/ },
  { step: 'NothingIsLeft', only: 'amazon', what: 'cloud-init makes a user', script: 'rm /etc/cloud/cloud.cfg.d/99-cleanroom.cfg', says: /cloud-init makes users/ },
  { step: 'NothingIsLeft', what: 'the kernel\'s arguments lack one', script: 'sed -i "s/ rd.md=0//" /boot/loader/entries/*.conf /etc/default/grub.d/cleanroom.cfg 2>/dev/null || :', says: /argument rd\.md=0 is not in/ },
  { step: 'FilesAreWhatWasBuilt', what: 'the collector has another byte', script: 'echo >>/usr/lib/cleanroom/collector.mjs', says: /collector\.mjs: FAILED/ },
  { step: 'FilesAreWhatWasBuilt', what: 'a rule for disks is missing', script: 'rm /usr/lib/udev/rules.d/00-cleanroom.rules', says: /00-cleanroom\.rules: FAILED/ },
  { step: 'SandboxIsTight', what: 'the service keeps capabilities', script: 'sed -i /^CapabilityBoundingSet=/d /usr/lib/systemd/system/collector.service', says: /CapabilityBoundingSet/ },
  { step: 'SandboxIsTight', what: 'a unit names a program that is not there', script: 'rm /usr/lib/cleanroom/start-when-asked', says: /start-when-asked is not executable/ },
  { step: 'Dc3ddIsThere', what: 'dc3dd is missing', script: NO_DC3DD, says: /dc3dd: (command )?not found/ },
  { step: 'CollectorImages', what: 'dc3dd copies nothing', script: BROKEN_DC3DD, says: /dc3dd/ },
  { step: 'NothingListens', what: 'a port is open', script: "perl -MSocket -e 'socket(S, AF_INET, SOCK_STREAM, 0); bind(S, pack_sockaddr_in(2222, INADDR_ANY)); listen(S, 1); open(READY, \">/run/ready\"); close(READY); sleep' & until [ -e /run/ready ]; do sleep 0.1; done", says: /something listens: 00000000:08AE/ },
  { step: 'NothingListens', what: 'the firewall has no rules', script: 'nft flush ruleset', says: /the firewall lets in/ },
  { step: 'UnitsHold', what: 'the firewall did not start', script: 'systemctl stop cleanroom-firewall.service', says: /^inactive$/m },
  { step: 'UnitsHold', what: 'a unit is not what was loaded', script: 'touch --date=@2000000000 /usr/lib/systemd/system/cleanroom-start.service', says: /cleanroom-start\.service was changed/ },
  { step: 'UnitsHold', what: 'Session Manager\'s agent starts on its own', script: 'sed -i /^Before=/d /usr/lib/systemd/system/cleanroom-start.service; systemctl daemon-reload', says: /does not wait for the case/ },
  { step: 'InstallTools', only: 'debian', what: 'the distribution does not have a tool', script: `${NO_LISTS}; dpkg --force-depends --purge jq file 2>/dev/null || :`, says: /Unable to locate package|no installation candidate/ },
  { step: 'InstallTools', only: 'amazon', what: 'the distribution does not have a tool', script: NO_PACKAGES, says: /Unable to find a match: jq/ },
  { step: 'ToolsAreThere', what: 'a tool is missing', script: 'rm /usr/bin/jq', says: /jq is not there/ },
  { step: 'ToolsStart', what: 'a tool cannot be run', script: 'chmod a-x /usr/bin/jq', says: /jq cannot be run/ },
];
