import { createHash } from 'node:crypto';
import type { EvidenceStore, StoredObjectInfo } from '../../agent/adapters/stores/evidence-store.ts';
import {
  type CustodyEvent, type ImageLayout, MANIFEST_SCHEMA, type ManifestBody, chainEvent, hostileText, imageKey, objectLength, partsOf, planLayout,
  recordKey, serializeCustody, serializeManifest,
} from '../../modules/vocabulary/index.ts';
import { digestsOf, partSourceOf } from './slabs.ts';

export const sha256Hex = (data: string | Uint8Array): string => createHash('sha256').update(data).digest('hex');

const ACQUISITION = '01JD0000000000000000000000';
const TIME = '2026-01-02T03:04:05.678Z';
const hostile = (text: string) => hostileText(Buffer.from(text));

export type ExhibitPlan = {
  /** @default case-1 */
  readonly caseId?: string;
  /** @default vol-0123456789abcdef0 */
  readonly exhibitId?: string;
  readonly image: Uint8Array;
  /** How it is cut. @default planLayout's; a directory takes parts smaller than S3's, too */
  readonly layout?: ImageLayout;
  /** The last word on the manifest before it is sealed: for manifests that are wrong but whole. */
  readonly edit?: (body: ManifestBody) => ManifestBody;
  /** What the custody log holds after its genuine end. */
  readonly afterwards?: readonly Deed[];
  /** Records that are not stored. */
  readonly omit?: readonly ('image' | 'capture.log' | 'custody.jsonl' | 'manifest.json')[];
  /** Digests that each part's record carries. @default sha256 */
  readonly partDigest?: 'sha256' | 'crc32';
};

export type StoredExhibit = {
  readonly caseId: string;
  readonly exhibitId: string;
  readonly body: ManifestBody;
  readonly imageKeys: readonly string[];
  /** Keys of capture log, custody log and manifest. */
  readonly captureKey: string;
  readonly custodyKey: string;
  readonly manifestKey: string;
};

const live = (): AbortSignal => new AbortController().signal;

/** Stores an exhibit as the collector does: image, capture log, custody log, and the manifest last. */
export async function storeExhibit(store: EvidenceStore, plan: ExhibitPlan): Promise<StoredExhibit> {
  const { caseId = 'case-1', exhibitId = 'vol-0123456789abcdef0', image, omit = [], edit = (body) => body } = plan;
  const layout = plan.layout ?? planLayout(image.length);
  const objects = omit.includes('image') ? describe(caseId, exhibitId, layout) : await storeImage(store, caseId, exhibitId, image, layout);
  const put = async (record: 'capture.log' | 'custody.jsonl' | 'manifest.json', text: string) => {
    const key = recordKey(caseId, exhibitId, record);
    const stored = omit.includes(record) ? undefined : await store.putRecord(key, Buffer.from(text), 'text/plain', live());
    return {
      key,
      length: Buffer.byteLength(text),
      sha256: sha256Hex(text),
      ...(stored?.versionId !== undefined && { versionId: stored.versionId }),
    };
  };
  const captureLog = await put('capture.log', captureLogOfImage(image));
  const facts = { ...bodyOf(caseId, exhibitId, image, layout, plan.partDigest ?? 'sha256'), ...storageOf(store, objects) };
  const { status } = edit({ ...facts, records: { captureLog, custodyLog: captureLog } });
  const custodyLog = await put('custody.jsonl', custodyOf(caseId, exhibitId, [['acquire', { device: 'loop0' }], ['conclude', { status, sha256: sha256Hex(image), reasons: [], captureLog: { ...captureLog } }], ...(plan.afterwards ?? [])]));
  const body = edit({ ...facts, records: { captureLog, custodyLog } });
  const { key: manifestKey } = await put('manifest.json', serializeManifest(body, sha256Hex));
  return { caseId, exhibitId, body, imageKeys: objects.map(({ key }) => key), captureKey: captureLog.key, custodyKey: custodyLog.key, manifestKey };
}

/** The capture log that {@link storeExhibit} stores beside an image. */
export const captureLogOfImage = ({ length }: Uint8Array): string => `dc3dd 7.2.646 started\n${length} bytes copied\ndc3dd completed\n`;

type Piece = StoredObjectInfo & { readonly offset: number };

const keyOf = (caseId: string, exhibitId: string, { objectCount }: ImageLayout, index: number): string =>
  imageKey(caseId, exhibitId, objectCount > 1 ? index : undefined);

const describe = (caseId: string, exhibitId: string, layout: ImageLayout): Piece[] =>
  Array.from({ length: layout.objectCount }, (_, index) => ({
    key: keyOf(caseId, exhibitId, layout, index),
    length: objectLength(layout, index),
    offset: index * layout.objectSize,
  }));

async function storeImage(store: EvidenceStore, caseId: string, exhibitId: string, image: Uint8Array, layout: ImageLayout): Promise<Piece[]> {
  const pieces: Piece[] = [];
  for (const piece of describe(caseId, exhibitId, layout)) {
    const objectIndex = pieces.length;
    const upload = await store.openImage(piece.key, { layout, objectIndex, metadata: { exhibit: exhibitId } }, live());
    const sources = [...partsOf(layout)].filter((range) => range.objectIndex === objectIndex).map((range) => partSourceOf(image, range));
    await Promise.all(sources.map((source) => upload.putPart(source, live())));
    const digests = await Promise.all(sources.map((source) => source.digests));
    const info = await upload.complete(digests, live());
    pieces.push({ ...info, offset: piece.offset });
  }
  return pieces;
}

const storageOf = (store: EvidenceStore, pieces: readonly Piece[]): Pick<ManifestBody, 'storage'> => ({
  storage: {
    kind: store.kind,
    location: store.location,
    objects: pieces.map(({ key, offset, length, versionId, etag, checksum }) => ({
      key,
      offset,
      length,
      ...(versionId !== undefined && { versionId }),
      ...(etag !== undefined && { etag }),
      ...(checksum !== undefined && { checksum }),
    })),
  },
});

type Deed = readonly [action: string, detail: CustodyEvent['detail']];

function custodyOf(caseId: string, exhibitId: string, deeds: readonly Deed[]): string {
  const chain: CustodyEvent[] = [];
  for (const [action, detail] of deeds) {
    chain.push(chainEvent(chain, { time: TIME, caseId, exhibitId, acquisitionId: ACQUISITION, actor: 'responder', action, detail }, sha256Hex));
  }
  return serializeCustody(chain);
}

/** A genuine manifest of an image on a disk of 512-byte sectors, or of a file where its size is no multiple of that. */
function bodyOf(
  caseId: string, exhibitId: string, image: Uint8Array, layout: ImageLayout, partDigest: 'sha256' | 'crc32',
): Omit<ManifestBody, 'storage' | 'records'> {
  const sectors = Math.floor(image.length / 512);
  return {
    schema: MANIFEST_SCHEMA,
    caseId,
    exhibitId,
    acquisitionId: ACQUISITION,
    accountable: 'responder',
    status: 'COMPLETE',
    source: {
      kind: image.length % 512 === 0 ? 'block-device' : 'image-file',
      path: hostile('/dev/loop0'),
      serial: hostile('vol0123456789abcdef0'),
      diskseq: '7',
      bootId: '01234567-89ab-cdef-0123-456789abcdef',
      size: image.length,
      logicalSectorSize: 512,
      labels: [hostile('../../etc/pw\u202e')],
      holders: [],
      readOnlyBefore: true,
      readOnlyAfter: true,
    },
    tool: {
      collector: { version: '0.1.0', node: 'v24.0.0' },
      dc3dd: { path: '/usr/bin/dc3dd', packageVersion: '7.2.646-6', binarySha256: sha256Hex('dc3dd'), argv: ['dc3dd', 'if=/proc/self/fd/3'] },
      kernel: '6.18.0',
      host: 'collector-1',
      hashSelfTest: { nodeCrypto: 'passed', hashWasm: 'passed' },
    },
    process: {
      openedAt: TIME,
      startedAt: TIME,
      endedAt: TIME,
      exitCode: 0,
      signal: null,
      footer: 'completed',
      bytesStreamed: image.length,
      sectorSize: 512,
      sectorsIn: sectors,
      sectorsOut: sectors,
      badSectors: 0,
      badRanges: [],
      deviations: [],
    },
    integrity: {
      sha256: sha256Hex(image),
      partSize: layout.partSize,
      parts: [...partsOf(layout)].map(({ objectIndex, partNumber, offset, length }) => {
        const digests = digestsOf(image.subarray(offset, offset + length));
        return { object: objectIndex, part: partNumber, offset, length, [partDigest]: digests[partDigest].toString('hex') };
      }),
      storeChecksum: { algorithm: 'none', type: 'none', verifiedByStore: false },
      reread: 'identical',
    },
    createdAt: TIME,
  };
}
