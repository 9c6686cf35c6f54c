import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { EvidenceStore } from '../../agent/adapters/stores/evidence-store.ts';
import { tempDir } from '../helpers/temp-dir.ts';
import { describeEvidenceStore } from './evidence-store.ts';

const SCRATCH = /\.(partial|partial\.parts\.jsonl|partial\.lock\.\w+|tmp)$/;

/** The contract of every evidence store, for one that keeps it in a directory. */
export const describeDirectory = (name: string, open: (root: string) => Promise<EvidenceStore>): void =>
  describeEvidenceStore(name, {
    exclusive: true,
    create: async () => {
      const dir = await tempDir();
      const root = join(dir.path, 'evidence');
      return {
        store: await open(root),
        another: () => open(root),
        visible: async () => {
          const entries = await readdir(root, { recursive: true, withFileTypes: true }).catch(() => []);
          return entries
            .filter((entry) => !entry.isDirectory() && !SCRATCH.test(entry.name))
            .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
            .toSorted();
        },
        inspect: (key) => readFile(join(root, key)).catch(() => undefined),
        cleanup: dir.remove,
      };
    },
  });
