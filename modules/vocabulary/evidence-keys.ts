import { AcquisitionId, CaseId, ExhibitId, InstanceId } from './identifiers.ts';

/** What is stored for one exhibit; the suffix of its object key. */
export type ExhibitRecord = 'capture.log' | 'custody.jsonl' | 'manifest.json';

const exhibitStem = (caseId: string, exhibitId: string): string =>
  `${CaseId.parse(caseId)}/disk_evidence/${ExhibitId.parse(exhibitId)}`;

/**
 * Key of an exhibit's raw image. Throws a ZodError when an id is unsafe.
 * @param objectIndex the piece's number where the image is over the largest object; none for an image in one object
 */
export function imageKey(caseId: string, exhibitId: string, objectIndex?: number): string {
  const key = `${exhibitStem(caseId, exhibitId)}.image.dd`;
  return objectIndex === undefined ? key : `${key}.${String(objectIndex).padStart(3, '0')}`;
}

/**
 * Key of one of an exhibit's records. Throws a ZodError when an id is unsafe.
 * @param acquisitionId only for a log whose own name an attempt without a manifest took
 */
export function recordKey(caseId: string, exhibitId: string, record: ExhibitRecord, acquisitionId?: string): string {
  const attempt = acquisitionId === undefined ? '' : `.${AcquisitionId.parse(acquisitionId)}`;
  return `${exhibitStem(caseId, exhibitId)}${attempt}.${record}`;
}

/** Prefix of everything stored for a case's disks. */
export const diskEvidencePrefix = (caseId: string): string => `${CaseId.parse(caseId)}/disk_evidence/`;

/** Key of a record of the case itself. */
export const caseKey = (caseId: string, record: 'event.json' | 'case.json'): string => `${CaseId.parse(caseId)}/${record}`;

/** What is stored about one instance: what was collected, how its acquisition stands, and the custody of it all. */
export type InstanceRecordName = 'metadata.json' | 'console.jpg' | 'console.txt' | 'acquisition.json' | 'custody.jsonl';

/** Key of what is stored about one instance of a case. */
export const instanceKey = (
  caseId: string,
  instanceId: string,
  record: InstanceRecordName,
): string => `${CaseId.parse(caseId)}/instance/${InstanceId.parse(instanceId)}/${record}`;

export type ParsedExhibitKey = {
  readonly caseId: string;
  readonly exhibitId: string;
  readonly kind: 'image' | ExhibitRecord;
  /** Only for a split image. */
  readonly objectIndex?: number;
  /** Only for a log of a further attempt. */
  readonly acquisitionId?: string;
};

const EXHIBIT_KEY =
  /^([^/]+)\/disk_evidence\/([^/]+?)\.(?:image\.dd(?:\.(\d{3}))?|manifest\.json|(?:([0-7][0-9A-HJKMNP-TV-Z]{25})\.)?(capture\.log|custody\.jsonl))$/;

/** The inverse of {@link imageKey} and {@link recordKey}; undefined when the key is none of theirs. */
export function parseExhibitKey(key: string): ParsedExhibitKey | undefined {
  const match = EXHIBIT_KEY.exec(key);
  if (!match) return undefined;
  const caseId = CaseId.safeParse(match[1]);
  const exhibitId = ExhibitId.safeParse(match[2]);
  if (!caseId.success || !exhibitId.success) return undefined;
  return {
    caseId: caseId.data,
    exhibitId: exhibitId.data,
    kind: key.endsWith('.manifest.json') ? 'manifest.json' : ((match[5] as ExhibitRecord | undefined) ?? 'image'),
    ...(match[3] === undefined ? {} : { objectIndex: Number(match[3]) }),
    ...(match[4] === undefined ? {} : { acquisitionId: match[4] }),
  };
}
