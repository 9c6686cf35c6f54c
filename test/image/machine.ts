/** A machine in QEMU's software emulation: no privilege and no virtualization needed, only time. */
import { spawn } from 'node:child_process';
import { createConnection, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Platform } from './platform.ts';

/** Software emulation is ten times slower than a machine, and a loaded machine is slower still. */
export const PATIENCE_MS = 20 * 60_000;
/** Root ports, for as many disks. */
const SLOTS = 4;

export type Machine = {
  /** What it wrote on its serial console so far. */
  console(): string;
  /** Attaches a raw disk as NVMe while the machine runs. */
  attach(file: string, serial: string): Promise<void>;
  /** Resolves when the machine ended, with QEMU's exit status; it is killed after `timeoutMs`. */
  readonly ended: Promise<number | null>;
  kill(): void;
};

export type MachineOptions = {
  readonly platform: Platform;
  readonly kernel: string;
  readonly initrd: string;
  /** The machine's own disk; `unsafe` makes a flush nothing, and the machine faster. */
  readonly disk: { readonly file: string; readonly cache: 'unsafe' | 'writeback' };
  /** Raw disks that are there from the start, as NVMe. @default none */
  readonly sources?: readonly { readonly file: string; readonly serial: string; readonly bytesPerSecond: number }[];
  /** TAP interface that is there already. */
  readonly tap: string;
  /** UNIX socket for QEMU's monitor. */
  readonly monitor: string;
  readonly timeoutMs: number;
};

/** Sends one command of the machine protocol and waits for its answer. */
async function command(socket: Socket, execute: string, args?: object): Promise<void> {
  const answered = new Promise<string>((resolve, reject) => {
    let text = '';
    const listen = (chunk: Buffer): void => {
      text += chunk.toString();
      const line = text.split('\n').find((part) => /"(?:return|error)"/.test(part));
      if (line === undefined) return;
      socket.off('data', listen);
      resolve(line);
    };
    socket.on('data', listen).once('error', reject);
  });
  socket.write(`${JSON.stringify({ execute, ...(args && { arguments: args }) })}\n`);
  const line = await answered;
  // The human monitor answers success with an empty text.
  if (!/"return": (?:\{\}|""|"OK\\r\\n")/.test(line)) throw new Error(`QEMU refused ${execute} ${JSON.stringify(args)}: ${line}`);
}

const connected = async (path: string): Promise<Socket> => {
  for (let tries = 0; ; tries++) {
    const socket = createConnection(path);
    const problem = await new Promise<Error | undefined>((resolve) => socket.once('connect', () => resolve(undefined)).once('error', resolve));
    if (!problem) return socket;
    if (tries === 100) throw problem;
    await sleep(100);
  }
};

/** Waits until `look` finds something. @throws Error with the console's end when the machine ended, or too much time passed */
export async function until<T>(what: string, machine: Machine, look: () => Promise<T | undefined> | T | undefined, everyMs = 500): Promise<T> {
  let over = false;
  void machine.ended.then(() => (over = true));
  for (const end = Date.now() + PATIENCE_MS; ; await sleep(everyMs)) {
    const isOver = over;
    const found = await look();
    if (found !== undefined) return found;
    if (isOver || Date.now() > end) throw new Error(`${isOver ? 'the machine ended' : 'waited too long'} before this: ${what}\n${machine.console().slice(-8000)}`);
  }
}

export async function startMachine({ platform, kernel, initrd, disk, sources = [], tap, monitor, timeoutMs }: MachineOptions): Promise<Machine> {
  const slots = platform.rootPorts ? Array.from({ length: SLOTS }, (_, slot) => ['-device', `pcie-root-port,id=slot${slot},chassis=${slot},slot=${slot}`]).flat() : [];
  let attached = 0;
  const child = spawn(`qemu-system-${platform.machine}`, [
    ...platform.emulation, ...slots, '-accel', 'tcg,thread=multi', '-smp', '2', '-m', '1536', '-no-reboot', '-nodefaults', '-display', 'none',
    '-serial', 'stdio', '-qmp', `unix:${monitor},server=on,wait=off`, '-device', 'virtio-rng-pci',
    '-kernel', kernel, '-initrd', initrd, '-append', `console=${platform.console} root=/dev/vda rw panic=1 quiet systemd.journald.forward_to_console=1 systemd.gpt_auto=0`,
    '-drive', `file=${disk.file},format=raw,if=virtio,cache=${disk.cache}`,
    ...sources.flatMap(({ file, serial, bytesPerSecond }) => [
      '-drive', `file=${file},format=raw,if=none,id=${serial},cache=writethrough,throttling.bps-read=${bytesPerSecond}`, '-device', `nvme,drive=${serial},serial=${serial}`,
    ]),
    '-netdev', `tap,id=net,ifname=${tap},script=no,downscript=no`, '-device', 'virtio-net-pci,netdev=net',
  ], { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
  const ended = new Promise<number | null>((resolve) => child.once('close', (code) => {
    clearTimeout(timer);
    resolve(code);
  }));
  const socket = await connected(monitor);
  await command(socket, 'qmp_capabilities');
  return {
    console: () => text,
    async attach(file, serial) {
      const human = (line: string): Promise<void> => command(socket, 'human-monitor-command', { 'command-line': line });
      await human(`drive_add 0 if=none,id=${serial},file=${file},format=raw,cache=writethrough`);
      await human(`device_add nvme,drive=${serial},serial=${serial}${platform.rootPorts ? `,bus=slot${attached++}` : ''}`);
    },
    ended,
    kill: () => void child.kill('SIGKILL'),
  };
}
