/** A machine in QEMU's software emulation: no privilege and no virtualization needed, only time. */
import { spawn } from 'node:child_process';
import { createConnection, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

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
  readonly kernel: string;
  readonly initrd: string;
  readonly disk: string;
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

export async function startMachine({ kernel, initrd, disk, tap, monitor, timeoutMs }: MachineOptions): Promise<Machine> {
  const child = spawn('qemu-system-x86_64', [
    '-accel', 'tcg,thread=multi', '-cpu', 'max', '-smp', '2', '-m', '1536', '-no-reboot', '-nodefaults', '-display', 'none',
    '-serial', 'stdio', '-qmp', `unix:${monitor},server=on,wait=off`, '-device', 'virtio-rng-pci',
    '-kernel', kernel, '-initrd', initrd, '-append', 'console=ttyS0 root=/dev/vda rw panic=1 quiet systemd.journald.forward_to_console=1 systemd.gpt_auto=0',
    '-drive', `file=${disk},format=raw,if=virtio,cache=unsafe`,
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
      await human(`device_add nvme,drive=${serial},serial=${serial}`);
    },
    ended,
    kill: () => void child.kill('SIGKILL'),
  };
}
