#!/bin/sh
# Installs the collector on Amazon Linux 2023 or Debian, from this folder alone: nothing is downloaded. Again is harmless, and a
# newer bundle replaces an older one.
#
#   ./install.sh                 the command `collector`, its user, and the service (not enabled)
#   ./install.sh --unattended    for a machine of its own: also read-only disks, firewall, hardening; the service starts at boot
#                                when there is a case, and the machine powers off when it ends
#   ./install.sh --remove        takes all of it away again; evidence, logs, settings and /var/lib/cleanroom stay
#   ./install.sh --root <dir>    with any of these: into the root file system in that folder
#
# Exit status: 0 done; 1 failed; 2 usage; 3 something that it needs is missing, nothing was changed.
set -eu

here=$(cd -- "$(dirname -- "$0")" && pwd)
root='' unattended='' remove=''

say() { printf 'install: %s\n' "$*" >&2; }
die() {
  status=$1
  shift
  say "$@"
  exit "$status"
}
usage() { die 2 "got \"$1\"; allowed: --unattended, --remove, --root <dir>"; }

while [ $# -gt 0 ]; do
  case $1 in
    --unattended) unattended=yes ;;
    --remove) remove=yes ;;
    --root)
      [ -d "${2-}" ] || usage "$*"
      root=$(cd -- "$2" && pwd)
      [ "$root" != / ] || root=''
      shift
      ;;
    *) usage "$1" ;;
  esac
  shift
done
[ "$(id -u)" -eq 0 ] || die 3 'only root may install; run it as root'

lib=/usr/lib/cleanroom
list=$lib/installed-files
masked='udisks2.service lvm2-monitor.service lvm2-lvmpolld.socket lvm2-lvmpolld.service mdmonitor.service multipathd.service multipathd.socket
  dm-event.socket systemd-coredump.socket ctrl-alt-del.target sshd.service ssh.service sshd.socket ssh.socket
  getty@.service serial-getty@.service autovt@.service console-getty.service'

is_running() { [ -z "$root" ] && [ -d /run/systemd/system ]; }
# Enabling and masking are links, and are made in a folder as well as on a running system.
units() { systemctl --quiet ${root:+--root="$root"} "$@"; }

reload() {
  is_running || return 0
  systemctl daemon-reload
  if [ -d /run/udev ]; then udevadm control --reload || say 'udev does not run here; its rules hold from its next start'; fi
}

remove_all() {
  [ -r "$root$list" ] || {
    say 'nothing is installed'
    return 0
  }
  if is_running; then systemctl stop collector.service 2>/dev/null || :; fi
  units disable cleanroom-start.service cleanroom-firewall.service 2>/dev/null || :
  # Only what this script put there; a mask is a link to /dev/null that it has noted.
  while IFS= read -r path; do
    case $path in
      /usr/*.. | *../*) die 1 "the list $list names $path; it was tampered with, nothing further is removed" ;;
      /usr/* | /etc/systemd/system/*) rm -f -- "$root$path" ;;
    esac
  done <"$root$list"
  rm -f -- "$root$list"
  rmdir -- "$root/usr/lib/systemd/system/collector.service.d" "$root$lib" 2>/dev/null || :
  reload
  say 'removed; evidence, logs, /etc/cleanroom, /var/lib/cleanroom and the user cleanroom-collector stay'
}

if [ -n "$remove" ]; then
  remove_all
  exit 0
fi

missing=''
for command in systemctl systemd-notify blockdev mkfifo dc3dd ${unattended:+nft udevadm}; do
  found=''
  for folder in /usr/local/bin /usr/sbin /usr/bin /sbin /bin; do
    [ ! -x "$root$folder/$command" ] || found=yes
  done
  [ -n "$found" ] || missing="$missing $command"
done
[ -z "$missing" ] || die 3 "missing:$missing (systemd, util-linux, coreutils, dc3dd${unattended:+, nftables, udev}); install it first"

(cd "$here" && sha256sum --check --strict --quiet SHA256SUMS) || die 1 'the bundle is damaged (above); fetch it again'
version=$(cat "$here/VERSION")
case $version-$(uname -m) in
  *linux-x64*-x86_64 | *linux-arm64*-aarch64) ;;
  *) [ -n "$root" ] || die 3 "this bundle is $version, this machine is $(uname -m); build the other one" ;;
esac

if [ -r "$root$list" ]; then remove_all 2>/dev/null; fi
new_list=$(mktemp)
trap 'rm -f -- "$new_list"' EXIT

# put <mode> <file of the bundle> <where>
put() {
  mkdir -p -- "$root${3%/*}"
  install -m "$1" -- "$here/$2" "$root$3"
  printf '%s\n' "$3" >>"$new_list"
}
link() {
  ln -sfn -- "$1" "$root$2"
  printf '%s\n' "$2" >>"$new_list"
}

put 0755 lib/node $lib/node
put 0644 lib/collector.mjs $lib/collector.mjs
put 0755 libexec/collector $lib/collector
put 0755 libexec/back-off $lib/back-off
put 0755 libexec/start-when-asked $lib/start-when-asked
put 0755 libexec/disk-guard $lib/disk-guard
for text in VERSION LICENSES.txt node.LICENSE sbom.cdx.json SHA256SUMS README; do put 0644 $text $lib/$text; done
put 0755 install.sh $lib/install.sh
link $lib/collector /usr/bin/collector
put 0644 systemd/collector.service /usr/lib/systemd/system/collector.service
put 0644 etc/cleanroom.sysusers /usr/lib/sysusers.d/cleanroom.conf
systemd-sysusers ${root:+--root="$root"} cleanroom.conf
mkdir -p -- "$root/etc/cleanroom"

if [ -n "$unattended" ]; then
  put 0644 udev/00-cleanroom.rules /usr/lib/udev/rules.d/00-cleanroom.rules
  put 0644 etc/firewall.nft $lib/firewall.nft
  put 0644 systemd/cleanroom-firewall.service /usr/lib/systemd/system/cleanroom-firewall.service
  put 0644 systemd/cleanroom-start.service /usr/lib/systemd/system/cleanroom-start.service
  put 0644 systemd/unattended.conf /usr/lib/systemd/system/collector.service.d/unattended.conf
  put 0644 etc/modprobe.conf /usr/lib/modprobe.d/cleanroom.conf
  put 0644 etc/sysctl.conf /usr/lib/sysctl.d/60-cleanroom.conf
  for unit in $masked; do
    # Somebody's own unit or mask is left as it is.
    if [ -e "$root/etc/systemd/system/$unit" ] || [ -L "$root/etc/systemd/system/$unit" ]; then continue; fi
    mkdir -p -- "$root/etc/systemd/system"
    link /dev/null "/etc/systemd/system/$unit"
  done
  units enable cleanroom-start.service cleanroom-firewall.service
fi

install -m 0644 -- "$new_list" "$root$list"
reload
say "installed $version${unattended:+, unattended}${root:+ in $root}"
