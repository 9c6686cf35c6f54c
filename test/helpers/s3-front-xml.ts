import { CHECKSUM_NAMES, elementOf } from './s3-front-checksums.ts';
import { escapeXml } from './s3-front-errors.ts';
import type { FrontUpload, NamedPart, ObjectChecksum } from './s3-front-state.ts';

const unescapeXml = (text: string): string => text.replaceAll('&quot;', '"').replaceAll('&#34;', '"').replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&');
const fieldOf = (xml: string, name: string): string | undefined => {
  const text = new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml)?.[1];
  return text === undefined ? undefined : unescapeXml(text.trim());
};

/** An entity tag without its quotes. */
export const bareEtag = (etag: string): string => etag.replaceAll('"', '');

/** The parts that a CompleteMultipartUpload names. */
export const namedParts = (xml: string): NamedPart[] =>
  [...xml.matchAll(/<Part>([\s\S]*?)<\/Part>/g)].map(([, part = '']) => ({
    partNumber: Number(fieldOf(part, 'PartNumber')),
    etag: bareEtag(fieldOf(part, 'ETag') ?? ''),
    checksums: Object.fromEntries(CHECKSUM_NAMES.flatMap((name) => {
      const value = fieldOf(part, elementOf(name));
      return value === undefined ? [] : [[name, value]];
    })),
  }));

/** A completion as the upstream knows its parts. */
export const withUpstreamEtags = (xml: string, { parts }: FrontUpload): string =>
  [...parts.values()].reduce((done, { etag, upstreamEtag }) => done.replaceAll(etag, upstreamEtag), xml);

const withoutChecksums = (xml: string): string => xml.replaceAll(/<(Checksum[A-Za-z0-9]+)>[^<]*<\/\1>/g, '');

/** Puts elements at the end of the root element, whatever its name: servers differ there, and the SDK does not look. */
const beforeEnd = (xml: string, elements: string): string => xml.replace(/<\/[A-Za-z]+>\s*$/, (end) => elements + end);

/** What CompleteMultipartUpload answers of an object, but for its checksum. */
export const completedXml = ({ bucket, key }: { readonly bucket: string; readonly key: string }): string =>
  `<?xml version="1.0" encoding="UTF-8"?><CompleteMultipartUploadResult><Bucket>${bucket}</Bucket><Key>${escapeXml(key)}</Key><ETag>"front"</ETag></CompleteMultipartUploadResult>`;

/** CompleteMultipartUpload's answer with the object's checksum in it. */
export const completeXml = (xml: string, checksum: ObjectChecksum | undefined): string => {
  if (!checksum) return withoutChecksums(xml);
  const element = elementOf(checksum.name);
  return beforeEnd(withoutChecksums(xml), `<${element}>${checksum.value}</${element}><ChecksumType>${checksum.type}</ChecksumType>`);
};

/** ListParts' answer with each part's checksum, and the upload's algorithm and type, in it. */
export const listPartsXml = (xml: string, upload: FrontUpload): string => {
  const { algorithm, type, parts } = upload;
  if (!algorithm) return withoutChecksums(xml);
  const element = elementOf(algorithm);
  const parted = withoutChecksums(xml)
    .replaceAll(/<Part>([\s\S]*?)<\/Part>/g, (whole, part: string) => {
      const known = parts.get(Number(fieldOf(part, 'PartNumber')));
      if (known?.checksum === undefined) return whole;
      return `<Part>${part.replace(/<ETag>[^<]*</, `<ETag>&quot;${known.etag}&quot;<`)}<${element}>${known.checksum}</${element}></Part>`;
    });
  return beforeEnd(parted, `<ChecksumAlgorithm>${algorithm.toUpperCase()}</ChecksumAlgorithm><ChecksumType>${type}</ChecksumType>`);
};

/** ListMultipartUploads' answer with the time that each upload was started: moto gives them all one of 2010. */
export const listUploadsXml = (xml: string, uploads: ReadonlyMap<string, FrontUpload>): string =>
  xml.replaceAll(/<Upload>([\s\S]*?)<\/Upload>/g, (whole, listed: string) => {
    const startedAt = uploads.get(fieldOf(listed, 'UploadId') ?? '')?.startedAt;
    return startedAt ? whole.replace(/<Initiated>[^<]*</, `<Initiated>${startedAt.toISOString()}<`) : whole;
  });

/** A page of any list that is not the last: of a thousand parts behind the marker, where it is to advance, or of nothing. */
export const endlessXml = ({ query }: { readonly query: Readonly<Record<string, string>> }, advancing = false): string => {
  const from = advancing ? Number(query['part-number-marker'] ?? 0) : 0;
  const parts = advancing ? Array.from({ length: 1000 }, (_, index) => `<Part><PartNumber>${from + index + 1}</PartNumber><Size>1</Size></Part>`).join('') : '';
  const marker = advancing ? String(from + 1000) : 'again';
  const markers = ['NextKeyMarker', 'NextUploadIdMarker', 'NextPartNumberMarker', 'NextContinuationToken'].map((name) => `<${name}>${marker}</${name}>`).join('');
  return `<?xml version="1.0" encoding="UTF-8"?><ListResult><IsTruncated>true</IsTruncated>${markers}${parts}</ListResult>`;
};
