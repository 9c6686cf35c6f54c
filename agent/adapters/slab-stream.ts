import { openPipe } from './pipe.ts';
import { SlabReader, type SlabReaderOptions } from './slab-reader.ts';

/** A pipe and its reader, which waits for what will be written. */
export type SlabStream = {
  readonly reader: SlabReader;
  /** Descriptor that the writing program inherits. */
  readonly writeFd: number;
  /** Once the writing program has its own: the stream ends when that one ends. */
  handOver(): Promise<void>;
  /** Stops the reader if it still reads, waits for it, and closes the pipe. */
  close(reason: unknown): Promise<void>;
};

/** Opens a stream before there is anything to read: its worker takes longer to start than a program to write. */
export async function openSlabStream(options: Omit<SlabReaderOptions, 'fd'>): Promise<SlabStream> {
  const { readEnd, writeEnd } = await openPipe();
  const reader = new SlabReader({ ...options, fd: readEnd.fd });
  let handedOver: Promise<void> | undefined;
  const handOver = (): Promise<void> => (handedOver ??= writeEnd.close());
  return {
    reader,
    writeFd: writeEnd.fd,
    handOver,
    async close(reason) {
      reader.stop(reason);
      await reader.closed;
      await handOver();
      await readEnd.close();
    },
  };
}
