import type { HostileText } from '../../modules/vocabulary/index.ts';

/** A whole disk as the kernel and udev describe it. Everything but `identity` is a hint for people. */
export type Disk = {
  /** What it is known by: the EBS volume ID, otherwise `disk-<boot id>-<diskseq>`. Never a name or a label. */
  readonly identity: string;
  readonly volumeId?: string;
  /** The kernel's number of this attachment; a new one for every disk that appears, never reused before a reboot. */
  readonly diskseq: string;
  readonly bootId: string;
  /** Kernel name, for example `nvme1n1`; may belong to another disk a moment later. */
  readonly name: string;
  /** `/dev/<name>`. */
  readonly path: string;
  /** `major:minor`. */
  readonly devno: string;
  /** Bytes. */
  readonly size: number;
  readonly logicalSectorSize: number;
  readonly physicalSectorSize: number;
  readonly readOnly: boolean;
  readonly model?: HostileText;
  readonly serial?: HostileText;
  /** Labels of the disk and of its partitions, decoded from udev's links. */
  readonly labels: readonly HostileText[];
  /** Kernel names of its partitions. */
  readonly partitions: readonly string[];
  /** What holds the disk or a partition: device-mapper, MD, mounts, swap; as text. */
  readonly holders: readonly string[];
  /** For a loop device, its backing file. */
  readonly backingFile?: HostileText;
};

export type Verdict =
  | { readonly eligible: true }
  | {
      readonly eligible: false;
      readonly reason:
        | 'root-disk'
        | 'mounted'
        | 'held'
        | 'swap'
        | 'instance-store'
        | 'no-medium'
        | 'virtual';
      /** A sentence: "left alone, because …". */
      readonly because: string;
    };

export type AssessedDisk = { readonly disk: Disk; readonly verdict: Verdict };
