import { truncate } from 'node:fs/promises';
import { execa } from 'execa';
import { DISK_SIZE, PART, type Lab } from '../lab.ts';
import type { FaultRow } from '../row.ts';

/** Images a disk that stops before the given sector until `meanwhile` is done. */
async function whileReading(lab: Lab, meanwhile: (source: Awaited<ReturnType<Lab['disk']>>) => Promise<unknown>, more: readonly string[] = []): Promise<string> {
  const source = await lab.disk([`25000:wait=${lab.file('gate')},times=1`]);
  const running = lab.start(source, lab.directory(), more);
  const gate = await lab.gate(source, 'gate');
  await meanwhile(source);
  await gate.open();
  return (await running.ended).outcome;
}

export const SOURCE: readonly FaultRow[] = [
  {
    area: 'source', fault: 'none: a disk as it should be', expected: 'COMPLETE',
    run: (lab) => whileReading(lab, () => Promise.resolve()),
  },
  {
    area: 'source', fault: 'the disk shrinks while it is read', expected: ['FAILED SOURCE_SHRANK', 'FAILED NOT_PROVEN', 'FAILED DC3DD_FAILED'],
    run: (lab) =>
      whileReading(lab, async (source) => {
        source.changes = true;
        await truncate(source.file, 3 * PART);
        await execa('losetup', ['--set-capacity', source.path]);
      }),
  },
  {
    area: 'source', fault: 'the disk grows while it is read', expected: 'FAILED NOT_PROVEN',
    run: (lab) =>
      whileReading(lab, async (source) => {
        source.changes = true;
        await truncate(source.file, DISK_SIZE + 2 * PART);
        await execa('losetup', ['--set-capacity', source.path]);
      }),
  },
];
