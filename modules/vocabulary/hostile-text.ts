import { z } from 'zod';

/**
 * Text that somebody else chose: a disk's label, a serial, a tag. `escaped` is printable ASCII and safe to show anywhere;
 * `base64` is what was read, byte for byte.
 */
export const HostileText = z.strictObject({
  escaped: z.string().regex(/^[\x20-\x7e]*$/, 'escaped text is printable ASCII'),
  base64: z.base64(),
});
export type HostileText = z.infer<typeof HostileText>;

/** Escapes everything but printable ASCII (and `\` itself) byte by byte as `\xNN`; of a string, the bytes of its UTF-8. */
export function escapeHostile(hostile: Uint8Array | string): string {
  let out = '';
  for (const byte of typeof hostile === 'string' ? new TextEncoder().encode(hostile) : hostile) {
    out += byte >= 0x20 && byte < 0x7f && byte !== 0x5c ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, '0')}`;
  }
  return out;
}

/** The inert form of bytes that somebody else chose. */
export const hostileText = (bytes: Uint8Array): HostileText => ({
  escaped: escapeHostile(bytes),
  base64: btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join('')),
});
