import { execa } from 'execa';
import { fail, ok, warn, type Check, type Outcome } from './finding.ts';

/** AWS refuses requests that are 15 minutes off; a custody record is worth less long before. Seconds. */
const SKEW = { fail: 300, warn: 30 };
const ADVICE = 'synchronise the clock (chrony with 169.254.169.123 on EC2): custody records and request signatures depend on it';

/** Whether the system says that NTP holds its clock; undefined where nobody can tell. */
async function ntpSynchronized(): Promise<boolean | undefined> {
  const options = { timeout: 5000, reject: false, env: { LC_ALL: 'C' }, stdin: 'ignore', maxBuffer: 10_000 } as const;
  const { stdout } = await execa('timedatectl', ['show', '--property=NTPSynchronized', '--value'], options);
  return stdout === 'yes' ? true : stdout === 'no' ? false : undefined;
}

/** Judges the clock by what the system says of it and by the store's. @param skewSeconds ours minus the store's */
export function judgeClock(synchronized: boolean | undefined, skewSeconds: number | undefined): Outcome {
  const ntp = synchronized === undefined ? 'whether NTP holds the clock cannot be told' : `the clock is ${synchronized ? '' : 'not '}held by NTP`;
  const off = Math.round(Math.abs(skewSeconds ?? 0));
  const found = skewSeconds === undefined ? ntp : `${ntp}; it is ${off} s ${skewSeconds < 0 ? 'behind' : 'ahead of'} the store's`;
  if (off > SKEW.fail) return fail(found, ADVICE);
  if (off > SKEW.warn || synchronized === false) return warn(found, ADVICE);
  return synchronized === undefined && skewSeconds === undefined ? warn(found, ADVICE) : ok(found);
}

/** The host's clock. @param skew asks the store's clock; undefined where there is none to ask */
export const clockCheck = (skew: () => Promise<number | undefined>): Check => ({
  check: 'clock',
  look: async () => {
    const [synchronized, skewSeconds] = await Promise.all([ntpSynchronized(), skew().catch(() => undefined)]);
    return judgeClock(synchronized, skewSeconds);
  },
});
