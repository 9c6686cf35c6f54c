import { partsOf, type ManifestBody } from '../../modules/vocabulary/index.ts';
import type { BadSectorMap } from '../adapters/bad-sectors.ts';
import type { Dc3ddTool } from '../adapters/dc3dd-tool.ts';
import type { Recheck, SourceHandle } from '../adapters/source-disk.ts';
import type { EvidenceStore, PartDigests, StoredObjectInfo } from '../adapters/stores/evidence-store.ts';
import type { Acquired } from './acquire.ts';
import type { Judgement } from './prove.ts';
import { hostileString, type Exhibit } from './record.ts';

/** This host, as far as it can be known. */
export type HostFacts = {
  readonly collectorVersion: string;
  readonly node: string;
  readonly kernel: string;
  readonly host: string;
  readonly account?: string;
  readonly region?: string;
  readonly instanceId?: string;
};

export type ManifestFacts = {
  readonly exhibit: Exhibit;
  readonly source: SourceHandle;
  readonly after: Recheck;
  readonly openedAt: Date;
  readonly acquired: Acquired;
  readonly bad: BadSectorMap;
  readonly judgement: Judgement;
  readonly objects: readonly StoredObjectInfo[];
  readonly reread: boolean;
  readonly tool: Dc3ddTool;
  readonly host: HostFacts;
  readonly store: EvidenceStore;
  readonly records: ManifestBody['records'];
};

const sourceFacts = ({ source, after, host, exhibit }: ManifestFacts): ManifestBody['source'] => {
  const { disk } = source;
  return {
    kind: source.kind,
    ...(disk?.volumeId === undefined ? {} : { attachedVolumeId: disk.volumeId }),
    ...(host.account === undefined ? {} : { account: host.account }),
    ...(host.region === undefined ? {} : { region: host.region }),
    ...(host.instanceId === undefined ? {} : { instanceId: host.instanceId }),
    ...(exhibit.snapshotChain === undefined ? {} : { snapshotChain: [...exhibit.snapshotChain] }),
    path: hostileString(source.path),
    ...(disk?.serial === undefined ? {} : { serial: disk.serial }),
    ...(disk?.model === undefined ? {} : { model: disk.model }),
    ...(disk === undefined ? {} : { diskseq: disk.diskseq, bootId: disk.bootId }),
    size: source.size,
    logicalSectorSize: source.logicalSectorSize,
    ...(source.physicalSectorSize === undefined ? {} : { physicalSectorSize: source.physicalSectorSize }),
    labels: [...(disk?.labels ?? [])],
    holders: (disk?.holders ?? []).map(hostileString),
    readOnlyBefore: source.readOnlyBefore,
    readOnlyAfter: after.readOnly,
  };
};

const toolFacts = ({ tool, host, acquired }: ManifestFacts): ManifestBody['tool'] => ({
  collector: { version: host.collectorVersion, node: host.node },
  dc3dd: {
    path: tool.path,
    ...(tool.packageVersion === undefined ? {} : { packageVersion: tool.packageVersion }),
    ...(acquired.run.report.banner === undefined ? {} : { banner: acquired.run.report.banner }),
    binarySha256: tool.binarySha256,
    argv: [...acquired.run.argv],
  },
  kernel: host.kernel,
  host: host.host,
  hashSelfTest: { nodeCrypto: 'passed', hashWasm: 'passed' }, // a collector whose self-test fails does not get here
});

const processFacts = ({ acquired, bad, judgement, openedAt }: ManifestFacts): ManifestBody['process'] => {
  const { run, end } = acquired;
  return {
    openedAt: openedAt.toISOString(),
    startedAt: run.startedAt.toISOString(),
    endedAt: run.endedAt.toISOString(),
    exitCode: run.exitCode,
    signal: run.signal,
    footer: run.report.footer,
    bytesStreamed: end.bytes,
    sectorSize: run.report.sectorSize!,
    sectorsIn: run.report.sectorsIn!,
    sectorsOut: run.report.sectorsOut!,
    badSectors: run.report.badSectors ?? 0, // of a file there is no count
    badRanges: [...bad.ranges],
    deviations: [...judgement.deviations],
  };
};

const partDigests = (digests: PartDigests): { sha256?: string; crc32?: string; md5?: string } => ({
  ...(digests.sha256 ? { sha256: digests.sha256.toString('hex') } : {}),
  ...(digests.crc32 ? { crc32: digests.crc32.toString('hex') } : {}),
  ...(digests.md5 ? { md5: digests.md5.toString('hex') } : {}),
});

const CHECKSUM_TYPE = { SHA256: 'COMPOSITE', CRC32: 'FULL_OBJECT', MD5: 'COMPOSITE' } as const;

const integrityFacts = ({ acquired, store, reread }: ManifestFacts): ManifestBody['integrity'] => {
  const { layout, end, run, digests } = acquired;
  const { algorithm, verifiedByStore } = store.partChecksum;
  return {
    sha256: end.sha256.toString('hex'),
    ...(run.report.sha256 === undefined ? {} : { secondSha256: run.report.sha256 }),
    partSize: layout.partSize,
    parts: [...partsOf(layout)].map(({ objectIndex, partNumber, offset, length }) => ({
      object: objectIndex,
      part: partNumber,
      offset,
      length,
      ...partDigests(digests[objectIndex]![partNumber - 1]!),
    })),
    storeChecksum: verifiedByStore ? { algorithm, type: CHECKSUM_TYPE[algorithm], verifiedByStore } : { algorithm: 'none', type: 'none', verifiedByStore },
    reread: reread ? 'identical' : 'not-asked',
  };
};

const storageFacts = ({ objects, store, acquired }: ManifestFacts): ManifestBody['storage'] => {
  const { encryption, kmsKeyArn, objectLock } = objects[0]!;
  return {
    kind: store.kind,
    location: store.location,
    objects: objects.map(({ key, length, versionId, etag, checksum }, index) => ({
      key,
      offset: index * acquired.layout.objectSize,
      length,
      ...(versionId === undefined ? {} : { versionId }),
      ...(etag === undefined ? {} : { etag }),
      ...(checksum === undefined ? {} : { checksum }),
    })),
    ...(encryption === undefined ? {} : { encryption }),
    ...(kmsKeyArn === undefined ? {} : { kmsKeyArn }),
    ...(objectLock === undefined ? {} : { objectLock }),
  };
};

/** Everything that was observed, in the manifest's form. Only for an image that was judged COMPLETE or PARTIAL. */
export function manifestOf(facts: ManifestFacts): Omit<ManifestBody, 'schema' | 'createdAt'> {
  const { status } = facts.judgement;
  if (status === 'FAILED') throw new Error('a failed acquisition has no manifest');
  const { caseId, exhibitId, acquisitionId, accountable } = facts.exhibit;
  return {
    caseId,
    exhibitId,
    acquisitionId,
    accountable,
    status,
    source: sourceFacts(facts),
    tool: toolFacts(facts),
    process: processFacts(facts),
    integrity: integrityFacts(facts),
    storage: storageFacts(facts),
    records: facts.records,
  };
}
