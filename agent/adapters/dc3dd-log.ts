/** What dc3dd's own log says of one run. Pure: the log's text in, facts out; the text may be torn or hostile. */

export type SectorRun = { readonly first: number; readonly last: number; readonly error: string };

export type Dc3ddReport = {
  readonly banner: string | undefined;
  /** Bytes a sector, as dc3dd probed or assumed it. */
  readonly sectorSize: number | undefined;
  /** Whole sectors read and written, and the bytes after the last whole one (image files only). */
  readonly sectorsIn: number | undefined;
  readonly tailIn: number;
  readonly sectorsOut: number | undefined;
  readonly tailOut: number;
  /** Sectors that dc3dd says it replaced by zeroes. It counts them, also where there is none, of a device and never of a file. */
  readonly badSectors: number | undefined;
  /** Runs that it listed. A run at the end of the device is counted, but not listed. */
  readonly listed: readonly SectorRun[];
  readonly footer: 'completed' | 'aborted' | 'failed' | 'missing';
  /** dc3dd's own SHA-256 of its input, where it was asked for. */
  readonly sha256: string | undefined;
};

const SAFE = Number.MAX_SAFE_INTEGER;

const integer = (digits: string | undefined): number | undefined => {
  const value = Number(digits);
  return digits === undefined || value > SAFE ? undefined : value;
};

function sectors(log: string, direction: 'in' | 'out'): { whole: number | undefined; tail: number } {
  // One input and one output: more than one such line means a log that is not of our run.
  const found = [...log.matchAll(new RegExp(`^\\s+(\\d+) sectors(?: \\+ (\\d+) bytes)? ${direction}$`, 'gm'))];
  const only = found.length === 1 ? found[0] : undefined;
  return { whole: integer(only?.[1]), tail: integer(only?.[2]) ?? 0 };
}

function badSectors(log: string): number | undefined {
  const found = [...log.matchAll(/^\s+(\d+) bad sectors? replaced by zeros$/gm)];
  return found.length === 1 ? integer(found[0]![1]) : undefined;
}

function runs(log: string): SectorRun[] {
  const listed: SectorRun[] = [];
  for (const match of log.matchAll(/^\[!!?\] reading .* at sector (\d+) : (.+)$/gm)) {
    const sector = integer(match[1]);
    if (sector !== undefined) listed.push({ first: sector, last: sector, error: match[2] ?? '' });
  }
  for (const match of log.matchAll(/^\[!!?\] \d+ occurrences while reading .* from sector (\d+) to sector (\d+) : (.+)$/gm)) {
    const first = integer(match[1]);
    const last = integer(match[2]);
    if (first !== undefined && last !== undefined && last >= first) listed.push({ first, last, error: match[3] ?? '' });
  }
  return listed.sort((a, b) => a.first - b.first);
}

/** Reads the log of one dc3dd run (7.2 or 7.3) that wrote to standard output. */
export function parseDc3ddLog(log: string): Dc3ddReport {
  const footers = [...log.matchAll(/^dc3dd (completed|aborted|failed) at /gm)];
  const input = sectors(log, 'in');
  const output = sectors(log, 'out');
  return {
    banner: /^(dc3dd \S+) started at /m.exec(log)?.[1],
    sectorSize: integer(/^sector size: (\d+) bytes \((?:probed|assumed|set)\)$/m.exec(log)?.[1]),
    sectorsIn: input.whole,
    tailIn: input.tail,
    sectorsOut: output.whole,
    tailOut: output.tail,
    badSectors: badSectors(log),
    listed: runs(log),
    footer: footers.length === 1 ? (footers[0]![1] as 'completed' | 'aborted' | 'failed') : 'missing',
    sha256: /^\s+([0-9a-f]{64}) \(sha256\)$/m.exec(log)?.[1],
  };
}
