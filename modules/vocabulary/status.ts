/** What an image is worth. PARTIAL: bad sectors, every one of them mapped. Anything unproven is FAILED. */
export const IMAGE_STATUSES = ['COMPLETE', 'PARTIAL', 'FAILED'] as const;
export type ImageStatus = (typeof IMAGE_STATUSES)[number];

/** Exit statuses of the `collector` command; `--help` prints them. */
export const EXIT = {
  /** COMPLETE, verified, or nothing wrong. */
  complete: 0,
  /** FAILED: no image may be believed; what was stored can be resumed where the message says so. */
  failed: 1,
  /** Wrong arguments or configuration; nothing was touched. */
  usage: 2,
  /** PARTIAL: the image has bad sectors, all mapped in its manifest. */
  partial: 3,
  /** This host or the destination is not fit: missing tool, missing right, unreachable store. */
  environment: 4,
  /** Interrupted by a signal; the acquisition can be resumed. */
  interrupted: 5,
} as const;
export type ExitStatus = (typeof EXIT)[keyof typeof EXIT];

export const exitFor = (status: ImageStatus): ExitStatus =>
  ({ COMPLETE: EXIT.complete, PARTIAL: EXIT.partial, FAILED: EXIT.failed })[status];
