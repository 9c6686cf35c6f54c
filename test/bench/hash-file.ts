/** SHA-256 of a file by node:crypto, a MiB at a time. Usage: hash-file.ts <file> */
import { createHash } from 'node:crypto';
import { closeSync, openSync, readSync } from 'node:fs';

const buffer = Buffer.alloc(1024 ** 2);
const hash = createHash('sha256');
const fd = openSync(process.argv[2] ?? '', 'r');
for (let got = readSync(fd, buffer); got > 0; got = readSync(fd, buffer)) hash.update(buffer.subarray(0, got));
closeSync(fd);
process.stdout.write(`${hash.digest('hex')}\n`);
