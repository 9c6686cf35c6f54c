/** CRC-32's polynomial, reflected. */
const POLYNOMIAL = 0xedb88320;

/** a·b modulo the polynomial; bit 31 is x^0. */
function multiply(a: number, b: number): number {
  let product = 0;
  let factor = b;
  for (let bit = 0x80000000; bit !== 0; bit >>>= 1) {
    if (a & bit) product ^= factor;
    factor = factor & 1 ? (factor >>> 1) ^ POLYNOMIAL : factor >>> 1;
  }
  return product >>> 0;
}

/** x^(8·2^k) modulo the polynomial, for k = 0, 1, 2, …: what 2^k zero bytes multiply a remainder by. */
const SHIFTS: readonly number[] = (() => {
  let power = 0x00800000; // x^8: one byte
  return Array.from({ length: 53 }, () => {
    const shift = power;
    power = multiply(power, power);
    return shift;
  });
})();

/**
 * CRC-32 of two pieces of data, one after the other, from the CRC-32 of each: so that a whole object's checksum costs no
 * second pass. After zlib's crc32_combine.
 * @param lengthB bytes of the second piece
 */
export function combineCrc32(crcA: number, crcB: number, lengthB: number): number {
  let shifted = crcA;
  let left = lengthB;
  for (let k = 0; left > 0; k++) {
    if (left % 2 === 1) shifted = multiply(SHIFTS[k]!, shifted);
    left = Math.floor(left / 2);
  }
  return (shifted ^ crcB) >>> 0;
}
