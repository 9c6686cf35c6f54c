import { existsSync } from 'node:fs';
import { mkdir, open, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import { standIn } from '../stand-in.ts';
import { PART, type Lab } from '../lab.ts';
import type { FaultRow } from '../row.ts';

/** Images with a program in dc3dd's place, and then with dc3dd itself: what was stored must be good for a second start. */
async function withDc3dd(lab: Lab, script: string, more: readonly string[] = []): Promise<string> {
  const source = await lab.source();
  const place = lab.directory();
  const env = await standIn(lab, script);
  const first = await lab.collect(source, place, more, { env });
  const second = await lab.collect(source, place);
  return `${first.outcome}, then ${second.outcome}`;
}

/** A tmpfs of so many bytes. */
async function tmpfs(lab: Lab, name: string, bytes: number): Promise<string> {
  const path = lab.file(name);
  await mkdir(path);
  await execa('mount', ['-t', 'tmpfs', '-o', `size=${bytes},mode=0700`, 'cleanroom-fault', path]);
  lab.onEnd(() => execa('umount', ['--lazy', path]));
  return path;
}

const DAY = 86_400_000;

/** Images while the host's clock jumps by so many milliseconds, when the third part is on its way. */
async function clockJumps(lab: Lab, milliseconds: number): Promise<string> {
  const clock = lab.file('clock');
  const bucket = await lab.bucket(async ({ operation, partNumber }) => {
    if (operation === 'UploadPart' && partNumber === 3) await writeFile(clock, String(milliseconds));
    return undefined;
  });
  const env = { NODE_OPTIONS: `--import=${resolve(import.meta.dirname, '../../fixtures/jumping-clock.ts')}`, CLEANROOM_TEST_CLOCK: clock };
  return (await lab.collect(await lab.source(), bucket, [], { env })).outcome;
}

/** Images while the collector is stopped (SIGSTOP) for longer than its source may be silent; the source goes on meanwhile. */
async function stopped(lab: Lab): Promise<string> {
  const [halfway, rest] = [lab.file('halfway'), lab.file('rest')];
  const env = await standIn(lab, `"$REAL" "$@" 2>/dev/null | { head -c 9000000; touch ${halfway}; until [ -e ${rest} ]; do sleep 0.1; done; exec cat; }`);
  const running = lab.start(await lab.source(), lab.directory(), ['--stall-seconds', '10'], { env });
  const ended = running.ended.then(() => true);
  while (!existsSync(halfway) && !(await Promise.race([ended, sleep(50, false)])));
  await sleep(2500); // so that it has seen the source silent
  running.kill('SIGSTOP');
  await writeFile(rest, '');
  await sleep(12_000);
  running.kill('SIGCONT');
  return (await running.ended).outcome;
}

/** The real dc3dd, whose log is changed when it has ended. */
const lied = (sed: string): string => `"$REAL" "$@"; status=$?
for word; do case $word in log=*) sed -i '${sed}' "\${word#log=}";; esac; done
exit $status`;

export const HOST: readonly FaultRow[] = [
  {
    area: 'host', fault: 'dc3dd is killed half-way', expected: 'FAILED DC3DD_FAILED, then COMPLETE',
    run: (lab) => withDc3dd(lab, 'head -c 9000000 /proc/self/fd/3\nkill -9 $$'),
  },
  {
    area: 'host', fault: 'dc3dd hangs without a byte', expected: 'FAILED SOURCE_STALLED, then COMPLETE', long: true,
    run: (lab) => withDc3dd(lab, 'exec sleep 1000', ['--stall-seconds', '5']),
  },
  {
    area: 'host', fault: 'dc3dd hangs half-way, deaf to SIGTERM', expected: 'FAILED SOURCE_STALLED, then COMPLETE',
    run: (lab) => withDc3dd(lab, `trap '' TERM\nhead -c 9000000 /proc/self/fd/3\nwhile :; do sleep 1; done`, ['--stall-seconds', '5']),
  },
  {
    area: 'host', fault: 'dc3dd hangs after the last byte', expected: 'FAILED SOURCE_STALLED, then COMPLETE', long: true,
    run: (lab) => withDc3dd(lab, 'cat /proc/self/fd/3\nexec sleep 1000', ['--stall-seconds', '5']),
  },
  {
    area: 'host', fault: 'dc3dd ends with 0 and too few bytes', expected: 'FAILED SOURCE_SHRANK, then COMPLETE',
    run: (lab) => withDc3dd(lab, `head -c ${2 * PART} /proc/self/fd/3`),
  },
  {
    area: 'host', fault: 'dc3dd ends with 0 and says nothing in its log', expected: 'FAILED NOT_PROVEN, then COMPLETE',
    run: (lab) => withDc3dd(lab, 'cat /proc/self/fd/3'),
  },
  {
    area: 'host', fault: 'dc3dd gives bytes that the source does not have', expected: 'FAILED NOT_PROVEN, then FAILED PART_MISMATCH',
    run: (lab) => withDc3dd(lab, 'tr a b < /proc/self/fd/3'),
  },
  {
    area: 'host', fault: 'no dc3dd', expected: 'FAILED DC3DD_MISSING',
    async run(lab) {
      return (await lab.collect(await lab.source(), lab.directory(), [], { env: { PATH: '/nonexistent' } })).outcome;
    },
  },
  {
    area: 'host', fault: 'the scratch directory is full', expected: 'FAILED SCRATCH_UNFIT',
    async run(lab) {
      const full = await tmpfs(lab, 'full', 65_536);
      await writeFile(`${full}/filler`, Buffer.alloc(65_536)).catch(() => undefined);
      return (await lab.collect(await lab.source(), lab.directory(), ['--scratch-dir', full])).outcome;
    },
  },
  {
    area: 'host', fault: 'standard output is closed', expected: 'COMPLETE',
    async run(lab) {
      return (await lab.collect(await lab.source(), lab.directory(), [], { stdout: 'closed' })).outcome;
    },
  },
  {
    area: 'host', fault: 'nobody reads standard output', expected: 'COMPLETE',
    async run(lab) {
      return (await lab.collect(await lab.source(), lab.directory(), [], { stdout: 'unread' })).outcome;
    },
  },
  {
    area: 'host', fault: 'standard output goes to a disk that is full', expected: 'COMPLETE',
    async run(lab) {
      await using full = await open('/dev/full', 'w');
      return (await lab.collect(await lab.source(), lab.directory(), [], { stdout: full.fd })).outcome;
    },
  },
  {
    area: 'host', fault: 'there is no standard output and no standard error', expected: 'COMPLETE', long: true,
    async run(lab) {
      return (await lab.collect(await lab.source(), lab.directory(), [], { under: ['sh', '-c', 'exec "$@" >&- 2>&-', 'sh'] })).outcome;
    },
  },
  {
    area: 'host', fault: 'too few file descriptors', expected: 'an image or a failure at every limit, and COMPLETE at 64',
    async run(lab) {
      const source = await lab.source();
      // with fewer, Node itself cannot load a program
      for (const limit of lab.long ? [24, 26, 28, 30, 32, 33, 34, 36, 38, 40, 48] : [24, 32]) {
        const { outcome, stderr } = await lab.collect(source, lab.directory(lab.file(`evidence-${limit}`)), [], { under: ['prlimit', `--nofile=${limit}:${limit}`] });
        if (outcome !== 'COMPLETE' && outcome !== 'FAILED NO_DESCRIPTORS') return `${outcome} at ${limit}: ${stderr}`;
      }
      const { outcome } = await lab.collect(source, lab.directory(), [], { under: ['prlimit', '--nofile=64:64'] });
      return `an image or a failure at every limit, and ${outcome} at 64`;
    },
  },
  {
    area: 'host', fault: 'the clock jumps a year back', expected: 'COMPLETE',
    run: (lab) => clockJumps(lab, -365 * DAY),
  },
  {
    area: 'host', fault: 'the clock jumps a day ahead', expected: 'COMPLETE', long: true,
    run: (lab) => clockJumps(lab, DAY),
  },
  { area: 'host', fault: 'the collector is stopped for longer than its source may be silent', expected: 'COMPLETE', long: true, run: stopped },
  {
    area: 'host', fault: "dc3dd says another sector size than the disk's", expected: 'FAILED NOT_PROVEN, then COMPLETE',
    run: (lab) => withDc3dd(lab, lied('s/^sector size: [0-9]* /sector size: 4096 /')),
  },
  {
    area: 'host', fault: 'dc3dd counts fewer sectors than it gave', expected: 'FAILED NOT_PROVEN, then COMPLETE', long: true,
    run: (lab) => withDc3dd(lab, lied('s/[0-9]* sectors in/7 sectors in/')),
  },
];
