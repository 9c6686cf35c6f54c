import { RATES, type Bucket } from '../../../modules/acquisition-workflow/estimate-data.ts';

/** Virtual time, as far as the modelled AWS needs it: seconds since the start. */
export interface SimulatedTime {
  readonly now: number;
  sleep(seconds: number): Promise<void>;
}

/** What AWS answers when a rate or a quota is used up. */
export class Refused extends Error {
  readonly code: string;
  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** Calls by action: how many, how many of them were refused for their rate, and how many for another quota. */
export interface Tally {
  calls: number;
  throttled: number;
  refused: number;
}

/** The token buckets of every account, and what came of each call. */
export class Rates {
  readonly tallies = new Map<string, Tally>();
  readonly #levels = new Map<string, { tokens: number; at: number }>();
  readonly #clock: SimulatedTime;
  readonly #raised: number;

  /** @param raised how many times the default rates the account was given */
  constructor(clock: SimulatedTime, raised: number) {
    this.#clock = clock;
    this.#raised = raised;
  }

  tally(action: string): Tally {
    const existing = this.tallies.get(action);
    if (existing) return existing;
    const fresh: Tally = { calls: 0, throttled: 0, refused: 0 };
    this.tallies.set(action, fresh);
    return fresh;
  }

  /** Takes tokens for a call of an account, or refuses it as AWS does. */
  take(account: string, action: string): void {
    const tally = this.tally(action);
    tally.calls += 1;
    const { name, bucket } = bucketOf(action);
    if (bucket !== undefined && !this.#spend(`${account} ${name}`, bucket, 1)) {
      tally.throttled += 1;
      throw new Refused('RequestLimitExceeded', `${action}: request limit exceeded`);
    }
  }

  /** Takes tokens for the things a call makes, for example instances. */
  takeResources(account: string, name: string, count: number): void {
    const bucket = RATES[name];
    if (bucket !== undefined && !this.#spend(`${account} ${name}`, bucket, count)) throw new Refused('RequestLimitExceeded', `${name}: request limit exceeded`);
  }

  #spend(key: string, bucket: Bucket, count: number): boolean {
    const { now } = this.#clock;
    const [capacity, refill] = [bucket.capacity * this.#raised, bucket.refill * this.#raised];
    const level = this.#levels.get(key) ?? { tokens: capacity, at: now };
    const tokens = Math.min(capacity, level.tokens + (now - level.at) * refill);
    const enough = tokens >= count;
    this.#levels.set(key, { tokens: enough ? tokens - count : tokens, at: now });
    return enough;
  }
}

/** Each action has a bucket of its own; those that AWS does not list have one of their kind's size. */
function bucketOf(action: string): { readonly name: string; readonly bucket: Bucket | undefined } {
  const own = RATES[action];
  if (own) return { name: action, bucket: own };
  if (!action.startsWith('ec2:')) return { name: action, bucket: undefined };
  return { name: action, bucket: RATES[/^ec2:(Describe|Get)/.test(action) ? 'ec2:Describe*' : 'ec2:*'] };
}
