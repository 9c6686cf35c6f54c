/** What differs between the machines that QEMU emulates. */
import type { Architecture } from '../../scripts/bundle/node-runtime.ts';

export type Platform = {
  readonly architecture: Architecture;
  /** Debian's name of it. */
  readonly debian: string;
  /** Debian's kernel for clouds. */
  readonly kernel: string;
  /** The kernel's name of it, as `uname -m` prints it; QEMU's programs are named after it. */
  readonly machine: string;
  /** QEMU's machine and processor. */
  readonly emulation: readonly string[];
  /** The kernel's name of the serial console. */
  readonly console: string;
  /** Whether a device is hot-plugged into a root port of PCI Express, of which one is there for each, or into the bus itself. */
  readonly rootPorts: boolean;
};

export const PLATFORMS: Readonly<Record<Architecture, Platform>> = {
  x64: {
    architecture: 'x64', debian: 'amd64', kernel: 'linux-image-cloud-amd64', machine: 'x86_64',
    emulation: ['-machine', 'pc', '-cpu', 'max'], console: 'ttyS0', rootPorts: false,
  },
  arm64: {
    architecture: 'arm64', debian: 'arm64', kernel: 'linux-image-cloud-arm64', machine: 'aarch64',
    // The core of Graviton2. `max` would emulate pointer authentication as well, at a high price.
    emulation: ['-machine', 'virt', '-cpu', 'neoverse-n1'], console: 'ttyAMA0', rootPorts: true,
  },
};
