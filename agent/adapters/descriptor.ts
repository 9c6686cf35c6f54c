/** A descriptor of ours as an entry of execa's `stdio`, whose types know 0 to 9 only; any open descriptor works. */
export const descriptor = (fd: number): 3 => fd as 3;
