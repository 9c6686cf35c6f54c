import { setFlagsFromString } from 'node:v8';

// Imported before anything else, for this effect: the space for young objects stays small. Image bytes are not in it, and left
// alone it grows by 30 MB as soon as parts are tried again, past the memory that the collector promises to stay within.
setFlagsFromString('--semi-space-growth-factor=1');
