const UNITS: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  kib: 1024,
  mib: 1024 ** 2,
  gib: 1024 ** 3,
  tib: 1024 ** 4,
  kb: 1000,
  mb: 1000 ** 2,
  gb: 1000 ** 3,
  tb: 1000 ** 4,
};

/** What {@link parseSize} takes, in words. */
export const SIZE_SYNTAX = 'bytes such as 16777216, or a number and one of B, KiB, MiB, GiB, TiB, kB, MB, GB, TB such as 16MiB';

/** Bytes of a size that a person wrote, such as `16MiB`, `1.5 GiB` or `5242880`; undefined when it is none, or no whole number. */
export function parseSize(text: string): number | undefined {
  const [, number, unit = ''] = /^(\d{1,16}(?:\.\d{1,6})?)\s?([a-z]{0,3})$/i.exec(text.trim()) ?? [];
  const factor = Object.hasOwn(UNITS, unit.toLowerCase()) ? UNITS[unit.toLowerCase()] : undefined;
  const bytes = number === undefined || factor === undefined ? Number.NaN : Number(number) * factor;
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

/** Bytes in the largest binary unit that divides them: `16MiB`, `1500`. */
export function printSize(bytes: number): string {
  for (const unit of ['TiB', 'GiB', 'MiB', 'KiB']) {
    const factor = UNITS[unit.toLowerCase()] ?? 1;
    if (bytes >= factor && bytes % factor === 0) return `${bytes / factor}${unit}`;
  }
  return String(bytes);
}
