/** A CycloneDX bill of materials of the bundle: every npm package in the code, and the Node runtime beside it. */
import { Enums, Models, Serialize, Spec } from '@cyclonedx/cyclonedx-library';
import type { Architecture } from './node-runtime.ts';
import type { BundledPackage } from './packages.ts';

export type SbomFacts = {
  readonly version: string;
  readonly architecture: Architecture;
  readonly packages: readonly BundledPackage[];
  readonly node: { readonly version: string; readonly integrity: string };
  /** Time of the commit: of two builds of one commit both bills are the same. */
  readonly time: Date;
};

/** `sha512-<base64>` as CycloneDX wants it. */
const hashesOf = (integrity: string): Models.HashDictionary => {
  const [algorithm, digest] = integrity.split('-', 2);
  if (algorithm !== 'sha512' || digest === undefined) throw new Error(`got the integrity "${integrity}"; only sha512 is known here`);
  return new Models.HashDictionary([[Enums.HashAlgorithm['SHA-512'], Buffer.from(digest, 'base64').toString('hex')]]);
};

const purl = (name: string, version: string): string => `pkg:npm/${name.replace('@', '%40')}@${version}`;

function component(name: string, version: string, license: string, integrity: string): Models.Component {
  const [group, short] = name.startsWith('@') ? name.split('/', 2) : [undefined, name];
  const url = purl(name, version);
  const made = new Models.Component(Enums.ComponentType.Library, short ?? name, {
    bomRef: url,
    version,
    purl: url,
    hashes: hashesOf(integrity),
    ...(group === undefined ? {} : { group }),
  });
  made.licenses.add(/[ (]/.test(license) ? new Models.LicenseExpression(license) : new Models.SpdxLicense(license));
  return made;
}

/** The bill as JSON, CycloneDX 1.6. */
export function sbomOf({ version, architecture, packages, node, time }: SbomFacts): string {
  const collector = new Models.Component(Enums.ComponentType.Application, 'cleanroom-collector', { bomRef: 'cleanroom-collector', version });
  const bom = new Models.Bom({ metadata: new Models.Metadata({ component: collector, timestamp: time }) });
  const runtime = component(`node-linux-${architecture}`, node.version, 'MIT', node.integrity);
  for (const part of [runtime, ...packages.map(({ name, version: own, license, integrity }) => component(name, own, license, integrity))]) {
    bom.components.add(part);
    collector.dependencies.add(part.bomRef);
  }
  const serializer = new Serialize.JsonSerializer(new Serialize.JSON.Normalize.Factory(Spec.Spec1dot6));
  return `${serializer.serialize(bom, { sortLists: true, space: 2 })}\n`;
}
