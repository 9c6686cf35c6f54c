import { execFile } from 'node:child_process';
import { availableParallelism, cpus, loadavg, release, totalmem } from 'node:os';
import { promisify } from 'node:util';

/** What the figures were measured on and with. */
export type Machine = Readonly<Record<'kernel' | 'cpu' | 'cores' | 'memory' | 'load' | 'node' | 'dc3dd' | 'aws' | 'rclone' | 'openssl', string>>;

const firstLine = async (command: string, args: readonly string[]): Promise<string> => {
  try {
    const { stdout, stderr } = await promisify(execFile)(command, args, { timeout: 30_000 });
    return (stdout || stderr).split('\n')[0]?.trim() ?? '';
  } catch {
    return 'not there';
  }
};

/** The package's version where dpkg knows it, because dc3dd's own banner is wrong in packages. */
const packaged = async (name: string, args: readonly string[]): Promise<string> => {
  const version = await firstLine('dpkg-query', ['--show', '--showformat=${Version}', name]);
  return version === 'not there' || version === '' ? firstLine(name, args) : version;
};

/** Describes this machine. @param aws the AWS CLI that is measured */
export async function describeMachine(aws: string): Promise<Machine> {
  const [dc3dd, awsVersion, rclone, openssl] = await Promise.all([
    packaged('dc3dd', ['--version']),
    firstLine(aws, ['--version']),
    packaged('rclone', ['version']),
    firstLine('openssl', ['version']),
  ]);
  return {
    kernel: release(),
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: String(availableParallelism()),
    memory: `${Math.round(totalmem() / 1024 ** 3)} GiB`,
    load: `${(loadavg()[0] ?? 0).toFixed(2)} before the bench`,
    node: process.version,
    dc3dd,
    aws: `${awsVersion.split(' ')[0]} (${aws})`,
    rclone,
    openssl: openssl.split(' (')[0] ?? openssl,
  };
}
