import { EXIT, type ExitStatus } from '../../modules/vocabulary/index.ts';
import { listDisks } from '../adapters/block-devices.ts';
import type { AssessedDisk } from '../adapters/disk.ts';
import { humanBytes } from '../human.ts';
import type { CommandInput } from './session.ts';

function describe({ disk, verdict }: AssessedDisk): string[] {
  const hint = (name: string, value: string | undefined): string[] => (value ? [`  ${name.padEnd(9)} ${value}`] : []);
  return [
    `${disk.path}  ${humanBytes(disk.size)}  ${verdict.eligible ? 'eligible' : `left alone, because ${verdict.because}`}`,
    ...hint('identity', disk.identity),
    ...hint('serial', disk.serial?.escaped),
    ...hint('model', disk.model?.escaped),
    ...hint('labels', disk.labels.map(({ escaped }) => `"${escaped}"`).join(', ')),
    ...hint('sectors', `${disk.logicalSectorSize} bytes logical, ${disk.physicalSectorSize} physical${disk.readOnly ? ', read-only' : ', writable'}`),
    ...hint('parts', disk.partitions.join(', ')),
    ...hint('held by', disk.holders.join(', ')),
    ...hint('backed by', disk.backingFile?.escaped),
  ];
}

/** `collector devices`: every block device, with what it is and whether it would be imaged. */
export async function devicesCommand({ config }: CommandInput): Promise<ExitStatus> {
  const disks = await listDisks({ includeInstanceStore: config.includeInstanceStore });
  for (const assessed of disks) {
    const { disk, verdict } = assessed;
    const lines = config.json ? [JSON.stringify({ ...disk, verdict })] : describe(assessed);
    process.stdout.write(`${lines.join('\n')}\n`);
  }
  if (disks.length === 0 && !config.json) process.stdout.write('no block device\n');
  return EXIT.complete;
}
