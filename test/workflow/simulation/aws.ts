import { DURATIONS, QUOTAS, VOLUMES } from '../../../modules/acquisition-workflow/estimate-data.ts';
import { Rates, Refused, type SimulatedTime } from './quotas.ts';

const MIB_PER_GIB = 1_024;

interface Snapshot {
  readonly sizeGiB: number;
  readonly readyAt: number;
}
interface WorkVolume {
  readonly sizeGiB: number;
  readonly readyAt: number;
  /** MiB/s at which its blocks arrive when they are read. */
  readonly arriving: number;
  /** When it is filled, whether it is read or not: with a provisioned rate alone. */
  readonly filledAt: number;
  readonly throughput: number;
}

export interface AwsOptions {
  /** vCPUs of on-demand instances that the forensic account may run. */
  readonly vcpus: number;
  /** How many times the default rates and quotas the accounts were given. @default 1 */
  readonly raised?: number;
}

/**
 * A Region of AWS in virtual time: how long things take, how many of them may be under way, how often each call may be made.
 * Enough of it for an acquisition, and nothing that a quota or a duration does not touch.
 */
export class SimulatedAws {
  readonly rates: Rates;
  readonly #clock: SimulatedTime;
  readonly #vcpuQuota: number;
  readonly #raised: number;
  readonly #snapshots = new Map<string, Snapshot>();
  readonly #volumes = new Map<string, WorkVolume>();
  readonly #instances = new Map<string, { readonly readyAt: number; readonly vcpus: number }>();
  readonly #images = new Map<string, number>();
  readonly #copies = new Map<string, number[]>();
  readonly #ended = new Map<string, number>();
  #initializing: { readonly until: number; readonly rate: number }[] = [];
  #vcpus = 0;
  #ids = 0;
  /** The most that there ever was of something at once. */
  readonly peaks = { copies: 0, initializing: 0, vcpus: 0, volumesTiB: 0 };

  constructor(clock: SimulatedTime, { vcpus, raised = 1 }: AwsOptions) {
    this.#clock = clock;
    this.#vcpuQuota = vcpus;
    this.#raised = raised;
    this.rates = new Rates(clock, raised);
  }

  #id(kind: string): string {
    return `${kind}-${String(++this.#ids).padStart(8, '0')}`;
  }

  #refuse(action: string, code: string): never {
    this.rates.tally(action).refused += 1;
    throw new Refused(code, `${action}: ${code}`);
  }

  /** One call that takes what a call takes and changes nothing that is simulated. */
  async call(account: string, action: string, seconds: number = DURATIONS.call.value): Promise<void> {
    await this.#clock.sleep(seconds);
    this.rates.take(account, action);
  }

  async createSnapshots(account: string, sizes: readonly number[]): Promise<readonly string[]> {
    await this.call(account, 'ec2:CreateSnapshots');
    return sizes.map((sizeGiB) => {
      const id = this.#id('snap');
      this.#snapshots.set(id, { sizeGiB, readyAt: this.#clock.now + DURATIONS.snapshotBase.value + (sizeGiB * MIB_PER_GIB) / DURATIONS.snapshotRate.value });
      return id;
    });
  }

  async snapshotsReady(account: string, ids: readonly string[]): Promise<boolean> {
    await this.call(account, 'ec2:DescribeSnapshots');
    return ids.every((id) => (this.#snapshots.get(id)?.readyAt ?? Infinity) <= this.#clock.now);
  }

  async copySnapshot(account: string, source: string): Promise<string> {
    await this.call(account, 'ec2:CopySnapshot');
    const { now } = this.#clock;
    const underWay = (this.#copies.get(account) ?? []).filter((until) => until > now);
    this.#copies.set(account, underWay);
    if (underWay.length >= QUOTAS.copiesInFlight.value * this.#raised) this.#refuse('ec2:CopySnapshot', 'ResourceLimitExceeded');
    const sizeGiB = this.#snapshots.get(source)?.sizeGiB ?? 0;
    const readyAt = now + DURATIONS.copyBase.value + (sizeGiB * MIB_PER_GIB) / DURATIONS.copyRate.value;
    underWay.push(readyAt);
    this.peaks.copies = Math.max(this.peaks.copies, underWay.length);
    const id = this.#id('snap');
    this.#snapshots.set(id, { sizeGiB, readyAt });
    return id;
  }

  async createVolume(account: string, snapshot: string, { throughput, initializationRate }: { readonly throughput: number; readonly initializationRate?: number }): Promise<string> {
    await this.call(account, 'ec2:CreateVolume');
    const { now } = this.#clock;
    const sizeGiB = this.#snapshots.get(snapshot)?.sizeGiB ?? 0;
    this.#initializing = this.#initializing.filter(({ until }) => until > now);
    const inUse = this.#initializing.reduce((sum, { rate }) => sum + rate, 0);
    if (initializationRate !== undefined) {
      if (inUse + initializationRate > QUOTAS.initializationRate.value * this.#raised) this.#refuse('ec2:CreateVolume', 'VolumeInitializationRateLimitExceeded');
      this.#initializing.push({ until: now + (sizeGiB * MIB_PER_GIB) / initializationRate, rate: initializationRate });
      this.peaks.initializing = Math.max(this.peaks.initializing, inUse + initializationRate);
    }
    const id = this.#id('vol');
    this.#volumes.set(id, { sizeGiB, readyAt: now + DURATIONS.volumeAvailable.value, arriving: initializationRate === undefined ? VOLUMES.defaultInitialization.value : Infinity, filledAt: initializationRate === undefined ? 0 : now + (sizeGiB * MIB_PER_GIB) / initializationRate, throughput });
    this.peaks.volumesTiB = Math.max(this.peaks.volumesTiB, [...this.#volumes.values()].reduce((sum, volume) => sum + volume.sizeGiB, 0) / 1_024);
    return id;
  }

  async volumeReady(account: string, id: string): Promise<boolean> {
    await this.call(account, 'ec2:DescribeVolumes');
    return (this.#volumes.get(id)?.readyAt ?? Infinity) <= this.#clock.now;
  }

  async runInstances(account: string, count: number, vcpus: number): Promise<readonly string[]> {
    await this.call(account, 'ec2:RunInstances', 2 * DURATIONS.call.value);
    this.rates.takeResources(account, 'ec2:RunInstances instances', count);
    if (this.#vcpus + count * vcpus > this.#vcpuQuota) this.#refuse('ec2:RunInstances', 'VcpuLimitExceeded');
    this.#vcpus += count * vcpus;
    this.peaks.vcpus = Math.max(this.peaks.vcpus, this.#vcpus);
    return Array.from({ length: count }, () => {
      const id = this.#id('i');
      this.#instances.set(id, { readyAt: this.#clock.now + DURATIONS.collectorBoot.value, vcpus });
      return id;
    });
  }

  async collectorsReady(account: string, ids: readonly string[]): Promise<boolean> {
    await this.call(account, 'logs:FilterLogEvents');
    return ids.every((id) => (this.#instances.get(id)?.readyAt ?? Infinity) <= this.#clock.now);
  }

  /** Attaching is what starts the imaging; the manifest is there when it is done. */
  /** @param name what the image is looked for by. @default the volume's id */
  async attachVolume(account: string, volume: string, name = volume): Promise<void> {
    await this.call(account, 'ec2:AttachVolume');
    const { sizeGiB = 0, arriving = 1, filledAt = 0, throughput = 1 } = this.#volumes.get(volume) ?? {};
    const rate = Math.min(arriving, throughput, VOLUMES.collectorCeiling.value);
    const begun = this.#clock.now + DURATIONS.attach.value + DURATIONS.collectorStart.value;
    this.#images.set(name, Math.max(filledAt, begun + (sizeGiB * MIB_PER_GIB) / rate) + DURATIONS.collectorFinish.value);
  }

  async manifestThere(account: string, volume: string): Promise<boolean> {
    await this.call(account, 's3:HeadObject');
    return (this.#images.get(volume) ?? Infinity) <= this.#clock.now;
  }

  async countInstances(account: string): Promise<number> {
    await this.call(account, 'ec2:DescribeVolumes');
    return this.#instances.size;
  }

  async terminate(account: string, instance: string): Promise<void> {
    await this.call(account, 'ec2:TerminateInstances');
    this.#vcpus -= this.#instances.get(instance)?.vcpus ?? 0;
    this.#instances.delete(instance);
    this.#ended.set(instance, this.#clock.now + DURATIONS.terminate.value);
  }

  async terminated(account: string, instance: string): Promise<boolean> {
    await this.call(account, 'ec2:DescribeInstances');
    return (this.#ended.get(instance) ?? Infinity) <= this.#clock.now;
  }

  async deleteVolume(account: string, volume: string): Promise<void> {
    await this.call(account, 'ec2:DeleteVolume');
    this.#volumes.delete(volume);
  }

  async release(account: string, volume: string, instance: string): Promise<void> {
    await this.terminate(account, instance);
    await this.#clock.sleep(DURATIONS.terminate.value);
    await this.deleteVolume(account, volume);
  }
}
