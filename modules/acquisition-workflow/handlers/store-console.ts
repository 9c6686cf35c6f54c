import { PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { z } from 'zod';
import { AcquisitionInput, instanceKey, type InstanceRecordName, type Place } from '../../vocabulary/index.ts';
import type { StoreConsoleInput, StoreConsoleOutput } from './contract.ts';
import { nameOf } from './errors.ts';
import { toldCalls } from './told-calls.ts';

export type StoreConsoleDependencies = { readonly s3: S3Client; readonly bucket: string; readonly place: Pick<Place, 'account' | 'region'>; readonly now: () => Date };

/** What EC2 hands over is text in Base64; nothing of it is looked into, since the suspect wrote it. */
const Base64 = z.base64();
const Input = z.strictObject({
  input: AcquisitionInput,
  screenshot: Base64,
  output: Base64,
  metadata: z.strictObject({ instance: z.looseObject({}), volumes: z.array(z.looseObject({})) }).optional(),
});

/** Stores an instance's metadata and console as they were at first sight: what is there already stays. An empty text is nothing. */
export const storeConsole = ({ s3: client, bucket, place, now }: StoreConsoleDependencies) => async (event: StoreConsoleInput): Promise<StoreConsoleOutput> => {
  const { input: { caseId, instanceId }, screenshot, output, metadata } = Input.parse(event);
  const { s3, calls } = toldCalls(client, place, 'store-console', now);
  const stored: string[] = [];
  const parts: readonly { readonly name: InstanceRecordName; readonly body: Buffer; readonly type: string }[] = [
    { name: 'metadata.json', body: Buffer.from(metadata === undefined ? '' : `${JSON.stringify(metadata)}\n`), type: 'application/json' },
    { name: 'console.jpg', body: Buffer.from(screenshot, 'base64'), type: 'image/jpeg' },
    { name: 'console.txt', body: Buffer.from(output, 'base64'), type: 'application/octet-stream' }, // no browser runs it
  ];
  for (const { name, body, type } of parts) {
    if (body.length === 0) continue;
    const Key = instanceKey(caseId, instanceId, name);
    try {
      // Object Lock wants a checksum with every object.
      await s3.send(new PutObjectCommand({ Bucket: bucket, Key, Body: body, ContentType: type, ChecksumAlgorithm: 'SHA256', IfNoneMatch: '*' }));
    } catch (error) {
      if (nameOf(error) !== 'PreconditionFailed') throw error;
    }
    stored.push(Key);
  }
  return { stored, calls };
};
