import { startMoto, type Moto } from './moto.ts';
import { startS3Front, type S3Front, type S3FrontOptions } from './s3-front.ts';

/** A front with moto behind it; `stop` ends both. */
export type MotoFront = S3Front & {
  /** Past the front. */
  readonly moto: Moto;
};

/** Starts moto, and a front before it. */
export const startMotoFront = async (options: Omit<S3FrontOptions, 'upstream'> = {}): Promise<MotoFront> => {
  const moto = await startMoto();
  const front = await startS3Front({ ...options, upstream: moto.endpoint });
  return {
    ...front,
    moto,
    async stop() {
      await front.stop();
      await moto.stop();
    },
  };
};
