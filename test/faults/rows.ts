import { BAD_SECTORS } from './cases/bad-sectors.ts';
import { HOSTILE_DISK } from './cases/hostile-disk.ts';
import { HOST } from './cases/host.ts';
import { KILLS } from './cases/kills.ts';
import { LOGS } from './cases/logs.ts';
import { POWER } from './cases/power.ts';
import { RESUME } from './cases/resume.ts';
import { SOURCE } from './cases/source.ts';
import { STOPS } from './cases/stops.ts';
import { STORE } from './cases/store.ts';
import { TWO_COLLECTORS } from './cases/two-collectors.ts';
import type { FaultRow } from './row.ts';

/** Every fault of the suite, in the order of its table. */
export const ROWS: readonly FaultRow[] = [...SOURCE, ...BAD_SECTORS, ...STORE, ...HOST, ...LOGS, ...STOPS, ...HOSTILE_DISK, ...RESUME, ...TWO_COLLECTORS, ...POWER, ...KILLS];
