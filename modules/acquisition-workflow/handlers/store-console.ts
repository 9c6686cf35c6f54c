import { PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { z } from 'zod';
import { AcquisitionInput, instanceKey } from '../../vocabulary/index.ts';
import type { StoreConsoleInput, StoreConsoleOutput } from './contract.ts';
import { nameOf } from './errors.ts';

export type StoreConsoleDependencies = { readonly s3: S3Client; readonly bucket: string };

/** What EC2 hands over is text in Base64; nothing of it is looked into, since the suspect wrote it. */
const Base64 = z.base64();
const Input = z.strictObject({ input: AcquisitionInput, screenshot: Base64, output: Base64 });

/** Stores an instance's console as it was at first sight: what is there already stays. An empty text is nothing. */
export const storeConsole = ({ s3, bucket }: StoreConsoleDependencies) => async (event: StoreConsoleInput): Promise<StoreConsoleOutput> => {
  const { input: { caseId, instanceId }, screenshot, output } = Input.parse(event);
  const stored: string[] = [];
  const parts = [
    { key: instanceKey(caseId, instanceId, 'console.jpg'), text: screenshot, ContentType: 'image/jpeg' },
    { key: instanceKey(caseId, instanceId, 'console.txt'), text: output, ContentType: 'application/octet-stream' }, // no browser runs it
  ];
  for (const { key, text, ContentType } of parts) {
    if (text === '') continue;
    try {
      // Object Lock wants a checksum with every object.
      await s3.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: Buffer.from(text, 'base64'), ContentType, ChecksumAlgorithm: 'SHA256', IfNoneMatch: '*' }));
    } catch (error) {
      if (nameOf(error) !== 'PreconditionFailed') throw error;
    }
    stored.push(key);
  }
  return { stored };
};
